package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/change"
)

// exitDiffers is the exit code of diff where the policies differ.
const exitDiffers = 3

// errDiffers reports that two policies differ, which was printed.
var errDiffers = errors.New("the policies differ")

// diffCommand compares the policy with another, or with itself at a revision of git.
type diffCommand struct {
	command, against, format string
}

func newDiff(app *kingpin.Application) *diffCommand {
	d := &diffCommand{}
	c := app.Command("diff", "Print what a change of the policy alters: values, alerts, rules and who is paged; "+
		"exit 3 if anything does.")
	c.Flag("against", "The policy before: a file or directory, or a revision of git, such as HEAD, of --config.file.").
		Required().StringVar(&d.against)
	formatFlag(c, &d.format)
	d.command = c.FullCommand()
	return d
}

func (d *diffCommand) run(file string, after *config.Policy, out io.Writer) error {
	before, err := d.before(context.Background(), file)
	if err != nil {
		return err
	}
	changes, err := change.Between(before, after)
	if err != nil {
		return err
	}
	if d.format == "json" {
		if changes == nil {
			changes = []change.Change{} // an empty list, and not null
		}
		err = writeJSON(out, changes)
	} else {
		change.Write(out, changes)
	}
	if err == nil && len(changes) > 0 {
		return errDiffers
	}
	return err
}

// before loads the policy to compare with.
func (d *diffCommand) before(ctx context.Context, file string) (*config.Policy, error) {
	if _, err := os.Stat(d.against); err == nil {
		return config.LoadOnce(ctx, d.against, nil)
	}
	if file == "" || file == "-" {
		return nil, fmt.Errorf("--against: no file or directory %q, and without a --config.file in a checkout "+
			"it cannot be a revision", d.against)
	}
	dir, err := os.MkdirTemp("", "thorbis_mixin")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	at, name := filepath.Split(filepath.Clean(file))
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		at, name = file, ""
	}
	if err := checkout(ctx, at, d.against, dir); err != nil {
		return nil, fmt.Errorf("--against: %q is not a file, and as a revision: %w", d.against, err)
	}
	return config.LoadContext(ctx, filepath.Join(dir, name))
}
