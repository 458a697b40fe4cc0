package store

import (
	"log/slog"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// A position that another source takes is that source's alone, in the log and in the snapshot that replaces it.
func TestTakenPositionHasOneSource(t *testing.T) {
	dir := t.TempDir()
	open := func() (*Store, func()) {
		t.Helper()
		sd, err := state.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(Options{Logger: slog.New(slog.DiscardHandler), State: sd})
		if err != nil {
			t.Fatal(err)
		}
		return b, func() { _ = b.Close(); _ = sd.Close() }
	}
	b, end := open()
	n := b.Configure(Config{
		Limit:   10,
		Sources: []SourceConfig{{Name: "a", Service: "web", Reads: true}, {Name: "b", Service: "web", Reads: true}},
	})
	from, to := n["a"].Source, n["b"].Source
	want := File{ID: 7, Path: "/b.log", HeadSize: 10, Head: 11, Offset: 20, EndSize: 12, End: 13, Modified: 14}
	was := want
	was.ID, was.Path = 1, "/a.log"
	judged := File{ID: 8, Path: "/b.log", Modified: 15, Judged: true}
	records := [][]byte{
		Encode(&Batch{Source: from, Files: []File{was}}),
		EncodeTake(to, []File{judged}, []Taken{{from, 1, want}, {from, 99, File{ID: 9}}}),
	}
	b.index.mu.Lock()
	b.index.records = append(b.index.records, records...)
	b.index.mu.Unlock()
	b.commit(nil)
	check := func(b *Store) {
		t.Helper()
		if all := b.Positions(-1); len(all) != 2 || all[0] != (Position{to, want}) || all[1] != (Position{to, judged}) {
			t.Errorf("%+v", all)
		}
	}
	check(b)
	payload := b.saved.snapshot(1)
	restored := newState()
	if _, err := restored.restore(payload); err != nil {
		t.Fatal(err)
	}
	check(&Store{saved: restored})
	end()
	b, end = open()
	defer end()
	check(b)
	if again := b.Configure(Config{
		Limit:   10,
		Sources: []SourceConfig{{Name: "a", Service: "api", Reads: true}, {Name: "b", Service: "web", Reads: true}},
	}); again["b"].Source != to || again["a"].Source == from {
		t.Errorf("%+v", again)
	}
	if back := b.Configure(
		Config{Limit: 10, Sources: []SourceConfig{{Name: "a", Service: "web", Reads: true}}},
	); back["a"].Source != from {
		t.Errorf("%+v", back)
	}
}
