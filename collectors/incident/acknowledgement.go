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
func (s *observedAlert) acknowledged(began time.Time) (first time.Time, ok bool) {
	for _, a := range s.acknowledgements {
		if a.holds(began, s.priority) && (!ok || a.at.Before(first)) {
			first, ok = a.at, true
		}
	}
	return first, ok
}

// condition returns what is to be thought of the alert as an incident that began then, and when it was acknowledged.
func (s *observedAlert) condition(began time.Time) (condition, time.Time) {
	at, ok := s.acknowledged(began)
	switch {
	case s.maintenance:
		return maintenance, time.Time{}
	case s.inhibited:
		return suppressed, time.Time{}
	case ok:
		return handled, at
	case s.hidden:
		return suppressed, time.Time{}
	}
	return waiting, time.Time{}
}
