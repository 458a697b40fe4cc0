package backup

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A retention of two fulls leaves too little to compare with in any one listing: sizes are remembered over time, and
// over restarts.
func TestSizesAreRememberedBeyondRetention(t *testing.T) {
	f := newFacts("directory")
	list := func(first int, sizes ...int64) *program.Group {
		t.Helper()
		s := program.NewListing(false)
		for i, size := range sizes {
			it := program.NewItem()
			it.ID, it.Kind, it.Size = fmt.Sprint(first+i), metric.KindFull, size
			it.Stop = time.Unix(1_700_000_000+int64(first+i)*86400, 0).UTC()
			if err := s.Add(it); err != nil {
				t.Fatal(err)
			}
		}
		s.Finish(metric.KindFull)
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
		return f.Repositories[program.DefaultRepository].Groups[metric.KindFull]
	}
	if g := list(1, 100, 102); g.Earlier != program.Unknown {
		t.Errorf("two sizes are compared: %+v", g)
	}
	if g := list(2, 102, 104); g.Earlier != program.Unknown {
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
	if g := list(34, 10, 10); len(g.Sizes) != 11 || g.Earlier != 10 {
		t.Errorf("memory is not bounded: %+v", g)
	}
	// The newest is gone: what is compared is what there is.
	if g := list(34, 10); g.Newest.Size != 10 || g.Sizes[0].Stop.After(g.Newest.Stop) {
		t.Errorf("%+v", g)
	}
}

// A policy that looks elsewhere deletes nothing: what is known of one place is no memory of another. The tests are of
// the backup and stay.
func TestAnotherSourceIsNoDeletion(t *testing.T) {
	dir, results := t.TempDir(), t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	backuptest.Write(t, one+"/db-1.dump", []byte("x"), time.Now().Add(-time.Hour))
	backuptest.Write(t, one+"/db-2.dump", []byte("x"), time.Now())
	backuptest.Write(t, other+"/db-2.dump", []byte("x"), time.Now())
	policy := func(source string) string {
		return "backups: [{name: main, interval: 1d, results: " + results + ", source: {program: directory, " + source + "}}]"
	}
	storage, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer storage.Close()
	r := result.Result{
		Backup: "main", Test: metric.TestVerify, Started: time.Unix(1000, 0), Finished: time.Unix(1060, 0),
		Success: true,
	}
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
		if _, ok := value(t, c, metric.BackupRetained, "main", metric.KindFull, program.DefaultRepository, ""); ok {
			t.Error("what is known of another place counts")
		}
		if err := c.listNow(t); err != nil {
			t.Fatal(err)
		}
		if age, ok := value(t, c, metric.BackupRemovedAge, "main", program.DefaultRepository); ok {
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
	if _, ok := value(t, again, metric.BackupRetained, "main", metric.KindFull, program.DefaultRepository, ""); ok {
		t.Error("after a restart what is known of another place counts")
	}
}

// What vanishes is noticed with its age; a listing that cannot be had removes nothing.
func TestRemovedAge(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	list := func(ages ...time.Duration) *program.Listing {
		s := program.NewListing(false)
		s.Now = now
		if err := s.AddRepository(program.Repository{Name: "default"}); err != nil {
			t.Fatal(err)
		}
		for _, age := range ages {
			i := program.NewItem()
			i.ID, i.Kind, i.Stop = age.String(), metric.KindFull, now.Add(-age)
			if err := s.Add(i); err != nil {
				t.Fatal(err)
			}
		}
		s.Finish(metric.KindFull)
		return s
	}
	const day = 24 * time.Hour
	f := newFacts("directory")
	f.merge(list(1*day, 2*day, 9*day), now)
	if _, ok := f.Repositories["default"].removedAge(now); ok {
		t.Error("something vanished at the first look")
	}
	f.merge(list(1*day, 2*day), now)
	if age, _ := f.Repositories["default"].removedAge(now); age != 9*day {
		t.Errorf("age %s", age)
	}
	f.merge(list(1*day), now)
	if age, _ := f.Repositories["default"].removedAge(now); age != 2*day {
		t.Errorf("age %s, want that of the youngest", age)
	}
	if _, ok := f.Repositories["default"].removedAge(now.Add(8 * day)); ok {
		t.Error("the removal never expires")
	}
}
