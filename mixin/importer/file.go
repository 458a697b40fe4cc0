package importer

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFile bounds the files of other tools that are read.
const maxFile = 8 << 20

// ReadFile reads a file of another tool whole. Its errors omit the name, which callers add.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	return text, nil
}
