package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/thorbis/thorbis_exporter/mixin"
)

// importSloth prints the policy's slos for a specification of sloth. What cannot be turned is an error, after the
// rest has been printed.
func importSloth(name string, out io.Writer) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := mixin.ImportSloth(file)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	_, printed := fmt.Fprint(out, string(text))
	return errors.Join(err, printed)
}
