package store

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

// run lets time pass by ticks, as Run does.
func (d *testStore) run(passes time.Duration) {
	d.t.Helper()
	for end := d.clock.now().Add(passes); d.clock.now().Before(end); {
		d.clock.add(min(tickLength, end.Sub(d.clock.now())))
		d.beginTick()
		if err := d.save(); err != nil {
			d.t.Fatal(err)
		}
	}
}

// counted is for how long the windows of a service were counted.
func (d *testStore) counted(service string) (all [Windows]time.Duration, ok bool) {
	d.t.Helper()
	shares, ok := d.View().Counted(slices.Index(d.View().Services, service))
	for w, share := range shares {
		all[w] = time.Duration(math.Round(share * windowLength(Window(w), 0).Seconds() * float64(time.Second)))
	}
	return all, ok
}

func (d *testStore) wantCounted(what, service string, want time.Duration) {
	d.t.Helper()
	got, ok := d.counted(service)
	if !ok {
		d.t.Fatalf("%s: not counted", what)
	}
	for w := range Windows {
		length, want := windowLength(w, 0), want
		want = min(want, length)
		// Of the oldest bucket a share counts, wherever in it counting began.
		if (got[w] - want).Abs() > time.Second+bucketLength(w, 0)/4 {
			d.t.Errorf("%s: %s of %s are counted, want %s", what, got[w], WindowNames()[w], want)
		}
	}
}

// A window is counted as long as the state is old, across restarts, reloads and absences that are caught up.
func TestCountedSince(t *testing.T) {
	conf := manyTenants(3, 20)
	d := newTestStoreAt(t, t.TempDir(), conf, time.Unix(1_790_000_017, 0))
	d.wantCounted("at first", "web", 0)
	d.run(40 * time.Second)
	d.wantCounted("after 40 s", "web", 40*time.Second)
	d.run(2*time.Minute + 20*time.Second)
	d.Configure(conf)
	d.wantCounted("after a reload", "web", 3*time.Minute)
	for _, compact := range []bool{false, true} {
		before, _ := d.counted("web")
		if compact {
			d.compactNow()
		}
		d = d.restarted(conf)
		if after, ok := d.counted("web"); !ok || after != before {
			t.Errorf("after a restart (compacted: %t) %v, want %v", compact, after, before)
		}
	}
	d.clock.add(27 * time.Minute)
	d = d.restarted(conf)
	d.wantCounted("after an absence", "web", 30*time.Minute)
	d.run(4 * time.Hour)
	d.wantCounted("after hours", "web", 4*time.Hour+30*time.Minute)
	if got, _ := d.counted("web"); got[window5m] != 5*time.Minute || got[window2h] != 2*time.Hour {
		t.Errorf("whole windows are %v", got)
	}
}

// What a long absence took is missing in the windows that contain it.
func TestCountedAfterALongAbsence(t *testing.T) {
	conf := manyTenants(3, 20)
	d := newTestStoreAt(t, t.TempDir(), conf, time.Unix(1_790_000_017, 0))
	d.run(3 * time.Hour)
	d.clock.add(9 * time.Hour)
	if _, ok := d.counted("web"); ok {
		t.Error("counted while it did not run")
	}
	d = d.restarted(conf)
	d.run(10 * time.Minute)
	got, _ := d.counted("web")
	for w, want := range map[Window]time.Duration{
		window5m: 5 * time.Minute, window1h: 10 * time.Minute, window6h: 10 * time.Minute,
		window1d: 3*time.Hour + 10*time.Minute, windowPeriod: 3*time.Hour + 10*time.Minute,
	} {
		if (got[w] - want).Abs() > time.Minute {
			t.Errorf("%s of %s are counted, want %s", got[w], WindowNames()[w], want)
		}
	}
}

// Each service is counted since a source counts for it.
func TestCountedByService(t *testing.T) {
	conf := manyTenants(3, 20)
	conf.Sources = []SourceConfig{{Name: "access", Service: "web"}}
	d := newTestStoreAt(t, t.TempDir(), conf, time.Unix(1_790_000_017, 0))
	d.run(10 * time.Minute)
	both := conf
	both.Sources = append(slices.Clip(conf.Sources), SourceConfig{Name: "api", Service: "api"})
	d.Configure(both)
	d.run(time.Minute)
	d.wantCounted("the first", "web", 11*time.Minute)
	d.wantCounted("the second", "api", time.Minute)
	d.Configure(conf)
	d.run(3 * time.Hour)
	if got, ok := d.counted("api"); ok {
		t.Errorf("a service without a source is counted: %v", got)
	}
	d.Configure(both)
	d.run(2 * time.Minute)
	if got, ok := d.counted("api"); !ok || (got[window1h]-2*time.Minute).Abs() > tickLength {
		t.Errorf("the service is back: %v, want 2 min of an hour, less than a tick apart", got)
	}
}

// Windows that begin anew are counted anew: all when time went backwards, that of the period when its length changed.
func TestCountedAnew(t *testing.T) {
	conf := manyTenants(3, 20)
	d := newTestStoreAt(t, t.TempDir(), conf, time.Unix(1_790_000_017, 0))
	d.run(time.Hour)
	conf.Period = 7 * 24 * time.Hour
	d.Configure(conf)
	d.run(2 * time.Minute)
	shares, _ := d.View().Counted(0)
	if week := shares[windowPeriod] * conf.Period.Seconds(); math.Abs(week-120) > 31 || shares[window1h] != 1 {
		t.Errorf("after a new period %.0f s of it are counted and %g of an hour", week, shares[window1h])
	}
	d.clock.add(-30 * time.Minute)
	d.run(time.Minute)
	if shares, _ = d.View().Counted(0); math.Abs(shares[window1h]*3600-60) > 31 {
		t.Errorf("after time went backwards %.0f s are counted, want 60", shares[window1h]*3600)
	}
}

// The state of a release that did not save for how long it counted was counted since its service was created.
func TestCountedOfOlderState(t *testing.T) {
	at := time.Unix(1_790_000_017, 0)
	st, _ := windowState(t, at, 0)
	st.services[0].created, st.identity = at.Add(-50*24*time.Hour).UnixMilli(), "00000000"
	if err := st.apply(appendCounted(nil, at.UnixMilli(), []int{0})); err != nil {
		t.Fatal(err)
	}
	v := &View{state: st, Store: st.identity, now: func() time.Time { return at }}
	if shares, ok := v.Counted(0); !ok || slices.Min(shares[:]) != 1 {
		t.Errorf("counted: %v", shares)
	}
}

// FuzzCounted reads damaged records. None panics, and one that is accepted is encoded and read again.
func FuzzCounted(f *testing.F) {
	at := time.Unix(1_790_000_000, 0)
	state := func() *State {
		st := newState()
		for _, record := range [][]byte{
			appendService(nil, "web", at.UnixMilli()-5000), appendPeriod(nil, periodTicks(0)),
			appendTick(nil, uint32(tickOf(at)), nil),
		} {
			if err := st.apply(record); err != nil {
				f.Fatal(err)
			}
		}
		return st
	}
	st := state()
	first := appendCounted(nil, at.UnixMilli(), []int{0})
	if err := st.apply(first); err != nil {
		f.Fatal(err)
	}
	f.Add(first)
	f.Add(st.appendCountedRing(nil, 0))
	f.Add(appendCounted(nil, math.MaxInt64, []int{0, 0, 0}))
	f.Add(appendCounted(nil, 1, []int{1}))
	f.Add([]byte{recordCountedRing, 0, 0, 0, 0, 81})
	f.Add([]byte{recordCountedRing, 0, 1, 0, 0, 81})
	f.Add([]byte{recordCountedRing, 1, 1, 0, 0, 81})
	f.Fuzz(func(t *testing.T, record []byte) {
		if len(record) == 0 || record[0] != recordCounted && record[0] != recordCountedRing {
			return
		}
		st := state()
		if err := st.apply(record); err != nil {
			if !errors.Is(err, errRecord) {
				t.Error(err)
			}
			return
		}
		if st.services[0].counted == nil {
			return
		}
		v := &View{state: st, Store: "00000000", now: func() time.Time { return at.Add(time.Minute) }}
		shares, _ := v.Counted(0)
		if slices.Min(shares[:]) < 0 || slices.Max(shares[:]) > 1 {
			t.Errorf("counted: %v", shares)
		}
		again := state()
		if err := again.apply(st.appendCountedRing(nil, 0)); err != nil {
			t.Fatal(err)
		}
		same := reflect.DeepEqual
		if a, b := again.services[0], st.services[0]; a.countedTo != b.countedTo || !same(a.counted.tick, b.counted.tick) ||
			!a.counted.equal(b.counted) {
			t.Errorf("read back otherwise: %+v, it was %+v", a, b)
		}
	})
}
