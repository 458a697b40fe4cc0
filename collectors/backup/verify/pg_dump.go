package verify

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thorbis/thorbis_exporter/internal/command"
)

// pgRestoreRead has pg_restore read a dump in PostgreSQL's custom format to its end: its table of contents alone would
// not show that the data are cut short.
func (v *verification) pgRestoreRead(ctx context.Context, path string) error {
	if isDump, err := v.beginsAsDump(ctx, path); err != nil || !isDump {
		return err
	}
	return v.restoreNowhere(ctx, path, "")
}

// beginsAsDump recognizes a dump in PostgreSQL's custom format, or the table of contents of its directory format.
func (v *verification) beginsAsDump(ctx context.Context, path string) (bool, error) {
	f, err := v.files.open(ctx, path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	magic := make([]byte, 5)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "PGDMP", nil
}

// restoreNowhere has pg_restore read a dump, and counts the directory that it lies in, if it does.
func (v *verification) restoreNowhere(ctx context.Context, path, dir string) error {
	tool := postgresTool("pg_restore")
	if tool == "" {
		return errors.New("it is a PostgreSQL dump, and there is no pg_restore to read it with")
	}
	if dir != "" {
		if err := plain(ctx, dir, false); err != nil {
			return err
		}
	}
	if err := v.runTool(ctx, tool, "--file=/dev/null", path); err != nil || dir == "" {
		return err
	}
	return v.count(dir)
}

// postgresTool finds a program of PostgreSQL, the newest installed.
func postgresTool(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	return ""
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// count adds the bytes that a tool read for us.
func (v *verification) count(dir string) error {
	return filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			v.Read(info.Size())
		}
		return err
	})
}

func (v *verification) runTool(ctx context.Context, path string, args ...string) error {
	_, err := command.Run(ctx, command.Command{Path: path, Args: args, Polite: true, Stdout: io.Discard})
	return err
}
