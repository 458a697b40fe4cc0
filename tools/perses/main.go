// Command perses checks resources of Perses offline with the Go types of Perses and of its plugins: a field that is
// unknown, a value that Perses refuses and a reference to nothing are errors.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/perses/perses/pkg/model/api/v1"
)

var errUsage = errors.New("usage: perses validate FILE...")

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks the files and prints how many resources and plugins of each kind they have.
func run(args []string, out io.Writer) error {
	if len(args) < 2 || args[0] != "validate" {
		return errUsage
	}
	kinds := map[string]int{}
	var errs []error
	for _, file := range args[1:] {
		if err := validateFile(file, kinds); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(kinds)
}

// validateFile checks the resource in a file and counts its kind and those of its plugins.
func validateFile(file string, kinds map[string]int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	kinds[head.Kind]++
	switch head.Kind {
	case "Project":
		return strict(text, new(v1.Project))
	case "Dashboard":
		var d v1.Dashboard
		if err := strict(text, &d); err != nil {
			return err
		}
		return validateDashboard(d, kinds)
	}
	return fmt.Errorf("unknown kind %q", head.Kind)
}
