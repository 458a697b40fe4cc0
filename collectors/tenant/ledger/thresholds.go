package ledger

import (
	"encoding/binary"
	"slices"
)

// column is what is known of the slow requests beyond one threshold.
type column struct {
	held  bool // shown at 0 until every Prometheus has seen that 0, though it counts
	added uint64
	seen  uint64 // by scrapers, a bit each
}

// applyThresholds changes the columns of slow requests; those that stay keep their counts.
func (l *Ledger) applyThresholds(r *reader) error {
	next := make([]uint64, r.count(1))
	for i := range next {
		next[i] = r.uint()
	}
	if len(next) > MaxThresholds {
		return errRecord
	}
	l.version++
	l.columnsOf = l.version
	from, columns := make([]int, len(next)), make([]column, len(next))
	for i, t := range next {
		columns[i] = column{held: true, added: l.version}
		if from[i] = slices.Index(l.thresholds, t); from[i] >= 0 {
			columns[i] = l.columns[from[i]]
		}
	}
	for i := range l.slots {
		slow := make([]uint64, len(next))
		for j, k := range from {
			if k >= 0 && k < len(l.slots[i].slow) {
				slow[j] = l.slots[i].slow[k]
			}
		}
		l.slots[i].slow = slow
	}
	l.thresholds, l.columns = next, columns
	return nil
}

// applyReleaseThresholds shows the counts of columns that were held.
func (l *Ledger) applyReleaseThresholds(r *reader) error {
	for n := r.count(1); n > 0; n-- {
		if i := slices.Index(l.thresholds, r.uint()); i >= 0 {
			l.columns[i].held = false
		}
	}
	return nil
}

// seeColumns takes note of who saw which columns at 0, and returns the thresholds of those that all have seen.
// The caller holds the lock.
func (l *Ledger) seeColumns(version, bit, active uint64) []uint64 {
	var all []uint64
	for i := range l.columns {
		c := &l.columns[i]
		if !c.held || c.added > version {
			continue
		}
		if c.seen |= bit; c.seen&active == active {
			all = append(all, l.thresholds[i])
		}
	}
	return all
}

// shownColumns are the thresholds whose counts are shown.
func (l *Ledger) shownColumns() []uint64 {
	var all []uint64
	for i, c := range l.columns {
		if !c.held {
			all = append(all, l.thresholds[i])
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
