package incident

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// goneAfter is how long an alert must be missing until its incident is over. An Alertmanager that
	// restarts has no alerts until Prometheus sends them again, a minute later at most.
	goneAfter = 90 * time.Second
	// brief is too short for a person to have fixed the cause.
	brief = 5 * time.Minute
	// maxTracked bounds the incidents that are followed; the rest is counted only.
	maxTracked = 10_000
)

// entry is one notified incident, from its beginning to its end.
type entry struct {
	Alert      string `json:"alert"`
	AppService string `json:"app_service,omitempty"`
	Subject    string `json:"subject,omitempty"`
	Priority   string `json:"priority"`
	Owner      string `json:"owner,omitempty"`

	Began time.Time `json:"began"`
	// Waiting is the start of the unacknowledged time. It is zero while the incident is acknowledged or not notified.
	Waiting      time.Time `json:"waiting,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"` // for the first time
	Due          time.Time `json:"due"`
	Responded    bool      `json:"responded,omitempty"` // in time, late or not at all: it has been counted
	Missing      time.Time `json:"missing,omitzero"`    // since when no Alertmanager lists it

	condition condition
}

// tracker keeps the incidents and counts responses. It uses neither clock nor network.
type tracker struct {
	Incidents map[string]*entry    `json:"incidents"`
	Hidden    map[string]time.Time `json:"hidden"` // firing without notification: when last seen
	Counters  counters             `json:"counters"`
}

func newTracker(now time.Time) *tracker {
	return &tracker{Incidents: map[string]*entry{}, Hidden: map[string]time.Time{}, Counters: newCounters(now)}
}

// update applies what the Alertmanagers report now.
func (t *tracker) update(now time.Time, v view, p *config.Policy) {
	t.settle(now, p)
	for fingerprint, s := range v.alerts {
		e, ok := t.Incidents[fingerprint]
		if !ok {
			if e = t.open(now, fingerprint, s, p); e == nil {
				continue
			}
		}
		e.Missing = time.Time{}
		e.follow(now, s, p, &t.Counters)
	}
	for fingerprint, e := range t.Incidents {
		if _, ok := v.alerts[fingerprint]; ok {
			continue
		}
		if e.Missing.IsZero() {
			e.Missing = now
		}
		if now.Sub(e.Missing) >= goneAfter {
			e.close(&t.Counters)
			delete(t.Incidents, fingerprint)
		}
	}
	for fingerprint, seen := range t.Hidden {
		if now.Sub(seen) >= goneAfter {
			delete(t.Hidden, fingerprint)
		}
	}
}

// settle replaces saved times in the future with now: the clock was ahead when they were saved. Otherwise a resolved
// incident would stay open, and a waiting one would not be late, until they have passed.
func (t *tracker) settle(now time.Time, p *config.Policy) {
	for _, e := range t.Incidents {
		if e.Began.After(now) {
			e.Began, e.Due = now, p.Deadline(e.Priority, now)
		}
		if e.Waiting.After(now) {
			e.Waiting, e.Due = now, p.Deadline(e.Priority, now)
		}
		if e.Missing.After(now) {
			e.Missing = now
		}
		if e.Acknowledged.After(now) {
			e.Acknowledged = now
		}
	}
	for fingerprint, seen := range t.Hidden {
		if seen.After(now) {
			t.Hidden[fingerprint] = now
		}
	}
}

// open begins an incident when its first notification is due. An alert that was hidden before begins now, not when it
// began to fire.
func (t *tracker) open(now time.Time, fingerprint string, s *observedAlert, p *config.Policy) *entry {
	began := s.startsAt
	_, wasHidden := t.Hidden[fingerprint]
	if wasHidden || began.IsZero() || began.After(now) {
		began = now
	}
	if c, _ := s.condition(began); c == maintenance || c == suppressed {
		if wasHidden || len(t.Hidden) < maxTracked {
			t.Hidden[fingerprint] = now
		}
		return nil
	}
	if len(t.Incidents) >= maxTracked {
		return nil
	}
	delete(t.Hidden, fingerprint)
	e := &entry{
		Alert: s.alert, AppService: s.appService, Subject: s.subject, Priority: s.priority, Owner: s.owner,
		Began: began, Waiting: began, Due: p.Deadline(s.priority, began),
	}
	t.Incidents[fingerprint] = e
	t.Counters.Opened[e.Priority][shift(p, began)]++
	return e
}

// follow updates an open incident from its alert's present state.
func (e *entry) follow(now time.Time, s *observedAlert, p *config.Policy, c *counters) {
	before := e.condition
	var at time.Time
	e.condition, at = s.condition(e.Began)
	switch e.condition {
	case handled:
		e.Waiting = time.Time{}
		if e.Acknowledged.IsZero() {
			e.Acknowledged = at
			c.Acknowledge[e.Priority].observe(at.Sub(e.Began))
			e.respond(c, at, metric.ResponseInTime)
		}
	case waiting:
		if e.Waiting.IsZero() {
			e.Waiting = now
			if before != handled {
				e.Due = p.Deadline(e.Priority, now) // no notification was sent in between
			}
		}
		if now.After(e.Due) {
			e.respond(c, now, metric.ResponseLate)
		}
	case maintenance, suppressed:
		e.Waiting = time.Time{}
	}
}

// respond counts, once, whether the response was in time.
func (e *entry) respond(c *counters, at time.Time, result string) {
	if e.Responded {
		return
	}
	e.Responded = true
	if at.After(e.Due) {
		result = metric.ResponseLate
	}
	c.Responses[e.Priority][result]++
}

func (e *entry) close(c *counters) {
	took := e.Missing.Sub(e.Began)
	c.Resolve[e.Priority].observe(took)
	if took < brief {
		c.Brief[e.Priority]++
	}
	e.respond(c, e.Missing, metric.ResponseResolved)
}

// shift returns the part of the day, as on-call people see it, of a time.
func shift(p *config.Policy, at time.Time) string {
	if p.Hours.Contains(at) {
		return metric.ShiftBusiness
	}
	if hour := p.Hours.Local(at).Hour(); hour < 8 || hour >= 22 {
		return metric.ShiftSleep
	}
	return metric.ShiftOff
}
