package store

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The tenants whose requests were refused are remembered for an hour, in steps. They are not saved: after a restart the
// hour begins anew.
const (
	refusedStep  = 5 * time.Minute
	refusedSteps = 12
	// maxRefused bounds the tenants that are remembered; those of further ones count for _other.
	maxRefused = 4096
)

type refusedCounts [decode.Refusals]uint64

type refusedTenant struct {
	service int
	name    string
}

// refusals are the refused requests of the last hour by tenant.
type refusals struct {
	began time.Time // of the newest step
	at    int       // of the newest step in steps
	steps [refusedSteps]map[refusedTenant]*refusedCounts
	total map[refusedTenant]*refusedCounts
}

func newRefusals(now time.Time) *refusals {
	return &refusals{began: now, total: map[refusedTenant]*refusedCounts{}}
}

func (h *refusals) add(tenant refusedTenant, n *refusedCounts) {
	if h.total[tenant] == nil && len(h.total) >= maxRefused {
		tenant.name = metric.TenantOther
	}
	if h.steps[h.at] == nil {
		h.steps[h.at] = map[refusedTenant]*refusedCounts{}
	}
	for _, counts := range []map[refusedTenant]*refusedCounts{h.steps[h.at], h.total} {
		c := counts[tenant]
		if c == nil {
			c = &refusedCounts{}
			counts[tenant] = c
		}
		for i := range c {
			c[i] += n[i]
		}
	}
}

// forget moves on to the step of now, and forgets those that are an hour old.
func (h *refusals) forget(now time.Time) {
	due := now.Sub(h.began) / refusedStep
	for range min(due, refusedSteps) {
		h.at = (h.at + 1) % refusedSteps
		for tenant, n := range h.steps[h.at] {
			c := h.total[tenant]
			for i := range c {
				c[i] -= n[i]
			}
			if *c == (refusedCounts{}) {
				delete(h.total, tenant)
			}
		}
		h.steps[h.at] = nil
	}
	h.began = h.began.Add(due * refusedStep)
}

// forgetRefused forgets what is an hour old. Only Run, which alone changes the state, calls it.
func (s *Store) forgetRefused() {
	now := s.now()
	if now.Sub(s.saved.refused.began) < refusedStep {
		return
	}
	s.saved.mu.Lock()
	defer s.saved.mu.Unlock()
	s.saved.refused.forget(now)
}

// RefusedTenant is a tenant with the refused requests of the last hour, by the ways of package decode.
type RefusedTenant struct {
	Service string
	Tenant  string
	Refused [decode.Refusals]uint64
}

// Refused returns the n tenants of each service with the most requests of the last hour that were refused in one of the
// ways, most first.
func (s *Store) Refused(n int, ways ...int) []RefusedTenant {
	of := func(t RefusedTenant) (sum uint64) {
		for _, way := range ways {
			sum += t.Refused[way]
		}
		return sum
	}
	st := s.saved
	st.mu.RLock()
	byService := map[int][]RefusedTenant{}
	for tenant, counts := range st.refused.total {
		t := RefusedTenant{st.services[tenant.service].name, tenant.name, *counts}
		if of(t) > 0 {
			byService[tenant.service] = append(byService[tenant.service], t)
		}
	}
	st.mu.RUnlock()
	var most []RefusedTenant
	for _, service := range slices.Sorted(maps.Keys(byService)) {
		all := byService[service]
		slices.SortFunc(all, func(a, b RefusedTenant) int {
			return cmp.Or(cmp.Compare(of(b), of(a)), cmp.Compare(a.Tenant, b.Tenant))
		})
		most = append(most, all[:min(n, len(all))]...)
	}
	return most
}

// appendRefused ends a batch with what was refused: the sums of the service, and the slots. A batch without any has no
// such end, as those of older versions.
func (d *Batch) appendRefused(b []byte) []byte {
	if d.Refused == [decode.Refusals]uint64{} {
		return b
	}
	b = appendCounts(b, d.Refused[:])
	var slots []*Accumulator
	for _, c := range d.Accumulators {
		if c.Refused != [decode.Refusals]uint32{} {
			slots = append(slots, c)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(slots)))
	for _, c := range slots {
		b = appendCounts(binary.AppendUvarint(b, uint64(c.Slot)), c.Refused[:])
	}
	return b
}

func appendCounts[N uint32 | uint64](b []byte, counts []N) []byte {
	for _, n := range counts {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// readRefused reads the end of a batch.
func (st *State) readRefused(r *reader, service int, epoch uint64) error {
	for i := range st.services[service].refused {
		st.services[service].refused[i] += r.uint()
	}
	for n := r.count(1 + decode.Refusals); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.slots)) || r.failed {
			return errRecord
		}
		var counts refusedCounts
		for i := range counts {
			counts[i] = r.uint()
		}
		if st.refused != nil {
			name := st.slots[number].name
			if s := &st.slots[number]; s.life == free || s.epoch > epoch { // its tenant left while this was under way
				name = metric.TenantOther
			}
			st.refused.add(refusedTenant{service, name}, &counts)
		}
	}
	return nil
}

// appendRefused encodes the sums of all services, or nothing if nothing was ever refused.
func (st *State) appendRefused(b []byte) []byte {
	if !slices.ContainsFunc(st.services, func(s service) bool { return s.refused != refusedCounts{} }) {
		return b
	}
	b = binary.AppendUvarint(append(b, recordRefused), uint64(len(st.services)))
	for i := range st.services {
		b = appendCounts(b, st.services[i].refused[:])
	}
	return b
}

func (st *State) applyRefused(r *reader) error {
	for i := range r.count(int(decode.Refusals)) {
		if i >= len(st.services) {
			return errRecord
		}
		for j := range st.services[i].refused {
			st.services[i].refused[j] += r.uint()
		}
	}
	return nil
}
