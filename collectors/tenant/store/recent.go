package store

import (
	"encoding/binary"
	"time"
)

// Spans divide the time by records of the log, so that a restart finds the same trouble.
const (
	spanLength = 5 * time.Minute
	// heldSpans is how long a tenant in trouble may wait for series and still show all of it: rules read steps of
	// counters over at most two hours.
	heldSpans = 12
)

// recent is what the counters of a tenant were lately.
type recent struct {
	span  uint32 // in which something was counted last
	since uint32 // span at whose beginning base is
	base  counts // before the trouble, or at the beginning of the span before
	mark  counts // at the beginning of span
}

// slide moves the beginnings on to a later span. While spans in trouble follow each other, base stays before them.
func (r *recent) slide(now *counts, span uint32, o *objectives) {
	switch {
	case span == r.span:
		return
	case span-r.span > 1: // nothing was counted in a whole span
		*r = recent{span: span, since: span, base: *now, mark: *now}
		return
	}
	ended := now.since(&r.mark)
	if troubled, _ := o.evaluate(&ended); !troubled || span-r.since > heldSpans {
		r.base, r.since = r.mark, r.span
	}
	r.mark, r.span = *now, span
}

// touch is called before something is counted for a slot.
func (st *State) touch(s *slot) {
	if s.recent == nil {
		s.recent = &recent{span: st.span, since: st.span, base: s.counts, mark: s.counts}
		return
	}
	s.recent.slide(&s.counts, st.span, &st.objectives)
}

// baseOnHeld is called when the series of a tenant ends. If it is given one again soon, that goes on from what was
// exported last: from less, Prometheus would take the step back for a reset and count everything again; from more, what
// lies between would be counted for it and for the others.
func (st *State) baseOnHeld(s *slot) {
	if s.held != nil && (s.recent != nil || *s.held != s.counts) {
		s.recent = &recent{span: st.span, since: st.span, base: *s.held, mark: *s.held}
	}
}

// base returns the counters of a slot before its trouble, or those of a while ago.
func (st *State) base(s *slot) counts {
	if s.recent == nil {
		return s.counts
	}
	r := *s.recent
	r.slide(&s.counts, st.span, &st.objectives)
	return r.base
}

// trouble reports whether a tenant is in trouble, and how much more than its objectives allow was bad lately.
func (st *State) trouble(s *slot) (troubled bool, spent float64) {
	if s.recent == nil {
		return false, 0
	}
	base := st.base(s)
	lately := s.since(&base)
	return st.objectives.evaluate(&lately)
}

// applySpan begins a span and forgets what lies before the spans and the windows that are kept.
func (st *State) applySpan(r *reader) error {
	st.span, st.spanAt = uint32(r.uint()), int64(r.uint())
	at := newMoment(st.tick, 0, &st.ticks)
	for i := range st.slots {
		s := &st.slots[i]
		if s.recent != nil && st.span-s.recent.span > 1 {
			s.recent = nil
		}
		if s.windows != nil && s.windows.ended(at) {
			s.windows = nil
		}
	}
	return nil
}

func appendSpan(b []byte, span uint32, millis int64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(append(b, recordSpan), uint64(span)), uint64(millis))
}

// beginSpan begins the next span when it is due. Only Run, which alone changes the state, calls it.
func (s *Store) beginSpan() {
	now := s.now().UnixMilli()
	if ahead := s.saved.spanAt - now; ahead <= 0 && -ahead < spanLength.Milliseconds() {
		return
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	s.index.records = append(s.index.records, appendSpan(nil, s.saved.span+1, now))
}
