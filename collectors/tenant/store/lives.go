package store

import "encoding/binary"

// admission is a tenant that is given a slot.
type admission struct {
	slot    uint32
	service int
	special special
	created int64
	epoch   uint64
	name    string
}

// applyAdmit reads who was given slots, by recordAdmit with series and by recordCount without.
func (st *State) applyAdmit(r *reader, kind byte) error {
	st.version++
	for n := r.count(6); n > 0; n-- {
		number := r.uint()
		a := admission{
			slot: uint32(number), service: int(r.uint()), special: special(r.byte()), created: int64(r.uint()), epoch: r.uint(),
			name: r.text(),
		}
		if r.failed || number > maxSlots || a.service < 0 || a.service >= len(st.services) || a.special > poolSlot ||
			kind == recordCount && a.special != ordinary {
			return errRecord
		}
		if grow := int(a.slot) + 1 - len(st.slots); grow > 0 {
			st.slots = append(st.slots, make([]slot, grow)...)
		}
		s := &st.slots[a.slot]
		if s.life != free {
			return errRecord
		}
		*s = slot{
			name: a.name, service: uint16(a.service), life: hidden, special: a.special, created: a.created, epoch: a.epoch,
			suspect: s.suspect, formerPool: s.pool, admitted: st.version,
		}
		if kind == recordCount {
			st.services[a.service].hidden++
			continue
		}
		s.life, s.durations = pending, &durations{since: a.created}
		st.pending[a.slot] = 0
		switch a.special {
		case otherSlot:
			st.services[a.service].other = a.slot
			s.owed = &counts{}
		case unknownSlot:
			st.services[a.service].unknown = a.slot
		}
	}
	return nil
}

func (st *State) applyLife(r *reader, kind byte) error {
	st.version++
	for n := r.count(1); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.slots)) {
			return errRecord
		}
		s, slot := &st.slots[number], uint32(number)
		service := &st.services[s.service]
		switch kind {
		case recordVisible:
			if s.life == pending {
				s.life, s.shown, s.visibleSince = visible, st.version, st.version
				delete(st.pending, slot)
			}
		case recordStale, recordDemote:
			if s.special != ordinary || s.life == free || s.life == hidden {
				return errRecord
			}
			st.freeze(s, kind == recordDemote)
			delete(st.pending, slot)
		case recordHide:
			if s.life != stale {
				return errRecord
			}
			st.baseOnHeld(s)
			s.life, s.held, s.durations, s.counting = hidden, nil, nil, false
			service.hidden++
		case recordEnd:
			if s.life == hidden {
				service.hidden--
			}
			service.ended += s.counted() - s.shared - s.sharedLate
			st.leave(s)
			*s = emptied(s)
			delete(st.pending, slot)
		case recordRevive: // it goes on counting where it stopped
			if s.life != stale {
				return errRecord
			}
			st.takeBack(s, s.unexported())
			s.counting = false
			if s.life = visible; s.visibleSince == 0 {
				s.life, st.pending[slot] = pending, 0
				continue
			}
			s.visibleSince = st.version
		}
	}
	return nil
}

// freeze ends the growth of a series. What was counted but never exported is added to the others, or it would be lost.
func (st *State) freeze(s *slot, counting bool) {
	switch c := s.unexported(); s.life {
	case pending:
		if counting {
			st.share(s, c, s.durations)
		} else {
			st.leave(s)
			st.slots[st.services[s.service].other].add(&c, s.durations)
			s.counts, s.morning = s.since(&c), nil
		}
		s.durations = &durations{since: s.durations.since}
	case visible:
		held := s.counts
		s.held = &held
	}
	s.life, s.counting = stale, counting
}

// emptied returns a free slot. Batches under way may still count for the pool of the tenant that had it.
func emptied(s *slot) slot {
	return slot{service: s.service, suspect: s.suspect, epoch: s.epoch, pool: s.pool, formerPool: s.formerPool}
}

// unexported is what a pending or stale slot has counted beyond what is exported of it.
func (s *slot) unexported() counts {
	if s.held == nil {
		return s.counts
	}
	return s.since(s.held)
}

// share adds to the others what a slot without series has counted.
func (st *State) share(s *slot, c counts, d *durations) {
	other := &st.slots[st.services[s.service].other]
	if other.owed != nil {
		c.pay(other.owed)
	}
	other.add(&c, d)
	s.shared += c.total()
	s.sharedLate += c.totalLate()
}

// takeBack makes the others grow by less for a while: from now on a slot exports what it has shared with them.
func (st *State) takeBack(s *slot, c counts) {
	if owed := st.slots[st.services[s.service].other].owed; owed != nil {
		owed.plus(&c)
	}
}

// applyShow gives series to slots that have none. They are first exported as they were before their trouble, or when
// their former series ended, and then grow by it.
func (st *State) applyShow(r *reader) error {
	st.version++
	since := int64(r.uint())
	for n := r.count(1); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.slots)) || st.slots[number].life != hidden {
			return errRecord
		}
		s := &st.slots[number]
		held := st.base(s)
		s.held, s.durations = &held, &durations{since: since}
		st.takeBack(s, s.unexported())
		s.life, s.admitted, s.shown, s.visibleSince = pending, st.version, 0, 0
		st.services[s.service].hidden--
		st.pending[uint32(number)] = 0
	}
	return nil
}

func appendShow(b []byte, millis int64, slots []uint32) []byte {
	b = binary.AppendUvarint(append(b, recordShow), uint64(millis))
	b = binary.AppendUvarint(b, uint64(len(slots)))
	for _, s := range slots {
		b = binary.AppendUvarint(b, uint64(s))
	}
	return b
}
