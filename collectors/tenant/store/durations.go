package store

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// durations is the histogram of a slot that is exported.
type durations struct {
	since      int64 // Unix milliseconds
	sumSeconds uint64
	sumNanos   uint32
	lo         uint8 // of native
	zero       uint64
	classic    [Classic]uint64
	native     []uint32         // buckets from lo on
	carry      map[uint8]uint64 // what no longer fits into native
}

func (d *durations) used() bool {
	return d != nil && (d.zero > 0 || len(d.native) > 0 || d.sumNanos > 0 || d.sumSeconds > 0)
}

func (d *durations) addSum(seconds, nanos uint64) {
	nanos += uint64(d.sumNanos)
	d.sumSeconds += seconds + nanos/1e9
	d.sumNanos = uint32(nanos % 1e9)
}

// widen makes room for the buckets from lo up to, not including, hi.
func (d *durations) widen(lo, hi int) {
	if len(d.native) == 0 {
		d.lo = uint8(lo)
	}
	newLo, newHi := min(lo, int(d.lo)), max(hi, int(d.lo)+len(d.native))
	if newLo == int(d.lo) && newHi <= int(d.lo)+cap(d.native) {
		d.native = d.native[:newHi-newLo]
		return
	}
	wider := make([]uint32, newHi-newLo, min((newHi-newLo+7)&^7, Buckets-newLo))
	copy(wider[int(d.lo)-newLo:], d.native)
	d.lo, d.native = uint8(newLo), wider
}

func (d *durations) addNative(bucket int, n uint64) {
	i := bucket - int(d.lo)
	n += uint64(d.native[i])
	if n > math.MaxUint32 {
		if d.carry == nil {
			d.carry = map[uint8]uint64{}
		}
		d.carry[uint8(bucket)] += n
		n = 0
	}
	d.native[i] = uint32(n)
}

// bucket returns the count of the i-th bucket from lo.
func (d *durations) bucket(i int) uint64 {
	n := uint64(d.native[i])
	if d.carry != nil {
		n += d.carry[d.lo+uint8(i)]
	}
	return n
}

func (d *durations) add(o *durations) {
	d.addSum(o.sumSeconds, uint64(o.sumNanos))
	d.zero += o.zero
	for i := range d.classic {
		d.classic[i] += o.classic[i]
	}
	if len(o.native) > 0 {
		d.widen(int(o.lo), int(o.lo)+len(o.native))
		for i := range o.native {
			d.addNative(int(o.lo)+i, o.bucket(i))
		}
	}
}

// noDurations is what is encoded of a slot without them.
var noDurations durations

func (d *durations) append(b []byte, slow []uint64) []byte {
	if d == nil {
		d = &noDurations
	}
	u := binary.AppendUvarint
	b = u(b, d.sumSeconds)
	b = u(b, uint64(d.sumNanos))
	for _, n := range slow {
		b = u(b, n)
	}
	b = u(b, d.zero)
	set, at := uint16(0), len(b)
	b = append(b, 0, 0)
	for i, n := range d.classic {
		if n > 0 {
			set |= 1 << i
			b = u(b, n)
		}
	}
	binary.LittleEndian.PutUint16(b[at:], set)
	b = append(b, d.lo, byte(len(d.native)))
	for i := range d.native {
		b = u(b, d.bucket(i))
	}
	return b
}

// durations reads what both append* wrote, of a batch and of a slot. It adds counts of slow requests to two slots, and
// the rest to those of them that have durations.
func (r *reader) durations(s, pool *slot, columns []int) {
	seconds, nanos := r.uint(), r.uint()%1e9
	for _, column := range columns {
		if n := r.uint(); column >= 0 {
			s.slow[column] += n
			pool.slow[column] += n
			r.added.slow[column] = n
		}
	}
	one, two := s.durations, pool.durations
	if one == nil {
		one = &r.nowhere
	}
	if two == nil {
		two = &r.nowhere
	}
	one.addSum(seconds, nanos)
	two.addSum(seconds, nanos)
	zero := r.uint()
	one.zero += zero
	two.zero += zero
	set := uint16(r.byte()) | uint16(r.byte())<<8
	for ; set != 0; set &= set - 1 {
		n := r.uint()
		if i := bits.TrailingZeros16(set); i < Classic {
			one.classic[i] += n
			two.classic[i] += n
		} else {
			r.failed = true
		}
	}
	lo, n := int(r.byte()), int(r.byte())
	if lo+n > Buckets {
		r.failed = true
		return
	}
	if n > 0 {
		one.widen(lo, lo+n)
		two.widen(lo, lo+n)
	}
	for i := range n {
		count := r.uint()
		one.addNative(lo+i, count)
		two.addNative(lo+i, count)
	}
}
