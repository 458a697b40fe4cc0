package domain

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// exposer adds series to a snapshot.
type exposer struct{ *collectors.Snapshot }

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func bit(set bool) float64 {
	if set {
		return 1
	}
	return 0
}

// show exposes what is known now. Without the policy's section that is nothing. The caller holds the lock.
func (c *Collector) show() {
	d := c.policy.Domains()
	if d == nil {
		c.snapshot = nil
		return
	}
	e := exposer{collectors.NewSnapshot(20+len(c.domains)*(6+len(metric.DomainStatuses)), c.created)}
	for _, w := range c.domains {
		e.Put(metric.DomainInfo, 1, w.name, w.tenant, w.appService, w.owner, w.page)
		e.Put(metric.DomainExpectedWarning, d.WarnBefore.Std().Seconds(), w.name)
		e.Put(metric.DomainExpectedUrgent, d.UrgentBefore.Std().Seconds(), w.name)
		r := c.records[w.name]
		asked := c.bootstrap.server(d.Servers, w.name) != ""
		if asked || !r.LastSuccess.IsZero() {
			e.Put(metric.DomainExpectedInterval, d.Interval.Std().Seconds(), w.name)
		}
		e.registration(w, r, !asked || time.Since(r.LastSuccess) > staleIntervals*d.Interval.Std())
	}
	for _, result := range metric.DomainResults {
		e.Put(metric.DomainLookups, float64(c.results[result]), result)
	}
	for _, reason := range metric.ReadReasons {
		e.Put(metric.DomainLookupFailures, float64(c.reasons[reason]), reason)
	}
	e.Put(metric.DomainsOmitted, float64(c.omitted))
	e.Put(metric.DomainBootstrap, unix(c.bootstrap.published))
	c.snapshot = e.Snapshot
}

// staleIntervals is how many intervals old a report is that no longer outranks the policy: that of the alert on it.
const staleIntervals = 3

// registration adds what the registry reported, and the policy's date where it reported none. Of a stale report the
// later date counts: the policy's may be that of a renewal since.
func (e exposer) registration(w watched, r *record, stale bool) {
	expires := r.Expires
	if expires.IsZero() || stale && w.expires.After(expires) {
		expires = w.expires
	}
	if !expires.IsZero() {
		e.Put(metric.DomainExpiry, unix(expires), w.name)
	}
	if r.LastSuccess.IsZero() {
		return
	}
	e.Put(metric.DomainLastSuccess, unix(r.LastSuccess), w.name)
	if r.Statuses == nil {
		return
	}
	for _, status := range metric.DomainStatuses {
		e.Put(metric.DomainStatus, bit(slices.Contains(r.Statuses, status)), w.name, status)
	}
}
