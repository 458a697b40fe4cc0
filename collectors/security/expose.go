package security

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// exposer adds series to a snapshot.
type exposer struct{ *collectors.Snapshot }

// show returns what is known now; nil without scans, secrets and lists of accounts.
func (c *Collector) show() *collectors.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.section == nil || len(c.watched)+len(c.section.Secrets)+len(c.audits) == 0 {
		return nil
	}
	size := len(c.watched)*40 + len(c.section.Secrets)*4 + len(c.audits)*25
	e := exposer{collectors.NewSnapshot(size, time.Time{})}
	e.secrets(c.section.Secrets)
	for _, name := range slices.Sorted(maps.Keys(c.audits)) {
		e.audit(c.audits[name])
	}
	if len(c.watched) > 0 {
		e.scans(c)
	}
	return e.Snapshot
}

// scans adds what is known of scans.
func (e exposer) scans(c *Collector) {
	ages := maxAges(c.section)
	for _, severity := range metric.FindingSeverities {
		if ages[severity] > 0 {
			e.Put(metric.FindingExpectedMaxAge, ages[severity].Seconds(), severity)
		}
	}
	e.Put(metric.FindingExploitedExpectedMaxAge, c.section.ExploitedMaxAge.Std().Seconds())
	if c.exploited != nil {
		e.PutTime(metric.KnownExploitedTime, c.exploited.written)
	}
	for _, name := range slices.Sorted(maps.Keys(c.watched)) {
		a := c.watched[name]
		e.scan(a, c.records[name])
		if a.known {
			e.findings(a)
		}
	}
}

func maxAges(s *config.Security) map[string]time.Duration {
	return map[string]time.Duration{
		metric.FindingCritical: s.MaxAge.Critical.Std(), metric.FindingHigh: s.MaxAge.High.Std(),
		metric.FindingMedium: s.MaxAge.Medium.Std(), metric.FindingLow: s.MaxAge.Low.Std(),
	}
}

// scan adds what is expected of a scan, and how its reports fare. Before they were first read they have no state.
func (e exposer) scan(a *artefact, r *record) {
	e.Put(metric.ScanInfo, 1, a.Name, a.AppService, a.Owner, a.Page)
	e.Put(metric.ScanExpectedInterval, a.Interval.Std().Seconds(), a.Name)
	for i, d := range a.reports {
		name := a.Reports[i].Name()
		e.PutTime(metric.ScanReportTime, r.Scanned[name], a.Name, name)
		if d.state == "" {
			continue
		}
		e.PutStates(metric.ScanReportState, d.state, metric.ScanStates, a.Name, name)
	}
}

func (e exposer) findings(a *artefact) {
	for _, fixable := range []bool{true, false} {
		label := strconv.FormatBool(fixable)
		for _, severity := range metric.FindingSeverities {
			t := a.tallies.all[class{severity, fixable}]
			e.Put(metric.Findings, float64(t.n), a.Name, severity, label)
			e.PutTime(metric.FindingOldest, t.oldest, a.Name, severity, label)
		}
		t := a.tallies.exploited[fixable]
		e.Put(metric.FindingsExploited, float64(t.n), a.Name, label)
		e.PutTime(metric.FindingExploitedOldest, t.oldest, a.Name, label)
	}
	e.Put(metric.FindingsSuppressed, float64(a.suppressed), a.Name)
}
