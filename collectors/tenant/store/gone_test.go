package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// What was accepted is on the disk, whatever was removed of the state while it was in use, and however often.
func TestAcceptedOutlivesRemovedState(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "state"), Config{Limit: 10, Thresholds: []uint64{300e6}})
	slot, _ := d.Admit(d.web.Service, "acme")
	d.snapSize = -compactAbove // a snapshot at every tick, too
	_, stop := d.running()
	var accepted uint64
	commit := func() error {
		err := d.Commit(t.Context(), Encode(d.batch(slot, 1)))
		if err == nil {
			accepted++
		}
		return err
	}
	remove := func(pattern string) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(d.path, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	for _, pattern := range []string{"*", "tenant.*.log", "tenant.mark", "tenant*", ".", "LOCK"} {
		for range 3 {
			if err := commit(); err != nil {
				t.Fatal(err)
			}
		}
		remove(pattern)
		for end := time.Now().Add(30 * time.Second); commit() != nil; time.Sleep(10 * time.Millisecond) {
			if d.clock.add(anewRetry); time.Now().After(end) {
				t.Fatalf("%s: nothing is accepted any more", pattern)
			}
		}
	}
	// One that is idle notices, too.
	remove("*")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(d.path, "tenant.state")); err == nil && !d.Unsaved() {
			break
		}
		if d.clock.add(anewRetry); time.Now().After(end) {
			t.Fatal("an idle store does not notice")
		}
	}
	stop()
	if n, _, _ := d.Totals(); n != accepted {
		t.Errorf("%d counted, %d accepted", n, accepted)
	}
	if n := d.reread(); n != accepted {
		t.Errorf("%d on the disk, %d accepted", n, accepted)
	}
}

// A state of the first format of logs goes on to the digit.
func TestFirstFormatIsRead(t *testing.T) {
	for _, which := range []string{"killed", "closed"} {
		path := t.TempDir()
		if err := os.CopyFS(path,
			os.DirFS(filepath.Join("..", "..", "..", "internal", "state", "testdata", "first_format", which))); err != nil {
			t.Fatal(err)
		}
		for run := range uint64(3) {
			dir, err := state.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			b, err := Open(Options{Logger: slog.New(slog.DiscardHandler), State: dir})
			if err != nil {
				t.Fatal(err)
			}
			n, _, _ := b.Totals()
			files := b.Files(0)
			if n != 10+run || len(files) != 1 || files[0].Offset != 400 || b.saved.lostAt != 0 {
				t.Errorf("%s: %d requests, %+v, lost at %d", which, n, files, b.saved.lostAt)
			}
			slot, ok := b.Lookup(0, []byte("acme"))
			if !ok {
				t.Fatal("the tenant is not known")
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- b.Run(ctx) }()
			if err := b.Commit(ctx, Encode(
				&Batch{Epoch: b.Epoch(), Thresholds: []uint64{300e6}, Accumulators: []*Accumulator{accumulatorOf(slot, 1, 1e6)}},
			)); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := errors.Join(<-done, b.Close(), dir.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
