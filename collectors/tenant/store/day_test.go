package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// writeAll waits for the days that are over to be on the disk.
func (d *testStore) writeAll() {
	d.t.Helper()
	for len(d.saved.closed) > 0 {
		d.writeDays()
		if d.writing == nil {
			return // not yet
		}
		d.dayWritten(<-d.writing)
		if err := d.save(); err != nil {
			d.t.Fatal(err)
		}
	}
}

// byDay are the counts of a tenant by date.
func (d *testStore) byDay(tenant string) map[history.Date]history.Counts {
	d.t.Helper()
	records, unreadable, err := d.History(d.t.Context(), tenant, "2000-01-01", "2100-01-01")
	if err != nil || len(unreadable) > 0 {
		d.t.Fatal(err, unreadable)
	}
	all := map[history.Date]history.Counts{}
	for _, r := range records {
		c := all[r.Date]
		c.Add(r.Counts)
		all[r.Date] = c
	}
	return all
}

// Whenever days end, tenants come, leave, and have series or not, and the exporter is killed, each request of a tenant
// is once in the history, on the day on which it was saved.
func TestHistoryCountsEveryRequestOnce(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for _, seed := range testkit.Seeds(t, seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { historyStory(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func historyStory(t *testing.T, random *rand.Rand) {
	const tenants = 30
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	conf := manyTenants(tenants, 20)
	conf.Zone = zone
	d := newTestStore(t, t.TempDir(), conf)
	want := map[string]map[history.Date]history.Counts{}
	written := false
	for range 150 {
		d.clock.add(time.Duration(random.IntN(300)) * time.Minute)
		if err := d.save(); err != nil {
			t.Fatal(err)
		}
		d.beginDay()
		d.tick(true)
		all := map[string]requests{}
		for range random.IntN(4) {
			name := fmt.Sprintf("t%05d", random.IntN(tenants))
			if _, registered := conf.Registered[name]; registered {
				all[name] = requests{good: uint32(random.IntN(50)), bad: uint32(random.IntN(2)), slow: 1, late: 1}
			}
		}
		if len(all) > 0 {
			d.request(all)
		}
		date := history.DateOf(d.clock.now().In(zone))
		for name, n := range all {
			if want[name] == nil {
				want[name] = map[history.Date]history.Counts{}
			}
			c := want[name][date]
			c.Add(history.Counts{
				Requests: uint64(n.good + n.bad), Failed: uint64(n.bad), Late: 1, LateFailed: 1, Bytes: 10, Slow: []uint64{1},
			})
			want[name][date] = c
		}
		switch random.IntN(8) {
		case 0:
			d.compactNow()
		case 1, 2:
			d = d.restarted(conf)
		case 3: // one leaves, or comes back
			name := fmt.Sprintf("t%05d", random.IntN(tenants))
			next := registered(tenants)
			delete(next, name)
			conf.Registered = next
			d.Configure(conf)
		case 4:
			if random.IntN(2) == 0 && len(d.saved.closed) > 0 { // killed before it was noted that a day is written
				d.writeDays()
				if err := <-d.writing; err != nil {
					t.Fatal(err)
				}
				d.writing = nil
			}
		case 5:
			d.writeAll()
			written = true
		}
		for len(d.saved.closed) >= maxClosed {
			d.writeAll()
		}
		name := fmt.Sprintf("t%05d", random.IntN(tenants))
		if got := d.byDay(name); len(got)+len(want[name]) > 0 && !reflect.DeepEqual(got, want[name]) {
			t.Fatalf("%s: %+v, want %+v", name, got, want[name])
		}
	}
	d.writeAll()
	for name := range want {
		if got := d.byDay(name); !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s: %+v, want %+v", name, got, want[name])
		}
	}
	if days, bytes, _ := d.HistoryStatus(); !written || days < 5 || bytes == 0 {
		t.Errorf("%d days in %d bytes", days, bytes)
	}
}

// A day that cannot be written is kept until it can be, and costs nothing else.
func TestDayThatCannotBeWritten(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(3, 20))
	d.one("t00001", requests{good: 7})
	date := d.saved.date
	file := filepath.Join(d.path, historyName)
	if err := os.WriteFile(file, nil, 0o600); err != nil { // where a directory should be
		t.Fatal(err)
	}
	d.clock.add(24 * time.Hour)
	d.beginDay()
	if err := d.save(); err != nil {
		t.Fatal(err)
	}
	d.writeDays()
	d.dayWritten(<-d.writing)
	d.writeDays()
	if _, _, errors := d.HistoryStatus(); errors.Write != 1 || d.writing != nil || len(d.saved.closed) != 1 {
		t.Errorf("%+v, %d days wait", errors, len(d.saved.closed))
	}
	d.one("t00001", requests{good: 1})
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	d.clock.add(dayRetry)
	d.writeAll()
	got := d.byDay("t00001")
	if len(d.saved.closed) != 0 || got[date].Requests != 7 || got[d.saved.date].Requests != 1 {
		t.Errorf("%d days wait; %+v", len(d.saved.closed), got)
	}
}

// Thresholds that change in the middle of a day move its slow requests along.
func TestThresholdsChangeOnADay(t *testing.T) {
	conf := manyTenants(3, 20)
	d := newTestStore(t, t.TempDir(), conf)
	d.one("t00001", requests{good: 7, slow: 3})
	conf.Thresholds, conf.Slow = []uint64{100e6, 300e6}, []float64{0.5, 0.05}
	d.Configure(conf)
	_ = d.save()
	for _, compacted := range []bool{false, true} {
		if compacted {
			d.compactNow()
			d = d.restarted(conf)
		}
		got, _, _ := d.History(t.Context(), "t00001", "2000-01-01", "2100-01-01")
		if len(got) != 1 || !reflect.DeepEqual(got[0].Slow, []uint64{0, 3}) || len(got[0].Thresholds) != 2 {
			t.Errorf("compacted %v: %+v", compacted, got)
		}
	}
}

// The day of a tenant without series that leaves stays in sight also until its end is saved.
func TestDayOfATenantThatLeaves(t *testing.T) {
	conf := manyTenants(30, 20)
	d := newTestStore(t, t.TempDir(), conf)
	name := ""
	for registered := range conf.Registered {
		d.Admit(d.web.Service, registered)
	}
	for hidden := range d.index.services[d.web.Service].hidden {
		name = hidden
	}
	if name == "" {
		t.Fatal("every tenant has series")
	}
	d.one(name, requests{good: 7})
	date := d.saved.date
	conf.Registered = maps.Clone(conf.Registered)
	delete(conf.Registered, name)
	d.Configure(conf)
	before := d.byDay(name)[date].Requests
	_ = d.save()
	if after := d.byDay(name)[date].Requests; before != 7 || after != 7 {
		t.Errorf("%s had %d requests before its end was saved and %d after, want 7", name, before, after)
	}
}
