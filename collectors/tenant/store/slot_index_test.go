package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestSumIsExactBeyondTheLimit(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 20, Thresholds: []uint64{300e6}})
	d.scrape("a")
	total := uint64(0)
	seen := map[string]uint64{}
	increase := func() {
		for name, n := range d.scrape("a") {
			if n < seen[name] { // a counter that began anew
				seen[name] = 0
			}
			total += n - seen[name]
			seen[name] = n
		}
	}
	var counted uint64
	for minute := range 120 {
		for i := range 60 {
			// The busy ones change over time.
			n := uint32(1)
			if (i+20*(minute/40))%60 < 20 {
				n = 100
			}
			name := fmt.Sprintf("t%05d", i)
			counted += uint64(n)
			if _, ok := d.Lookup(d.web.Service, []byte(name)); !ok {
				if _, ok := d.Admit(d.web.Service, name); !ok {
					d.Missed(d.web.Service, map[string]uint64{name: uint64(n)})
				}
			}
			d.count(name, n)
			if i%20 == 0 {
				increase()
				if tracked := d.Services()[0].Tracked; tracked > 20 {
					t.Fatalf("%d tenants, the limit is 20", tracked)
				}
			}
		}
		d.clock.add(time.Minute)
		d.index.releaseStale()
		d.index.rebalance(d.saved)
		_ = d.save()
		increase()
	}
	for range 3 {
		increase()
	}
	if total != counted {
		t.Errorf("the increases add up to %d, counted were %d", total, counted)
	}
	if s := d.Services()[0]; s.Demoted == 0 || s.Admitted <= 20 {
		t.Errorf("no slot changed hands: %+v", s)
	}
}

func TestTheBusiestKeepTheirSeries(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 5, Thresholds: []uint64{300e6}})
	for i := range 5 {
		d.count(fmt.Sprintf("quiet%d", i), 1)
	}
	_ = d.save()
	d.index.rebalance(d.saved)
	for range 20 {
		d.Admit(d.web.Service, "busy")
		d.Missed(d.web.Service, map[string]uint64{"busy": 1000})
		d.clock.add(time.Minute)
		d.index.releaseStale()
		d.index.rebalance(d.saved)
		_ = d.save()
	}
	if _, ok := d.Lookup(d.web.Service, []byte("busy")); !ok {
		t.Errorf("busy has no series: %v", d.exported())
	}
	if s := d.Services()[0]; s.Demoted != 1 {
		t.Errorf("%d tenants were demoted for one", s.Demoted)
	}
}

// Who was demoted for a busier one does not come back because the registry is read again.
func TestReadingTheRegistryPromotesNoTenant(t *testing.T) {
	conf := Config{
		Limit: 5, Thresholds: []uint64{300e6}, Registered: registered(6),
		Sources: []SourceConfig{{Name: "access", Service: "web"}},
	}
	d := newTestStore(t, t.TempDir(), conf)
	const busy = "t00005"
	if _, ok := d.Lookup(d.web.Service, []byte(busy)); ok {
		t.Fatal("there is room for all")
	}
	for range 20 {
		d.Missed(d.web.Service, map[string]uint64{busy: 1000})
		d.clock.add(time.Minute)
		d.index.releaseStale()
		d.index.rebalance(d.saved)
		d.Configure(conf)
		_ = d.save()
	}
	if _, ok := d.Lookup(d.web.Service, []byte(busy)); !ok {
		t.Errorf("the busy one has no series: %v", d.exported())
	}
	if s := d.Services()[0]; s.Demoted != 1 || s.Tracked != 5 {
		t.Errorf("%d were demoted for one, %d have series", s.Demoted, s.Tracked)
	}
}

func TestWhoLeavesTheRegistryFreezesAndEnds(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(3)})
	d.scrape("a")
	d.count("t00001", 4)
	d.scrape("a")
	stale := d.batch(must(d.Lookup(d.web.Service, []byte("t00001"))), 2)
	d.Configure(Config{
		Limit: 10, Thresholds: []uint64{300e6}, Registered: map[string]string{"t00000": ""},
		Sources: []SourceConfig{{Name: "access", Service: "web"}},
	})
	_ = d.save(Encode(stale)) // was under way when it ended
	if got := d.scrape("a"); got["t00001"] != 4 || got["_other"] != 2 {
		t.Errorf("stale %v", got)
	}
	d.clock.add(staleFor)
	d.index.releaseStale()
	_ = d.save()
	if got := d.scrape("a"); len(got) != 3 {
		t.Errorf("after five minutes %v", got)
	}
	// The slot's next holder must not inherit anything.
	d.Configure(Config{
		Limit: 10, Thresholds: []uint64{300e6}, Registered: map[string]string{"t00000": "", "new": ""},
		Sources: []SourceConfig{{Name: "access", Service: "web"}},
	})
	_ = d.save(Encode(stale))
	d.scrape("a")
	if got := d.scrape("a"); got["new"] != 0 || got["_other"] != 4 {
		t.Errorf("next holder %v", got)
	}
}

// Whoever comes back while its series still stands goes on with it: a second one of the same name would be refused by
// Prometheus, or be read as a counter that steps back.
func TestWhoComesBackGoesOn(t *testing.T) {
	path := t.TempDir()
	anyone := Config{Limit: 3, Thresholds: []uint64{300e6}, Sources: []SourceConfig{{Name: "access", Service: "web"}}}
	all, none := anyone, anyone
	all.Registered, none.Registered = registered(3), map[string]string{}
	d := newTestStore(t, path, all)
	d.scrape("a")
	d.count("t00001", 4)
	d.scrape("a")
	shows := func(when string, want map[string]uint64) {
		t.Helper()
		seen := map[string]uint64{}
		_ = d.View().Each(func(s *Series) {
			if _, twice := seen[s.Tenant]; twice {
				t.Errorf("%s: two series of %s", when, s.Tenant)
			}
			seen[s.Tenant] = s.Requests[1]
		}, func() error { return nil })
		if !reflect.DeepEqual(seen, want) {
			t.Errorf("%s: %v, want %v", when, seen, want)
		}
	}
	away := func(back Config) {
		t.Helper()
		d.Configure(none)
		_ = d.save()
		d.clock.add(staleFor / 2)
		d.index.releaseStale()
		d.Configure(back)
		_ = d.save()
	}
	away(all)
	shows("registered again", map[string]uint64{"t00000": 0, "t00001": 4, "t00002": 0, "_other": 0, "_unknown": 0})
	d.count("t00001", 1)
	d.count("t00002", 2)
	d.scrape("a")
	shows("counted again", map[string]uint64{"t00000": 0, "t00001": 5, "t00002": 2, "_other": 0, "_unknown": 0})
	// The limit leaves no room, but who has a series needs none.
	away(anyone)
	d.count("t00002", 1)
	shows("back without a registry", map[string]uint64{"t00000": 0, "t00001": 5, "t00002": 3, "_other": 0, "_unknown": 0})
	d.close()
	d = newTestStore(t, path, all)
	shows("after a restart", map[string]uint64{"t00000": 0, "t00001": 5, "t00002": 3, "_other": 0, "_unknown": 0})
	d.Configure(none)
	_ = d.save()
	d.clock.add(staleFor)
	d.index.releaseStale()
	_ = d.save()
	shows("gone for good", map[string]uint64{"_other": 0, "_unknown": 0})
}

func TestServiceWithoutSourcesEnds(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(2)})
	d.Configure(Config{
		Limit: 10, Thresholds: []uint64{300e6}, Registered: registered(2),
		Sources: []SourceConfig{{Name: "access", Service: "api"}},
	})
	_ = d.save()
	d.clock.add(staleFor)
	d.index.releaseStale()
	_ = d.save()
	services := d.Services()
	if len(services) != 2 || services[0].Tracked != 0 || services[1].Tracked != 2 {
		t.Errorf("%+v", services)
	}
}
