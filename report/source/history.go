package source

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// Range is what is read of a history: outages and days of checks over a time, and requests of the days of a month.
type Range struct {
	Over sla.Span
	// First and Last are the dates of the days whose requests count, both included.
	First, Last string
}

// RangeOf returns the range that the report of a month needs.
func RangeOf(m sla.Month, now time.Time) Range {
	s := m.Span()
	return Range{
		Over:  sla.Reads(m, now),
		First: s.From.In(m.Zone).Format(time.DateOnly), Last: s.To.Add(-time.Nanosecond).In(m.Zone).Format(time.DateOnly),
	}
}

// Tenant is what a history has of a tenant.
type Tenant struct {
	Memberships []sla.Membership
	Targets     []sla.Target
	Requests    []sla.Counted
	// Unreadable are days of which a file is damaged.
	Unreadable []string
	Known      bool
}

// History is the history of one exporter.
type History interface {
	// Source says what is read, and reads the exporter's own description.
	Source(ctx context.Context) (report.Source, error)
	// Shared returns what was recorded of checks that are no tenant's own.
	Shared(ctx context.Context, r Range) ([]sla.Target, error)
	// Tenants returns the tenants that were customers in the range, in order.
	Tenants(ctx context.Context, r Range) ([]string, error)
	// Prepare reads the requests of all tenants at once, where that is cheaper than one by one.
	Prepare(ctx context.Context, r Range) error
	// Tenant returns what was recorded of a tenant.
	Tenant(ctx context.Context, name string, r Range) (Tenant, error)
}

// targetsOf converts an answer of the history of a check.
func targetsOf(h *health.History, keep func(*health.TargetHistory) bool) []sla.Target {
	var all []sla.Target
	for i := range h.Targets {
		t := &h.Targets[i]
		if !keep(t) {
			continue
		}
		one := sla.Target{
			Check: h.Check, Tenant: t.Tenant, Location: t.Location, Omitted: t.OutagesOmitted,
		}
		for _, d := range t.Days {
			one.Days = append(one.Days, sla.DaySeconds{
				Date: d.Date, Observed: duration(d.Observed), Down: duration(d.Down), Unknown: duration(d.Unknown),
				Maintenance: duration(d.Maintenance),
			})
		}
		for _, o := range t.Outages {
			seen := sla.Seen{Begin: o.Begin, Down: duration(o.Down), Reason: o.Reason}
			if o.End != nil {
				seen.End = *o.End
			}
			one.Outages = append(one.Outages, seen)
		}
		all = append(all, one)
	}
	return all
}

// duration returns seconds, with milliseconds; nothing for NaN and infinity.
func duration(seconds float64) time.Duration {
	if math.IsNaN(seconds) {
		return 0
	}
	return time.Duration(math.Round(min(max(seconds, 0), 1e9)*1000)) * time.Millisecond
}

// add adds counts of a day to those of its service.
func (t *Tenant) add(c sla.Counted) {
	i := slices.IndexFunc(t.Requests, func(o sla.Counted) bool { return o.AppService == c.AppService })
	if i < 0 {
		t.Requests = append(t.Requests, sla.Counted{AppService: c.AppService, Slow: map[time.Duration]uint64{}})
		i = len(t.Requests) - 1
	}
	sum := &t.Requests[i]
	sum.Requests += c.Requests
	sum.Failed += c.Failed
	sum.Late += c.Late
	sum.LateFailed += c.LateFailed
	for threshold, n := range c.Slow {
		sum.Slow[threshold] += n
	}
}
