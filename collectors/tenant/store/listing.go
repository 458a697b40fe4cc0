package store

import (
	"cmp"
	"time"
)

// The windows of at most maxListed tenants of a service are exported: of those with the most bad requests, and of the
// busiest while there is room.
const (
	maxListed = 200
	// leastListed is how many have a place for what was bad in one of the troubleWindows, however little it was.
	leastListed = 40
	// listEvery is the interval at which they are chosen.
	listEvery = 10 * time.Second
)

// troubleWindows are the windows whose worst tenants are listed: those that a page looks at, and those of slow burns.
var troubleWindows = [...]Window{window5m, window1h, window6h, window3d}

// listed is a slot with the epoch of its holder: by the time of a scrape it may have another one.
type listed struct {
	slot  uint32
	epoch uint64
}

// busy is how busy a tenant was.
type busy struct {
	slot       uint32
	hour, long uint64
}

func busier(a, b busy) int {
	return cmp.Or(cmp.Compare(b.hour, a.hour), cmp.Compare(b.long, a.long), cmp.Compare(a.slot, b.slot))
}

// ranking finds the tenants of one service to list.
type ranking struct {
	worst [len(troubleWindows)]top[suspect]
	busy  top[busy]
}

func newRanking() *ranking {
	r := &ranking{busy: top[busy]{n: maxListed, compare: busier}}
	for i := range r.worst {
		r.worst[i] = top[suspect]{n: maxListed, compare: moreTroubled}
	}
	return r
}

// consider ranks a tenant.
func (r *ranking) consider(slot uint32, w *windows, o *objectives, at *moment) {
	long := w.requests.sum(windowPeriod, w.tick, at)
	if long == 0 { // as where the period is shorter, or has just been changed
		if long = w.requests.sum(window3d, w.tick, at); long == 0 {
			return
		}
	}
	r.busy.add(busy{slot, w.requests.sum(window1h, w.tick, at), long})
	if w.bad == nil {
		return
	}
	for i, window := range troubleWindows {
		if c := w.counts(window, at); c.bad() {
			_, spent := o.evaluate(&c)
			r.worst[i].add(suspect{slot: slot, spent: spent})
		}
	}
}

// slots returns the tenants to list, the worst first.
func (r *ranking) slots() []uint32 {
	var all []uint32
	seen := map[uint32]bool{}
	list := func(slot uint32) {
		if !seen[slot] && len(all) < maxListed {
			seen[slot] = true
			all = append(all, slot)
		}
	}
	var worst [len(troubleWindows)][]suspect
	for i := range r.worst {
		worst[i] = r.worst[i].sorted()
	}
	for place := range maxListed {
		for _, ranked := range worst {
			if place < len(ranked) && (place < leastListed || ranked[place].spent > 0) {
				list(ranked[place].slot)
			}
		}
	}
	for _, b := range r.busy.sorted() {
		list(b.slot)
	}
	return all
}

// list returns the tenants to list, by service.
func (st *State) list(at *moment) [][]listed {
	rankings := make([]*ranking, len(st.services))
	for i := range rankings {
		rankings[i] = newRanking()
	}
	for i := range st.slots {
		if s := &st.slots[i]; s.lists() {
			rankings[s.service].consider(uint32(i), s.windows, &st.objectives, at)
		}
	}
	all := make([][]listed, len(rankings))
	for i, r := range rankings {
		for _, slot := range r.slots() {
			all[i] = append(all[i], listed{slot, st.slots[slot].epoch})
		}
	}
	return all
}

// lists reports whether the windows of a slot may be exported: those of a tenant that has left may not.
func (s *slot) lists() bool {
	return s.windows != nil && (s.life != stale || s.counting)
}

// relist chooses the tenants whose windows are exported. Only Run, which alone changes the state, calls it, so that it
// needs no lock; scrapes go on meanwhile.
func (s *Store) relist() {
	all := s.saved.list(s.saved.now(s.now()))
	s.listing.Store(&all)
}

// WindowCounts are the requests of one tenant of one service by window, and the bad ones.
type WindowCounts struct {
	Service int
	Tenant  string
	// NoSeries reports that the tenant has no counters in the view, or that they only stand still there.
	NoSeries bool
	Requests [Windows]uint64
	// Bad are the failed requests, and then those slower than each threshold; nil where none was bad in any window.
	Bad []*[Windows]uint64
}

// Windows returns the windows of the listed tenants for whom shows returns true.
func (v *View) Windows(shows func(tenant string) bool) ([]WindowCounts, error) {
	var all []WindowCounts
	for service, slots := range v.listing {
		if err := v.windows(service, slots, func(c *WindowCounts) {
			if shows(c.Tenant) {
				all = append(all, *c)
			}
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (v *View) windows(service int, slots []listed, f func(*WindowCounts)) error {
	st := v.state
	st.mu.RLock()
	defer st.mu.RUnlock()
	if st.columnsOf > v.Version {
		return errThresholds
	}
	at := st.now(v.now())
	for _, l := range slots {
		s := &st.slots[l.slot]
		if s.epoch != l.epoch || s.life == free || !s.lists() {
			continue // the tenant has left
		}
		c := WindowCounts{
			Service: service, Tenant: s.name, NoSeries: s.life == hidden || s.life == stale || s.admitted > v.Version,
			Bad: make([]*[Windows]uint64, 1+len(st.thresholds)),
		}
		for w := range Windows {
			n := s.windows.counts(w, at)
			c.Requests[w] = n.total()
			c.note(0, w, n.requests[4])
			for i := range st.thresholds {
				c.note(1+i, w, n.slow[i])
			}
		}
		f(&c)
	}
	return nil
}

// note records what was bad in a window.
func (c *WindowCounts) note(kind int, w Window, n uint64) {
	if n == 0 {
		return
	}
	if c.Bad[kind] == nil {
		c.Bad[kind] = new([Windows]uint64)
	}
	c.Bad[kind][w] = n
}
