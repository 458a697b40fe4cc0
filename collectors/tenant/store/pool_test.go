package store

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// pools returns what a scrape exports of the tiers.
func (d *testStore) pools() map[string]uint64 {
	all := map[string]uint64{}
	_ = d.View().EachPool(func(s *Series) { all[s.Tenant] = s.Requests[1] }, func() error { return nil })
	return all
}

// place is what an aggregator does with n requests of a tenant; an empty name is no tenant's.
func (d *testStore) place(tenant string, n uint32) []*Accumulator {
	other, unknown := d.Slots(d.web.Service)
	switch slot, ok := d.Lookup(d.web.Service, []byte(tenant)); {
	case tenant == "":
		return []*Accumulator{accumulatorOf(unknown, n, 5)}
	case ok:
		return []*Accumulator{accumulatorOf(slot, n, 5)}
	default:
		if slot, ok = d.Admit(d.web.Service, tenant); ok {
			return []*Accumulator{accumulatorOf(slot, n, 5)}
		}
	}
	d.Missed(d.web.Service, map[string]uint64{tenant: uint64(n)})
	return []*Accumulator{accumulatorOf(other, n, 5), accumulatorOf(d.Pool(d.web.Service, tenant), n, 5)}
}

func (d *testStore) record(all []*Accumulator) []byte {
	return Encode(&Batch{Source: d.web.Source, Epoch: d.Epoch(), Lines: 1, Thresholds: []uint64{300e6}, Accumulators: all})
}

// Whatever becomes of tenants (they get a series or lose it, change their tier, leave and return, while requests are on
// their way, over restarts from the log and from a snapshot), each request counts once for the tier that its tenant
// had, and no counter goes back.
func TestPoolsCountEveryRequestOnce(t *testing.T) {
	seeds := 10
	if testing.Short() {
		seeds = 3
	}
	for _, seed := range testkit.Seeds(t, seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { poolStory(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func poolStory(t *testing.T, random *rand.Rand) {
	tiers := []string{"", "pro", "enterprise", "new"}
	conf := Config{
		Limit: 6, Thresholds: []uint64{300e6}, Tiers: []string{"enterprise", "pro"}, Registered: map[string]string{},
	}
	for i := range 30 {
		conf.Registered[fmt.Sprintf("t%d", i)] = tiers[random.IntN(3)]
	}
	path := t.TempDir()
	d := newTestStore(t, path, conf)
	want := map[string]uint64{metric.TierNone: 0, metric.TenantUnknown: 0, "enterprise": 0, "pro": 0}
	seen := map[string]uint64{}
	var waiting [][]byte
	var age time.Duration // of the oldest that waits
	for range 400 {
		tenant := fmt.Sprintf("t%d", int(float64(30)*random.Float64()*random.Float64()))
		if random.IntN(10) == 0 {
			tenant = ""
		}
		tier, known := conf.Registered[tenant]
		switch {
		case !known:
			tenant, tier = "", metric.TenantUnknown
		case tier == "":
			tier = metric.TierNone
		}
		n := uint32(1 + random.IntN(1000))
		want[tier] += uint64(n)
		waiting = append(waiting, d.record(d.place(tenant, n)))
		switch random.IntN(8) {
		case 0, 1, 2: // requests on their way while slots change hands, though not twice
			if step := time.Duration(random.IntN(8)) * time.Minute; age+step < residence {
				age += step
				d.clock.add(step)
				d.index.releaseStale()
				d.beginSpan()
				d.index.admitTroubled(d.saved)
				d.index.rebalance(d.saved)
				continue
			}
		case 3:
			d.scrape("a")
		}
		if err := d.save(waiting...); err != nil {
			t.Fatal(err)
		}
		waiting, age = nil, 0
		switch random.IntN(8) {
		case 0:
			conf.Registered = maps.Clone(conf.Registered)
			name := fmt.Sprintf("t%d", random.IntN(30))
			if conf.Registered[name] = tiers[random.IntN(len(tiers))]; random.IntN(3) == 0 {
				delete(conf.Registered, name)
			} else if tier := conf.Registered[name]; tier != "" {
				want[tier] += 0 // from now on there is a pool
			}
			conf.Sources = []SourceConfig{{Name: "access", Service: "web"}}
			d.Configure(conf)
		case 1:
			d.compactNow()
		case 2:
			clock := d.clock
			d.close()
			d = newTestStore(t, path, conf)
			d.clock.add(clock.now().Sub(d.clock.now()))
		}
		d.scrape("a")
		_ = d.save()
		d.compareCounters()
		if off := d.Services()[0].Off; off != 0 {
			t.Fatalf("the counters are off by %d", off)
		}
		got := d.pools()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("pools %v, want %v", got, want)
		}
		for tier, n := range seen {
			if got[tier] < n {
				t.Fatalf("%s goes back from %d to %d", tier, n, got[tier])
			}
		}
		seen = got
	}
}

// Counters that come apart are noticed.
func TestCountersThatDifferAreReported(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	var log bytes.Buffer
	d.logger = slog.New(slog.NewTextHandler(&log, nil))
	d.count("acme", 5)
	d.compareCounters()
	d.count("acme", 5)
	d.compareCounters()
	if off := d.Services()[0].Off; off != 0 || log.Len() > 0 {
		t.Fatalf("off by %d at once: %s", off, log.String())
	}
	d.saved.slots[must(d.Lookup(d.web.Service, []byte("acme")))].requests[1] += 3
	d.compareCounters()
	d.compareCounters()
	if off := d.Services()[0].Off; off != -3 || strings.Count(log.String(), "app_service=web") != 1 {
		t.Errorf("off by %d, want -3: %s", off, log.String())
	}
}

// A state of a release without pools has them from its first start on: what was counted before is not in them.
func TestPoolsOfAnOlderState(t *testing.T) {
	path := t.TempDir()
	conf := Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: map[string]string{"acme": "pro"}}
	d := newTestStore(t, path, conf)
	d.count("acme", 5)
	for _, pool := range d.index.services[d.web.Service].pools { // as if there had been none
		d.saved.slots[pool] = slot{}
	}
	for i := range d.saved.slots {
		d.saved.slots[i].pool = 0
	}
	d.compactNow()
	d.close()
	d = newTestStore(t, path, conf)
	d.count("acme", 2)
	d.scrape("a")
	want := map[string]uint64{metric.TierNone: 0, metric.TenantUnknown: 0, "pro": 2}
	if got := d.pools(); !reflect.DeepEqual(got, want) || d.exported()["acme"] != 7 {
		t.Errorf("pools %v, want %v; tenants %v", got, want, d.exported())
	}
}

// Tiers come from outside: beyond a bound they count as none.
func TestPoolsAreBounded(t *testing.T) {
	conf := Config{Limit: 10, Thresholds: []uint64{300e6}, Registered: map[string]string{}}
	for i := range 3 * maxPools {
		conf.Registered[fmt.Sprintf("t%03d", i)] = fmt.Sprintf("tier%d", i)
	}
	d := newTestStore(t, t.TempDir(), conf)
	d.scrape("a")
	for i := range 3 * maxPools {
		if err := d.save(d.record(d.place(fmt.Sprintf("t%03d", i), 1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.save(d.record(d.place("", 7))); err != nil {
		t.Fatal(err)
	}
	got, sum := d.pools(), uint64(0)
	for _, n := range got {
		sum += n
	}
	if len(got) != maxPools+2 || sum != 3*maxPools+7 || got[metric.TenantUnknown] != 7 ||
		got[metric.TierNone] != 2*maxPools {
		t.Errorf("%d pools with %d requests, %d of no tenant, %d of no tier",
			len(got), sum, got[metric.TenantUnknown], got[metric.TierNone])
	}
}
