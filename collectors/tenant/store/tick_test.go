package store

import (
	"testing"
	"time"
)

// Time that goes backwards a little has no effect; after more, windows begin anew.
func TestTimeGoesBackwards(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(3, 20))
	slot := must(d.Admit(d.web.Service, "t00001"))
	d.one("t00001", requests{good: 7})
	tick := d.saved.tick
	d.clock.add(-9 * time.Minute)
	d.beginTick()
	d.one("t00001", requests{good: 2})
	if w := d.saved.slots[slot].windows; d.saved.tick != tick || w.requests.at(atHand) != 9 {
		t.Errorf("nine minutes earlier: tick %d, it was %d; %+v", d.saved.tick, tick, w)
	}
	d.clock.add(-2 * time.Minute)
	d.beginTick()
	d.one("t00001", requests{good: 1})
	at := d.saved.now(d.clock.now())
	if w := d.saved.slots[slot].windows; d.saved.tick >= tick || w.requests.sum(windowPeriod, w.tick, at) != 1 {
		t.Errorf("eleven minutes earlier: tick %d, it was %d; %+v", d.saved.tick, tick, w)
	}
	// A clock that is not set yet.
	d.clock.add(time.Unix(5, 0).Sub(d.clock.now()))
	d.beginTick()
	d.one("t00001", requests{good: 3})
	if at := d.saved.now(d.clock.now()); d.saved.slots[slot].windows.requests.sum(window3d, d.saved.tick, at) != 3 {
		t.Errorf("in 1970: %+v", d.saved.slots[slot].windows)
	}
}

// A tick is recorded once, also while nothing can be saved.
func TestOneRecordOfATick(t *testing.T) {
	d := newTestStore(t, t.TempDir(), manyTenants(3, 20))
	d.clock.add(tickLength)
	for range 3 {
		d.beginTick()
	}
	if n := len(d.index.records); n != 2 { // the other one is of the time that was counted
		t.Errorf("%d records", n)
	}
}

// Requests of a service in planned work are in no window.
func TestPlannedWork(t *testing.T) {
	conf := manyTenants(3, 20)
	planned := ""
	conf.Planned = func(service string, at time.Time) bool { return service == planned && !at.IsZero() }
	d := newTestStore(t, t.TempDir(), conf)
	slot := must(d.Admit(d.web.Service, "t00001"))
	for i, want := range []uint32{1, 0, 0, 1} {
		planned = []string{"", "web", "web", "api"}[i]
		d.clock.add(tickLength)
		d.beginTick()
		if i == 2 { // it goes on after a restart
			d.compactNow()
			d = d.restarted(conf)
		}
		before := uint32(0)
		if w := d.saved.slots[slot].windows; w != nil && w.tick == d.saved.tick {
			before = w.requests.at(atHand)
		}
		d.one("t00001", requests{good: 1})
		got := uint32(0)
		if w := d.saved.slots[slot].windows; w.tick == d.saved.tick {
			got = w.requests.at(atHand) - before
		}
		if got != want {
			t.Errorf("step %d: %d requests are counted, want %d", i, got, want)
		}
	}
}

func TestPeriodTicks(t *testing.T) {
	for period, want := range map[time.Duration]uint32{
		0: 2880, 24 * time.Hour: 96, 30 * 24 * time.Hour: 2880, 366 * 24 * time.Hour: 35136, 24*time.Hour + time.Second: 97,
	} {
		if got := periodTicks(period); got != want {
			t.Errorf("%s has buckets of %d ticks, want %d", period, got, want)
		}
	}
}
