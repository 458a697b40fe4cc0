package store

import "github.com/thorbis/thorbis_exporter/collectors/tenant/decode"

// MaxThresholds bounds the latency thresholds of a policy.
const MaxThresholds = 8

// maxFew is how many durations an accumulator lists before it takes a whole histogram: most tenants have few requests
// between two records, and with many tenants a line costs what it misses in the caches.
const maxFew = 32

// Accumulator counts for one slot between two records. Fields that nearly every request changes are next to each other.
type Accumulator struct {
	Slot      uint32
	listed    uint8 // in few
	lo, hi    uint8 // buckets from lo to hi of the histogram are in use
	zero      uint32
	Requests  [5]uint32
	Bytes     uint64
	Sum       uint64 // nanoseconds
	histogram *Histogram
	Slow      [MaxThresholds]uint32
	classic   [Classic]uint32
	Late      [5]uint32
	few       [maxFew]uint8 // buckets, unless there is a histogram
	Refused   [decode.Refusals]uint32
}

// Histogram counts durations by bucket.
type Histogram [Buckets]uint32

// Histograms are those that accumulators give back, to be used again.
type Histograms struct {
	free []*Histogram
	// Taken is how many are in use.
	Taken int
}

func (h *Histograms) take() *Histogram {
	h.Taken++
	if n := len(h.free); n > 0 {
		taken := h.free[n-1]
		h.free = h.free[:n-1]
		return taken
	}
	return new(Histogram)
}

// Trim lets go of unused ones beyond n.
func (h *Histograms) Trim(n int) {
	if len(h.free) > n {
		clear(h.free[n:])
		h.free = h.free[:n]
	}
}

// Reset empties an accumulator for a slot.
func (c *Accumulator) Reset(slot uint32, all *Histograms) {
	if h := c.histogram; h != nil {
		clear(h[c.lo : int(c.hi)+1])
		all.free = append(all.free, h)
		all.Taken--
	}
	*c = Accumulator{Slot: slot}
}

// Observe counts a duration n times.
func (c *Accumulator) Observe(nanos uint64, n uint32, all *Histograms) {
	c.Sum += nanos * uint64(n)
	if nanos == 0 {
		c.zero += n
		c.classic[0] += n
		return
	}
	i := Bucket(nanos)
	c.classic[classicBucket(nanos, i)] += n
	if c.histogram == nil {
		if n == 1 && c.listed < maxFew {
			c.few[c.listed] = uint8(i)
			c.listed++
			return
		}
		c.histogram = all.take()
		c.fill(c.histogram)
	}
	c.add(c.histogram, uint8(i), n)
}

// Touch reads from everything that Observe will write to. The sum of what it returns is good for nothing, but must be
// kept, or the compiler leaves the reads out.
func (c *Accumulator) Touch(nanos int64) uint64 {
	sum := c.Bytes + uint64(c.classic[Classic-1])
	if c.histogram != nil && nanos > 0 {
		sum += uint64(c.histogram[Bucket(uint64(nanos))])
	}
	return sum
}

func (c *Accumulator) add(h *Histogram, bucket uint8, n uint32) {
	h[bucket] += n
	c.lo, c.hi = min(c.lo, bucket), max(c.hi, bucket)
}

// fill adds the listed durations to an empty histogram.
func (c *Accumulator) fill(h *Histogram) {
	c.lo, c.hi = Buckets-1, 0
	for _, bucket := range c.few[:c.listed] {
		c.add(h, bucket, 1)
	}
}

// native returns the counts of the buckets from lo on; scratch is overwritten.
func (c *Accumulator) native(scratch *Histogram) (lo int, counts []uint32) {
	h := c.histogram
	if h == nil {
		if c.listed == 0 {
			return 0, nil
		}
		h = scratch
		*h = Histogram{}
		c.fill(h)
	}
	return int(c.lo), h[c.lo : int(c.hi)+1]
}
