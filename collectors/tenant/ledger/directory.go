package ledger

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// frozenFor is how long the series of a tenant that lost its slot stays as it was: as long as Prometheus
// looks back, so that nothing stands still for a moment before it ends.
const frozenFor = 5 * time.Minute

// directory says which tenant has which slot. It runs ahead of the saved state: what it decides waits in
// pending until the next commit, which writes it before any count that rests on it.
type directory struct {
	mu          sync.RWMutex
	services    []*tracked
	numbers     map[sourceKey]int // of the sources
	sourceCount int               // how many there are, those removed included
	free        []uint32
	next        uint32
	limit       int
	columns     []uint64 // thresholds
	pending     [][]byte
	now         func() time.Time

	epoch    atomic.Uint64 // of the last change
	releases atomic.Uint64 // how often slots were taken away
}

// sourceKey identifies a source. Counts that one source made for another service stay with that service.
type sourceKey struct {
	name    string
	service int
}

// tracked are the tenants of one service.
type tracked struct {
	name           string
	names          map[string]uint32
	frozen         map[string]frozenSlot // who lost a slot, while its series stays
	other, unknown uint32
	// crowded: there are more tenants than the limit, so that who comes first is no longer served first.
	crowded           bool
	rivals            rivals
	rates             map[uint32]rate
	admitted, demoted uint64
}

type frozenSlot struct {
	slot  uint32
	since time.Time
	// demoted: its place is promised to somebody busier, so that it does not come back by being known alone.
	demoted bool
}

func (d *directory) used(t *tracked) int { return len(t.names) + len(t.frozen) }

// lookup finds the slot of a tenant.
func (d *directory) lookup(service int, name []byte) (uint32, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	slot, ok := d.services[service].names[string(name)]
	return slot, ok
}

// admit finds the slot of a tenant that may have one, or gives it one while there is room.
func (d *directory) admit(service int, name string) (uint32, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.services[service]
	if slot, ok := t.names[name]; ok {
		return slot, true
	}
	if f, back := t.frozen[name]; t.crowded || d.used(t) >= d.limit && (!back || f.demoted) {
		t.crowded = true
		return 0, false
	}
	return d.give(service, []string{name})[0], true
}

// give gives slots to tenants. The caller holds the lock and knows that there is room.
func (d *directory) give(service int, names []string) []uint32 {
	t := d.services[service]
	slots := make([]uint32, len(names))
	var admitted []admission
	var revived []uint32
	for i, name := range names {
		if old, ok := t.frozen[name]; ok { // a second series of the same name would be one too many
			delete(t.frozen, name)
			slots[i] = old.slot
			revived = append(revived, old.slot)
		} else {
			slots[i] = d.allot()
			admitted = append(admitted, d.admission(slots[i], service, ordinary, name))
		}
		t.names[name] = slots[i]
	}
	t.admitted += uint64(len(names))
	for part := range slices.Chunk(admitted, slotsPerRecord) {
		d.pending = append(d.pending, appendAdmit(nil, part))
	}
	if len(revived) > 0 {
		d.epoch.Add(1)
		d.pending = append(d.pending, appendLife(nil, recordRevive, revived))
	}
	return slots
}

func (d *directory) admission(slot uint32, service int, kind special, name string) admission {
	return admission{slot, service, kind, d.now().UnixMilli(), d.epoch.Add(1), name}
}

func (d *directory) allot() uint32 {
	if n := len(d.free); n > 0 {
		slot := d.free[n-1]
		d.free = d.free[:n-1]
		return slot
	}
	d.next++
	return d.next - 1
}

// freeze ends the counting of tenants, who left or are demoted for busier ones. The caller holds the lock.
func (d *directory) freeze(service int, names []string, demoted bool) {
	if len(names) == 0 {
		return
	}
	t := d.services[service]
	slots := make([]uint32, len(names))
	for i, name := range names {
		slots[i] = t.names[name]
		delete(t.names, name)
		delete(t.rates, slots[i])
		t.frozen[name] = frozenSlot{slots[i], d.now(), demoted}
	}
	t.demoted += uint64(len(names))
	d.epoch.Add(1)
	d.releases.Add(1)
	d.pending = append(d.pending, appendLife(nil, recordFreeze, slots))
}

// thaw frees the slots of series that have stood still for long enough. Their numbers are given again only
// after the record of their end, which the order of pending sees to.
func (d *directory) thaw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ended []uint32
	for _, t := range d.services {
		for name, f := range t.frozen {
			if d.now().Sub(f.since) >= frozenFor {
				ended = append(ended, f.slot)
				delete(t.frozen, name)
			}
		}
	}
	if len(ended) > 0 {
		d.free = append(d.free, ended...)
		d.pending = append(d.pending, appendLife(nil, recordEnd, ended))
	}
}

// adopt fills the directory from a state that was read back.
func (d *directory) adopt(l *Ledger) {
	d.next, d.columns = uint32(len(l.slots)), l.thresholds
	for i, s := range l.services {
		d.services = append(d.services, newTracked(s.name))
		d.services[i].other, d.services[i].unknown = s.other, s.unknown
	}
	for i, s := range l.sources {
		d.sourceCount++
		if !s.removed {
			d.numbers[sourceKey{s.name, s.service}] = i
		}
	}
	for i := range l.slots {
		s, slot := &l.slots[i], uint32(i)
		d.epoch.Store(max(d.epoch.Load(), s.epoch))
		switch {
		case s.life == free:
			d.free = append(d.free, slot)
		case s.life == frozen:
			d.services[s.service].frozen[s.name] = frozenSlot{slot: slot, since: d.now()}
		case s.special == ordinary:
			d.services[s.service].names[s.name] = slot
		}
	}
	d.epoch.Add(1)
}

func newTracked(name string) *tracked {
	return &tracked{name: name, names: map[string]uint32{}, frozen: map[string]frozenSlot{}, rates: map[uint32]rate{}}
}

// service returns the number of a service, which is made if need be. The caller holds the lock.
func (d *directory) service(name string) int {
	i := slices.IndexFunc(d.services, func(t *tracked) bool { return t.name == name })
	if i >= 0 {
		return i
	}
	i = len(d.services)
	t := newTracked(name)
	d.services = append(d.services, t)
	d.pending = append(d.pending, appendService(nil, name, d.now().UnixMilli()))
	t.other, t.unknown = d.allot(), d.allot()
	d.pending = append(d.pending, appendAdmit(nil, []admission{
		d.admission(t.other, i, otherSlot, metric.TenantOther), d.admission(t.unknown, i, unknownSlot, metric.TenantUnknown),
	}))
	return i
}

// register makes the tenants of the registry those of a service: they exist at 0, and who is no longer
// registered ends.
func (d *directory) register(service int, registered map[string]struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.services[service]
	var gone, back, missing []string
	for name := range t.names {
		if _, ok := registered[name]; !ok {
			gone = append(gone, name)
		}
	}
	d.freeze(service, gone, false)
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		if _, ok := t.names[name]; ok {
			continue
		}
		switch f, ok := t.frozen[name]; {
		case !ok:
			missing = append(missing, name)
		case !f.demoted:
			back = append(back, name)
		}
	}
	d.give(service, back) // who has a series needs no room
	room := max(0, d.limit-d.used(t))
	if len(missing) > room {
		t.crowded = true
		missing = missing[:room]
	}
	d.give(service, missing)
}
