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
	// exactAfter is how long the exact end of a notified incident is waited for: a group is looked at every five minutes
	// at most, and the notification of its end is an event.
	exactAfter = 10 * time.Minute
)

// entry is one notified incident, from its beginning to its end.
type entry struct {
	Alert      string `json:"alert"`
	AppService string `json:"app_service,omitempty"`
	Subject    string `json:"subject,omitempty"`
	Tenant     string `json:"tenant,omitempty"`
	Priority   string `json:"priority"`
	Owner      string `json:"owner,omitempty"`
	// Drill is whether nothing is wrong: it is counted apart.
	Drill bool `json:"drill,omitempty"`

	Began time.Time `json:"began"`
	// Notified is when the first notification was delivered, and Ended when the alert ended, as an event recorder reports
	// them; zero while they are not known.
	Notified time.Time `json:"notified,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	// Waiting is the start of the unacknowledged time. It is zero while the incident is acknowledged or not notified.
	Waiting      time.Time `json:"waiting,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"` // for the first time
	// AcknowledgedBy is who made the silence that acknowledged it.
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`
	Due            time.Time `json:"due"`
	Responded      bool      `json:"responded,omitempty"` // in time, late or not at all: it has been counted
	Missing        time.Time `json:"missing,omitzero"`    // since when no Alertmanager lists it

	condition condition
}

// tracker keeps the incidents and counts responses. It uses neither clock nor network.
type tracker struct {
	Incidents map[string]*entry `json:"incidents"`
	// Closing are incidents that no Alertmanager lists any more, and whose exact end may still be reported.
	Closing  map[string]*entry    `json:"closing,omitempty"`
	Hidden   map[string]time.Time `json:"hidden"` // firing without notification: when last seen
	Counters counters             `json:"counters"`
	Events   eventState           `json:"events,omitzero"`
	// WriteUpsSince is since when the policy asks for write-ups, zero while it does not.
	WriteUpsSince time.Time `json:"write_ups_since,omitzero"`

	over []Incident // that ended and are not among the past ones yet
}

func newTracker(now time.Time) *tracker {
	return &tracker{
		Incidents: map[string]*entry{}, Closing: map[string]*entry{}, Hidden: map[string]time.Time{},
		Counters: newCounters(now),
	}
}

// update applies what the Alertmanagers report now.
func (t *tracker) update(now time.Time, v view, p *config.Policy) {
	t.settle(now, p)
	for fingerprint, s := range v.alerts {
		t.giveUp(fingerprint)
		e, ok := t.Incidents[fingerprint]
		if ok && e.began(s.startsAt) {
			t.finish(fingerprint, e, e.Ended)
			ok = false
		}
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
		switch {
		case !e.Ended.IsZero():
			t.finish(fingerprint, e, e.Ended)
		case now.Sub(e.Missing) < goneAfter:
		case e.Notified.IsZero():
			t.finish(fingerprint, e, e.Missing)
		default:
			t.giveUp(fingerprint)
			delete(t.Incidents, fingerprint)
			t.Closing[fingerprint] = e
		}
	}
	for fingerprint, e := range t.Closing {
		if now.Sub(e.Missing) >= exactAfter {
			t.giveUp(fingerprint)
		}
	}
	for fingerprint, seen := range t.Hidden {
		if now.Sub(seen) >= goneAfter {
			delete(t.Hidden, fingerprint)
		}
	}
}

// began reports whether an alert that starts then is a later one than the incident's, which has ended.
func (e *entry) began(startsAt time.Time) bool {
	return !e.Ended.IsZero() && startsAt.After(e.Ended)
}

// finish ends an open incident.
func (t *tracker) finish(fingerprint string, e *entry, at time.Time) {
	e.close(&t.Counters, at)
	delete(t.Incidents, fingerprint)
	over := e.incident(fingerprint)
	over.Resolved, over.Exact = at, !e.Ended.IsZero()
	t.over = append(t.over, over)
}

// giveUp ends an incident that waits for its exact end, if there is one: it was over when it was missing first.
func (t *tracker) giveUp(fingerprint string) {
	if e, ok := t.Closing[fingerprint]; ok {
		delete(t.Closing, fingerprint)
		t.finish(fingerprint, e, e.Missing)
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
	for _, e := range t.Closing {
		if e.Missing.After(now) {
			e.Missing = now
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
		Alert: s.alert, AppService: s.appService, Subject: s.subject, Tenant: s.tenant, Priority: s.priority,
		Owner: s.owner,
		Began: began, Waiting: began, Due: p.Deadline(s.priority, began), Drill: s.drill,
	}
	t.Incidents[fingerprint] = e
	if !e.Drill {
		t.Counters.Opened[e.Priority][Shift(p, began)]++
	}
	return e
}

// follow updates an open incident from its alert's present state.
func (e *entry) follow(now time.Time, s *observedAlert, p *config.Policy, c *counters) {
	before := e.condition
	var by acknowledgement
	e.condition, by = s.condition(e.Began)
	switch e.condition {
	case handled:
		e.acknowledge(by, c)
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

// acknowledge notes that a person has taken the incident; the first time counts.
func (e *entry) acknowledge(a acknowledgement, c *counters) {
	e.condition, e.Waiting = handled, time.Time{}
	if e.Acknowledged.IsZero() {
		e.Acknowledged, e.AcknowledgedBy = a.at, a.by
		if !e.Drill {
			c.Acknowledge[e.Priority].observe(a.at.Sub(e.Began))
		}
		e.respond(c, a.at, metric.ResponseInTime)
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
	if e.Drill {
		c.Drills[e.Priority][result]++
		return
	}
	c.Responses[e.Priority][result]++
}

func (e *entry) close(c *counters, at time.Time) {
	if took := at.Sub(e.Began); !e.Drill {
		c.Resolve[e.Priority].observe(took)
		if took < brief {
			c.Brief[e.Priority]++
		}
	}
	e.respond(c, at, metric.ResponseResolved)
}

// Shift returns the part of the day, as on-call people see it, of a time.
func Shift(p *config.Policy, at time.Time) string {
	if p.Hours.Contains(at) {
		return metric.ShiftBusiness
	}
	if hour := p.Hours.Local(at).Hour(); hour < 8 || hour >= 22 {
		return metric.ShiftSleep
	}
	return metric.ShiftOff
}
