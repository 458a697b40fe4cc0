package health

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// outageShown is how long after its end an outage is exposed. The rules read it for a minute; scrapes may be late.
const outageShown = 2 * time.Minute

// measuredOutage is the length of one outage as rules compare it between locations. It is the time for which the check
// was seen down, from the first failed probe on. Time in which the check was unknown, or the exporter was off, is not
// part of it. All of it is measured by the monotonic clock. Only the time that a restart took is a difference of wall
// clock times, and only the age of an outage contains it.
type measuredOutage struct {
	Length time.Duration `json:"length,omitzero"`
	End    time.Time     `json:"end,omitzero"` // when the check was last seen down, zero without an outage
}

// extend adds time down up to a moment.
func (o *measuredOutage) extend(d time.Duration, to time.Time) {
	o.Length += d
	o.End = maxTime(o.End, to)
}

// restored returns the outage as a restart finds it. From there on its age follows the monotonic clock, whatever
// becomes of the wall clock. An end in the future, of a clock that was ahead, is now if the outage is open. If it is
// not, nothing is known of its age, and it is dropped.
func (o measuredOutage) restored(open bool, now time.Time) measuredOutage {
	if o.End.IsZero() || o.End.After(now) && !open {
		return measuredOutage{}
	}
	o.End = now.Add(-max(now.Sub(o.End), 0))
	return o
}

// outage returns the length of the open outage, or of the last one, and how long ago it ended. The age is 0 while the
// check is down. An outage whose end is not proved by a second success ended with the first. Nothing is returned
// long after the end, and while it is not known whether an open outage goes on.
func (m *stateMachine) outage(now time.Time) (length, age time.Duration, ok bool) {
	down, open := m.state == metric.StateDown, !m.OutageStart.IsZero()
	if m.Measured.End.IsZero() || open && !down {
		return 0, 0, false
	}
	if down && m.pending == nil && now.Before(m.validUntil) {
		return m.Measured.Length + max(now.Sub(m.accounted), 0), 0, true
	}
	age = now.Sub(m.Measured.End)
	return m.Measured.Length, age, age >= 0 && age <= outageShown
}
