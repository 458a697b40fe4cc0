package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	backupprogram "github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/collectors/backup/verify"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
)

// backups is the family of commands on backups. Heavy ones run from a timer, never in the server.
type backups struct {
	*flags
	name, dir string
	format    string // of list
	run       map[string]func(ctx context.Context) error
}

func newBackups(app *kingpin.Application, f *flags) *backups {
	b := &backups{flags: f}
	family := app.Command("backup", "List, verify and test the policy's backups.")
	one := func(name, help string, run func(context.Context) error) *kingpin.CmdClause {
		c := family.Command(name, help)
		c.Arg("name", "Name of the backup; without it all that this location lists.").StringVar(&b.name)
		b.run[c.FullCommand()] = run
		return c
	}
	b.run = map[string]func(context.Context) error{}
	one("list", "List backups and print what was found.", b.list).
		Flag("format", "text or json.").Default("text").EnumVar(&b.format, "text", "json")
	one("verify", "Verify that backups are complete and write a result file; exit 1 if one is not.", b.verify)
	one("restore-test",
		"Restore backups, check the restored data, delete it and write a result file; exit 1 if a check fails.",
		b.restoreTest)
	guard := family.Command("guard", "Delete a scratch directory when the restore test that uses it has ended.").Hidden()
	guard.Arg("directory", "The scratch directory.").Required().StringVar(&b.dir)
	b.run[guard.FullCommand()] = func(ctx context.Context) error { return verify.Guard(ctx, b.dir, os.Stdin) }
	return b
}

// chosen are the backups that a command is about.
func (b *backups) chosen(ctx context.Context) ([]*config.Backup, error) {
	p, err := b.load(ctx)
	if err != nil {
		return nil, err
	}
	if b.name != "" {
		one, ok := p.Backup(b.name)
		if !ok {
			return nil, fmt.Errorf("unknown backup %q: %s", b.name, config.Suggest(b.name, names(p.Backups)))
		}
		return []*config.Backup{one}, nil
	}
	all := slices.DeleteFunc(slices.Clone(p.Backups), func(one *config.Backup) bool {
		return len(one.Locations) > 0 && !slices.Contains(one.Locations, p.Location)
	})
	if len(all) == 0 {
		return nil, errors.New(
			"no backup of the policy is listed at this location: write backups, or choose another --location")
	}
	return all, nil
}

func names(backups []*config.Backup) []string {
	out := make([]string, len(backups))
	for i, b := range backups {
		out[i] = b.Name
	}
	return out
}

func (b *backups) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.stdout, format+"\n", args...)
}

func (b *backups) list(ctx context.Context) error {
	all, err := b.chosen(ctx)
	if err != nil {
		return err
	}
	var errs []error
	found := []*backupprogram.Listed{}
	for _, one := range all {
		listed, err := backupprogram.List(ctx, one)
		if err == nil && b.format != "json" {
			err = listed.Write(b.stdout)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("backup %s: %w", one.Name, err))
			continue
		}
		found = append(found, listed)
	}
	if b.format == "json" {
		errs = append(errs, writeJSON(b.stdout, found))
	}
	return errors.Join(errs...)
}

func (b *backups) verify(ctx context.Context) error {
	return b.prove(ctx,
		func(one *config.Backup) bool { return one.Verify.Interval > 0 }, func(one *config.Backup) (*result.Result, error) {
			return verify.Backup(ctx, one, b.say)
		})
}

func (b *backups) restoreTest(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := verify.RestoreOptions{Say: b.say, Guard: []string{self, "backup", "guard"}}
	return b.prove(ctx, func(one *config.Backup) bool { return one.RestoreTest.Interval > 0 },
		func(one *config.Backup) (*result.Result, error) {
			return verify.Restore(ctx, one, o)
		})
}

// prove tests backups one after the other: the one that was named, else all that the policy wants tested.
func (b *backups) prove(ctx context.Context, wanted func(*config.Backup) bool,
	test func(*config.Backup) (*result.Result, error),
) error {
	all, err := b.chosen(ctx)
	if err != nil {
		return err
	}
	command.YieldSelf() // checksums are our own work
	if n := command.EndOrphans(); n > 0 {
		_, _ = fmt.Fprintf(b.stderr, "ended %d programs of an earlier run that was killed\n", n)
	}
	var errs []error
	for _, one := range all {
		if b.name == "" && !wanted(one) {
			continue
		}
		b.say("%s:", one.Name)
		unlock, err := verify.OneAtATime(ctx, one.Results)
		if err != nil {
			return err
		}
		r, err := test(one)
		unlock()
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil:
			errs = append(errs, err)
		case !r.Success:
			errs = append(errs,
				fmt.Errorf("backup %s failed the test: see %s", one.Name, result.File(one.Results, r.Backup, r.Test)))
		}
	}
	return errors.Join(errs...)
}
