package store

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// staleFor is how long the series of a tenant that lost its slot is exported unchanged: as long as Prometheus looks
// back, so that no counter stops growing only moments before it ends.
const staleFor = 5 * time.Minute

// slotIndex finds the slot of a tenant and assigns slots. It is ahead of the saved state: the records of its decisions
// wait until the next commit, which writes them before any count that depends on them.
type slotIndex struct {
	mu          sync.RWMutex
	services    []*tracked
	numbers     map[sourceKey]int // of the sources
	sourceCount int               // how many there are, those removed included
	free        []uint32
	resting     []resting
	next        uint32
	limit       int
	columns     []uint64                                // thresholds
	objectives  []byte                                  // as they were recorded
	tick        uint32                                  // the last one that was recorded
	period      uint32                                  // ticks of a bucket
	planned     func(service string, at time.Time) bool // nil for no planned work
	records     [][]byte                                // of decisions that are not saved yet
	now         func() time.Time

	epoch       atomic.Uint64 // of the last change
	revocations atomic.Uint64 // how often slots were taken away
}

// sourceKey identifies a source. Counts that one source made for another service stay with that service.
type sourceKey struct {
	name    string
	service int
}

// tracked are the tenants of one service.
type tracked struct {
	name           string
	names          map[string]uint32    // who has series
	hidden         map[string]uint32    // who is counted without series, those whose series still stands included
	stale          map[string]staleSlot // who lost series, while they stay
	other, unknown uint32
	tiers          map[string]string // of the registered tenants
	pools          map[string]uint32 // by tier
	poolOf         map[uint32]uint32 // by slot
	// crowded: there are more tenants than the limit, so that who comes first is no longer served first.
	crowded           bool
	waiting           topK // tenants without a slot
	rates             map[uint32]rate
	troubles          map[uint32]trouble // of tenants with series
	mostTroubled      []suspect          // those without series, as of the last minute
	waitingTroubled   int                // how many there are
	admitted, demoted uint64
	counting          bool // a source of the policy counts for it
}

type staleSlot struct {
	slot  uint32
	since time.Time
	// demoted: its place is for a busier tenant, so that it does not come back only because it is registered.
	demoted bool
}

func (ix *slotIndex) used(t *tracked) int { return len(t.names) + len(t.stale) }

// lookup finds the slot of a tenant.
func (ix *slotIndex) lookup(service int, name []byte) (uint32, bool) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	t := ix.services[service]
	if slot, ok := t.names[string(name)]; ok {
		return slot, true
	}
	slot, ok := t.hidden[string(name)]
	return slot, ok
}

// admit finds the slot of a tenant, or gives it one: with series while there is room, else hidden if it is registered.
func (ix *slotIndex) admit(service int, name string) (uint32, bool) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	t := ix.services[service]
	if slot, ok := t.slotOf(name); ok {
		return slot, true
	}
	f, back := t.stale[name]
	_, registered := t.tiers[name]
	back = back && !f.demoted // who has series needs no room
	if t.crowded && (!back || !registered) || ix.room(t, false) == 0 && !back {
		t.crowded = true
		return ix.hide(service, name)
	}
	return ix.give(service, []string{name})[0], true
}

// give gives series to tenants. The caller holds the lock and knows that there is room.
func (ix *slotIndex) give(service int, names []string) []uint32 {
	t := ix.services[service]
	slots := make([]uint32, len(names))
	var admitted []admission
	var revived, shown []uint32
	for i, name := range names {
		slot, counted := t.hidden[name]
		delete(t.hidden, name)
		if old, ok := t.stale[name]; ok { // a second series of the same name would be one too many
			delete(t.stale, name)
			slot = old.slot
			revived = append(revived, slot)
		} else if counted {
			shown = append(shown, slot)
		} else {
			slot = ix.allot()
			admitted = append(admitted, ix.admission(slot, service, ordinary, name))
		}
		slots[i], t.names[name] = slot, slot
	}
	t.admitted += uint64(len(names))
	for part := range slices.Chunk(admitted, slotsPerRecord) {
		ix.records = append(ix.records, appendAdmit(nil, recordAdmit, part))
	}
	for part := range slices.Chunk(shown, slotsPerRecord) {
		ix.records = append(ix.records, appendShow(nil, ix.now().UnixMilli(), part))
	}
	if len(revived) > 0 {
		ix.epoch.Add(1)
		ix.records = append(ix.records, appendLife(nil, recordRevive, revived))
	}
	ix.join(service, slices.Values(names))
	return slots
}

func (ix *slotIndex) admission(slot uint32, service int, kind special, name string) admission {
	return admission{slot, service, kind, ix.now().UnixMilli(), ix.epoch.Add(1), name}
}

func (ix *slotIndex) allot() uint32 {
	if n := len(ix.free); n > 0 {
		slot := ix.free[n-1]
		ix.free = ix.free[:n-1]
		return slot
	}
	ix.next++
	return ix.next - 1
}

// markStale ends the series of tenants, who left or are demoted for others. The caller holds the lock.
func (ix *slotIndex) markStale(service int, names []string, demoted bool) {
	if len(names) == 0 {
		return
	}
	t := ix.services[service]
	slots := map[byte][]uint32{}
	for _, name := range names {
		slot, kind := t.names[name], byte(recordStale)
		delete(t.names, name)
		delete(t.troubles, slot)
		t.stale[name] = staleSlot{slot, ix.now(), demoted}
		if _, ok := t.tiers[name]; ok && demoted {
			kind, t.hidden[name] = recordDemote, slot
		} else {
			delete(t.rates, slot)
		}
		slots[kind] = append(slots[kind], slot)
	}
	t.demoted += uint64(len(names))
	if len(slots[recordStale]) > 0 { // the others keep their slots
		ix.epoch.Add(1)
		ix.revocations.Add(1)
	}
	for _, kind := range []byte{recordStale, recordDemote} {
		if len(slots[kind]) > 0 {
			ix.records = append(ix.records, appendLife(nil, kind, slots[kind]))
		}
	}
}

// releaseStale frees or hides the slots of series that have stood still for long enough. Their numbers are given again
// only after the record of their end, because the order of records is kept.
func (ix *slotIndex) releaseStale() {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	now := ix.now()
	ix.rested(now)
	var ended, hidden []uint32
	for _, t := range ix.services {
		for name, f := range t.stale {
			if now.Sub(f.since) < staleFor {
				continue
			}
			delete(t.stale, name)
			if _, ok := t.hidden[name]; ok {
				hidden = append(hidden, f.slot)
				continue
			}
			ended = append(ended, f.slot)
			delete(t.poolOf, f.slot)
		}
	}
	if len(ended) > 0 {
		ix.free = append(ix.free, ended...)
		ix.records = append(ix.records, appendLife(nil, recordEnd, ended))
	}
	if len(hidden) > 0 {
		ix.records = append(ix.records, appendLife(nil, recordHide, hidden))
	}
}

// rebuildIndex fills the index from a state that was read back.
func (ix *slotIndex) rebuildIndex(st *State) {
	ix.next, ix.columns = uint32(len(st.slots)), st.thresholds
	ix.tick, ix.period = st.tick, st.ticks[periodLevel]
	for i, s := range st.services {
		ix.services = append(ix.services, newTracked(s.name))
		ix.services[i].other, ix.services[i].unknown = s.other, s.unknown
	}
	for i, s := range st.sources {
		ix.sourceCount++
		if !s.removed {
			ix.numbers[sourceKey{s.name, s.service}] = i
		}
	}
	for i := range st.slots {
		s, slot := &st.slots[i], uint32(i)
		ix.epoch.Store(max(ix.epoch.Load(), s.epoch))
		if s.life != free && s.pool != 0 {
			ix.services[s.service].poolOf[slot] = s.pool
		}
		switch {
		case s.life == free:
			ix.free = append(ix.free, slot)
		case s.special == poolSlot:
			ix.services[s.service].pools[s.name] = slot
		case s.life == stale:
			ix.services[s.service].stale[s.name] = staleSlot{slot: slot, since: ix.now()}
		case s.life == hidden:
			ix.services[s.service].hidden[s.name] = slot
		case s.special == ordinary:
			ix.services[s.service].names[s.name] = slot
		}
	}
	ix.epoch.Add(1)
}

func newTracked(name string) *tracked {
	return &tracked{
		name: name, names: map[string]uint32{}, hidden: map[string]uint32{}, stale: map[string]staleSlot{},
		rates: map[uint32]rate{}, troubles: map[uint32]trouble{}, pools: map[string]uint32{}, poolOf: map[uint32]uint32{},
	}
}

// service returns the number of a service, which is made if need be. The caller holds the lock.
func (ix *slotIndex) service(name string) int {
	i := slices.IndexFunc(ix.services, func(t *tracked) bool { return t.name == name })
	if i >= 0 {
		return i
	}
	i = len(ix.services)
	t := newTracked(name)
	ix.services = append(ix.services, t)
	ix.records = append(ix.records, appendService(nil, name, ix.now().UnixMilli()))
	t.other, t.unknown = ix.allot(), ix.allot()
	ix.records = append(ix.records, appendAdmit(nil, recordAdmit, []admission{
		ix.admission(t.other, i, otherSlot, metric.TenantOther),
		ix.admission(t.unknown, i, unknownSlot, metric.TenantUnknown),
	}))
	return i
}

// register makes the tenants of the registry those of a service: they exist at 0 while there is room, and who is no
// longer registered ends.
func (ix *slotIndex) register(service int, registered map[string]string) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	t := ix.services[service]
	t.tiers = registered
	t.crowded = t.crowded || len(registered) > ix.limit
	ix.forget(service, func(name string) bool { _, ok := registered[name]; return !ok })
	if registered == nil {
		return
	}
	var gone, back, missing []string
	for name := range t.names {
		if _, ok := registered[name]; !ok {
			gone = append(gone, name)
		}
	}
	ix.markStale(service, gone, false)
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		if _, ok := t.slotOf(name); ok {
			continue
		}
		switch f, ok := t.stale[name]; {
		case !ok:
			missing = append(missing, name)
		case !f.demoted:
			back = append(back, name)
		}
	}
	ix.give(service, back) // who has a series needs no room
	ix.give(service, missing[:min(len(missing), ix.room(t, false))])
}
