package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// OneAtATime waits until no other test uses the directory of results, and returns a function that ends this use. So
// several timers may fire at once.
func OneAtATime(ctx context.Context, results string) (unlock func(), err error) {
	if err := os.MkdirAll(results, 0o755); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	f, err := regularfile.OpenFile(ctx, filepath.Join(results, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("results: %w", err), f.Close())
		}
		if !collectors.Pause(ctx, time.Second) {
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}
