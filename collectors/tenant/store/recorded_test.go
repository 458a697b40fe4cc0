package store

import (
	"log/slog"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// What the release before the names of this package wrote is read to the digit: slots of each state, positions, ids and
// probes, in a snapshot and in the log after it. testdata/recorded was written by commit edf8545.
func TestRecordedStateIsRead(t *testing.T) {
	path := t.TempDir()
	if err := os.CopyFS(path, os.DirFS("testdata/recorded")); err != nil {
		t.Fatal(err)
	}
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	clock := &testClock{t: time.Now()}
	s, err := Open(Options{Logger: slog.New(slog.DiscardHandler), State: dir, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := &testStore{Store: s, t: t, clock: clock, dir: dir, path: path}
	stales := map[string]bool{}
	_ = s.View().Each(func(series *Series) { stales[series.Tenant] = series.Stale }, func() error { return nil })
	want := map[string]uint64{"acme": 6, "beta": 2, "gone": 4, "new": 0, "_other": 0, "_unknown": 0}
	if got := d.exported(); !reflect.DeepEqual(got, want) || !stales["gone"] || stales["acme"] || stales["new"] ||
		s.Lost(0) {
		t.Errorf("exported %v, stale %v; want %v", got, stales, want)
	}
	files := s.Files(0)
	position := File{
		ID: 7, Path: "/var/log/access.json", Device: 1, Inode: 2, HeadSize: 9, Head: 1 << 63, Offset: 1 << 40, EndSize: 8,
		End: 11, Modified: 5,
	}
	if len(files) != 1 || files[0] != position {
		t.Errorf("positions %+v, want %+v", files, position)
	}
	s.Seen(1, func(seen func(uint64) bool) {
		if !seen(1) || !seen(1<<63) || seen(2) {
			t.Error("ids of posts differ")
		}
	})
	if source, ok := s.Source(0); !ok || source.Lines != 15 || source.Newest != 1790000000123 ||
		source.Read != 1790000000456 {
		t.Errorf("source %+v", source)
	}
	if probes := s.Services()[0].Probes; probes != [5]uint64{1, 2, 3, 4, 5} {
		t.Errorf("probes %v", probes)
	}
	if got := s.Thresholds(); !reflect.DeepEqual(got, []uint64{300e6}) {
		t.Errorf("thresholds %v", got)
	}
	// Each slot continues from its state: pending ones become visible, stale ones end.
	d.scrape("a")
	clock.add(staleFor)
	s.index.releaseStale()
	_ = d.save()
	want["new"] = 3
	delete(want, "gone")
	if got := d.scrape("a"); !reflect.DeepEqual(got, want) {
		t.Errorf("later %v, want %v", got, want)
	}
}
