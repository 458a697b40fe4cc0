package tenants

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Half of a file that is being written can be a list of its own. One that was written a moment ago is not read before
// it has settled, and then as a whole.
func TestFileThatIsBeingWrittenIsNotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.yaml")
	write := func(text string) {
		t.Helper()
		testkit.WriteFile(t, file, text)
	}
	write("tenants:\n- {name: a}\n- {name: b}\n- {name: c}\n- {name: d}\n")
	s := &Reader{File: file, Settle: time.Hour}
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Fatalf("the first list is put in use at once: %v, %v", changed, err)
	}
	write("tenants:\n- {name: a}\n- {name: b}\n- {name: c}\n") // the rest is on its way
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Refresh(ctx)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("it does not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if list, _ := s.List(); len(list) != 4 {
		t.Errorf("%d tenants", len(list))
	}
	if s.Errors != nil && s.Errors.Load() != 0 {
		t.Errorf("a read that a reload interrupts is %d errors", s.Errors.Load())
	}
	late, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	if _, err := s.Refresh(late); !errors.Is(err, context.DeadlineExceeded) || s.Errors == nil || s.Errors.Load() != 1 {
		t.Errorf("a read that has had its time is not counted: %v", err)
	}
	write("tenants:\n- {name: a}\n- {name: b}\n- {name: c}\n- {name: d}\n- {name: e}\n")
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("settled: %v, %v", changed, err)
	}
	if list, _ := s.List(); len(list) != 5 {
		t.Errorf("%d tenants", len(list))
	}
}

func TestErrorsGoOnInTheNextSource(t *testing.T) {
	dir := t.TempDir()
	old := readerOf(&config.Registry{File: filepath.Join(dir, "none"), Refresh: config.Duration(time.Minute)}, nil)
	if _, err := old.Refresh(t.Context()); err == nil {
		t.Fatal("no error")
	}
	next := readerOf(&config.Registry{File: filepath.Join(dir, "other"), Refresh: config.Duration(time.Minute)}, old)
	if _, _, n := next.Status(); n != 1 || next == old {
		t.Errorf("%d errors", n)
	}
}

// A list is kept when it is new, and again when it was removed.
func TestListIsKeptOnce(t *testing.T) {
	d, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	s := &Reader{list: []Tenant{{Name: "a"}}, loaded: true, version: 1}
	kept := func() int {
		list, err := Kept(d, "x")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if err := s.Keep(d, "x"); err != nil || kept() != 1 {
		t.Errorf("%d kept, %v", kept(), err)
	}
	s.list = append(s.list, Tenant{Name: "b"}) // no new version
	if err := s.Keep(d, "x"); err != nil || kept() != 1 {
		t.Errorf("%d kept, %v", kept(), err)
	}
	if err := d.Remove("x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(d, "x"); err != nil || kept() != 2 {
		t.Errorf("%d kept, %v", kept(), err)
	}
	adopted := &Reader{list: []Tenant{{Name: "a"}}, adopted: true, version: 1}
	if err := adopted.Keep(d, "x"); err != nil || kept() != 2 {
		t.Errorf("a list that was only adopted is kept: %d, %v", kept(), err)
	}
}
