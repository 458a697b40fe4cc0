package store

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

func identified(t *testing.T, path string) *testStore {
	t.Helper()
	return newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
}

// The identity is that of counters which go on: it is kept by restarts, compaction and copies, which are how a state
// is moved, and by a state that is saved anew from memory. Counters that begin at 0 have a new one.
func TestIdentityFollowsTheCounters(t *testing.T) {
	path, moved := t.TempDir(), filepath.Join(t.TempDir(), "moved")
	d := identified(t, path)
	first := d.View().Store
	if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(first) {
		t.Fatalf("identity %q", first)
	}
	d.count("acme", 3)
	same := func(what string, want bool) {
		t.Helper()
		if got := d.View().Store; (got == first) != want || got == "" {
			t.Errorf("%s: identity %s, %s before", what, got, first)
		}
	}
	d.close()
	d = identified(t, path)
	same("restarted", true)
	d.compactNow()
	d.close()
	d = identified(t, path)
	same("read from a snapshot", true)
	d.close()
	if err := os.CopyFS(moved, os.DirFS(path)); err != nil {
		t.Fatal(err)
	}
	d = identified(t, moved)
	same("moved", true)
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}
	_ = d.save()
	d.saveAnew()
	same("removed while in use", true)
	d.close()
	d = identified(t, moved)
	same("saved anew", true)
	d.close()
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(moved)); err != nil {
		t.Fatal(err)
	}
	d = identified(t, moved)
	d.count("acme", 1)
	d.close()
	if err := os.Remove(filepath.Join(old, "LOCK")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(old, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(moved, f.Name()), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d = identified(t, moved)
	same("rolled back", false)
	second := d.View().Store
	d.close()
	d = identified(t, moved)
	if got := d.View().Store; got != second {
		t.Errorf("restarted after it began anew: %s, %s before", got, second)
	}
	d.close()
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}
	d = identified(t, moved)
	same("removed", false)
	if got := d.View().Store; got == second {
		t.Errorf("removed: still %s", got)
	}
}

// A state of a version without identities exports nothing until it has one that is saved: its series would change.
func TestNoSeriesWithoutAnIdentity(t *testing.T) {
	path := t.TempDir()
	if err := os.CopyFS(path, os.DirFS("testdata/recorded")); err != nil {
		t.Fatal(err)
	}
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(Options{Logger: slog.New(slog.DiscardHandler), State: dir})
	if err != nil {
		t.Fatal(err)
	}
	d := &testStore{Store: s, t: t, dir: dir, path: path}
	defer d.close()
	log := d.log
	d.log = &state.Log{} // closed: every append fails
	d.identify()
	if got := d.exported(); len(got) > 0 {
		t.Errorf("exported %v", got)
	}
	d.Scraped("a", d.View().Version)
	d.log = log
	if _ = d.save(); d.View().Store == "" || len(d.exported()) == 0 || d.exported()["new"] != 0 {
		t.Errorf("store %q exports %v", d.View().Store, d.exported())
	}
}
