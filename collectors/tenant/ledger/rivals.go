package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Tenants without a slot compete for one by how many requests they make.
const (
	maxRivals = 8192
	// takeover is how many times busier than the one it replaces a rival must be: too much for two tenants
	// to push each other out in turn.
	takeover = 2
	// residence is how long a tenant keeps its slot at the least.
	residence = 10 * time.Minute
	// turnover bounds the share of the slots that change hands at once.
	turnover = 20
	// smoothing is the weight of the newest minute in a rate.
	smoothing = 0.2
)

// rivals counts tenants without a slot: a space-saving sketch. When it is full, the least busy half makes
// room and leaves its greatest count behind as what a newcomer may have missed.
type rivals struct {
	counts map[string]float64
	floor  float64
}

func (r *rivals) add(name string, n uint64) {
	if r.counts == nil {
		r.counts = map[string]float64{}
	}
	if v, ok := r.counts[name]; ok {
		r.counts[name] = v + float64(n)
		return
	}
	if len(r.counts) >= maxRivals {
		r.halve()
	}
	r.counts[name] = r.floor + float64(n)
}

func (r *rivals) halve() {
	all := r.sorted()
	r.floor = max(r.floor, r.counts[all[len(all)/2]])
	for _, name := range all[len(all)/2:] {
		delete(r.counts, name)
	}
}

// sorted returns the names, the busiest first.
func (r *rivals) sorted() []string {
	all := make([]string, 0, len(r.counts))
	for name := range r.counts {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.counts[b], r.counts[a]), cmp.Compare(a, b))
	})
	return all
}

// decay lowers the counts exponentially, so that they are rates. Less than a tenth of a request a minute counts as
// none.
func (r *rivals) decay() {
	r.floor *= 1 - smoothing
	for name, n := range r.counts {
		if n *= 1 - smoothing; n < 0.1 {
			delete(r.counts, name)
		} else {
			r.counts[name] = n
		}
	}
	if r.floor < 0.1 {
		r.floor = 0
	}
}

// rate is how busy a tenant with a slot is.
type rate struct {
	last uint64
	sum  float64 // decaying as the rivals' counts do
	from time.Time
}

// rebalance gives slots to the busiest, once a minute. A slot that is taken from a tenant is free only after
// its series has ended, so that there are never more series than the limit.
func (d *directory) rebalance(l *Ledger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for i, t := range d.services {
		t.measure(l, now)
		t.rivals.decay()
		if over := len(t.names) - d.limit; over > 0 { // the limit was lowered
			t.crowded = true
			d.freeze(i, t.idlest(over, now.Add(residence)), true)
		}
		if !t.crowded {
			continue
		}
		waiting := t.rivals.sorted()
		room := max(0, d.limit-d.used(t))
		if room > 0 && len(waiting) > 0 {
			next := waiting[:min(room, len(waiting))]
			waiting = waiting[len(next):]
			for _, slot := range d.give(i, next) {
				t.rates[slot] = rate{from: now}
			}
			for _, name := range next {
				delete(t.rivals.counts, name)
			}
		}
		waiting = waiting[min(len(t.frozen), len(waiting)):] // a slot is on its way to each of these
		if len(waiting) == 0 {
			t.crowded = d.used(t) >= d.limit
			continue
		}
		var out []string
		for j, name := range t.idlest(min(len(waiting), d.limit/turnover+1), now) {
			if t.rivals.counts[waiting[j]] > takeover*max(t.rates[t.names[name]].sum, 0.5) {
				out = append(out, name)
			}
		}
		d.freeze(i, out, true)
	}
}

// measure updates the rates of the tenants with a slot.
func (t *tracked) measure(l *Ledger, now time.Time) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, slot := range t.names {
		if int(slot) >= len(l.slots) { // not saved yet
			continue
		}
		r, ok := t.rates[slot]
		total := l.slots[slot].total()
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
