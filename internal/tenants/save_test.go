package tenants

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// next returns the next update for which ok holds.
func next(t *testing.T, updates <-chan Update, what string, ok func(Update) bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case u := <-updates:
			if ok(u) {
				return
			}
		case <-timeout:
			t.Fatalf("no update: %s", what)
		}
	}
}

// A storage disk that hangs just as the list changes keeps no collector from the new list, and no reload waiting. The
// list counts as not kept until the disk answers; then the newest one is saved.
func TestSaveThatHangsHoldsUpNoRead(t *testing.T) {
	storage := t.TempDir()
	d, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	pipe := filepath.Join(storage, keptName+".state.tmp")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil { // opening it waits for a reader
		t.Skipf("no named pipes here: %v", err)
	}
	release := func() {
		if f, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
			t.Cleanup(func() { _ = f.Close() })
		}
	}
	defer release() // before the cleanups, which wait for a read that hangs
	r := NewRegistry(d, slog.New(slog.DiscardHandler))
	r.saving.patience = 50 * time.Millisecond
	file := filepath.Join(t.TempDir(), "tenants.yaml")
	testkit.WriteFile(t, file, "tenants: [{name: acme}]")
	c := &config.Registry{File: file, Refresh: config.Duration(time.Second)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var updates []chan Update
	var first *Subscription
	for range 2 {
		s, u, done := subscribe(t, r, c), make(chan Update, 100), make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx, func(update Update) { u <- update })
		}()
		t.Cleanup(func() { <-done })
		updates = append(updates, u)
		first = s
	}
	for _, u := range updates {
		next(t, u, "of the first read", func(u Update) bool { return u.Err == nil })
		next(t, u, "of a list that is not kept", func(u Update) bool { return u.Err == nil && u.NotKept != nil })
	}
	testkit.WriteFile(t, file, "tenants: [{name: acme}, {name: zoo}]")
	old := time.Now().Add(-time.Hour) // it has settled
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	first.Use(first.Reader()) // a reload
	for _, u := range updates {
		next(t, u, "of a new list while the disk hangs", func(u Update) bool {
			list, _ := first.Reader().List()
			return len(list) == 2 && u.NotKept != nil
		})
	}
	release()
	for _, u := range updates {
		next(t, u, "of a list that is kept", func(u Update) bool { return u.Err == nil && u.NotKept == nil })
	}
	if list, err := Kept(d, keptName); err != nil || len(list) != 2 {
		t.Errorf("%v kept, %v", list, err)
	}
}

// A read that a reload has overtaken does not replace the saved list of the new registry by that of the old one.
func TestListOfAReplacedReaderIsNotSaved(t *testing.T) {
	r, d := testRegistry(t)
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "other.yaml")
	testkit.WriteFile(t, one, "tenants: [{name: a}, {name: b}]")
	testkit.WriteFile(t, other, "tenants: [{name: x}]")
	refresh := config.Duration(time.Minute)
	s := subscribe(t, r, &config.Registry{File: one, Refresh: refresh})
	testkit.WriteFile(t, one, "tenants: [{name: a}, {name: b}, {name: c}]") // settles for a second
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.read(t.Context())
	}()
	old := s.Reader()
	testkit.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.reading
	}, "the old registry is being read")
	reader, err := s.Prepare(&config.Registry{File: other, Refresh: refresh})
	if err != nil {
		t.Fatal(err)
	}
	s.Use(reader)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	if list, _ := old.List(); len(list) != 3 {
		t.Fatalf("the old reader has read %v", list)
	}
	if err := r.keep(old); err != nil { // as after a read by a command
		t.Error(err)
	}
	testkit.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return !r.saving.running
	}, "the list is saved")
	if list, err := Kept(d, keptName); err != nil || len(list) != 1 || list[0].Name != "x" {
		t.Errorf("%v kept, %v", list, err)
	}
}
