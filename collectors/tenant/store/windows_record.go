package store

import "encoding/binary"

// windowed are the slots that have windows.
func (st *State) windowed() (all []uint32) {
	for i := range st.slots {
		if st.slots[i].windows != nil {
			all = append(all, uint32(i))
		}
	}
	return all
}

// appendWindows encodes the windows of slots. It comes after the tick, the period and the thresholds. Of each slot it
// has how many ticks ago it was changed, the set of what was bad, and the rings.
func (st *State) appendWindows(b []byte, all []uint32) []byte {
	u := binary.AppendUvarint
	b = u(append(b, recordWindows), uint64(len(all)))
	for _, number := range all {
		w := st.slots[number].windows
		b = u(u(b, uint64(number)), uint64(st.tick-w.tick))
		set := uint64(0)
		for kind, r := range w.bad {
			if r != nil {
				set |= 1 << kind
			}
		}
		b = w.requests.append(u(b, set))
		for _, r := range w.bad {
			if r != nil {
				b = r.append(b)
			}
		}
	}
	return b
}

// leastWindows is the least that the windows of a slot take in a record: three numbers, and a ring of zeros.
const leastWindows = 5

func (st *State) applyWindows(r *reader) error {
	for n := r.count(leastWindows); n > 0; n-- {
		number, age, set := r.uint(), r.uint(), r.uint()
		if r.failed || number >= uint64(len(st.slots)) || age > uint64(st.tick) || set>>(1+len(st.thresholds)) != 0 {
			return errRecord
		}
		s := &st.slots[number]
		if s.life == free || s.special != ordinary || s.windows != nil {
			return errRecord
		}
		w := &windows{tick: st.tick - uint32(age), requests: r.ring()}
		for kind := range 1 + len(st.thresholds) {
			if set>>kind&1 == 0 {
				continue
			}
			bad := r.ring()
			if !bad.within(w.requests) {
				return errRecord
			}
			*w.badRing(kind, len(st.thresholds)) = bad
		}
		if r.failed {
			return errRecord
		}
		s.windows = w
	}
	return nil
}
