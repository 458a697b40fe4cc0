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

// families by metric, made once.
var families = func() map[*metric.Metric]*collectors.Family {
	f := map[*metric.Metric]*collectors.Family{}
	for _, m := range []*metric.Metric{
		metric.ScanReportState, metric.ScanReportTime, metric.Findings, metric.FindingOldest, metric.FindingsExploited,
		metric.FindingExploitedOldest, metric.FindingsSuppressed, metric.KnownExploitedTime, metric.ScanInfo,
		metric.ScanExpectedInterval, metric.FindingExpectedMaxAge, metric.FindingExploitedExpectedMaxAge,
		metric.SecretExpiry, metric.SecretInfo, metric.SecretExpectedWarning, metric.SecretExpectedUrgent,
		metric.AccessState, metric.AccessListTime, metric.Accounts, metric.AccountsByUse, metric.AccountsPrivileged,
		metric.AccountsWithoutExpiry, metric.AccountsWithoutTwoFactors, metric.AccountsOverdue, metric.AccountsUnreviewed,
		metric.OldestReview, metric.AccessInfo, metric.AccessExpectedInterval, metric.ReviewExpectedInterval,
	} {
		f[m] = collectors.NewFamily(m)
	}
	return f
}()

// exposer adds series to a snapshot.
type exposer struct{ *collectors.Snapshot }

func (e exposer) add(m *metric.Metric, v float64, labels ...string) {
	e.Add(families[m], v, collectors.NewLabels(m.Labels, labels...))
}

// at adds a time, nothing for the zero time.
func (e exposer) at(m *metric.Metric, t time.Time, labels ...string) {
	if !t.IsZero() {
		e.add(m, float64(t.UnixMilli())/1000, labels...)
	}
}

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
			e.add(metric.FindingExpectedMaxAge, ages[severity].Seconds(), severity)
		}
	}
	e.add(metric.FindingExploitedExpectedMaxAge, c.section.ExploitedMaxAge.Std().Seconds())
	if c.exploited != nil {
		e.at(metric.KnownExploitedTime, c.exploited.written)
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
	e.add(metric.ScanInfo, 1, a.Name, a.AppService, a.Owner, a.Page)
	e.add(metric.ScanExpectedInterval, a.Interval.Std().Seconds(), a.Name)
	for i, d := range a.reports {
		name := a.Reports[i].Name()
		e.at(metric.ScanReportTime, r.Scanned[name], a.Name, name)
		if d.state == "" {
			continue
		}
		for _, state := range metric.ScanStates {
			is := 0.0
			if state == d.state {
				is = 1
			}
			e.add(metric.ScanReportState, is, a.Name, name, state)
		}
	}
}

func (e exposer) findings(a *artefact) {
	for _, fixable := range []bool{true, false} {
		label := strconv.FormatBool(fixable)
		for _, severity := range metric.FindingSeverities {
			t := a.tallies.all[class{severity, fixable}]
			e.add(metric.Findings, float64(t.n), a.Name, severity, label)
			e.at(metric.FindingOldest, t.oldest, a.Name, severity, label)
		}
		t := a.tallies.exploited[fixable]
		e.add(metric.FindingsExploited, float64(t.n), a.Name, label)
		e.at(metric.FindingExploitedOldest, t.oldest, a.Name, label)
	}
	e.add(metric.FindingsSuppressed, float64(a.suppressed), a.Name)
}
