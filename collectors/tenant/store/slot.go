package store

import "encoding/binary"

// life is the state of a slot.
type life uint8

const (
	free    life = iota
	pending      // exported as it was before it was shown, until every Prometheus has scraped that, though it counts
	visible      // exported with its counts
	stale        // exported unchanged, and removed soon
	hidden       // not exported, though it counts
)

// special distinguishes the exporter's own slots from those of tenants.
type special uint8

const (
	ordinary special = iota
	otherSlot
	unknownSlot
	poolSlot // of a tier
)

// slot holds the saved counters of one tenant of one service. What it counts while it is hidden or stale is also
// counted for the tenants without series, which are exported as one.
type slot struct {
	name    string
	service uint16
	life    life
	special special
	suspect bool // it is among the State's suspects
	// counting: though it is stale, its tenant is one of the registry, and is counted in it also when its series ends.
	counting bool
	created  int64  // Unix milliseconds: since when it counts
	epoch    uint64 // of its admission: an older batch means an earlier holder of the slot
	// The pools that this holder and the one before count for, 0 for none.
	pool, formerPool uint32
	// Versions of the state at which it was admitted, became visible first, and became visible last, so that one scrape
	// exports one state.
	admitted, shown, visibleSince uint64

	counts
	morning   *daily     // what it had counted before the day at hand; nil if it has counted nothing since
	held      *counts    // what is exported while it is pending or stale; nil is 0
	durations *durations // nil while it is hidden
	recent    *recent    // nil if nothing was counted in this span and the one before
	windows   *windows   // of ordinary slots; nil if nothing was counted in any window
	owed      *counts    // of otherSlot: what tenants that were given series had counted for it lately
	// How many requests, and how many late ones, are also counted by otherSlot.
	shared, sharedLate uint64
}

// add merges counters that belong to the others: of a slot that has ended, or whose tenant has no series.
func (s *slot) add(c *counts, d *durations) {
	s.plus(c)
	if s.durations != nil && d != nil {
		s.durations.add(d)
	}
}

// empty makes a slot one of which nothing was counted, with durations.
func (s *slot) empty() {
	d := s.durations
	if d == nil {
		d = &durations{}
	}
	clear(d.native[:cap(d.native)])
	*d = durations{native: d.native[:0]}
	*s = slot{durations: d}
}

// append encodes the counters as an accumulator of a batch that starts at 0.
func (s *slot) append(b []byte, number uint32, thresholds int) []byte {
	u := binary.AppendUvarint
	b = u(b, uint64(number))
	mask, at := byte(0), len(b)
	b = append(b, 0)
	for i, n := range s.requests {
		if n > 0 {
			mask |= 1 << i
			b = u(b, n)
		}
	}
	if s.late != [5]uint64{} {
		mask |= hasLate
		for _, n := range s.late {
			b = u(b, n)
		}
	}
	if s.bytes > 0 {
		mask |= hasBytes
		b = u(b, s.bytes)
	}
	if d := s.durations; d.used() || s.slow != [MaxThresholds]uint64{} {
		mask |= hasDurations
		b = d.append(b, s.slow[:thresholds])
	}
	b[at] = mask
	return b
}
