package vendor

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Endpoints implements collectors.Endpoints.
func (c *Collector) Endpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "vendors", Answer: func(*http.Request) (any, error) { return c.list(time.Now()) }},
		{Path: "vendors/{name}", Answer: func(r *http.Request) (any, error) { return c.history(r) }},
	}
}

var errNoPolicy = errors.New("no policy is in force yet")

// status is what a vendor's page reports now.
type status struct {
	Name       string            `json:"name"`
	StatusPage string            `json:"status_page"`
	State      string            `json:"state"`
	Since      time.Time         `json:"since"`
	Outage     time.Time         `json:"outage_since,omitzero"`
	Read       time.Time         `json:"read,omitzero"`
	Reason     string            `json:"last_failure,omitempty"`
	Components map[string]string `json:"components,omitempty"`
	Affects    []string          `json:"affects"`
	// Incidents are those that the page has open, Maintenances those that it announces.
	Incidents    []Incident    `json:"incidents"`
	Maintenances []Maintenance `json:"maintenances"`
	MonthSeconds stateSeconds  `json:"month_seconds"`
	Promise      string        `json:"promise,omitempty"`
}

func (c *Collector) list(now time.Time) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	all := []status{}
	for _, name := range slices.Sorted(maps.Keys(c.watched)) {
		w := c.watched[name]
		w.pass(now, c.stale(w), c.zone)
		s := status{
			Name: w.Name, StatusPage: w.StatusPage, State: w.State, Since: w.Since, Outage: w.Outage, Read: w.Read,
			Reason: w.reason, Affects: append([]string{}, w.Affects...), Incidents: []Incident{}, Maintenances: []Maintenance{},
			MonthSeconds: w.month(now, c.zone),
		}
		if !w.Promise.IsZero() {
			s.Promise = w.Promise.Percent()
		}
		if w.page != nil {
			s.Incidents = append(s.Incidents, w.page.incidents...)
			s.Maintenances = append(s.Maintenances, w.page.maintenances...)
			s.Components = map[string]string{}
			for _, component := range w.Components {
				s.Components[component] = w.page.componentState(component)
			}
		}
		all = append(all, s)
	}
	return map[string]any{"vendors": all}, nil
}

// vendorDay is where the time of a vendor went on a date.
type vendorDay struct {
	Date    string       `json:"date"`
	Seconds stateSeconds `json:"seconds"`
}

// history returns the days of a vendor, also of one that has left the policy.
func (c *Collector) history(r *http.Request) (any, error) {
	from, to := "", "9999"
	for name, given := range r.URL.Query() {
		if name != "from" && name != "to" {
			return nil, collectors.InvalidRequest("unknown parameter %q: there are from and to", name)
		}
		if _, err := time.Parse(time.DateOnly, given[0]); err != nil || len(given) != 1 {
			return nil, collectors.InvalidRequest("invalid date %q: write it once, like 2026-11-30", given[0])
		}
		if name == "from" {
			from = given[0]
		} else {
			to = given[0]
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	one := c.records[r.PathValue("name")]
	if one == nil {
		return nil, collectors.NotFound("no vendor of this name: /api/v1/vendors lists them")
	}
	days := []vendorDay{}
	for _, date := range slices.Sorted(maps.Keys(one.Days)) {
		if date >= from && date <= to {
			days = append(days, vendorDay{date, maps.Clone(one.Days[date])})
		}
	}
	return map[string]any{"name": r.PathValue("name"), "days": days}, nil
}

var _ collectors.Endpoints = (*Collector)(nil)
