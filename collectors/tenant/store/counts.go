package store

import "encoding/binary"

// counts are the counters of a tenant that are kept whether it has series or not.
type counts struct {
	requests [5]uint64
	late     [5]uint64
	bytes    uint64
	slow     [MaxThresholds]uint64 // by threshold
}

func (c *counts) total() uint64 {
	var n uint64
	for _, v := range c.requests {
		n += v
	}
	return n
}

func (c *counts) totalLate() uint64 {
	var n uint64
	for _, v := range c.late {
		n += v
	}
	return n
}

// counted is the number of requests, late ones included.
func (c *counts) counted() uint64 { return c.total() + c.totalLate() }

// bad reports whether any request failed or was slow.
func (c *counts) bad() bool {
	return c.requests[4] > 0 || c.late[4] > 0 || c.slow != [MaxThresholds]uint64{}
}

func (c *counts) plus(o *counts) {
	for i := range c.requests {
		c.requests[i] += o.requests[i]
		c.late[i] += o.late[i]
	}
	c.bytes += o.bytes
	for i := range c.slow {
		c.slow[i] += o.slow[i]
	}
}

// since returns what was counted after o.
func (c *counts) since(o *counts) counts {
	d := *c
	for i := range d.requests {
		d.requests[i] -= o.requests[i]
		d.late[i] -= o.late[i]
	}
	d.bytes -= o.bytes
	for i := range d.slow {
		d.slow[i] -= o.slow[i]
	}
	return d
}

// pay lowers counts by what is owed of them, and what is owed as much.
func (c *counts) pay(owed *counts) {
	for i := range c.requests {
		payOff(&c.requests[i], &owed.requests[i])
		payOff(&c.late[i], &owed.late[i])
	}
	payOff(&c.bytes, &owed.bytes)
	for i := range c.slow {
		payOff(&c.slow[i], &owed.slow[i])
	}
}

func payOff(n, owed *uint64) {
	paid := min(*n, *owed)
	*n -= paid
	*owed -= paid
}

// move moves the counts of slow requests to other columns: column i takes those of column from[i], none if it is -1.
func (c *counts) move(from []int) {
	old := c.slow
	c.slow = [MaxThresholds]uint64{}
	for i, k := range from {
		if k >= 0 {
			c.slow[i] = old[k]
		}
	}
}

func (c *counts) append(b []byte, thresholds int) []byte {
	for i := range c.requests {
		b = binary.AppendUvarint(binary.AppendUvarint(b, c.requests[i]), c.late[i])
	}
	b = binary.AppendUvarint(b, c.bytes)
	for _, n := range c.slow[:thresholds] {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func (r *reader) counts(thresholds int) (c counts) {
	for i := range c.requests {
		c.requests[i], c.late[i] = r.uint(), r.uint()
	}
	c.bytes = r.uint()
	for i := range c.slow[:thresholds] {
		c.slow[i] = r.uint()
	}
	return c
}
