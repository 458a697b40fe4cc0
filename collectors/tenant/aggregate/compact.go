package aggregate

import "github.com/thorbis/thorbis_exporter/collectors/tenant/decode"

// Compact is an event whose tenant is known.
type Compact struct {
	Place
	Class uint8
	Probe bool
	// Refusal is how it was refused.
	Refusal decode.Refusal
	// Unreadable is why there is no duration although there should be one.
	Unreadable decode.Unreadable
	Duration   int64
	Bytes      uint64
	Time       int64
}

// Compact returns an event without its place.
func (a *Aggregator) Compact(e *decode.Event) (c Compact) {
	c.take(e, a.source.Logins)
	return c
}

func (c *Compact) take(e *decode.Event, logins [][]byte) {
	c.Class, c.Probe, c.Unreadable = uint8(e.Class()), e.Probe, e.Unreadable
	c.Duration, c.Bytes, c.Time = e.Duration, e.Bytes, e.Time
	c.Refusal = e.Refusal(logins)
}

// late reports whether the event is from before a Unix nanosecond.
func (c *Compact) late(before int64) bool { return c.Time > 0 && c.Time < before }

// refuse counts n events as one that was refused, unless it is late.
func (a *Aggregator) refuse(e *Compact, n uint32) {
	if e.late(a.late) {
		return
	}
	c := a.accumulator(e.Slot)
	for way := range decode.Refusals {
		if e.Refusal>>way&1 == 1 {
			a.batch.Refused[way] += uint64(n)
			c.Refused[way] += n
		}
	}
}
