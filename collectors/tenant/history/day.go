// Package history keeps what was counted of each tenant on each day: a compressed file for a day that is over, written
// once. A tenant without requests takes no space.
package history

import (
	"fmt"
	"time"
)

// Date is a day of the contract's time zone, such as 2026-11-30. Dates compare as their texts do.
type Date string

const dateFormat = "2006-01-02"

// DateOf is the day of a time in its location.
func DateOf(t time.Time) Date { return Date(t.Format(dateFormat)) }

// ParseDate reads a date.
func ParseDate(text string) (Date, error) {
	if t, err := time.Parse(dateFormat, text); err != nil || t.Format(dateFormat) != text {
		return "", fmt.Errorf("invalid date %q: write it like 2026-11-30", text)
	}
	return Date(text), nil
}

// Add returns the date some days later.
func (d Date) Add(days int) Date {
	t, err := time.Parse(dateFormat, string(d))
	if err != nil {
		return d
	}
	return DateOf(t.AddDate(0, 0, days))
}

// Counts are what was counted on a day. Late requests are counted apart: they are those whose event arrived later than
// the policy's late_after, perhaps of an earlier day.
type Counts struct {
	Requests, Failed, Late, LateFailed, Bytes uint64
	Slow                                      []uint64 // by threshold of the day
}

// Add adds counts of the same thresholds.
func (c *Counts) Add(o Counts) {
	c.Requests += o.Requests
	c.Failed += o.Failed
	c.Late += o.Late
	c.LateFailed += o.LateFailed
	c.Bytes += o.Bytes
	for i, n := range o.Slow {
		if i == len(c.Slow) {
			c.Slow = append(c.Slow, 0)
		}
		c.Slow[i] += n
	}
}

// Entry are the counts of a tenant of a service.
type Entry struct {
	Service, Tenant string
	Counts
}

// Day is what was counted on a day, or in a part of it.
type Day struct {
	Date Date
	// Part distinguishes the parts of a day: of other states, or before and after the clock or the time zone was changed.
	Part       string
	Zone       string
	Thresholds []uint64 // nanoseconds
	Entries    []Entry
}
