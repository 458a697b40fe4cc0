package source

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// A pipe among the logs, which a glob finds, holds up no other of them.
func TestPipeAmongLogs(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "access.log")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := new(Files).end(t.Context(), pipe); ok {
		t.Error("a pipe has an end")
	}
	if _, err := head(t.Context(), pipe); !errors.Is(err, regularfile.ErrNotRegular) {
		t.Errorf("head: %v", err)
	}
	if err := new(Files).follow(context.Background(), pipe); err == nil {
		t.Error("a pipe is followed")
	}
}
