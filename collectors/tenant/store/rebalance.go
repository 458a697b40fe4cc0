package store

import (
	"cmp"
	"time"
)

// Tenants without series compete for them, those in trouble by their bad requests and the others by all of theirs.
const (
	// takeover is how many times busier a tenant must be than the one it replaces: enough to keep two
	// tenants from replacing each other in turn.
	takeover = 2
	// residence is how long a tenant keeps its slot at the least.
	residence = 10 * time.Minute
	// turnover bounds the share of the slots that change hands at once.
	turnover = 20
)

// rate is how busy a tenant is.
type rate struct {
	last uint64
	sum  float64   // decaying as the counts of topK do
	from time.Time // when it was given series
}

// rebalance gives series to tenants in trouble and to the busiest, once a minute. A place that is taken from a tenant
// is free only after its series has ended, so that there are never more series than the limit.
func (ix *slotIndex) rebalance(st *State) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	now := ix.now()
	troubled := st.troubled()
	for _, t := range ix.services {
		t.measure(st, now)
		t.waiting.decay()
	}
	ix.admitAll(troubled)
	for i, t := range ix.services {
		// The limit was lowered, or the places for tenants in trouble are taken by some that no longer are.
		if over := len(t.names) - ix.limit; over > 0 {
			t.crowded = true
			ix.markStale(i, t.idlest(over, now.Add(residence)), true)
		} else if over += ix.reserve(t) - len(t.troubles); over > 0 {
			ix.markStale(i, t.quiet(t.idlest(over, now)), true)
		}
		ix.makeRoom(i, now)
		if t.crowded {
			ix.giveToBusiest(i, now)
		}
	}
}

func (ix *slotIndex) giveToBusiest(service int, now time.Time) {
	t := ix.services[service]
	room := ix.room(t, false)
	waiting := t.busiest(room + len(t.stale) + ix.exchange())
	if room > 0 && len(waiting) > 0 {
		next := waiting[:min(room, len(waiting))]
		waiting = waiting[len(next):]
		names := make([]string, len(next))
		for i, c := range next {
			names[i] = c.name
			delete(t.waiting.counts, c.name)
		}
		for _, slot := range ix.give(service, names) {
			t.arrive(slot, now)
		}
	}
	waiting = waiting[min(len(t.stale), len(waiting)):] // a slot is on its way to each of these
	if len(waiting) == 0 {
		t.crowded = ix.used(t) >= ix.limit || len(t.tiers) > ix.limit
		return
	}
	var out []string
	for j, name := range t.quiet(t.idlest(min(len(waiting), ix.exchange()), now)) {
		if waiting[j].sum > takeover*max(t.rates[t.names[name]].sum, 0.5) {
			out = append(out, name)
		}
	}
	ix.markStale(service, out, true)
}

// measure updates how busy tenants are, and who of those with series is in trouble.
func (t *tracked) measure(st *State, now time.Time) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	for _, names := range []map[string]uint32{t.names, t.hidden} {
		for _, slot := range names {
			if int(slot) >= len(st.slots) { // not saved yet
				continue
			}
			total := st.slots[slot].total()
			r, ok := t.rates[slot]
			if !ok {
				r = rate{last: total, from: now}
			}
			r.sum = r.sum*(1-smoothing) + float64(total-min(r.last, total))
			r.last = total
			t.rates[slot] = r
		}
	}
	t.findTrouble(st, now)
}

// candidate is a tenant that may be given series, or lose them.
type candidate struct {
	name  string
	sum   float64
	spent float64 // -1 for one that is not in trouble
}

// exchange is how many tenants may lose their series at once for others.
func (ix *slotIndex) exchange() int { return ix.limit/turnover + 1 }

// arrive begins the residence of a tenant that is given series.
func (t *tracked) arrive(slot uint32, now time.Time) {
	r := t.rates[slot]
	r.from = now
	t.rates[slot] = r
}

// busiest returns up to n tenants that wait for series, the busiest first.
func (t *tracked) busiest(n int) []candidate {
	all := make([]candidate, 0, len(t.waiting.counts))
	for name, n := range t.waiting.counts {
		if _, counted := t.hidden[name]; !counted {
			all = append(all, candidate{name: name, sum: n})
		}
	}
	for name, slot := range t.hidden {
		if _, standing := t.stale[name]; standing {
			continue // it has only just lost them
		}
		if r := t.rates[slot]; r.sum >= 0.1 {
			all = append(all, candidate{name: name, sum: r.sum})
		}
	}
	return first(all, n, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.sum, a.sum), cmp.Compare(a.name, b.name))
	})
}

// idlest returns up to n tenants that have had their slot for long enough: those not in trouble, the least busy first,
// and then the others, those with the least trouble first.
func (t *tracked) idlest(n int, now time.Time) []string {
	if n <= 0 {
		return nil
	}
	var all []candidate
	for name, slot := range t.names {
		if r, ok := t.rates[slot]; ok && now.Sub(r.from) >= residence {
			c := candidate{name, r.sum, -1}
			if trouble, ok := t.troubles[slot]; ok {
				c.spent = max(trouble.spent, 0)
			}
			all = append(all, c)
		}
	}
	names := make([]string, 0, n)
	for _, c := range first(all, n, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.spent, b.spent), cmp.Compare(a.sum, b.sum), cmp.Compare(a.name, b.name))
	}) {
		names = append(names, c.name)
	}
	return names
}

// quiet returns the first of tenants up to one that is in trouble.
func (t *tracked) quiet(names []string) []string {
	for i, name := range names {
		if _, ok := t.troubles[t.names[name]]; ok {
			return names[:i]
		}
	}
	return names
}

// counted are the tenants that are counted in slots, with series or not.
func (t *tracked) counted(yield func(string) bool) {
	for _, names := range []map[string]uint32{t.names, t.hidden} {
		for name := range names {
			if !yield(name) {
				return
			}
		}
	}
}
