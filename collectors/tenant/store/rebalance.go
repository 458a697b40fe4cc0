package store

import (
	"cmp"
	"slices"
	"time"
)

// Tenants without a slot compete for one by the number of their requests.
const (
	// takeover is how many times busier a tenant must be than the one it replaces: enough to keep two
	// tenants from replacing each other in turn.
	takeover = 2
	// residence is how long a tenant keeps its slot at the least.
	residence = 10 * time.Minute
	// turnover bounds the share of the slots that change hands at once.
	turnover = 20
)

// rate is how busy a tenant with a slot is.
type rate struct {
	last uint64
	sum  float64 // decaying as the counts of topK do
	from time.Time
}

// rebalance gives slots to the busiest, once a minute. A slot that is taken from a tenant is free only after
// its series has ended, so that there are never more series than the limit.
func (ix *slotIndex) rebalance(st *State) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	now := ix.now()
	for i, t := range ix.services {
		t.measure(st, now)
		t.waiting.decay()
		if over := len(t.names) - ix.limit; over > 0 { // the limit was lowered
			t.crowded = true
			ix.markStale(i, t.idlest(over, now.Add(residence)), true)
		}
		if !t.crowded {
			continue
		}
		waiting := t.waiting.sorted()
		room := max(0, ix.limit-ix.used(t))
		if room > 0 && len(waiting) > 0 {
			next := waiting[:min(room, len(waiting))]
			waiting = waiting[len(next):]
			for _, slot := range ix.give(i, next) {
				t.rates[slot] = rate{from: now}
			}
			for _, name := range next {
				delete(t.waiting.counts, name)
			}
		}
		waiting = waiting[min(len(t.stale), len(waiting)):] // a slot is on its way to each of these
		if len(waiting) == 0 {
			t.crowded = ix.used(t) >= ix.limit
			continue
		}
		var out []string
		for j, name := range t.idlest(min(len(waiting), ix.limit/turnover+1), now) {
			if t.waiting.counts[waiting[j]] > takeover*max(t.rates[t.names[name]].sum, 0.5) {
				out = append(out, name)
			}
		}
		ix.markStale(i, out, true)
	}
}

// measure updates the rates of the tenants with a slot.
func (t *tracked) measure(st *State, now time.Time) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	for _, slot := range t.names {
		if int(slot) >= len(st.slots) { // not saved yet
			continue
		}
		r, ok := t.rates[slot]
		total := st.slots[slot].total()
		if !ok {
			r = rate{last: total, from: now}
		}
		r.sum = r.sum*(1-smoothing) + float64(total-min(r.last, total))
		r.last = total
		t.rates[slot] = r
	}
}

// idlest returns up to n tenants that have had their slot for long enough, the least busy first.
func (t *tracked) idlest(n int, now time.Time) []string {
	type candidate struct {
		name string
		sum  float64
	}
	var all []candidate
	for name, slot := range t.names {
		if r, ok := t.rates[slot]; ok && now.Sub(r.from) >= residence {
			all = append(all, candidate{name, r.sum})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.sum, b.sum), cmp.Compare(a.name, b.name))
	})
	names := make([]string, 0, n)
	for _, c := range all[:min(n, len(all))] {
		names = append(names, c.name)
	}
	return names
}
