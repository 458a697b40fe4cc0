package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Read finds what was saved while another process holds the directory, and reports what Load would.
func TestReadWithoutTheLock(t *testing.T) {
	path := t.TempDir()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := Read(path, "a", 1, 100); !errors.Is(err, ErrNotFound) {
		t.Errorf("before a save: %v", err)
	}
	for _, payload := range []string{"one", "two"} {
		if err := d.Save("a", 1, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path, "a", 1, 100); err != nil || string(got) != payload {
			t.Errorf("%q, %v, want %q", got, err, payload)
		}
	}
	if _, err := Read(path, "a", 2, 100); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
	if _, err := Read(path, "a", 1, 2); !errors.Is(err, ErrCorrupt) {
		t.Errorf("too large: %v", err)
	}
	if _, err := Read(path, "../a", 1, 2); err == nil {
		t.Error("a name that leaves the directory is accepted")
	}
	if err := os.WriteFile(filepath.Join(path, "a.state"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, "a", 1, 100); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damaged: %v", err)
	}
}
