package main

import (
	"errors"
	"fmt"
	"io"
)

// printImport prints the part of the policy that was imported from a file. What cannot be turned is an error, after the
// rest has been printed.
func printImport(name string, from func(string) ([]byte, error), out io.Writer) error {
	text, err := from(name)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	_, printed := fmt.Fprint(out, string(text))
	return errors.Join(err, printed)
}
