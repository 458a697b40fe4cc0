package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/thorbis/thorbis_exporter/mixin/importer"
)

// printImport prints the part of the policy that was imported from a file, and writes the modules of its checks to
// a file that does not exist yet. What cannot be imported is an error, after the rest has been printed.
func printImport(name, modules string, convert func(string) (importer.Part, error), out io.Writer) error {
	part, err := convert(name)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if part.Modules != nil {
		part.Policy = bytes.Replace(part.Policy, []byte("modules_file: "+importer.ModulesFile+"\n"),
			[]byte("modules_file: "+strconv.Quote(filepath.Base(modules))+"\n"), 1)
		if written := writeNew(modules, part.Modules); written != nil {
			return errors.Join(err, fmt.Errorf("the modules of the checks were not written: %w", written))
		}
	}
	_, printed := fmt.Fprint(out, string(part.Policy))
	return errors.Join(err, printed)
}

// writeNew writes a file that must not exist.
func writeNew(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
