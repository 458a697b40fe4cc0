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

// checked is the result of check.
type checked struct {
	Files       int                `json:"files"` // that are generated
	Differences []mixin.Difference `json:"differences"`
	Programs    []checkedProgram   `json:"programs"` // that will read them
}

// checkedProgram is what a program found in the files that it will read.
type checkedProgram struct {
	Name    string `json:"name"`
	Skipped bool   `json:"skipped"` // it is not in the PATH
	Error   string `json:"error,omitempty"`
}

// verify compares a directory with what ought to be there and asks the programs that will read it, as far
// as they are installed.
func verify(files mixin.Files, dir, format string, out io.Writer) error {
	drift, err := files.Drift(dir)
	if err != nil {
		return err
	}
	found := checked{Files: len(files), Differences: drift}
	if found.Programs, err = ask(files); err != nil {
		return err
	}
	if format == "json" {
		if err := writeJSON(out, found); err != nil {
			return err
		}
	} else {
		found.write(out)
	}
	var errs []error
	for _, p := range found.Programs {
		if p.Error != "" {
			errs = append(errs, fmt.Errorf("%s: %s", p.Name, p.Error))
		}
	}
	if len(errs) == 0 && len(drift) > 0 {
		return fmt.Errorf("%d of %d generated files differ from the policy; run thorbis_mixin generate", len(drift),
			len(files))
	}
	return errors.Join(errs...)
}

// write prints the result but for the errors of programs.
func (c *checked) write(out io.Writer) {
	for _, d := range c.Differences {
		fmt.Fprintln(out, d)
	}
	failed := false
	for _, p := range c.Programs {
		failed = failed || p.Error != ""
		if p.Skipped {
			fmt.Fprintf(out, "%s is not in the PATH; its check was skipped\n", p.Name)
		}
	}
	if len(c.Differences) == 0 && !failed {
		fmt.Fprintf(out, "%d generated files match the policy\n", c.Files)
	}
}

// ask runs promtool and amtool over the files where they are in the PATH.
func ask(files mixin.Files) ([]checkedProgram, error) {
	dir, err := os.MkdirTemp("", "thorbis_mixin")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := files.Write(dir); err != nil {
		return nil, err
	}
	rules, err := filepath.Glob(filepath.Join(dir, "rules", "*.rules.yaml"))
	if err != nil {
		return nil, err
	}
	routes, err := filepath.Glob(filepath.Join(dir, "alertmanager", "alertmanager.yaml"))
	if err != nil {
		return nil, err
	}
	var commands [][]string // of what there is: --only leaves out parts
	if len(rules) > 0 {
		commands = append(commands, append([]string{"promtool", "check", "rules", "--lint=all", "--lint-fatal"}, rules...))
	}
	if len(routes) > 0 {
		commands = append(commands, append([]string{"amtool", "check-config"}, routes...))
	}
	found := []checkedProgram{}
	for _, command := range commands {
		one := checkedProgram{Name: command[0]}
		program, err := exec.LookPath(command[0])
		if err != nil {
			one.Skipped = true
		} else if text, err := exec.Command(program, command[1:]...).CombinedOutput(); err != nil {
			one.Error = fmt.Sprintf("%v\n%s", err, text)
		}
		found = append(found, one)
	}
	return found, nil
}
