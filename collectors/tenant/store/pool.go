package store

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"

	"github.com/thorbis/thorbis_exporter/metric"
)

// A pool counts the requests of all tenants of one tier of one service, whether they have series of their own or not.
// It is a slot that no tenant has, with counters of its own: a request counts for the pool of the tier that its tenant
// has when the request is saved, and stays there when the tenant changes its tier or leaves. Requests of no tenant have
// a pool of their own.

// maxPools bounds the tiers of a service that have pools: a tier is a label value, and the registry comes from outside.
// The tenants of further ones count as those without a tier.
const maxPools = 64

// membership says which pool a slot counts for.
type membership struct{ slot, pool uint32 }

func appendMemberships(b []byte, all []membership) []byte {
	b = binary.AppendUvarint(append(b, recordPool), uint64(len(all)))
	for _, m := range all {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(m.slot)), uint64(m.pool))
	}
	return b
}

func (st *State) applyMemberships(r *reader) error {
	for n := r.count(2); n > 0; n-- {
		number, pool := r.uint(), r.uint()
		if number >= uint64(len(st.slots)) || pool >= uint64(len(st.slots)) || st.slots[pool].special != poolSlot {
			return errRecord
		}
		s := &st.slots[number]
		if s.special == poolSlot || s.special == otherSlot || s.service != st.slots[pool].service {
			return errRecord
		}
		s.pool = uint32(pool)
	}
	return nil
}

// poolOf returns the pool of what was counted for a slot in an epoch, nil if it has none. Another tenant may have the
// slot by now, but no third one: a slot is free for five minutes before it is given again, and no batch is under way
// that long.
func (st *State) poolOf(s *slot, epoch uint64) *slot {
	pool := s.pool
	if s.epoch > epoch {
		pool = s.formerPool
	}
	if pool == 0 {
		return nil
	}
	return &st.slots[pool]
}

// memberships are those of all slots, for a snapshot.
func (st *State) memberships() []membership {
	var all []membership
	for i := range st.slots {
		if s := &st.slots[i]; s.life != free && s.pool != 0 {
			all = append(all, membership{uint32(i), s.pool})
		}
	}
	return all
}

// tier is the tier of a tenant of a service.
func (t *tracked) tier(name string) string {
	if tier := t.tiers[name]; tier != "" {
		return tier
	}
	return metric.TierNone
}

// pool returns the pool of a tier, which is made if need be. The caller holds the lock.
func (ix *slotIndex) pool(service int, tier string) uint32 {
	t := ix.services[service]
	if pool, ok := t.pools[tier]; ok {
		return pool
	}
	if len(t.pools) >= maxPools && tier != metric.TierNone && tier != metric.TenantUnknown {
		return ix.pool(service, metric.TierNone)
	}
	pool := ix.allot()
	t.pools[tier] = pool
	a := ix.admission(pool, service, poolSlot, tier)
	ix.records = append(ix.records, appendAdmit(nil, recordAdmit, []admission{a}))
	return pool
}

// join makes the slots of tenants count for the pools of their tiers. The caller holds the lock.
func (ix *slotIndex) join(service int, names iter.Seq[string]) {
	t := ix.services[service]
	var all []membership
	for name := range names {
		slot, _ := t.slotOf(name)
		all = t.move(all, slot, ix.pool(service, t.tier(name)))
	}
	ix.recordMoves(all)
}

// move makes a slot count for a pool and adds that to the moves that are to be recorded, unless it does already.
func (t *tracked) move(all []membership, slot, pool uint32) []membership {
	if t.poolOf[slot] == pool {
		return all
	}
	t.poolOf[slot] = pool
	return append(all, membership{slot, pool})
}

func (ix *slotIndex) recordMoves(all []membership) {
	for part := range slices.Chunk(all, slotsPerRecord) {
		ix.records = append(ix.records, appendMemberships(nil, part))
	}
}

// joinAll makes the pools of the tiers and puts every tenant and the requests of no tenant into theirs.
func (ix *slotIndex) joinAll(service int, tiers []string) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	t := ix.services[service]
	for _, tier := range tiers {
		ix.pool(service, tier)
	}
	registered := map[string]struct{}{} // also of tenants without a slot
	for name := range t.tiers {
		registered[t.tier(name)] = struct{}{}
	}
	for _, tier := range slices.Sorted(maps.Keys(registered)) {
		ix.pool(service, tier)
	}
	ix.pool(service, metric.TierNone)
	ix.recordMoves(t.move(nil, t.unknown, ix.pool(service, metric.TenantUnknown)))
	ix.join(service, t.counted)
}

// Pool returns the pool of a tenant, for requests of one without a slot.
func (s *Store) Pool(service int, name string) uint32 {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	t := s.index.services[service]
	if pool, ok := t.pools[t.tier(name)]; ok {
		return pool
	}
	return t.pools[metric.TierNone]
}
