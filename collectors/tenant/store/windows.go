package store

import "github.com/thorbis/thorbis_exporter/metric"

// Windows count the requests of a tenant and the bad ones among them over the windows that rules look at, all of which
// end now. A ring of buckets covers several windows; the oldest bucket of a window is covered partly, and a share of it
// counts. They are changed by records of the log only, so that a restart finds them as they were.

// Window is one of the windows over which requests are counted.
type Window int

// The windows, the shortest first. Only the period may be shorter than the one before it.
const (
	window5m Window = iota
	window30m
	window1h
	window2h
	window6h
	window1d
	window3d
	windowPeriod
	Windows // is how many there are
)

// covered says how many buckets of which level a window covers.
var covered = [Windows]struct {
	level   int
	buckets int64
}{{0, 10}, {1, 6}, {1, 12}, {2, 4}, {2, 12}, {3, 4}, {3, 12}, {periodLevel, 30}}

// WindowNames are the label values of the windows.
func WindowNames() []string { return append(metric.BurnWindows(), metric.WindowPeriod) }

// windows are the rings of one tenant.
type windows struct {
	tick     uint32 // in which something was counted last
	requests ring
	bad      []ring // of failed requests, then of slow ones by column, nil for what was never bad; nil if nothing was
}

// added is what was counted for a slot at once, without what was late.
type added struct {
	requests, failed uint64
	slow             [MaxThresholds]uint64 // by column
}

// countWindows adds what was counted for a slot to its windows.
func (st *State) countWindows(s *slot, a *added) {
	n := a.requests
	if n == 0 || s.special != ordinary || st.tick == 0 || st.services[s.service].planned {
		return
	}
	if s.windows == nil {
		s.windows = &windows{tick: st.tick, requests: newRing()}
	}
	w := s.windows
	w.slide(st.tick, &st.ticks)
	w.requests.add(atHand, n)
	if a.failed > 0 {
		w.badRing(0, len(st.thresholds)).add(atHand, min(a.failed, n))
	}
	for column, slow := range a.slow[:len(st.thresholds)] {
		if slow > 0 {
			w.badRing(1+column, len(st.thresholds)).add(atHand, min(slow, n))
		}
	}
}

// badRing returns the ring of a kind of bad requests, which is made if need be.
func (w *windows) badRing(kind, thresholds int) *ring {
	if w.bad == nil {
		w.bad = make([]ring, 1+thresholds)
	}
	if w.bad[kind] == nil {
		w.bad[kind] = newRing()
	}
	return &w.bad[kind]
}

// slide moves the windows on to a later tick, before something is counted in it.
func (w *windows) slide(tick uint32, ticks *bucketTicks) {
	if w.tick == tick {
		return
	}
	w.requests.slide(w.tick, tick, ticks)
	for kind := range w.bad {
		if w.bad[kind] != nil {
			w.bad[kind].slide(w.tick, tick, ticks)
		}
	}
	w.tick = tick
}

// extent is what a window covers at a moment.
type extent struct {
	level        int
	ticks        uint32 // of a bucket, 0 for a window that is not known yet
	open, oldest int64  // numbers of the bucket at hand and of the oldest one
	at           int    // the place of the oldest one
	share, whole uint64 // how much of the oldest one counts, of how much
}

// after reports whether all of the window comes after a tick.
func (e *extent) after(tick uint32) bool { return e.ticks == 0 || int64(tick/e.ticks) < e.oldest }

// moment is a time at which windows end, in a tick.
type moment struct {
	tick    uint32
	extents [Windows]extent
}

// newMoment returns the moment at which so many milliseconds of a tick have passed.
func newMoment(tick uint32, elapsed int64, ticks *bucketTicks) *moment {
	m := &moment{tick: tick}
	for w, covers := range covered {
		e := &m.extents[w]
		if e.level, e.ticks = covers.level, ticks[covers.level]; e.ticks == 0 {
			continue
		}
		whole := int64(e.ticks) * tickMillis
		e.whole, e.share = uint64(whole), uint64(whole-int64(tick%e.ticks)*tickMillis-elapsed)
		e.open = int64(tick / e.ticks)
		if e.oldest = e.open - covers.buckets; e.oldest < 0 { // a clock that is not set
			e.oldest, e.share = 0, e.whole
		}
		e.at = int(e.oldest % int64(levels[e.level].buckets+1))
	}
	return m
}

// counts returns what the windows hold of a window, as counters of a slot.
func (w *windows) counts(window Window, at *moment) (c counts) {
	c.requests[0] = w.requests.sum(window, w.tick, at)
	for kind, r := range w.bad {
		switch {
		case r == nil:
		case kind == 0:
			c.requests[4] = r.sum(window, w.tick, at)
			c.requests[0] -= c.requests[4]
		default:
			c.slow[kind-1] = r.sum(window, w.tick, at)
		}
	}
	return c
}

// move moves the slow requests to other columns, as counts.move does.
func (w *windows) move(from []int) {
	old := w.bad
	w.bad = nil
	if old == nil {
		return
	}
	take := func(kind int, r ring) {
		if r != nil {
			*w.badRing(kind, len(from)) = r
		}
	}
	take(0, old[0])
	for i, k := range from {
		if k >= 0 {
			take(1+i, old[1+k])
		}
	}
}

// restartPeriod empties the level of the period.
func (w *windows) restartPeriod() {
	w.requests.empty(levels[periodLevel])
	for _, r := range w.bad {
		if r != nil {
			r.empty(levels[periodLevel])
		}
	}
}

// ended reports whether nothing was counted for so long that no window has anything left.
func (w *windows) ended(at *moment) bool {
	return at.extents[window3d].after(w.tick) && at.extents[windowPeriod].after(w.tick)
}
