package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/metric"
)

// RestoreOptions are what a restore test needs besides the policy.
type RestoreOptions struct {
	// Say reports progress to a person.
	Say func(format string, args ...any)
	// Guard is the command line of a program that runs Guard on the directory appended to it.
	Guard []string
}

// Restore tests whether a backup can be restored: into a directory that is deleted afterwards, and, if the policy says
// so, into a PostgreSQL server that answers the policy's queries. It leaves a result file. It returns an error if the
// test cannot be made or was broken off. A backup that cannot be restored is a result without success.
func Restore(ctx context.Context, b *config.Backup, o RestoreOptions) (r *result.Result, err error) {
	q, err := program.NewQuery(b)
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", b.Name, err)
	}
	restore, err := restoreCommand(ctx, b, q)
	if err != nil {
		return nil, err
	}
	if b.RestoreTest.Scratch == "" {
		return nil, fmt.Errorf("backup %s: restore_test.scratch is missing: a directory with room for what is restored",
			b.Name)
	}
	dir, err := newScratch(b.RestoreTest.Scratch, b.Name, o.Guard)
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", b.Name, err)
	}
	defer func() { err = errors.Join(err, dir.remove()) }()

	limited, cancel := context.WithTimeoutCause(ctx, b.RestoreTest.Timeout.Std(), command.ErrTimeout)
	defer cancel()
	say, done := working(o.Say, sayEvery)
	defer done()
	v := newVerification(b.Name, metric.TestRestore, say)
	v.restore(limited, b, restore(dir.path), dir.path)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("backup %s: the restore test was broken off: %w", b.Name, ctx.Err())
	}
	return v.finish(b.Results)
}

// restoreCommand returns the command that restores into a directory: the policy's, else the program's.
func restoreCommand(ctx context.Context, b *config.Backup, q *program.Query) (func(dir string) command.Command, error) {
	r := &b.RestoreTest
	if len(r.Command) > 0 {
		env, err := program.Environment(ctx, r.Environment, r.Secrets)
		if err != nil {
			return nil, err
		}
		return func(dir string) command.Command {
			return command.Command{
				Path: r.Command[0], Args: r.Command[1:], Dir: dir, Polite: true,
				Env: append(env, "THORBIS_RESTORE_DIR="+dir, "THORBIS_BACKUP="+b.Name),
			}
		}, nil
	}
	restore, err := q.Restore(ctx)
	if err != nil {
		return nil, err
	}
	if restore == nil || r.PostgreSQL == nil {
		return nil, fmt.Errorf("backup %s: missing restore_test.command: write what restores into $THORBIS_RESTORE_DIR; "+
			"pgbackrest and barman need only restore_test.postgresql", b.Name)
	}
	if r.PostgreSQL.Data == "" {
		r.PostgreSQL.Data = "data"
	}
	return func(dir string) command.Command { return restore(dir, filepath.Join(dir, r.PostgreSQL.Data)) }, nil
}

// restore restores into a directory, has a PostgreSQL server answer the checks, and counts the bytes.
func (v *verification) restore(ctx context.Context, b *config.Backup, c command.Command, dir string) {
	start := time.Now()
	v.Say("restoring into %s", dir)
	_, err := command.Run(ctx, c)
	v.Check("restore", err)
	if err != nil {
		return
	}
	v.RestoreSeconds = time.Since(start).Seconds()
	size, err := sizeOf(dir)
	if err == nil && size == 0 {
		err = errors.New("nothing was restored into the scratch directory")
	}
	if b.RestoreTest.PostgreSQL == nil {
		// A command may test elsewhere, so that an empty directory proves nothing against it.
		if size > 0 {
			v.Read(size)
		}
		return
	}
	if err != nil {
		v.Check("restored files", err)
		return
	}
	v.Read(size)
	v.askPostgreSQL(ctx, b.RestoreTest.PostgreSQL, dir, start)
}

// sizeOf is how much a directory holds, our own lock apart.
func sizeOf(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == lockName {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
