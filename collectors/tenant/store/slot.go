package store

import (
	"encoding/binary"
	"math"
)

// life is the state of a slot.
type life uint8

const (
	free    life = iota
	pending      // exported at 0 until every Prometheus has scraped that 0, though it counts
	visible      // exported with its counts
	stale        // exported unchanged, and removed soon
)

// special distinguishes the exporter's own slots from those of tenants.
type special uint8

const (
	ordinary special = iota
	otherSlot
	unknownSlot
	poolSlot // of a tier
)

// slot holds the saved counters of one tenant of one service.
type slot struct {
	name    string
	service uint16
	life    life
	special special
	created int64  // Unix milliseconds: since when it counts
	epoch   uint64 // of its admission: an older batch means an earlier holder of the slot
	// The pools that this holder and the one before count for, 0 for none.
	pool, formerPool uint32
	// Versions of the state at which it was admitted and became visible, so that one scrape exports one state.
	admitted, visibleSince uint64

	requests   [5]uint64
	late       [5]uint64
	bytes      uint64
	sumSeconds uint64
	sumNanos   uint32
	lo         uint8 // of native
	zero       uint64
	slow       []uint64 // by threshold
	classic    [Classic]uint64
	native     []uint32         // buckets from lo on
	carry      map[uint8]uint64 // what no longer fits into native
}

func (s *slot) total() uint64 {
	var n uint64
	for _, v := range s.requests {
		n += v
	}
	return n
}

// unused reports whether nothing was ever counted.
func (s *slot) unused() bool { return s.requests == [5]uint64{} && s.late == [5]uint64{} }

func (s *slot) addSum(nanos uint64) {
	nanos += uint64(s.sumNanos)
	s.sumSeconds += nanos / 1e9
	s.sumNanos = uint32(nanos % 1e9)
}

// widen makes room for the buckets from lo up to, not including, hi.
func (s *slot) widen(lo, hi int) {
	if len(s.native) == 0 {
		s.lo = uint8(lo)
	}
	newLo, newHi := min(lo, int(s.lo)), max(hi, int(s.lo)+len(s.native))
	if newLo == int(s.lo) && newHi <= int(s.lo)+cap(s.native) {
		s.native = s.native[:newHi-newLo]
		return
	}
	wider := make([]uint32, newHi-newLo, min((newHi-newLo+7)&^7, Buckets-newLo))
	copy(wider[int(s.lo)-newLo:], s.native)
	s.lo, s.native = uint8(newLo), wider
}

func (s *slot) addNative(bucket int, n uint64) {
	i := bucket - int(s.lo)
	n += uint64(s.native[i])
	if n > math.MaxUint32 {
		if s.carry == nil {
			s.carry = map[uint8]uint64{}
		}
		s.carry[uint8(bucket)] += n
		n = 0
	}
	s.native[i] = uint32(n)
}

// bucket returns the count of the i-th bucket from lo.
func (s *slot) bucket(i int) uint64 {
	n := uint64(s.native[i])
	if s.carry != nil {
		n += s.carry[s.lo+uint8(i)]
	}
	return n
}

// add merges the counters of another slot: what arrives for one that has ended belongs to the others.
func (s *slot) add(o *slot) {
	for i := range s.requests {
		s.requests[i] += o.requests[i]
		s.late[i] += o.late[i]
	}
	s.bytes += o.bytes
	s.sumSeconds += o.sumSeconds
	s.addSum(uint64(o.sumNanos))
	s.zero += o.zero
	for i := range s.slow {
		s.slow[i] += o.slow[i]
	}
	for i := range s.classic {
		s.classic[i] += o.classic[i]
	}
	if len(o.native) > 0 {
		s.widen(int(o.lo), int(o.lo)+len(o.native))
		for i := range o.native {
			s.addNative(int(o.lo)+i, o.bucket(i))
		}
	}
}

// append encodes the counters as an accumulator of a batch that starts at 0.
func (s *slot) append(b []byte, number uint32) []byte {
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
	if s.zero > 0 || len(s.native) > 0 || s.sumNanos > 0 || s.sumSeconds > 0 {
		mask |= hasDurations
		b = s.appendDurations(b)
	}
	b[at] = mask
	return b
}

func (s *slot) appendDurations(b []byte) []byte {
	u := binary.AppendUvarint
	b = u(b, s.sumSeconds)
	b = u(b, uint64(s.sumNanos))
	for _, n := range s.slow {
		b = u(b, n)
	}
	b = u(b, s.zero)
	set, at := uint16(0), len(b)
	b = append(b, 0, 0)
	for i, n := range s.classic {
		if n > 0 {
			set |= 1 << i
			b = u(b, n)
		}
	}
	binary.LittleEndian.PutUint16(b[at:], set)
	b = append(b, s.lo, byte(len(s.native)))
	for i := range s.native {
		b = u(b, s.bucket(i))
	}
	return b
}
