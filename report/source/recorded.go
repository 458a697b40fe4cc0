package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/incident"
	"github.com/thorbis/thorbis_exporter/report"
)

// near is by how much the beginnings of one incident may differ between what exporters recorded and what was scraped.
const near = 2 * time.Minute

// Incidents are those that exporters recorded, and those that Prometheus scraped where no exporter has them.
type Incidents struct {
	Exporters []*Exporter
	Scraped   *ScrapedIncidents // nil for none
	// ID selects one incident, by its fingerprint or its ID; empty is all.
	ID string
}

// Precision implements report.Incidents.
func (i *Incidents) Precision() time.Duration {
	if i.Scraped == nil {
		return time.Second
	}
	return i.Scraped.Precision()
}

// Incidents implements report.Incidents.
func (i *Incidents) Incidents(ctx context.Context, from, to time.Time) ([]report.Incident, error) {
	all := []report.Incident{}
	known := map[string][]int{} // places in all by fingerprint
	for _, e := range i.Exporters {
		list, err := e.incidents(ctx, from, to)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			if i.ID == "" || i.ID == one.ID || i.ID == one.Fingerprint {
				all = merge(all, known, recorded(&one))
			}
		}
	}
	if i.Scraped != nil {
		more, err := i.Scraped.Incidents(ctx, from, to)
		if err != nil {
			return nil, err
		}
		for _, one := range more {
			if !slices.ContainsFunc(known[one.ID], func(at int) bool { return same(&all[at], &one) }) {
				all = append(all, one)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b report.Incident) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// incidents returns what an exporter recorded, in any order. An answer is bounded: a time that has more is read
// in halves.
func (e *Exporter) incidents(ctx context.Context, from, to time.Time) ([]incident.Incident, error) {
	from, to = from.UTC().Truncate(time.Second), to.UTC().Add(time.Second-1).Truncate(time.Second)
	var l struct {
		Open    []incident.Incident `json:"open"`
		Past    []incident.Incident `json:"past"`
		Omitted int                 `json:"past_omitted"`
	}
	err := e.get(ctx, "incidents", url.Values{
		"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)},
	}, &l)
	switch {
	case errors.Is(err, ErrNotFound): // an exporter without this collector
		return nil, nil
	case err != nil:
		return nil, err
	case l.Omitted == 0:
		return slices.Concat(l.Past, l.Open), nil
	case to.Sub(from) < 2*time.Minute:
		return nil, fmt.Errorf("%s leaves out %d incidents of %s", e.base, l.Omitted, from.Format(time.RFC3339))
	}
	middle := from.Add(to.Sub(from) / 2)
	first, err := e.incidents(ctx, from, middle)
	if err != nil {
		return nil, err
	}
	second, err := e.incidents(ctx, middle, to)
	return append(first, second...), err // what was open in both is merged
}

// recorded is an incident as an exporter recorded it.
func recorded(i *incident.Incident) report.Incident {
	one := report.Incident{
		ID: i.Fingerprint, Alert: i.Alert, AppService: i.AppService, Subject: i.Subject, Tenant: i.Tenant,
		Priority: i.Priority, Owner: i.Owner,
		Began: i.Began, AcknowledgedBy: i.AcknowledgedBy, Exact: i.Exact, Drill: i.Drill,
		WriteUp: (*report.WriteUp)(i.WriteUp),
	}
	if at := i.Acknowledged; !at.IsZero() {
		one.Acknowledged = &at
	}
	if at := i.Resolved; !at.IsZero() {
		one.Resolved = &at
	}
	return one
}

// same reports whether two views are of one incident.
func same(a, b *report.Incident) bool {
	return a.ID == b.ID && a.Began.Sub(b.Began).Abs() <= near
}

// merge adds what another exporter recorded: an exact end replaces another, and the first acknowledgement and
// the last write-up count.
func merge(all []report.Incident, index map[string][]int, one report.Incident) []report.Incident {
	i := slices.IndexFunc(index[one.ID], func(at int) bool { return same(&all[at], &one) })
	if i < 0 {
		index[one.ID] = append(index[one.ID], len(all))
		return append(all, one)
	}
	known := &all[index[one.ID][i]]
	if one.Acknowledged != nil && (known.Acknowledged == nil || one.Acknowledged.Before(*known.Acknowledged)) {
		known.Acknowledged, known.AcknowledgedBy = one.Acknowledged, one.AcknowledgedBy
	}
	known.Tenant = cmp.Or(known.Tenant, one.Tenant)
	if one.WriteUp != nil && (known.WriteUp == nil || one.WriteUp.At.After(known.WriteUp.At)) {
		known.WriteUp = one.WriteUp // a later one takes the place of an earlier
	}
	if one.Resolved != nil && (known.Resolved == nil || one.Exact && !known.Exact) {
		known.Resolved, known.Exact = one.Resolved, one.Exact
	}
	return all
}
