package store

import (
	"encoding/binary"
	"math"
)

// level is a row of buckets of the same length, of which there is one more than it covers: that at hand. The number of
// a bucket counts from the beginning of the epoch, and modulo how many there are it is its place.
type level struct{ first, buckets int }

// periodLevel is that of the policy's period.
const periodLevel = 4

// levels are those of a ring, the finest first. Before them is the count of the tick at hand, which is moved into the
// buckets once a tick: a request changes one number, and not one of each level.
var levels = [...]level{{1, 10}, {12, 12}, {25, 12}, {38, 12}, {51, 30}}

const (
	atHand   = 0  // the count of the tick at hand
	ringSize = 82 // counts of a ring
)

// bucketTicks are the lengths of the buckets of each level, in ticks. That of the period is 0 until a policy is known.
type bucketTicks [len(levels)]uint32

func newBucketTicks() bucketTicks { return bucketTicks{1, 10, 60, 720} }

// ring holds ringSize counts in as many bytes each as the greatest needs: 1, 2 or 4. Of most tenants little is counted,
// and there may be 100,000 of them.
type ring []byte

func newRing() ring { return make(ring, ringSize) }

// at returns a count.
func (r ring) at(i int) uint32 {
	switch len(r) {
	case ringSize:
		return uint32(r[i])
	case 2 * ringSize:
		return uint32(binary.LittleEndian.Uint16(r[2*i:]))
	default:
		return binary.LittleEndian.Uint32(r[4*i:])
	}
}

// put changes a count.
func (r *ring) put(i int, n uint32) {
	switch {
	case len(*r) == ringSize && n <= math.MaxUint8:
		(*r)[i] = byte(n)
	case len(*r) == 2*ringSize && n <= math.MaxUint16:
		binary.LittleEndian.PutUint16((*r)[2*i:], uint16(n))
	case len(*r) == 4*ringSize:
		binary.LittleEndian.PutUint32((*r)[4*i:], n)
	default:
		wider := make(ring, 2*ringSize)
		if n > math.MaxUint16 {
			wider = make(ring, 4*ringSize)
		}
		for k := range ringSize {
			wider.put(k, r.at(k))
		}
		*r = wider
		r.put(i, n)
	}
}

// add adds to a count, which stays at its greatest value rather than begin anew.
func (r *ring) add(i int, n uint64) {
	if n > 0 {
		r.put(i, uint32(min(uint64(r.at(i))+n, math.MaxUint32)))
	}
}

// total returns the sum of the counts from one to before another.
func (r ring) total(from, to int) (sum uint64) {
	switch len(r) {
	case ringSize:
		for _, n := range r[from:to] {
			sum += uint64(n)
		}
	case 2 * ringSize:
		for part := r[2*from : 2*to]; len(part) >= 2; part = part[2:] {
			sum += uint64(binary.LittleEndian.Uint16(part))
		}
	default:
		for part := r[4*from : 4*to]; len(part) >= 4; part = part[4:] {
			sum += uint64(binary.LittleEndian.Uint32(part))
		}
	}
	return sum
}

// empty sets the counts of a level to 0.
func (r ring) empty(l level) {
	width := len(r) / ringSize
	clear(r[width*l.first : width*(l.first+l.buckets+1)])
}

// slide moves the count of the tick at hand into its buckets and empties those that have begun since.
func (r *ring) slide(from, to uint32, ticks *bucketTicks) {
	counted := uint64(r.at(atHand))
	r.put(atHand, 0)
	for i, l := range levels {
		if ticks[i] == 0 {
			continue
		}
		n := uint32(l.buckets + 1)
		bucket, last := from/ticks[i], to/ticks[i]
		r.add(l.first+int(bucket%n), counted)
		if last-bucket >= n {
			r.empty(l)
			continue
		}
		for bucket < last {
			bucket++
			r.put(l.first+int(bucket%n), 0)
		}
	}
}

// sum returns the count over a window that ends at a moment, of a ring that was last changed in a tick before it.
func (r ring) sum(w Window, changed uint32, at *moment) uint64 {
	e := &at.extents[w]
	if e.ticks == 0 {
		return 0
	}
	newest := e.open
	if changed != at.tick {
		newest = int64(changed / e.ticks)
	}
	if newest < e.oldest {
		return 0
	}
	// The buckets after the oldest one, which may go on at the beginning of the level.
	l := levels[e.level]
	oldest, end := l.first+e.at, l.first+l.buckets+1
	next := oldest + 1 + int(newest-e.oldest)
	sum := r.total(oldest+1, min(next, end))
	if next > end {
		sum += r.total(l.first, l.first+next-end)
	}
	partly := uint64(r.at(oldest))
	if newest == e.oldest {
		partly += uint64(r.at(atHand))
	} else {
		sum += uint64(r.at(atHand))
	}
	if partly == 0 {
		return sum
	}
	// Rounded down for requests as for bad ones, of which there are therefore never more.
	return sum + partly*e.share/e.whole
}

// within reports whether no count is above that of all.
func (r ring) within(all ring) bool {
	for i := range ringSize {
		if r.at(i) > all.at(i) {
			return false
		}
	}
	return true
}

// append encodes the counts. After a 0 comes how many more zeros follow it.
func (r ring) append(b []byte) []byte {
	for i := 0; i < ringSize; i++ {
		n := r.at(i)
		b = binary.AppendUvarint(b, uint64(n))
		if n > 0 {
			continue
		}
		zero := i
		for i+1 < ringSize && r.at(i+1) == 0 {
			i++
		}
		b = binary.AppendUvarint(b, uint64(i-zero))
	}
	return b
}

// ring reads what append wrote.
func (r *reader) ring() ring {
	read := newRing()
	for i := 0; i < ringSize; i++ {
		n := r.uint()
		if n > math.MaxUint32 {
			r.failed = true
			break
		}
		if n > 0 {
			read.put(i, uint32(n))
			continue
		}
		zeros := r.uint()
		if zeros >= uint64(ringSize-i) {
			r.failed = true
			break
		}
		i += int(zeros)
	}
	return read
}
