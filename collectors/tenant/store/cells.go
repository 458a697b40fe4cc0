package store

import (
	"maps"
	"slices"
	"time"
)

// Every registered tenant is counted in a slot of its own, from its first request on. Most have series as well. Where
// there are more tenants than the limit, the slots of the others are hidden: what they count is exported as that of
// one, until they are shown.

// maxHidden bounds the hidden slots of all services. The requests of further tenants are counted only as those of one.
const maxHidden = 500_000

// resting is the number of a slot that was freed without having been exported.
type resting struct {
	slot  uint32
	since time.Time
}

// reserve is how many of the places for series are left to tenants in trouble.
func (ix *slotIndex) reserve(t *tracked) int {
	if len(t.tiers) <= ix.limit {
		return 0
	}
	return ix.limit / 10
}

// room is how many more tenants may have series, for being busy or in trouble.
func (ix *slotIndex) room(t *tracked, troubled bool) int {
	room := ix.limit - ix.used(t)
	if !troubled {
		room -= ix.reserve(t)
	}
	return max(0, room)
}

// hide counts a tenant of the registry without giving it series, false if that is not possible. The caller holds the
// lock.
func (ix *slotIndex) hide(service int, name string) (uint32, bool) {
	t := ix.services[service]
	if _, ok := t.tiers[name]; !ok {
		return 0, false
	}
	if f, ok := t.stale[name]; ok { // it lost its series, which still stands
		t.hidden[name] = f.slot
		return f.slot, true
	}
	if ix.hiddenCount() >= maxHidden {
		return 0, false
	}
	slot := ix.allot()
	t.hidden[name] = slot
	ix.records = append(ix.records, appendAdmit(nil, recordCount, []admission{
		ix.admission(slot, service, ordinary, name),
	}))
	ix.join(service, slices.Values([]string{name}))
	return slot, true
}

func (ix *slotIndex) hiddenCount() int {
	n := 0
	for _, t := range ix.services {
		n += len(t.hidden)
	}
	return n
}

// forget frees the hidden slots of tenants that left the registry. Their numbers rest as long as a series would stand,
// so that no batch under way meets a third holder. The caller holds the lock.
func (ix *slotIndex) forget(service int, left func(name string) bool) {
	t := ix.services[service]
	var ended []uint32
	for _, name := range slices.Sorted(maps.Keys(t.hidden)) {
		if !left(name) {
			continue
		}
		slot := t.hidden[name]
		delete(t.hidden, name)
		delete(t.rates, slot)
		if _, standing := t.stale[name]; standing {
			continue // it ends with its series
		}
		delete(t.poolOf, slot)
		ended = append(ended, slot)
		ix.resting = append(ix.resting, resting{slot, ix.now()})
	}
	if len(ended) > 0 {
		ix.epoch.Add(1)
		ix.revocations.Add(1)
		ix.records = append(ix.records, appendLife(nil, recordEnd, ended))
	}
}

// rested frees the numbers of slots that have rested.
func (ix *slotIndex) rested(now time.Time) {
	n := 0
	for n < len(ix.resting) && now.Sub(ix.resting[n].since) >= staleFor {
		ix.free = append(ix.free, ix.resting[n].slot)
		n++
	}
	ix.resting = ix.resting[n:]
}

// slotOf is the slot in which a tenant is counted.
func (t *tracked) slotOf(name string) (uint32, bool) {
	if slot, ok := t.names[name]; ok {
		return slot, true
	}
	slot, ok := t.hidden[name]
	return slot, ok
}
