package ledger

// MaxThresholds bounds the latency thresholds of a policy.
const MaxThresholds = 8

// Cell is what was counted for one slot since the last record: the working memory of whoever counts. What
// nearly every request touches stands together, for with many tenants a line costs what it misses in the caches.
type Cell struct {
	Slot     uint32
	lo, hi   uint8 // buckets from lo to hi are in use; lo > hi is none
	zero     uint32
	Requests [5]uint32
	Bytes    uint64
	Sum      uint64 // nanoseconds
	Slow     [MaxThresholds]uint32
	classic  [Classic]uint32
	Late     [5]uint32
	native   [Buckets]uint32
	_        [10]uint32 // a whole number of cache lines
}

// Reset empties a cell for a slot.
func (c *Cell) Reset(slot uint32) {
	if c.lo <= c.hi {
		clear(c.native[c.lo : int(c.hi)+1])
	}
	c.Slot, c.Requests, c.Late, c.Slow = slot, [5]uint32{}, [5]uint32{}, [MaxThresholds]uint32{}
	c.Bytes, c.Sum, c.zero, c.classic = 0, 0, 0, [Classic]uint32{}
	c.lo, c.hi = Buckets-1, 0
}

// Observe counts a duration n times.
func (c *Cell) Observe(nanos uint64, n uint32) {
	c.Sum += nanos * uint64(n)
	if nanos == 0 {
		c.zero += n
		c.classic[0] += n
		return
	}
	i := Bucket(nanos)
	c.native[i] += n
	c.classic[classicBucket(nanos, i)] += n
	c.lo, c.hi = min(c.lo, uint8(i)), max(c.hi, uint8(i))
}
