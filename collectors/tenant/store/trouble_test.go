package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// tick is what Run does each second, and the minute's work if it is due.
func (d *testStore) tick(minute bool) {
	d.t.Helper()
	d.index.releaseStale()
	d.beginSpan()
	d.index.admitTroubled(d.saved)
	if minute {
		d.index.rebalance(d.saved)
		d.compareCounters()
		for _, s := range d.Services() {
			if s.Off != 0 {
				d.t.Fatalf("the counters of tiers and tenants differ by %d", s.Off)
			}
		}
	}
	if err := d.save(); err != nil {
		d.t.Fatal(err)
	}
}

// requests are those of a tenant in one record.
type requests struct{ good, bad, slow, late uint32 }

// request counts requests of tenants in one record.
func (d *testStore) request(all map[string]requests) {
	d.t.Helper()
	other, _ := d.Slots(d.web.Service)
	by := map[uint32]*Accumulator{}
	for tenant, n := range all {
		slots := []uint32{other, d.Pool(d.web.Service, tenant)}
		if slot, ok := d.Lookup(d.web.Service, []byte(tenant)); ok {
			slots = []uint32{slot}
		} else if slot, ok = d.Admit(d.web.Service, tenant); ok {
			slots = []uint32{slot}
		}
		for _, slot := range slots {
			c := by[slot]
			if c == nil {
				c = &Accumulator{Slot: slot}
				by[slot] = c
			}
			c.Bytes += 10
			c.Requests[1] += n.good
			c.Requests[4] += n.bad
			c.Slow[0] += n.slow
			c.Late[4] += n.late
			c.Observe(5e6, n.good+n.bad, &Histograms{})
		}
	}
	batch := d.batch(other, 0)
	batch.Accumulators, batch.Epoch = slices.Collect(maps.Values(by)), d.Epoch()
	if err := d.save(Encode(batch)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *testStore) one(tenant string, n requests) { d.request(map[string]requests{tenant: n}) }

// shown are the counters of each tenant in a scrape.
func (d *testStore) shown(id string) map[string]counts {
	all := map[string]counts{}
	v := d.View()
	_ = v.Each(func(s *Series) {
		c := counts{requests: *s.Requests, late: *s.Late, bytes: s.Bytes}
		copy(c.slow[:], s.Slow)
		if _, twice := all[s.Tenant]; twice {
			d.t.Fatalf("two series of %s", s.Tenant)
		}
		all[s.Tenant] = c
	}, func() error { return nil })
	d.Scraped(id, v.Version)
	return all
}

func manyTenants(tenants, limit int) Config {
	return Config{
		Limit: limit, Thresholds: []uint64{300e6}, Failed: 0.001, Slow: []float64{0.05}, Registered: registered(tenants),
		Sources: []SourceConfig{{Name: "access", Service: "web"}},
	}
}

// A request that fails, or a share of slow ones above the objective's, gives a tenant series, whoever is busier; few
// slow ones do not.
func TestTroubleGivesSeries(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(100, 20))
	d.scrape("a")
	if n := d.Services()[0].Tracked; n != 18 {
		t.Fatalf("%d tenants have series before there is trouble, want 18", n)
	}
	all := map[string]requests{}
	for i := range 100 {
		all[fmt.Sprintf("t%05d", i)] = requests{good: 1000}
	}
	d.request(all)
	d.one("t00090", requests{good: 1, bad: 1})
	d.one("t00091", requests{good: 100, slow: 9})
	d.one("t00092", requests{good: 1000, slow: 40})
	d.tick(false)
	got := d.shown("a")
	if _, ok := got["t00090"]; !ok || len(got) != 21 {
		t.Errorf("%d series: %v", len(got), slices.Sorted(maps.Keys(got)))
	}
	// Shares are those of the last minutes, with all requests in them.
	for range 3 {
		d.clock.add(spanLength)
		d.tick(true)
	}
	d.one("t00093", requests{good: 100, slow: 6})
	d.clock.add(spanLength)
	d.tick(true)
	d.one("t00093", requests{good: 100, slow: 6})
	d.tick(false)
	if _, ok := d.shown("a")["t00093"]; !ok {
		t.Error("12 slow requests of 200 in two spans are no trouble")
	}
	if s := d.Services()[0]; s.Waiting != 0 || s.Troubled < 1 {
		t.Errorf("%+v", s)
	}
}

// A tenant that is given series because of its trouble shows the trouble, and what it counted before that is not shown
// as an increase. What it has shared with the others is not counted twice.
func TestSeriesBeginBeforeTheTrouble(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(100, 20))
	d.scrape("a")
	d.one("t00090", requests{good: 1000, slow: 3})
	for range 2 {
		d.clock.add(spanLength)
		d.tick(true)
	}
	d.one("t00090", requests{good: 7})
	d.one("t00090", requests{good: 2, bad: 5})
	other := d.shown("a")[metric.TenantOther]
	if other.total() != 1014 {
		t.Errorf("the others have %d requests", other.total())
	}
	// Killed before it was given series.
	d.compactNow()
	d = d.restarted(manyTenants(100, 20))
	d.tick(false)
	first := d.shown("a")["t00090"]
	if first.requests != [5]uint64{0, 1000, 0, 0, 0} || first.slow[0] != 3 {
		t.Errorf("first %+v", first)
	}
	d.one("t00090", requests{good: 1})
	d = d.restarted(manyTenants(100, 20))
	d.tick(false)
	if again := d.shown("a")["t00090"]; again != first && again.requests != [5]uint64{0, 1010, 0, 0, 5} {
		t.Errorf("after a restart %+v", again)
	}
	d.tick(false)
	if now := d.shown("a")["t00090"]; now.requests != [5]uint64{0, 1010, 0, 0, 5} {
		t.Errorf("then %+v", now)
	}
	// The next 14 requests of tenants without series are those that it has shown itself.
	d.one("t00091", requests{good: 20})
	if got := d.shown("a")[metric.TenantOther]; got.total() != other.total()+20-9 && got.total() != other.total()+20-14 {
		t.Errorf("the others have %d requests, %d before", got.total(), other.total())
	}
}

// A tenant that loses its series and is in trouble soon after is given them again where they ended, not where they were
// before the requests that it has shown: a step back is a reset to Prometheus, which counts everything again.
func TestSeriesGivenAgainGoOn(t *testing.T) {
	conf := manyTenants(100, 20)
	d := newTestStore(t, t.TempDir(), conf)
	all := map[string]requests{}
	for i := range 100 {
		all[fmt.Sprintf("t%05d", i)] = requests{good: 10}
	}
	d.request(all)
	d.tick(false)
	d.shown("a")
	d.clock.add(spanLength)
	d.tick(true)
	d.one("t00001", requests{good: 100, bad: 2})
	d.tick(false)
	want := d.shown("a")["t00001"]
	if want.requests != [5]uint64{0, 110, 0, 0, 2} {
		t.Fatalf("it shows %+v", want)
	}
	d.index.mu.Lock()
	d.index.markStale(0, []string{"t00001"}, true)
	d.index.mu.Unlock()
	if err := d.save(); err != nil {
		t.Fatal(err)
	}
	others := func() uint64 {
		c := d.shown("a")[metric.TenantOther]
		return c.total()
	}
	other := others()
	d.clock.add(staleFor)
	d.index.releaseStale()
	d.one("t00001", requests{good: 1, bad: 5})
	d = d.restarted(conf)
	d.tick(false)
	if again := d.shown("a")["t00001"]; again != want {
		t.Errorf("its series begins again at %+v, and ended at %+v", again, want)
	}
	if got := others(); got != other+6 {
		t.Errorf("the others have %d requests, %d before the 6 that were shown nowhere else", got, other)
	}
	d.tick(false)
	if now := d.shown("a")["t00001"]; now.requests != [5]uint64{0, 111, 0, 0, 7} {
		t.Errorf("then %+v", now)
	}
	// Of the next requests of tenants without series, as many are those that it has shown itself.
	d.one("t00091", requests{good: 10, bad: 10})
	if got := others(); got != other+6+20-6 {
		t.Errorf("the others have %d requests, %d at first", got, other)
	}
}

// While more tenants are in trouble than there are places, those with the most bad requests have them, few change
// places, and the rest is counted.
func TestAllInTrouble(t *testing.T) {
	const tenants, limit = 1000, 50
	d := newTestStore(t, t.TempDir(), manyTenants(tenants, limit))
	admitted := uint64(0)
	for minute := range 45 {
		all := map[string]requests{}
		for i := range tenants {
			if n := (requests{good: 10}); minute < 5 || minute >= 15 && i < tenants/2 {
				all[fmt.Sprintf("t%05d", i)] = n
			} else if minute < 15 {
				all[fmt.Sprintf("t%05d", i)] = requests{bad: uint32(1 + i%7)}
			}
		}
		d.request(all)
		for range 6 {
			d.clock.add(10 * time.Second)
			d.tick(false)
			if s := d.Services()[0]; s.Tracked > limit {
				t.Fatalf("%d series, the limit is %d", s.Tracked, limit)
			}
		}
		d.tick(true)
		d.shown("a")
		if s := d.Services()[0]; minute == 14 {
			admitted = s.Admitted
			if s.Waiting < tenants-2*limit || s.Troubled < limit*8/10 {
				t.Errorf("after ten minutes %+v", s)
			}
		}
	}
	if s := d.Services()[0]; s.Waiting != 0 || s.Troubled != 0 || admitted > 4*limit || s.Tracked > limit*9/10 {
		t.Errorf("%d were admitted in the first minutes; at the end %+v", admitted, s)
	}
}

// A tenant that was given series late, or lost them and was given them again, shows what one shows that always had
// series, from before its trouble on: whatever happens in between, whenever the exporter is killed.
func TestLateSeriesEqualThoseOfAlways(t *testing.T) {
	seeds := 10
	if testing.Short() {
		seeds = 3
	}
	// In the first two, a series ends and is given again between two scrapes.
	stories := []uint64{10913267284798928891, 7009781446623620643}
	for _, seed := range append(stories, testkit.Seeds(t, seeds-len(stories))...) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { troubleStory(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func troubleStory(t *testing.T, random *rand.Rand) {
	const tenants, limit = 60, 20
	conf := manyTenants(tenants, limit)
	d := newTestStore(t, t.TempDir(), conf)
	truth := map[string]*counts{}
	// Of each tenant: what it had counted when its present series began, and when its trouble did.
	before := map[string]counts{}     // what it had counted before its present trouble
	lastBad := map[string]time.Time{} // of its present trouble
	seen := map[string]int{}          // scrapes of its present series
	last := map[string]counts{}
	var increases, made, admitted uint64
	for step := range 400 {
		var pause time.Duration
		switch random.IntN(40) {
		case 0:
			pause = 10 * 24 * time.Hour
		case 1, 2:
			pause = time.Duration(random.IntN(30)) * time.Minute
		default:
			pause = time.Duration(random.IntN(30)) * time.Second
		}
		d.clock.add(pause)
		d.tick(pause >= 15*time.Second)
		all := map[string]requests{}
		for range random.IntN(5) {
			name := fmt.Sprintf("t%05d", random.IntN(tenants))
			if _, twice := all[name]; twice {
				continue
			}
			c := truth[name]
			if c == nil {
				c = &counts{}
				truth[name] = c
			}
			n := requests{good: uint32(random.IntN(50))}
			if random.IntN(6) == 0 {
				n.bad = uint32(1 + random.IntN(3))
				if d.clock.now().Sub(lastBad[name]) > 2*spanLength {
					before[name] = *c
				}
				lastBad[name] = d.clock.now()
			}
			c.requests[1] += uint64(n.good)
			c.requests[4] += uint64(n.bad)
			c.bytes += 10
			made += uint64(n.good) + uint64(n.bad)
			all[name] = n
		}
		if len(all) > 0 {
			d.request(all)
		}
		d.tick(false)
		if random.IntN(4) == 0 {
			if random.IntN(2) == 0 {
				d.compactNow()
			}
			admitted += d.Services()[0].Admitted
			d = d.restarted(conf)
		}
		got := d.shown("a")
		if err := d.save(); err != nil {
			t.Fatal(err)
		}
		if len(got) > limit+2 {
			t.Fatalf("step %d: %d series", step, len(got))
		}
		stales := map[string]bool{}
		_ = d.View().Each(func(s *Series) { stales[s.Tenant] = s.Stale }, func() error { return nil })
		for name := range last {
			if _, ok := got[name]; !ok {
				delete(last, name)
				delete(seen, name)
			}
		}
		for name, c := range got {
			if old, ok := last[name]; ok {
				grown := c.since(&old)
				if c.total() < old.total() || grown.total() > 1<<40 {
					t.Fatalf("step %d: %s goes back from %+v to %+v", step, name, old, c)
				}
				increases += grown.total()
			}
			last[name] = c
			if name[0] == '_' {
				continue
			}
			want := truth[name]
			if want == nil {
				want = &counts{}
			}
			switch seen[name]++; {
			case stales[name]:
				seen[name] = -1
			case seen[name] == 0: // its series goes on
				seen[name] = 1
			case seen[name] > 1 && c != *want:
				t.Fatalf("step %d: %s shows %+v, counted %+v", step, name, c, *want)
			case seen[name] == 1 && c.requests[4] > before[name].requests[4] &&
				d.clock.now().Sub(lastBad[name]) <= spanLength:
				t.Fatalf("step %d: %s is first shown with %d failures, and had %d before its trouble", step, name,
					c.requests[4], before[name].requests[4])
			}
		}
	}
	if total, _, _ := d.Totals(); total != made {
		t.Errorf("%d requests, %d were made", total, made)
	}
	owed := d.saved.slots[d.saved.services[0].other].owed.total()
	if increases > made+owed || increases+owed+uint64(tenants*50*5) < made/2 {
		t.Errorf("increases add up to %d, %d were made, %d are owed", increases, made, owed)
	}
	if admitted += d.Services()[0].Admitted; admitted < limit/2 {
		t.Errorf("%d tenants were given series", admitted)
	}
}
