package incident

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// acknowledgement records that a person has taken an incident. It covers what fired before it, and nothing that fires
// later: the person did not know of that.
type acknowledgement struct {
	at time.Time
	// opened is when the page that was acknowledged was sent first. Zero for an acknowledgement that names the incident.
	opened time.Time
	// by is who made it, as the silence has it; PagerDuty's is not read.
	by string
}

// precision is that of PagerDuty's times.
const precision = time.Second

// holds reports whether whoever acknowledged had been notified of an incident that began then. What began after the
// first page is sent with the next update of its group.
func (a acknowledgement) holds(began time.Time, priority string) bool {
	if !a.opened.IsZero() && began.After(a.opened.Add(precision)) {
		began = began.Add(config.PaceOf(priority).Interval.Std())
	}
	return !a.at.Before(began)
}

// acknowledged returns the first acknowledgement that holds for an incident that began then.
func (s *observedAlert) acknowledged(began time.Time) (first acknowledgement, ok bool) {
	for _, a := range s.acknowledgements {
		if a.holds(began, s.priority) && (!ok || a.at.Before(first.at)) {
			first, ok = a, true
		}
	}
	return first, ok
}

// condition returns what is to be thought of the alert as an incident that began then, and how it was acknowledged.
func (s *observedAlert) condition(began time.Time) (condition, acknowledgement) {
	by, ok := s.acknowledged(began)
	switch {
	case s.maintenance:
		return maintenance, acknowledgement{}
	case s.inhibited:
		return suppressed, acknowledgement{}
	case ok:
		return handled, by
	case s.hidden:
		return suppressed, acknowledgement{}
	}
	return waiting, acknowledgement{}
}
