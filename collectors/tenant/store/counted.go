package store

import (
	"encoding/binary"
	"time"
)

// For how long the windows of a service were counted is kept like the windows themselves: a ring of milliseconds. A
// window that began before the saved state did holds less than it is long, and so does one with a long absence in it.

// maxAbsence is the longest absence of the exporter that counts as counted: what was missed is read afterwards, and the
// rules take the absence for measured too.
const maxAbsence = int64(2 * time.Hour / time.Millisecond)

// uncounted returns for how many milliseconds a service was counted since the last record of it, 0 after a longer
// absence. A service without a record was counted since it was created.
func (s *service) uncounted(now int64) uint64 {
	since := s.countedTo
	if since == 0 {
		since = s.created
	}
	elapsed := now - since
	if elapsed <= 0 || elapsed > maxAbsence && s.countedTo > 0 {
		return 0
	}
	return uint64(elapsed)
}

// appendCounted encodes that services were counted up to a time. It comes after the tick of that time.
func appendCounted(b []byte, now int64, services []int) []byte {
	b = binary.AppendUvarint(append(b, recordCounted), uint64(max(now, 1)))
	b = binary.AppendUvarint(b, uint64(len(services)))
	for _, service := range services {
		b = binary.AppendUvarint(b, uint64(service))
	}
	return b
}

func (st *State) applyCounted(r *reader) error {
	now := int64(r.uint())
	if r.failed || now <= 0 {
		return errRecord
	}
	for n := r.count(1); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.services)) {
			return errRecord
		}
		st.countTime(&st.services[number], now)
	}
	return nil
}

// countTime adds the time since the last record of a service, each tick's part in that tick.
func (st *State) countTime(s *service, now int64) {
	w := s.counted
	if w == nil {
		// All of it is in one bucket: by the time that leaves a window, the window is full.
		s.counted = &windows{tick: st.tick, requests: newRing()}
		s.counted.requests.add(atHand, s.uncounted(now))
		s.countedTo = now
		return
	}
	for left := int64(s.uncounted(now)); left > 0; {
		from := now - left
		tick := from / tickMillis
		part := min(left, (tick+1)*tickMillis-from)
		w.slide(uint32(max(min(tick, int64(st.tick)), int64(w.tick))), &st.ticks)
		w.requests.add(atHand, uint64(part))
		left -= part
	}
	s.countedTo = max(s.countedTo, now)
}

// restartCounted begins anew at a tick: windows are empty.
func (st *State) restartCounted(tick uint32) {
	for i := range st.services {
		if s := &st.services[i]; s.countedTo > 0 {
			s.counted, s.countedTo = nil, int64(tick)*tickMillis
		}
	}
}

// appendCountedRing encodes for how long a service was counted, for a snapshot. It comes after the tick and the period.
func (st *State) appendCountedRing(b []byte, number int) []byte {
	u := binary.AppendUvarint
	s := &st.services[number]
	b = u(u(append(b, recordCountedRing), uint64(number)), uint64(s.countedTo))
	return s.counted.requests.append(u(b, uint64(st.tick-s.counted.tick)))
}

func (st *State) applyCountedRing(r *reader) error {
	number, to, age := r.uint(), int64(r.uint()), r.uint()
	counted := r.ring()
	if r.failed || number >= uint64(len(st.services)) || to <= 0 || age > uint64(st.tick) ||
		st.services[number].counted != nil {
		return errRecord
	}
	s := &st.services[number]
	s.counted, s.countedTo = &windows{tick: st.tick - uint32(age), requests: counted}, to
	return nil
}

// Counted returns the share of each window in which the requests of a service were counted; false for a service that is
// not counted any more.
func (v *View) Counted(service int) (shares [Windows]float64, ok bool) {
	st := v.state
	st.mu.RLock()
	defer st.mu.RUnlock()
	s, now := &st.services[service], v.now()
	if v.Store == "" || s.counted == nil || now.UnixMilli()-s.countedTo > maxAbsence {
		return shares, false
	}
	at := st.now(now)
	for w := range Windows {
		length := at.extents[w].whole * uint64(covered[w].buckets)
		counted := s.counted.requests.sum(w, s.counted.tick, at) + s.uncounted(now.UnixMilli())
		switch {
		case length == 0: // no period is known yet
		case counted >= length:
			shares[w] = 1
		default:
			shares[w] = float64(counted) / float64(length)
		}
	}
	return shares, true
}
