package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/thorbis/thorbis_exporter/mixin"
)

// verify compares a directory with what ought to be there and asks the programs that will read it, as far
// as they are installed.
func verify(files mixin.Files, dir string, out io.Writer) error {
	drift, err := files.Drift(dir)
	if err != nil {
		return err
	}
	for _, d := range drift {
		fmt.Fprintln(out, d)
	}
	if err := ask(files, out); err != nil {
		return err
	}
	if len(drift) > 0 {
		return fmt.Errorf("%d of %d generated files differ from the policy; run thorbis_mixin generate", len(drift),
			len(files))
	}
	fmt.Fprintf(out, "%d generated files match the policy\n", len(files))
	return nil
}

// ask runs promtool and amtool over the files where they are in the PATH.
func ask(files mixin.Files, out io.Writer) error {
	dir, err := os.MkdirTemp("", "thorbis_mixin")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := files.Write(dir); err != nil {
		return err
	}
	rules, err := filepath.Glob(filepath.Join(dir, "rules", "*.rules.yaml"))
	if err != nil {
		return err
	}
	routes, err := filepath.Glob(filepath.Join(dir, "alertmanager", "alertmanager.yaml"))
	if err != nil {
		return err
	}
	var commands [][]string // of what there is: --only leaves out parts
	if len(rules) > 0 {
		commands = append(commands, append([]string{"promtool", "check", "rules", "--lint=all", "--lint-fatal"}, rules...))
	}
	if len(routes) > 0 {
		commands = append(commands, append([]string{"amtool", "check-config"}, routes...))
	}
	var errs []error
	for _, command := range commands {
		program, err := exec.LookPath(command[0])
		if err != nil {
			fmt.Fprintf(out, "%s is not in the PATH; its check was skipped\n", command[0])
			continue
		}
		if text, err := exec.Command(program, command[1:]...).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w\n%s", command[0], err, text))
		}
	}
	return errors.Join(errs...)
}
