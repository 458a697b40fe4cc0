package state

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Read returns the payload last saved under a name in a directory that another process may hold: snapshots are replaced
// as a whole, so what is read is one of them. It neither locks nor changes anything, and does not notice a snapshot
// that was rolled back. Errors are those of Load.
func Read(path, name string, version, maxBytes int) ([]byte, error) {
	if !nameRE.MatchString(name) {
		return nil, fmt.Errorf("invalid name of a snapshot %q", name)
	}
	payload, h, _, err := read(filepath.Join(path, name+".state"), maxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read %s: %w", name, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case h.version != uint32(version):
		return nil, fmt.Errorf("read %s: %w: %d, want %d", name, ErrVersion, h.version, version)
	}
	return payload, nil
}
