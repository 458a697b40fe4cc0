package store

import "encoding/binary"

// Details are what a snapshot has of slots beside their counters. Counters of another time are encoded by what was
// counted since.
const (
	hasRecent = 1 << iota
	hasHeld
	hasNothingHeld
	hasOwed
	neverVisible
	isCounting
	hasMorning
)

// appendDetails encodes the details of slots. They come after the lives of the slots.
func (st *State) appendDetails(b []byte, all []uint32) []byte {
	u, columns := binary.AppendUvarint, len(st.thresholds)
	b = u(append(b, recordDetails), uint64(len(all)))
	for _, number := range all {
		s := &st.slots[number]
		b = u(b, uint64(number))
		flags, at := byte(0), len(b)
		b = append(b, 0)
		b = u(u(b, s.shared), s.sharedLate)
		if s.durations != nil {
			b = u(b, uint64(s.durations.since))
		}
		since := func(c *counts) {
			passed := s.since(c)
			b = passed.append(b, columns)
		}
		if r := s.recent; r != nil {
			flags |= hasRecent
			b = u(u(b, uint64(r.span)), uint64(r.since))
			since(&r.base)
			since(&r.mark)
		}
		switch {
		case s.held != nil:
			flags |= hasHeld
			since(s.held)
		case s.life == stale:
			flags |= hasNothingHeld
		}
		if s.morning != nil {
			flags |= hasMorning
			passed := s.passed()
			b = passed.append(b, columns)
		}
		if s.owed != nil {
			flags |= hasOwed
			b = s.owed.append(b, columns)
		}
		if s.life == stale && s.visibleSince == 0 {
			flags |= neverVisible
		}
		if s.counting {
			flags |= isCounting
		}
		b[at] = flags
	}
	return b
}

func (st *State) applyDetails(r *reader) error {
	for n := r.count(4); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.slots)) || st.slots[number].life == free {
			return errRecord
		}
		s, flags := &st.slots[number], r.byte()
		s.shared, s.sharedLate = r.uint(), r.uint()
		if s.durations != nil {
			s.durations.since = int64(r.uint())
		}
		before := func() counts {
			passed := r.counts(len(st.thresholds))
			return s.since(&passed)
		}
		if flags&hasRecent != 0 {
			s.recent = &recent{span: uint32(r.uint()), since: uint32(r.uint())}
			s.recent.base, s.recent.mark = before(), before()
		}
		if flags&hasHeld != 0 {
			held := before()
			s.held = &held
		} else if flags&hasNothingHeld != 0 {
			s.held = nil
		}
		if flags&hasMorning != 0 {
			passed := r.daily(len(st.thresholds))
			begin := s.daily()
			begin.lower(&passed)
			s.morning = &begin
		}
		if flags&hasOwed != 0 {
			owed := r.counts(len(st.thresholds))
			s.owed = &owed
		}
		s.counting = flags&isCounting != 0
		if flags&neverVisible != 0 {
			s.visibleSince = 0
		}
	}
	return nil
}

// detailed are the slots that have details.
func (st *State) detailed() []uint32 {
	var all []uint32
	for i := range st.slots {
		s := &st.slots[i]
		if s.life != free && (s.morning != nil || s.recent != nil || s.held != nil || s.owed != nil ||
			s.shared+s.sharedLate > 0 ||
			s.life == stale || s.durations != nil && s.durations.since != s.created) {
			all = append(all, uint32(i))
		}
	}
	return all
}
