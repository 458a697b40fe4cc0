package security

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
	return append(c.auditEndpoints(), []collectors.Endpoint{
		{Path: "scans", Answer: func(*http.Request) (any, error) { return c.list() }},
		{Path: "scans/{name}", Answer: func(r *http.Request) (any, error) { return c.found(r.PathValue("name")) }},
	}...)
}

// scanStatus is what is known of a scan.
type scanStatus struct {
	Name       string         `json:"name"`
	AppService string         `json:"app_service,omitempty"`
	Reports    []reportStatus `json:"reports"`
	// Findings are how many there are, and Suppressed how many are left out; absent before a scan has succeeded.
	Findings   *int `json:"findings,omitempty"`
	Suppressed *int `json:"suppressed,omitempty"`
}

type reportStatus struct {
	Name    string    `json:"name"`
	State   string    `json:"state,omitempty"`
	Error   string    `json:"error,omitempty"`
	Scanned time.Time `json:"scanned,omitzero"`
}

func (c *Collector) list() (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	all := []scanStatus{}
	for _, name := range slices.Sorted(maps.Keys(c.watched)) {
		all = append(all, c.status(c.watched[name]))
	}
	return map[string]any{"scans": all}, nil
}

var errNoPolicy = errors.New("no policy is in force yet")

// status returns what is known of a scan. The caller holds the lock.
func (c *Collector) status(a *artefact) scanStatus {
	s := scanStatus{Name: a.Name, AppService: a.AppService, Reports: []reportStatus{}}
	for i, d := range a.reports {
		name := a.Reports[i].Name()
		r := reportStatus{Name: name, State: d.state, Scanned: c.records[a.Name].Scanned[name]}
		if d.err != nil {
			r.Error = d.err.Error()
		}
		s.Reports = append(s.Reports, r)
	}
	if a.known {
		s.Findings, s.Suppressed = new(len(a.findings)), new(a.suppressed)
	}
	return s
}

// aged is a finding with since when it is known here.
type aged struct {
	finding
	Since time.Time `json:"since"`
}

// found returns the findings of a scan, those that are known to be exploited first, then by severity and age.
func (c *Collector) found(name string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	a := c.watched[name]
	switch {
	case a == nil:
		return nil, collectors.NotFound("no scan of this name: /api/v1/scans lists them")
	case !a.known:
		return nil, &collectors.RequestError{
			Kind: collectors.RequestUnavailable, Err: errors.New("no scan has succeeded yet: /api/v1/scans has its reports"),
		}
	}
	now, all := time.Now(), make([]aged, 0, len(a.findings))
	for _, f := range a.findings {
		all = append(all, aged{f, c.records[name].first(f, now)})
	}
	slices.SortStableFunc(all, byUrgency)
	return map[string]any{"name": name, "findings": all}, nil
}
