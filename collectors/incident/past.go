package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Bounds of the incidents that are over and kept: a year's reports need 400 days.
const (
	pastDays  = 400
	maxPast   = 20_000
	pastName  = "incident_past"
	pastBytes = 64 << 20
	// maxPerson bounds the name of a person, in bytes.
	maxPerson = 100
)

// Incident is one incident as the HTTP API and reports show it. Times that are not known are left out.
type Incident struct {
	// ID is the alert's fingerprint and the second in which the incident began.
	ID          string `json:"id"`
	Fingerprint string `json:"fingerprint"`
	Alert       string `json:"alert"`
	AppService  string `json:"app_service,omitempty"`
	Subject     string `json:"subject,omitempty"`
	// Tenant is that of an alert on one tenant. An incident that began before it was kept has none.
	Tenant   string `json:"tenant,omitempty"`
	Priority string `json:"priority"`
	Owner    string `json:"owner,omitempty"`
	Drill    bool   `json:"drill,omitempty"`

	Began time.Time `json:"began"`
	// Notified is when the first notification was delivered; only an event recorder reports it.
	Notified       time.Time `json:"notified,omitzero"`
	Due            time.Time `json:"due"`
	Acknowledged   time.Time `json:"acknowledged,omitzero"`
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`
	Resolved       time.Time `json:"resolved,omitzero"`
	// Exact is whether an event recorder reported the end; else it is when an Alertmanager no longer listed the alert.
	Exact bool `json:"exact"`
	// WriteUp is nil while there is none.
	WriteUp *WriteUp `json:"write_up,omitempty"`
}

// incident returns an entry as it is shown.
func (e *entry) incident(fingerprint string) Incident {
	return Incident{
		ID:          fmt.Sprintf("%s-%d", fingerprint, e.Began.Unix()),
		Fingerprint: fingerprint, Alert: e.Alert, AppService: e.AppService, Subject: e.Subject, Tenant: e.Tenant,
		Priority: e.Priority,
		Owner:    e.Owner, Drill: e.Drill,
		Began: e.Began, Notified: e.Notified, Due: e.Due, Acknowledged: e.Acknowledged, AcknowledgedBy: e.AcknowledgedBy,
	}
}

// closing returns an entry whose exact end is still waited for: it was over when it was missing first.
func (e *entry) closing(fingerprint string) Incident {
	i := e.incident(fingerprint)
	i.Resolved = e.Missing
	return i
}

// past are the incidents that are over, in the order in which they ended. They are saved apart from what is open, which
// changes all the time.
type past struct {
	list  []Incident
	last  map[string]time.Time // when the last one of a fingerprint ended
	dirty bool
}

// has reports whether an alert that began then is of an incident that is over.
func (p *past) has(fingerprint string, startsAt time.Time) bool {
	ended, ok := p.last[fingerprint]
	return ok && !startsAt.After(ended)
}

// add adds incidents that have ended, and drops those that are too old. One that is known is not added: a save that was
// cut short is repeated.
func (p *past) add(now time.Time, more []Incident) {
	if len(more) == 0 {
		return
	}
	list := slices.Clone(p.list) // a save may be reading the old one
	known := make(map[string]bool, len(list))
	for _, i := range list {
		known[i.ID] = true
	}
	for _, i := range more {
		if !known[i.ID] {
			known[i.ID] = true
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b Incident) int { return a.Resolved.Compare(b.Resolved) })
	oldest := now.AddDate(0, 0, -pastDays)
	drop := max(len(list)-maxPast, 0)
	for drop < len(list) && list[drop].Resolved.Before(oldest) {
		drop++
	}
	p.list, p.dirty = list[drop:], true
	p.index()
}

func (p *past) index() {
	p.last = make(map[string]time.Time, len(p.list))
	for _, i := range p.list {
		p.last[i.Fingerprint] = i.Resolved
	}
}

// loadPast reads the incidents of earlier runs.
func (c *Collector) loadPast() {
	if c.dir == nil {
		return
	}
	err := c.dir.LoadJSON(pastName, snapshotVersion, pastBytes, &c.past.list)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		c.logger.Warn("The incidents that are over cannot be used: what is shown of them begins anew", "err", err)
		c.past.list = nil
	}
	c.past.index()
}

// person returns the name of a person as it is kept.
func person(name string) string {
	name = strings.TrimSpace(name)
	if len(name) > maxPerson {
		name = name[:maxPerson]
	}
	return strings.ToValidUTF8(name, "_")
}
