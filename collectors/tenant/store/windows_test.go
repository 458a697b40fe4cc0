package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestWindowNames(t *testing.T) {
	if want := append(metric.BurnWindows(), metric.WindowPeriod); !slices.Equal(WindowNames(), want) ||
		len(want) != int(Windows) {
		t.Errorf("%d windows, named %v", Windows, WindowNames())
	}
	for w, name := range WindowNames()[:windowPeriod] {
		length, err := time.ParseDuration(map[string]string{"1d": "24h", "3d": "72h"}[name])
		if err != nil {
			length, err = time.ParseDuration(name)
		}
		if got := windowLength(Window(w), 0); err != nil || got != length {
			t.Errorf("%s is %s long: %v", name, got, err)
		}
	}
	last := levels[len(levels)-1]
	if end := last.first + last.buckets + 1; end != ringSize {
		t.Errorf("levels end at %d", end)
	}
}

// bucketLength is the length of a window's buckets.
func bucketLength(w Window, period time.Duration) time.Duration {
	ticks := newBucketTicks()
	ticks[periodLevel] = periodTicks(period)
	return time.Duration(ticks[covered[w].level]) * tickLength
}

func windowLength(w Window, period time.Duration) time.Duration {
	return time.Duration(covered[w].buckets) * bucketLength(w, period)
}

// windowState is a state with one tenant at a time.
func windowState(t *testing.T, at time.Time, period time.Duration) (*State, *slot) {
	t.Helper()
	st := newState()
	for _, record := range [][]byte{
		appendThresholds(nil, recordThresholds, []uint64{300e6, 1e9}),
		appendService(nil, "web", 0),
		appendAdmit(nil, recordAdmit, []admission{{name: metric.TenantOther, special: otherSlot}, {slot: 1, name: "acme"}}),
		appendPeriod(nil, periodTicks(period)),
		appendTick(nil, uint32(tickOf(at)), nil),
	} {
		if err := st.apply(record); err != nil {
			t.Fatal(err)
		}
	}
	return st, &st.slots[1]
}

func (st *State) tickAt(t *testing.T, at time.Time) {
	t.Helper()
	if tick := uint32(tickOf(at)); tick != st.tick {
		if err := st.apply(appendTick(nil, tick, st.planned())); err != nil {
			t.Fatal(err)
		}
	}
}

// Of uniform traffic every window holds exactly the share of its length, at any second.
func TestWindowsOfUniformTraffic(t *testing.T) {
	const period = 5 * 24 * time.Hour
	at := time.Unix(1_790_000_017, 0)
	st, s := windowState(t, at, period)
	for second := range 2 * int(period.Seconds()) {
		at = at.Add(time.Second)
		st.tickAt(t, at)
		st.countWindows(s, &added{requests: 6, failed: 1, slow: [MaxThresholds]uint64{1: 3}})
		if second%9973 != 0 {
			continue
		}
		for w := range Windows {
			// What is counted in a second is counted at its end.
			got := s.windows.counts(w, st.now(at.Add(time.Second)))
			n := uint64(min(windowLength(w, period).Seconds(), float64(second)+1))
			if float64(second) < windowLength(w, period).Seconds()+bucketLength(w, period).Seconds() {
				continue // it began in the middle of a bucket
			}
			if got.requests != [5]uint64{0: 5 * n, 4: n} || got.slow != [MaxThresholds]uint64{1: 3 * n} {
				t.Fatalf("%s after %d s: %+v, want %d seconds", WindowNames()[w], second, got, n)
			}
		}
	}
}

// event is what was counted at once.
type event struct {
	at               time.Time
	requests, failed uint64
	slow             map[uint64]uint64 // by threshold
}

// Random traffic with pauses from seconds to days, of tenants that lose and are given series, across restarts and
// changed thresholds: every window lies between what was counted over it without its oldest bucket and with one more.
func TestWindowsOfRandomTraffic(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for _, seed := range testkit.Seeds(t, seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { windowStory(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

// story is random traffic of a store.
type story struct {
	*testStore
	random *rand.Rand
	conf   Config
	events map[string][]event
}

func windowStory(t *testing.T, random *rand.Rand) {
	conf := manyTenants(60, 20)
	conf.Period = time.Duration(1+random.IntN(40)) * 24 * time.Hour
	s := &story{newTestStore(t, t.TempDir(), conf), random, conf, map[string][]event{}}
	lives := map[life]int{}
	for step := range 250 {
		var pause time.Duration
		switch random.IntN(30) {
		case 0:
			pause = time.Duration(random.Int64N(int64(9 * 24 * time.Hour)))
		case 1, 2, 3:
			pause = time.Duration(random.Int64N(int64(3 * time.Hour)))
		default:
			pause = time.Duration(random.Int64N(int64(time.Minute)))
		}
		s.clock.add(pause)
		s.beginTick()
		s.tick(pause >= 15*time.Second)
		s.traffic()
		s.tick(false)
		if random.IntN(2) == 0 {
			s.shown("a")
		}
		if random.IntN(20) == 0 {
			s.change()
		}
		if random.IntN(6) == 0 {
			s.restart()
		}
		s.check(step)
		for i := range s.saved.slots {
			lives[s.saved.slots[i].life]++
		}
	}
	if lives[hidden] == 0 || lives[stale] == 0 || lives[pending] == 0 || lives[visible] == 0 {
		t.Errorf("lives of slots: %v", lives)
	}
}

// traffic counts requests of a few tenants in one record.
func (s *story) traffic() {
	s.t.Helper()
	other, _ := s.Slots(s.web.Service)
	batch := s.batch(other, 0)
	batch.Thresholds, batch.Accumulators = s.conf.Thresholds, nil
	for range s.random.IntN(6) {
		name := fmt.Sprintf("t%05d", s.random.IntN(60))
		slot, ok := s.Admit(s.web.Service, name)
		if !ok {
			s.t.Fatalf("no slot of %s", name)
		}
		c := &Accumulator{Slot: slot, Requests: [5]uint32{1: s.random.Uint32N(1000)}, Late: [5]uint32{4: 7}}
		if s.random.IntN(4) == 0 {
			c.Requests[4] = s.random.Uint32N(100)
		}
		e := event{at: s.clock.now(), failed: uint64(c.Requests[4]), slow: map[uint64]uint64{}}
		e.requests = uint64(c.Requests[1]) + e.failed
		for i, threshold := range s.conf.Thresholds {
			if s.random.IntN(4) == 0 {
				c.Slow[i] = s.random.Uint32N(uint32(e.requests) + 1)
				e.slow[threshold] = uint64(c.Slow[i])
			}
		}
		c.Observe(5e6, 1, &Histograms{})
		batch.Accumulators = append(batch.Accumulators, c)
		s.events[name] = append(s.events[name], e)
	}
	batch.Epoch = s.Epoch()
	if err := s.save(Encode(batch)); err != nil {
		s.t.Fatal(err)
	}
}

// change puts other thresholds in force. The counts of one that is dropped are lost.
func (s *story) change() {
	s.t.Helper()
	sets := [][]uint64{{300e6}, {300e6, 1e9}, {1e9, 300e6}, {}, {2e9, 1e9}}
	s.conf.Thresholds = sets[s.random.IntN(len(sets))]
	s.conf.Slow = slices.Repeat([]float64{0.05}, len(s.conf.Thresholds))
	s.Configure(s.conf)
	if err := s.save(); err != nil {
		s.t.Fatal(err)
	}
	for _, all := range s.events {
		for _, e := range all {
			for threshold := range e.slow {
				if !slices.Contains(s.conf.Thresholds, threshold) {
					delete(e.slow, threshold)
				}
			}
		}
	}
}

// restart kills the exporter: what it reads back, from its log or from a snapshot, is what it had.
func (s *story) restart() {
	s.t.Helper()
	if s.random.IntN(2) == 0 {
		s.compactNow()
	}
	old := s.saved
	s.testStore = s.restarted(s.conf)
	if len(old.slots) != len(s.saved.slots) || old.tick != s.saved.tick || old.ticks != s.saved.ticks {
		s.t.Fatalf("tick %d of %v, it was %d of %v", s.saved.tick, s.saved.ticks, old.tick, old.ticks)
	}
	for i := range old.slots {
		if got, want := s.saved.slots[i].windows, old.slots[i].windows; !got.equal(want) {
			s.t.Fatalf("slot %d: %+v, it was %+v", i, got, want)
		}
	}
}

// equal compares counts: what is read back may take fewer bytes.
func (w *windows) equal(o *windows) bool {
	if w == nil || o == nil {
		return w == o
	}
	return w.tick == o.tick && slices.EqualFunc(append(w.bad, w.requests), append(o.bad, o.requests),
		func(a, b ring) bool { return (a == nil) == (b == nil) && (a == nil || a.within(b) && b.within(a)) })
}

func (s *story) check(step int) {
	s.t.Helper()
	for name, events := range s.events {
		var w windows
		for i := range s.saved.slots {
			if held := &s.saved.slots[i]; held.life != free && held.name == name && held.windows != nil {
				w = *held.windows
			}
		}
		for window := range Windows {
			got := w.counts(window, s.saved.now(s.clock.now()))
			s.within(step, name, window, "requests", got.total(), events, func(e event) uint64 { return e.requests })
			s.within(step, name, window, "failed", got.requests[4], events, func(e event) uint64 { return e.failed })
			for i, threshold := range s.conf.Thresholds {
				s.within(step, name, window, "slow", got.slow[i], events, func(e event) uint64 { return e.slow[threshold] })
			}
			if most := max(got.requests[4], slices.Max(got.slow[:])); most > got.total() {
				s.t.Fatalf("step %d: %s has %d bad requests of %d", step, name, most, got.total())
			}
		}
	}
}

func (s *story) within(step int, name string, w Window, what string, got uint64, events []event,
	of func(event) uint64,
) {
	s.t.Helper()
	length, bucket := windowLength(w, s.conf.Period), bucketLength(w, s.conf.Period)
	least, most := uint64(0), uint64(0)
	for _, e := range events {
		age := s.clock.now().Sub(e.at)
		if age < length-bucket {
			least += of(e)
		}
		if age <= length+bucket {
			most += of(e)
		}
	}
	if got < least || got > most {
		s.t.Fatalf("step %d: %s over %s has %d %s, want %d to %d", step, name, WindowNames()[w], got, what, least, most)
	}
}

// A count stays at its greatest value rather than begin anew.
func TestWindowsSaturate(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	st, s := windowState(t, at, 0)
	for range 3 {
		st.countWindows(s, &added{math.MaxUint32 - 1, math.MaxUint32 - 1, [MaxThresholds]uint64{math.MaxUint64}})
	}
	at = at.Add(time.Minute)
	st.tickAt(t, at)
	st.countWindows(s, &added{requests: 1})
	for w := range Windows {
		got := s.windows.counts(w, st.now(at))
		if got.total() < math.MaxUint32 || got.requests[4] != math.MaxUint32 || got.slow[0] != math.MaxUint32 {
			t.Errorf("%s: %+v", WindowNames()[w], got)
		}
	}
}

// When the period changes only its window begins anew.
func TestPeriodBeginsAnew(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	st, s := windowState(t, at, 0)
	st.countWindows(s, &added{requests: 10, failed: 10})
	at = at.Add(time.Minute)
	st.tickAt(t, at)
	st.countWindows(s, &added{requests: 1})
	for _, period := range []time.Duration{defaultPeriod, 24 * time.Hour} {
		if err := st.apply(appendPeriod(nil, periodTicks(period))); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.windows.counts(window3d, st.now(at)); got.total() != 11 {
		t.Errorf("over 3d %+v", got)
	}
	// What the tick at hand holds is in no bucket yet.
	if got := s.windows.counts(windowPeriod, st.now(at)); got.total() != 1 || got.requests[4] != 0 {
		t.Errorf("over the period %+v", got)
	}
}

// A tenant that leaves has no windows when it comes back, and no holder of its slot inherits them.
func TestWindowsEndWithTheTenant(t *testing.T) {
	conf := manyTenants(30, 20)
	d := newTestStore(t, t.TempDir(), conf)
	d.one("t00001", requests{bad: 5})
	d.one("t00029", requests{bad: 5})
	conf.Registered = map[string]string{}
	d.Configure(conf)
	d.tick(false)
	d.relist()
	if n := len(d.windowsOf(t, "")); n != 0 {
		t.Errorf("%d tenants that left are listed", n)
	}
	d.clock.add(staleFor)
	d.tick(false)
	for i := range d.saved.slots {
		if d.saved.slots[i].windows != nil {
			t.Errorf("slot %d has windows: %+v", i, d.saved.slots[i])
		}
	}
}

// Windows are let go of once nothing is left in any of them.
func TestIdleWindowsAreReleased(t *testing.T) {
	conf := manyTenants(3, 20)
	conf.Period = 24 * time.Hour
	d := newTestStore(t, t.TempDir(), conf)
	d.one("t00001", requests{bad: 5})
	slot := must(d.Lookup(d.web.Service, []byte("t00001")))
	for range 71 {
		d.clock.add(time.Hour)
		d.beginTick()
		d.tick(false)
	}
	if d.saved.slots[slot].windows == nil {
		t.Error("windows are gone after 71 hours")
	}
	for range 8 {
		d.clock.add(time.Hour)
		d.beginTick()
		d.tick(false)
	}
	if d.saved.slots[slot].windows != nil {
		t.Error("windows are kept for 79 hours")
	}
}
