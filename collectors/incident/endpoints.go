package incident

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

const (
	// defaultPast is how far back an answer goes that no from asks for.
	defaultPast = 30 * 24 * time.Hour
	// maxListed bounds the incidents of an answer, the newest of those that are over.
	maxListed = 2000
)

var errNoPolicy = errors.New("no policy is in force yet")

// Endpoints implements collectors.Endpoints.
func (c *Collector) Endpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "incidents", Answer: func(r *http.Request) (any, error) { return c.list(r, time.Now()) }},
		{Path: "incidents/{id}", Answer: func(r *http.Request) (any, error) { return c.find(r.PathValue("id")) }},
	}
}

// incidentList is what is open and what was, in a range of time.
type incidentList struct {
	From time.Time  `json:"from"`
	To   time.Time  `json:"to"`
	Open []Incident `json:"open"`
	// Past are those that were open in the range, the one that ended last first.
	Past    []Incident `json:"past"`
	Omitted int        `json:"past_omitted"`
	Muted   []Muted    `json:"muted"`
}

func (c *Collector) list(r *http.Request, now time.Time) (*incidentList, error) {
	list := &incidentList{From: now.Add(-defaultPast), To: now, Open: []Incident{}, Past: []Incident{}}
	for name, given := range r.URL.Query() {
		var into *time.Time
		switch name {
		case "from":
			into = &list.From
		case "to":
			into = &list.To
		default:
			return nil, collectors.InvalidRequest("unknown parameter %q: there are from and to", name)
		}
		if len(given) != 1 {
			return nil, collectors.InvalidRequest("parameter %s is given %d times: give it once", name, len(given))
		}
		at, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(given[0], " ", "+")) // in a query a plus is a space
		if err != nil {
			return nil, collectors.InvalidRequest("invalid time %q: write it like 2026-11-30T12:00:00Z", given[0])
		}
		*into = at
	}
	if !list.From.Before(list.To) {
		return nil, collectors.InvalidRequest("from must be before to")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tracker == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	for _, fingerprint := range c.open() {
		if i := c.tracker.Incidents[fingerprint]; i.condition == waiting || i.condition == handled {
			if i.Began.Before(list.To) {
				list.Open = append(list.Open, i.incident(fingerprint))
			}
		}
	}
	for fingerprint, e := range c.tracker.Closing { // there are few: they end within minutes
		if i := e.closing(fingerprint); !i.Resolved.Before(list.From) && i.Began.Before(list.To) {
			list.Past = append(list.Past, i)
		}
	}
	slices.SortFunc(list.Past, func(a, b Incident) int { return b.Resolved.Compare(a.Resolved) })
	for _, i := range slices.Backward(c.past.list) {
		switch {
		case i.Resolved.Before(list.From) || !i.Began.Before(list.To):
		case len(list.Past) >= maxListed:
			list.Omitted++
		default:
			list.Past = append(list.Past, i)
		}
	}
	list.Muted = c.muted.sorted()
	return list, nil
}

// find returns one incident by its ID, or the newest of an alert's fingerprint.
func (c *Collector) find(id string) (*Incident, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tracker == nil {
		return nil, &collectors.RequestError{Kind: collectors.RequestUnavailable, Err: errNoPolicy}
	}
	is := func(i Incident) bool { return i.ID == id || i.Fingerprint == id }
	for fingerprint, e := range c.tracker.Incidents {
		if i := e.incident(fingerprint); is(i) {
			return &i, nil
		}
	}
	for fingerprint, e := range c.tracker.Closing {
		if i := e.closing(fingerprint); is(i) {
			return &i, nil
		}
	}
	for _, i := range slices.Backward(c.past.list) {
		if is(i) {
			return &i, nil
		}
	}
	return nil, collectors.NotFound("no incident %.60q: /api/v1/incidents lists them", id)
}

var _ collectors.Endpoints = (*Collector)(nil)
