package tenant

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
)

// maxMembers bounds the tenants of an answer.
const maxMembers = 20_000

// membership is a time in which a tenant was in the registry.
type membership struct {
	Tier string     `json:"tier"`
	From *time.Time `json:"from"` // nil: when the record began, or before
	To   *time.Time `json:"to"`   // nil: still
}

func (c *Collector) memberships(tenant string) []membership {
	list := []membership{}
	for _, m := range c.tenants.Memberships(tenant) {
		one := membership{Tier: m.Tier}
		if at := m.From; !at.IsZero() {
			one.From = &at
		}
		if at := m.To; !at.IsZero() {
			one.To = &at
		}
		list = append(list, one)
	}
	return list
}

// memberList are the tenants that were in the registry on some days.
type memberList struct {
	From    history.Date `json:"from"`
	To      history.Date `json:"to"`
	Tenants []string     `json:"tenants"`
	// Next is what to ask for as after to read on, empty at the end.
	Next string `json:"next,omitempty"`
}

// list answers which tenants were in the registry on some days, in order, behind the one named by after.
func (c *Collector) list(r *http.Request, now time.Time) (any, error) {
	s := c.current.Load()
	if s == nil {
		return nil, &collectors.RequestError{
			Kind: collectors.RequestUnavailable, Err: errors.New("no policy is in force yet: ask again later"),
		}
	}
	zone := s.policy.SLA.Zone()
	values := r.URL.Query()
	after := values.Get("after")
	if len(values["after"]) > 1 {
		return nil, collectors.InvalidRequest("parameter after is given %d times: give it once", len(values["after"]))
	}
	values.Del("after")
	days := &tenantHistory{}
	if err := days.span(values, history.DateOf(now.In(zone))); err != nil {
		return nil, err
	}
	l := memberList{From: days.From, To: days.To, Tenants: []string{}}
	from, to := startOf(l.From, zone), startOf(l.To.Add(1), zone)
	names := c.tenants.Members(from, to)
	if i, found := slices.BinarySearch(names, after); after != "" {
		if found {
			i++
		}
		names = names[i:]
	}
	if len(names) > maxMembers {
		names = names[:maxMembers]
		l.Next = names[maxMembers-1]
	}
	l.Tenants = append(l.Tenants, names...)
	return l, nil
}

// startOf is when a date begins in a time zone.
func startOf(d history.Date, zone *time.Location) time.Time {
	at, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return time.Time{}
	}
	return at
}
