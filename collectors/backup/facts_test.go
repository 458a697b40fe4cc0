package backup

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A retention of two fulls leaves too little to compare with in any one listing: sizes are remembered over time, and over
// restarts.
func TestSizesAreRememberedBeyondRetention(t *testing.T) {
	f := newFacts("directory")
	list := func(first int, sizes ...int64) *group {
		t.Helper()
		s := newListing(false)
		for i, size := range sizes {
			it := item()
			it.ID, it.Kind, it.Size = fmt.Sprint(first+i), metric.KindFull, size
			it.Stop = time.Unix(1_700_000_000+int64(first+i)*86400, 0).UTC()
			if err := s.add(it); err != nil {
				t.Fatal(err)
			}
		}
		s.finish(metric.KindFull)
		f.merge(s, time.Unix(1_800_000_000, 0))
		// As saved and loaded again.
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		f = &facts{}
		if err := json.Unmarshal(text, f); err != nil {
			t.Fatal(err)
		}
		f.fill()
		return f.Repositories[defaultRepository].Groups[metric.KindFull]
	}
	if g := list(1, 100, 102); g.Earlier != unknown {
		t.Errorf("two sizes are compared: %+v", g)
	}
	if g := list(2, 102, 104); g.Earlier != unknown {
		t.Errorf("three sizes are compared: %+v", g)
	}
	if g := list(3, 104, 10); g.Earlier != 102 || g.Newest.Size != 10 {
		t.Errorf("%+v", g)
	}
	if g := list(3, 104, 10); g.Earlier != 102 || len(g.Sizes) != 4 {
		t.Errorf("the same listing again: %+v", g)
	}
	for i := range 30 {
		list(4+i, 10, 10)
	}
	if g := list(34, 10, 10); len(g.Sizes) != earlierSizes+1 || g.Earlier != 10 {
		t.Errorf("memory is not bounded: %+v", g)
	}
	// The newest is gone: what is compared is what there is.
	if g := list(34, 10); g.Newest.Size != 10 || g.Sizes[0].Stop.After(g.Newest.Stop) {
		t.Errorf("%+v", g)
	}
}

// A policy that looks elsewhere deletes nothing: what is known of one place is no memory of another. The tests are of the
// backup and stay.
func TestAnotherSourceIsNoDeletion(t *testing.T) {
	dir, results := t.TempDir(), t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	write(t, one+"/db-1.dump", []byte("x"), time.Now().Add(-time.Hour))
	write(t, one+"/db-2.dump", []byte("x"), time.Now())
	write(t, other+"/db-2.dump", []byte("x"), time.Now())
	policy := func(source string) string {
		return "backups: [{name: main, interval: 1d, results: " + results + ", source: {program: directory, " + source + "}}]"
	}
	storage, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer storage.Close()
	r := Result{Backup: "main", Test: metric.TestVerify, Started: time.Unix(1000, 0), Finished: time.Unix(1060, 0), Success: true}
	if err := r.Write(results); err != nil {
		t.Fatal(err)
	}
	c := newCollector(t, storage, testPolicy(t, policy("path: "+one+", pattern: '*.dump'")))
	if err := c.readResults(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.listNow(t); err != nil {
		t.Fatal(err)
	}
	old := c.here[0]
	for _, elsewhere := range []string{"path: " + other + ", pattern: '*.dump'", "path: " + other + ", pattern: 'db-2*'"} {
		stale, err := c.listOnce(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		if err := collectors.Apply(c, testPolicy(t, policy(elsewhere))); err != nil {
			t.Fatal(err)
		}
		// A listing of the place before, which ends only now, says nothing.
		if err := c.note(old, stale, nil, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, ok := value(t, c, metric.BackupRetained, "main", metric.KindFull, defaultRepository, ""); ok {
			t.Error("what is known of another place counts")
		}
		if err := c.listNow(t); err != nil {
			t.Fatal(err)
		}
		if age, ok := value(t, c, metric.BackupRemovedAge, "main", defaultRepository); ok {
			t.Errorf("%s: a backup of the age of %v s was deleted", elsewhere, age)
		}
		if v, _ := value(t, c, metric.BackupTestLastSuccess, "main", metric.TestVerify); v != 1060 {
			t.Errorf("the last verification is of %v", v)
		}
		old = c.here[0]
	}
	// The same over a restart: the memory is of the source that was listed.
	if err := c.save(time.Now()); err != nil {
		t.Fatal(err)
	}
	again := New(Options{Logger: slog.New(slog.DiscardHandler), State: storage})
	if err := collectors.Apply(again, testPolicy(t, policy("path: "+one+", pattern: '*.dump'"))); err != nil {
		t.Fatal(err)
	}
	if _, ok := value(t, again, metric.BackupRetained, "main", metric.KindFull, defaultRepository, ""); ok {
		t.Error("after a restart what is known of another place counts")
	}
}

// Incremental backups whose full one is gone restore nothing: that there is none is said.
func TestIncrementalsWithoutAFull(t *testing.T) {
	for kind, want := range map[string]bool{metric.KindIncremental: true, metric.KindDifferential: true, metric.KindFull: false, metric.KindSnapshot: false} {
		s := newListing(false)
		i := item()
		i.ID, i.Kind, i.Stop = "a", kind, noon
		if err := s.add(i); err != nil {
			t.Fatal(err)
		}
		s.finish(metric.KindFull)
		g := s.groups[groupKey{defaultRepository, metric.KindFull}]
		if got := g != nil && g.Newest.Stop.IsZero() && g.Retained == 0; got != want {
			t.Errorf("%s: an empty group of fulls: %v, want %v", kind, got, want)
		}
	}
}
