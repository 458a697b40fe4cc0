package store

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// What a restart reads back is what was there, from the log as from a snapshot.
func TestRestartContinuesExactly(t *testing.T) {
	path := t.TempDir()
	d := newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(3)})
	d.scrape("a")
	for i := range 50 {
		d.count(fmt.Sprintf("t%05d", i%3), uint32(i+1))
	}
	file := File{ID: 7, Path: "/x", Device: 1, Inode: 2, HeadSize: 9, Head: 1 << 63, Offset: 1 << 40, Modified: 5}
	_ = d.save(Encode(&Batch{
		Source: d.web.Source, Files: []File{file}, IDs: []uint64{1, 1 << 63}, Newest: 9, Read: 8,
		Probes: [5]uint64{1, 2, 3, 4, 5},
	}))
	for _, compacted := range []bool{false, true} {
		want := d.fingerprint()
		if compacted {
			d.compactNow()
		}
		d.close()
		d = newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(3)})
		if got := d.fingerprint(); !reflect.DeepEqual(got, want) {
			t.Errorf("compacted %v:\n got %+v\nwant %+v", compacted, got, want)
		}
		if got := d.Files(d.web.Source); len(got) != 1 || got[0] != file {
			t.Errorf("files %+v", got)
		}
		d.Seen(d.web.Source, func(seen func(uint64) bool) {
			if !seen(1) || !seen(1<<63) || seen(2) {
				t.Error("request ids")
			}
		})
		d.count("t00001", 1)
	}
}

func (d *testStore) fingerprint() any {
	type row struct {
		series Series
		native map[int]uint64
	}
	all := map[string]row{}
	_ = d.View().Each(func(s *Series) {
		r := row{*s, map[int]uint64{}}
		r.series.Requests, r.series.Late, r.series.Classic = clone(s.Requests), clone(s.Late), clone(s.Classic)
		r.series.Slow = slices.Clone(s.Slow)
		s.Native(func(i int, n uint64) { r.native[i] = n })
		r.series.durations = nil
		all[s.Tenant] = r
	}, func() error { return nil })
	services := d.Services()
	for i := range services {
		services[i].Admitted, services[i].Demoted = 0, 0
	}
	source, _ := d.Source(d.web.Source)
	return []any{all, services, source}
}

func clone[T any](p *T) *T { c := *p; return &c }
