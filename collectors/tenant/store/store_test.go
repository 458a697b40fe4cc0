package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// testClock moves only when a test moves it.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// testStore is a store that commits when a test calls commit.
type testStore struct {
	*Store
	t     *testing.T
	clock *testClock
	dir   *state.Dir
	path  string
	web   Numbers
}

func newTestStore(t *testing.T, path string, c Config) *testStore {
	t.Helper()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	clock := &testClock{t: time.Now()}
	b, err := Open(Options{Logger: slog.New(slog.DiscardHandler), State: dir, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	d := &testStore{Store: b, t: t, clock: clock, dir: dir, path: path}
	if c.Sources == nil {
		c.Sources = []SourceConfig{{Name: "access", Service: "web"}}
	}
	d.web = d.Configure(c)["access"]
	d.commit(nil)
	t.Cleanup(d.close)
	return d
}

func (d *testStore) close() {
	_ = d.Close()
	_ = d.dir.Close()
}

// save commits records as Run would.
func (d *testStore) save(records ...[]byte) error {
	var group []*request
	for _, r := range records {
		group = append(group, newRequest(r))
	}
	d.commit(group)
	for _, r := range group {
		if err := <-r.done; err != nil {
			return err
		}
	}
	return nil
}

// accumulatorOf is one request of a tenant.
func accumulatorOf(slot uint32, n uint32, nanos uint64) *Accumulator {
	c := &Accumulator{Slot: slot}
	c.Requests[1] = n
	c.Bytes = 10 * uint64(n)
	c.Slow[0] = n
	c.Observe(nanos, n, &Histograms{})
	return c
}

func (d *testStore) count(tenant string, n uint32) {
	d.t.Helper()
	slot, ok := d.Admit(d.web.Service, tenant)
	if !ok {
		slot, _ = d.Slots(d.web.Service)
	}
	if err := d.save(Encode(d.batch(slot, n))); err != nil {
		d.t.Fatal(err)
	}
}

func (d *testStore) batch(slot uint32, n uint32) *Batch {
	return &Batch{Source: d.web.Source, Epoch: d.Epoch(), Lines: uint64(n), Thresholds: []uint64{300e6}, Accumulators: []*Accumulator{accumulatorOf(slot, n, 123456789)}}
}

// exported returns the requests by tenant that a scrape exports.
func (d *testStore) exported() map[string]uint64 {
	all := map[string]uint64{}
	_ = d.View().Each(func(s *Series) { all[s.Tenant] = s.Requests[1] }, func() error { return nil })
	return all
}

// scrape is a whole scrape by a Prometheus.
func (d *testStore) scrape(id string) map[string]uint64 {
	v := d.View()
	all := map[string]uint64{}
	_ = v.Each(func(s *Series) { all[s.Tenant] = s.Requests[1] }, func() error { return nil })
	d.Scraped(id, v.Version)
	_ = d.save()
	return all
}

func registered(n int) map[string]struct{} {
	all := map[string]struct{}{}
	for i := range n {
		all[fmt.Sprintf("t%05d", i)] = struct{}{}
	}
	return all
}

func TestNewSeriesAreSeenAtZeroByEveryPrometheus(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	d.scrape("a")
	d.scrape("b")
	d.count("acme", 5)
	for _, id := range []string{"a", "b"} {
		if got := d.scrape(id)["acme"]; got != 0 {
			t.Errorf("%s saw %d first", id, got)
		}
	}
	if got := d.scrape("a")["acme"]; got != 5 {
		t.Errorf("then %d, want 5", got)
	}
	// A Prometheus that went away is not waited for.
	d.count("late", 3)
	d.scrape("a")
	if got := d.scrape("a")["late"]; got != 0 {
		t.Errorf("shown to b for the first time with %d", got)
	}
	d.clock.add(scraperMemory + time.Second)
	d.scrape("a")
	if got := d.scrape("a")["late"]; got != 3 {
		t.Errorf("still waiting for b: %d", got)
	}
}

// After a restart, the first Prometheus that scrapes does not release what the others have not seen. One that never
// returns is waited for as long as without the restart, however many there are.
func TestRestartWaitsForEveryPrometheus(t *testing.T) {
	path := t.TempDir()
	config := Config{Limit: 10, Thresholds: []uint64{300e6}}
	d := newTestStore(t, path, config)
	d.scrape("a")
	d.scrape("b")
	d.count("acme", 5)
	restart := func(compact bool) {
		if compact {
			segment, err := d.log.Rotate()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.dir.Save(snapshotName, snapshotVersion, d.snapshot(segment)); err != nil {
				t.Fatal(err)
			}
			_ = d.log.Drop(segment)
		}
		now := d.clock.now()
		d.close()
		d = newTestStore(t, path, config)
		d.clock.t = now
	}
	restart(false)
	for range 3 {
		if got := d.scrape("a")["acme"]; got != 0 {
			t.Fatalf("b has not come back, and a saw %d", got)
		}
	}
	restart(true)
	for _, id := range []string{"a", "b"} {
		if got := d.scrape(id)["acme"]; got != 0 {
			t.Errorf("%s saw %d first", id, got)
		}
	}
	for _, id := range []string{"a", "b"} {
		if got := d.scrape(id)["acme"]; got != 5 {
			t.Errorf("then %s saw %d, want 5", id, got)
		}
	}
	d.count("late", 3)
	for waited := time.Duration(0); waited <= scraperMemory+scrapersSaved; waited += time.Minute {
		d.clock.add(time.Minute)
		restart(false)
		d.scrape("a")
	}
	if got := d.scrape("a")["late"]; got != 3 {
		t.Errorf("still waiting for b: %d", got)
	}
}

// What a restart reads back is what was there, from the log as from a snapshot.
func TestRestartContinuesExactly(t *testing.T) {
	path := t.TempDir()
	d := newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(3)})
	d.scrape("a")
	for i := range 50 {
		d.count(fmt.Sprintf("t%05d", i%3), uint32(i+1))
	}
	file := File{ID: 7, Path: "/x", Device: 1, Inode: 2, HeadSize: 9, Head: 1 << 63, Offset: 1 << 40, Modified: 5}
	_ = d.save(Encode(&Batch{Source: d.web.Source, Files: []File{file}, IDs: []uint64{1, 1 << 63}, Newest: 9, Read: 8, Probes: [5]uint64{1, 2, 3, 4, 5}}))
	for _, compacted := range []bool{false, true} {
		want := d.fingerprint()
		if compacted {
			segment, err := d.log.Rotate()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.dir.Save(snapshotName, snapshotVersion, d.snapshot(segment)); err != nil {
				t.Fatal(err)
			}
			_ = d.log.Drop(segment)
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
		r.series.slot = nil
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

func must(slot uint32, ok bool) uint32 {
	if !ok {
		panic("no slot")
	}
	return slot
}

func TestThresholdsThatStayKeepTheirCounts(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6, 1e9}})
	d.scrape("a")
	slot, _ := d.Admit(d.web.Service, "acme")
	c := accumulatorOf(slot, 7, 2e9)
	c.Slow[1] = 3
	_ = d.save(Encode(&Batch{Source: d.web.Source, Epoch: d.Epoch(), Thresholds: []uint64{300e6, 1e9}, Accumulators: []*Accumulator{c}}))
	d.Configure(Config{Limit: 10, Thresholds: []uint64{1e9, 5e9}, Sources: []SourceConfig{{Name: "access", Service: "web"}}})
	// Counted by the old thresholds, saved after the new ones came into force.
	_ = d.save(Encode(&Batch{Source: d.web.Source, Epoch: d.Epoch(), Thresholds: []uint64{300e6, 1e9}, Accumulators: []*Accumulator{c}}))
	d.scrape("a")
	_ = d.View().Each(func(s *Series) {
		if s.Tenant == "acme" && !slices.Equal(s.Slow, []uint64{6, 0}) {
			t.Errorf("slow %v", s.Slow)
		}
	}, func() error { return nil })
}

// A clock that was ahead for a while hides nothing afterwards: not how old the newest event is, nor how long nothing
// was read. A record that another one overtook on its way to the disk changes neither.
func TestClockThatWasAhead(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	slot := must(d.Admit(d.web.Service, "acme"))
	at := time.Now().UnixMilli()
	requests := uint64(0)
	for _, step := range []struct{ newest, read, wantNewest, wantRead int64 }{
		{at, at + 5, at, at + 5},
		{at - 100, at + 2, at, at + 5}, // overtaken
		{at + 3_600_000, at + 3_600_001, at + 3_600_000, at + 3_600_001},
		{at + 900, at + 1000, at + 900, at + 1000},
		{0, 0, at + 900, at + 1000},
		{0, at + 2000, at + 900, at + 2000}, // events without times
		{at - 3_600_000, at - 3_599_000, at - 3_600_000, at - 3_599_000},
	} {
		batch := d.batch(slot, 1)
		batch.Newest, batch.Read = step.newest, step.read
		if err := d.save(Encode(batch)); err != nil {
			t.Fatal(err)
		}
		requests++
		s, _ := d.Source(d.web.Source)
		if total, _, _ := d.Totals(); s.Newest != step.wantNewest || s.Read != step.wantRead || total != requests {
			t.Errorf("%+v: newest %d, read %d, %d requests", step, s.Newest-at, s.Read-at, total)
		}
	}
}

func TestDamagedStateStartsAtZero(t *testing.T) {
	for name, damage := range map[string]func(path string){
		"log cut off": func(p string) { _ = os.Truncate(filepath.Join(p, "tenant.00000001.log"), 40) },
		"log removed": func(p string) { _ = os.Remove(filepath.Join(p, "tenant.00000001.log")) },
		"log overwritten": func(p string) {
			_ = os.WriteFile(filepath.Join(p, "tenant.00000001.log"), bytes.Repeat([]byte{7}, 4000), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
			d.scrape("a")
			d.count("acme", 5)
			d.close()
			damage(path)
			d = newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
			if total, _, _ := d.Totals(); !d.Lost(d.web.Source) || total != 0 {
				t.Errorf("lost %v, %d requests", d.Lost(d.web.Source), total)
			}
			d.count("acme", 1)
			d.close()
			// What was begun anew is not lost again; that something was is not forgotten.
			d = newTestStore(t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
			if total, _, _ := d.Totals(); !d.Lost(d.web.Source) || total != 1 {
				t.Errorf("lost %v, %d requests", d.Lost(d.web.Source), total)
			}
			st := newState()
			if _, err := st.restore(d.snapshot(1)); err != nil || st.lostAt != d.lostAt {
				t.Errorf("lost at %d in a snapshot, want %d: %v", st.lostAt, d.lostAt, err)
			}
			d.clock.add(lostFor)
			added := d.Configure(Config{Limit: 10, Thresholds: []uint64{300e6}, Sources: []SourceConfig{{Name: "access", Service: "web"}, {Name: "new", Service: "web"}}})["new"]
			for range 2 { // before and after it is saved
				if d.Lost(added.Source) {
					t.Error("a source that was added later is lost")
				}
				_ = d.save()
			}
		})
	}
}

func TestWhatCannotBeSavedIsNotShown(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	d.scrape("a")
	d.count("acme", 5)
	d.scrape("a")
	log := d.log
	d.log = &state.Log{} // closed: every append fails
	slot, _ := d.Lookup(d.web.Service, []byte("acme"))
	if err := d.save(Encode(d.batch(slot, 3))); err == nil {
		t.Fatal("no error")
	}
	d.Admit(d.web.Service, "new")
	if got := d.exported(); got["acme"] != 5 || len(got) != 3 {
		t.Errorf("shown %v", got)
	}
	d.log = log
	_ = d.save(Encode(d.batch(slot, 3)))
	if got := d.exported(); got["acme"] != 8 || len(got) != 4 {
		t.Errorf("after the disk is back %v", got)
	}
}

func TestRunAnswersEveryCommit(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	d.scrape("a")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- d.Run(ctx) }()
	slot, _ := d.Admit(d.web.Service, "acme")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var saved uint64
	for range 8 {
		wg.Go(func() {
			for range 100 {
				switch err := d.Commit(ctx, Encode(d.batch(slot, 1))); {
				case err == nil:
					mu.Lock()
					saved++
					mu.Unlock()
				case !errors.Is(err, ErrStopped):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	d.scrape("a")
	if got := d.scrape("a")["acme"]; got != saved || saved != 800 {
		t.Errorf("%d counted, %d were saved", got, saved)
	}
	if err := d.Commit(t.Context(), nil); !errors.Is(err, ErrStopped) {
		t.Errorf("commit after the end: %v", err)
	}
}

// Whatever a record holds, applying it ends with a state or an error.
func FuzzApply(f *testing.F) {
	dir := f.TempDir()
	sd, err := state.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	b, _ := Open(Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	b.Configure(Config{Limit: 3, Thresholds: []uint64{300e6}, Sources: []SourceConfig{{Name: "access", Service: "web"}}, Registered: map[string]struct{}{"a": {}}})
	base := slices.Clone(b.index.records)
	b.commit(nil)
	for _, r := range base {
		f.Add(r)
	}
	f.Add(Encode(&Batch{Thresholds: []uint64{300e6}, Files: []File{{ID: 1, Path: "x"}}, IDs: []uint64{5}, Accumulators: []*Accumulator{accumulatorOf(2, 3, 1e9)}}))
	f.Add(b.snapshot(1))
	f.Fuzz(func(t *testing.T, record []byte) {
		st := newState()
		for _, r := range base {
			if err := st.apply(r); err != nil {
				t.Fatal(err)
			}
		}
		_ = st.apply(record)
		_, _ = newState().restore(record)
	})
}

// A snapshot that cannot be written is tried again after a minute, then ever more seldom: each try keeps commits waiting.
func TestSnapshotThatFailsIsPutOff(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10})
	at := d.clock.now()
	var waits []time.Duration
	for range 6 {
		d.putOff()
		waits = append(waits, d.retryAt.Sub(at))
	}
	if want := []time.Duration{1, 2, 4, 8, 16, 16}; !slices.EqualFunc(waits, want, func(a, b time.Duration) bool { return a == b*time.Minute }) {
		t.Errorf("%v", waits)
	}
	// The log is long enough, and no snapshot begins before its time.
	d.snapSize = -compactAbove
	if d.compactIfDue(); d.compact != nil {
		t.Error("it is tried too early")
	}
	d.clock.add(compactRetryMax)
	d.compactIfDue()
	if d.compact == nil {
		t.Fatal("it is never tried again")
	}
	d.compacted(<-d.compact)
	if d.retryIn != 0 {
		t.Error("a success does not end it")
	}
}
