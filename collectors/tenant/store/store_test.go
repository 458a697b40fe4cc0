package store

import (
	"fmt"
	"log/slog"
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
	return newTestStoreAt(t, path, c, time.Now())
}

// restarted is the same store after the process was killed.
func (d *testStore) restarted(c Config) *testStore {
	d.t.Helper()
	d.close()
	return newTestStoreAt(d.t, d.path, c, d.clock.now())
}

func newTestStoreAt(t *testing.T, path string, c Config, at time.Time) *testStore {
	t.Helper()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	clock := &testClock{t: at}
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

// compactNow replaces the log by a snapshot, as compactIfDue does when the log is long.
func (d *testStore) compactNow() {
	d.t.Helper()
	segment, err := d.log.Rotate()
	if err == nil {
		err = d.dir.Save(snapshotName, snapshotVersion, d.saved.snapshot(segment))
	}
	if err == nil {
		err = d.log.Drop(segment)
	}
	if err != nil {
		d.t.Fatal(err)
	}
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
	return &Batch{
		Source: d.web.Source, Epoch: d.Epoch(), Lines: uint64(n), Thresholds: []uint64{300e6},
		Accumulators: []*Accumulator{accumulatorOf(slot, n, 123456789)},
	}
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

func registered(n int) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("t%05d", i)] = ""
	}
	return all
}

func must(slot uint32, ok bool) uint32 {
	if !ok {
		panic("no slot")
	}
	return slot
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
