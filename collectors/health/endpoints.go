package health

import (
	"net/http"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// defaultHistory is how far back an answer goes that no from asks for.
const defaultHistory = 30 * dayLength

// Endpoints implements collectors.Endpoints.
func (c *Collector) Endpoints() []collectors.Endpoint {
	return []collectors.Endpoint{
		{Path: "checks", Answer: func(*http.Request) (any, error) {
			list, omitted := c.Checks()
			return checkList{list, omitted}, nil
		}},
		{Path: "checks/{name}", Answer: func(r *http.Request) (any, error) {
			q, err := c.historyQuery(r, time.Now())
			if err != nil {
				return nil, err
			}
			return c.History(q)
		}},
	}
}

type checkList struct {
	Checks  []CheckSummary `json:"checks"`
	Omitted int            `json:"checks_omitted"`
}

// historyQuery reads the parameters tenant, from and to. A date as to is that whole day.
func (c *Collector) historyQuery(r *http.Request, now time.Time) (HistoryQuery, error) {
	values := r.URL.Query()
	for name, given := range values {
		switch name {
		case "from", "to", "tenant":
		default:
			return HistoryQuery{}, collectors.InvalidRequest("unknown parameter %q: there are from, to and tenant", name)
		}
		if len(given) != 1 {
			return HistoryQuery{}, collectors.InvalidRequest("parameter %s is given %d times: give it once", name, len(given))
		}
	}
	c.mu.Lock()
	zone := c.policy.SLA.Zone()
	c.mu.Unlock()
	q := HistoryQuery{Check: r.PathValue("name"), Tenant: values.Get("tenant"), To: now}
	var err error
	if text := values.Get("to"); text != "" {
		if q.To, err = moment(text, zone, 1); err != nil {
			return q, err
		}
	}
	q.From = q.To.Add(-defaultHistory)
	if text := values.Get("from"); text != "" {
		if q.From, err = moment(text, zone, 0); err != nil {
			return q, err
		}
	}
	if !q.From.Before(q.To) {
		return q, collectors.InvalidRequest("from is %s and to is %s: from must be before to",
			q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	}
	return q, nil
}

// moment reads a moment as RFC 3339 has it, or the beginning of a date and so many days after it.
func moment(text string, zone *time.Location, days date) (time.Time, error) {
	// In a query a plus sign is a space.
	if at, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(text, " ", "+")); err == nil && at.Year() < 9000 {
		return at, nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil && at.Year() < 9000 {
		return (dateOf(at, time.UTC) + days).start(zone), nil
	}
	return time.Time{}, collectors.InvalidRequest("invalid time %q: write it like 2026-11-30 or 2026-11-30T12:00:00Z",
		text)
}

var _ collectors.Endpoints = (*Collector)(nil)
