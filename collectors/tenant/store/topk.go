package store

import (
	"cmp"
	"slices"
)

// maxCandidates bounds the tenants that a sketch counts.
const maxCandidates = 8192

// smoothing is the weight of the newest minute in a rate.
const smoothing = 0.2

// topK counts the busiest of many tenants in bounded memory, with a space-saving sketch. When it is full, its less busy
// half is removed, and a tenant that is added later starts at the greatest count that was removed, since it may have
// had as many.
type topK struct {
	counts map[string]float64
	floor  float64
}

func (r *topK) add(name string, n uint64) {
	if r.counts == nil {
		r.counts = map[string]float64{}
	}
	if v, ok := r.counts[name]; ok {
		r.counts[name] = v + float64(n)
		return
	}
	if len(r.counts) >= maxCandidates {
		r.halve()
	}
	r.counts[name] = r.floor + float64(n)
}

func (r *topK) halve() {
	all := r.sorted()
	r.floor = max(r.floor, r.counts[all[len(all)/2]])
	for _, name := range all[len(all)/2:] {
		delete(r.counts, name)
	}
}

// sorted returns the names, the busiest first.
func (r *topK) sorted() []string {
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
func (r *topK) decay() {
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
