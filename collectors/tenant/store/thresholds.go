package store

import (
	"encoding/binary"
	"slices"
)

// column is what is known of the slow requests beyond one threshold.
type column struct {
	pending bool // exported at 0 until every Prometheus has scraped that 0, though it counts
	added   uint64
	seen    uint64 // by scrapers, a bit each
}

// applyThresholds changes the columns of slow requests; those that stay keep their counts.
func (st *State) applyThresholds(r *reader) error {
	next := make([]uint64, r.count(1))
	for i := range next {
		next[i] = r.uint()
	}
	if len(next) > MaxThresholds {
		return errRecord
	}
	st.version++
	st.columnsOf = st.version
	from, columns := make([]int, len(next)), make([]column, len(next))
	for i, t := range next {
		columns[i] = column{pending: true, added: st.version}
		if from[i] = slices.Index(st.thresholds, t); from[i] >= 0 {
			columns[i] = st.columns[from[i]]
		}
	}
	for i := range st.slots {
		s := &st.slots[i]
		s.move(from)
		for _, c := range []*counts{s.held, s.owed} {
			if c != nil {
				c.move(from)
			}
		}
		if s.morning != nil {
			moved := counts{slow: s.morning.slow}
			moved.move(from)
			s.morning.slow = moved.slow
		}
		if s.windows != nil {
			s.windows.move(from)
		}
		if s.recent != nil {
			s.recent.base.move(from)
			s.recent.mark.move(from)
		}
	}
	for i := range st.left {
		st.left[i].Slow = moved(st.left[i].Slow, from)
	}
	st.objectives.slow = [MaxThresholds]float64{} // the record of objectives follows
	st.thresholds, st.columns = next, columns
	return nil
}

// applyVisibleThresholds makes columns visible that were pending.
func (st *State) applyVisibleThresholds(r *reader) error {
	for n := r.count(1); n > 0; n-- {
		if i := slices.Index(st.thresholds, r.uint()); i >= 0 {
			st.columns[i].pending = false
		}
	}
	return nil
}

// seeColumns takes note of who saw which columns at 0, and returns the thresholds of those that all have seen.
// The caller holds the lock.
func (st *State) seeColumns(version, bit, active uint64) []uint64 {
	var all []uint64
	for i := range st.columns {
		c := &st.columns[i]
		if !c.pending || c.added > version {
			continue
		}
		if c.seen |= bit; c.seen&active == active {
			all = append(all, st.thresholds[i])
		}
	}
	return all
}

// visibleColumns are the thresholds whose counts are exported.
func (st *State) visibleColumns() []uint64 {
	var all []uint64
	for i, c := range st.columns {
		if !c.pending {
			all = append(all, st.thresholds[i])
		}
	}
	return all
}

func appendThresholds(b []byte, kind byte, thresholds []uint64) []byte {
	b = binary.AppendUvarint(append(b, kind), uint64(len(thresholds)))
	for _, t := range thresholds {
		b = binary.AppendUvarint(b, t)
	}
	return b
}
