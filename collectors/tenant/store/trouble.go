package store

import (
	"cmp"
	"slices"
	"time"
)

// troubleHold is how long a tenant keeps its series after its trouble has ended, so that one that is in trouble every
// few minutes neither loses nor gets series each time.
const troubleHold = 10 * time.Minute

// trouble is that of a tenant with series.
type trouble struct {
	spent float64 // bad requests beyond the objectives
	until time.Time
}

// suspect is a tenant without series that is in trouble.
type suspect struct {
	slot  uint32
	name  string
	spent float64
}

// troubled returns the tenants in trouble among those without series, by service, and forgets the others.
func (st *State) troubled() [][]suspect {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := make([][]suspect, len(st.services))
	st.suspects = slices.DeleteFunc(st.suspects, func(slot uint32) bool {
		s := &st.slots[slot]
		troubled, spent := st.trouble(s)
		if s.suspect = troubled && (s.life == hidden || s.life == stale); !s.suspect {
			return true
		}
		all[s.service] = append(all[s.service], suspect{slot, s.name, spent})
		return false
	})
	return all
}

// suspectAll has every tenant evaluated that counted lately, after a restart.
func (st *State) suspectAll() {
	for i := range st.slots {
		if s := &st.slots[i]; s.recent != nil && !s.suspect && (s.life == hidden || s.life == stale) {
			s.suspect = true
			st.suspects = append(st.suspects, uint32(i))
		}
	}
}

// admitTroubled gives series to tenants in trouble while there is room, to those with the most bad requests first.
func (ix *slotIndex) admitTroubled(st *State) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if slices.ContainsFunc(ix.services, func(t *tracked) bool { return len(t.hidden) > 0 && ix.room(t, true) > 0 }) {
		ix.admitAll(st.troubled())
	}
}

// admitAll gives series to the tenants in trouble of each service for which there is room. The caller holds the lock.
func (ix *slotIndex) admitAll(all [][]suspect) {
	for i, waiting := range all {
		t := ix.services[i]
		waiting = slices.DeleteFunc(waiting, func(s suspect) bool { return t.hidden[s.name] != s.slot })
		room := ix.room(t, true)
		t.waitingTroubled = len(waiting)
		var given []string
		rest := t.mostTroubled[:0]
		for _, s := range first(waiting, room+len(t.stale)+ix.exchange(), moreTroubled) {
			_, standing := t.stale[s.name]
			switch {
			case standing: // its series needs no room
			case room > 0:
				room--
			default:
				rest = append(rest, s)
				continue
			}
			given = append(given, s.name)
			t.troubles[s.slot] = trouble{s.spent, ix.now().Add(troubleHold)}
			t.arrive(s.slot, ix.now())
		}
		t.mostTroubled = rest
		t.waitingTroubled -= len(given)
		ix.give(i, given)
	}
}

func moreTroubled(a, b suspect) int {
	return cmp.Or(cmp.Compare(b.spent, a.spent), cmp.Compare(a.slot, b.slot))
}

// findTrouble finds out which tenants with series are in trouble. The caller holds the locks of the index and of the
// state.
func (t *tracked) findTrouble(st *State, now time.Time) {
	if len(t.hidden) == 0 && len(t.troubles) == 0 { // every tenant has series, whatever its trouble
		return
	}
	for _, slot := range t.names {
		if int(slot) >= len(st.slots) {
			continue // not saved yet
		}
		if troubled, spent := st.trouble(&st.slots[slot]); troubled {
			t.troubles[slot] = trouble{spent, now.Add(troubleHold)}
		} else if now.After(t.troubles[slot].until) {
			delete(t.troubles, slot)
		}
	}
}

// makeRoom takes series from tenants for those in trouble that have none: from the least busy ones, and then from those
// whose trouble is the least. The caller holds the lock.
func (ix *slotIndex) makeRoom(service int, now time.Time) {
	t := ix.services[service]
	waiting := t.mostTroubled[min(len(t.stale), len(t.mostTroubled)):] // a place is on its way to each of these
	var out []string
	for j, name := range t.idlest(min(len(waiting), ix.exchange()), now) {
		old, troubled := t.troubles[t.names[name]]
		if troubled && (waiting[j].spent <= takeover*max(old.spent, 1) || len(t.stale)+j >= ix.exchange()) {
			break // few places must stand still for it
		}
		out = append(out, name)
	}
	ix.markStale(service, out, true)
}
