package store

// MaxThresholds bounds the latency thresholds of a policy.
const MaxThresholds = 8

// maxFew is how many durations an accumulator lists before it takes a whole histogram: most tenants have few requests
// between two records, and with many tenants a line costs what it misses in the caches.
const maxFew = 32

// Accumulator counts for one slot between two records. Fields that nearly every request changes are next to each other.
type Accumulator struct {
	Slot      uint32
	listed    uint8 // in few
	zero      uint32
	Requests  [5]uint32
	Bytes     uint64
	Sum       uint64 // nanoseconds
	histogram *Histogram
	Slow      [MaxThresholds]uint32
	classic   [Classic]uint32
	Late      [5]uint32
	few       [maxFew]uint8 // buckets, unless there is a histogram
}

// Histogram counts durations by bucket.
type Histogram struct {
	counts [Buckets]uint32
	lo, hi uint8 // buckets from lo to hi are in use
}

func (h *Histogram) add(bucket uint8, n uint32) {
	h.counts[bucket] += n
	h.lo, h.hi = min(h.lo, bucket), max(h.hi, bucket)
}

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
	return &Histogram{lo: Buckets - 1}
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
		clear(h.counts[h.lo : int(h.hi)+1])
		h.lo, h.hi = Buckets-1, 0
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
		for _, bucket := range c.few[:c.listed] {
			c.histogram.add(bucket, 1)
		}
	}
	c.histogram.add(uint8(i), n)
}

// native returns the counts of the buckets from lo on; scratch is overwritten.
func (c *Accumulator) native(scratch *Histogram) (lo int, counts []uint32) {
	h := c.histogram
	if h == nil {
		if c.listed == 0 {
			return 0, nil
		}
		h = scratch
		*h = Histogram{lo: Buckets - 1}
		for _, bucket := range c.few[:c.listed] {
			h.add(bucket, 1)
		}
	}
	return int(h.lo), h.counts[h.lo : int(h.hi)+1]
}
