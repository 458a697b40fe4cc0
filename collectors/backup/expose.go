package backup

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// descs are descriptors by metric; made once.
var descs = func() map[*metric.Metric]*prometheus.Desc {
	d := map[*metric.Metric]*prometheus.Desc{}
	for _, m := range metric.All() {
		d[m] = m.Desc()
	}
	return d
}()

// Describe sends nothing: which series exist follows the policy, which may change.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	e := exposer{ch: ch, now: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return
	}
	for _, b := range c.policy.Backups {
		e.expected(c.policy, b)
	}
	for _, b := range c.here {
		f := c.facts[b.Name]
		e.listing(b.Name, f, c.created)
		for name, r := range f.Repositories {
			e.repository(b.Name, name, r)
		}
		for test, t := range f.Tests {
			e.test(b.Name, test, t)
		}
		if b.PerTenant != nil {
			e.tenants(b.Name, f)
		}
	}
	if c.dir != nil {
		e.counter(metric.StateSaves, float64(c.saves[0]), c.created, snapshotName, metric.ResultSuccess)
		e.counter(metric.StateSaves, float64(c.saves[1]), c.created, snapshotName, metric.ResultFailure)
		unsaved := 0.0
		if c.unsaved {
			unsaved = 1
		}
		e.gauge(metric.StateUnsaved, unsaved, snapshotName)
		if !c.savedAt.IsZero() {
			e.gauge(metric.StateLastSave, unix(c.savedAt), snapshotName)
		}
	}
}

type exposer struct {
	ch  chan<- prometheus.Metric
	now time.Time
}

func (e exposer) gauge(m *metric.Metric, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(descs[m], m.ValueType(), v, labels...)
}

func (e exposer) counter(m *metric.Metric, v float64, created time.Time, labels ...string) {
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(descs[m], prometheus.CounterValue, v, created, labels...)
}

// ifKnown exposes a number of bytes unless it is unknown.
func (e exposer) ifKnown(m *metric.Metric, v int64, labels ...string) {
	if v >= 0 {
		e.gauge(m, float64(v), labels...)
	}
}

func (e exposer) ifSet(m *metric.Metric, d config.Duration, labels ...string) {
	if d > 0 {
		e.gauge(m, d.Seconds(), labels...)
	}
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// expected exposes the policy's expectations of a backup.
func (e exposer) expected(p *config.Policy, b *config.Backup) {
	owner, page := p.Ownership(b)
	e.gauge(metric.BackupInfo, 1, b.Name, b.Source.Program, b.AppService, owner, page)
	e.ifSet(metric.BackupExpectedRefresh, b.Refresh, b.Name)
	e.ifSet(metric.BackupExpectedInterval, b.Interval, b.Name, metric.KindAny)
	e.ifSet(metric.BackupExpectedInterval, b.FullInterval, b.Name, metric.KindFull)
	e.ifSet(metric.BackupExpectedMaxAge, b.MaxAge, b.Name)
	e.ifSet(metric.BackupExpectedAgeMin, b.Retention.MinAge, b.Name)
	e.ifSet(metric.BackupExpectedAgeMax, b.Retention.MaxAge, b.Name)
	if n := b.Retention.MinCount; n > 0 {
		e.gauge(metric.BackupExpectedRetainedMin, float64(n), b.Name)
	}
	if n := b.Retention.MaxCount; n > 0 {
		e.gauge(metric.BackupExpectedRetainedMax, float64(n), b.Name)
	}
	e.ifSet(metric.BackupExpectedTestInterval, b.Verify.Interval, b.Name, metric.TestVerify)
	e.ifSet(metric.BackupExpectedTestInterval, b.RestoreTest.Interval, b.Name, metric.TestRestore)
	if w := b.WALDisk; w != nil {
		e.gauge(metric.BackupExpectedWALDisk, 1, b.Name, w.Host, w.Mountpoint)
	}
	e.ifSet(metric.BackupExpectedRecovery, b.RecoveryTime, b.Name)
}

func (e exposer) listing(name string, f *facts, created time.Time) {
	e.counter(metric.BackupListings, float64(f.listings), created, name)
	for reason, n := range f.failures {
		e.counter(metric.BackupListingFailures, float64(n), created, name, reason)
	}
	if f.listings > 0 {
		e.gauge(metric.BackupListingDuration, f.duration.Seconds(), name)
	}
}

func (e exposer) repository(name, repository string, r *repositoryFacts) {
	labels := []string{name, repository}
	for _, state := range metric.RepositoryStates {
		e.gauge(metric.BackupRepositoryState, flag(r.State == state), name, repository, state)
	}
	e.gauge(metric.BackupListingLastSuccess, unix(r.ListedAt), labels...)
	if r.ListedAt.IsZero() {
		return // never read well: nothing is known of it
	}
	if p := r.Running; p != nil {
		e.gauge(metric.BackupRunning, flag(p.Active), labels...)
		if p.Active {
			e.ifKnown(metric.BackupRunningBytes, p.Done, labels...)
			e.ifKnown(metric.BackupRunningSize, p.Total, labels...)
		}
	}
	if r.Restoring != nil {
		e.gauge(metric.BackupRestoring, flag(*r.Restoring), labels...)
	}
	if age, ok := r.removedAge(e.now); ok {
		e.gauge(metric.BackupRemovedAge, age.Seconds(), labels...)
	}
	for kind, g := range r.Groups {
		e.group(g, name, kind, repository, "")
	}
	if w := r.WAL; w != nil {
		if !w.NewestAt.IsZero() {
			e.gauge(metric.BackupLastSuccess, unix(w.NewestAt), name, metric.KindWAL, repository, "")
		}
		if w.Newest > 0 {
			e.gauge(metric.BackupWALOldest, float64(w.Oldest), labels...)
			e.gauge(metric.BackupWALNewest, float64(w.Newest), labels...)
			e.gauge(metric.BackupWALTimeline, float64(w.Timeline), labels...)
		}
		e.ifKnown(metric.BackupWALMissing, int64(w.Missing), labels...)
	}
}

func (e exposer) group(g *program.Group, labels ...string) {
	e.gauge(metric.BackupLastSuccess, unix(g.Newest.Stop), labels...)
	e.gauge(metric.BackupRetained, float64(g.Retained), labels...)
	e.gauge(metric.BackupFlawed, float64(g.Flawed), labels...)
	e.gauge(metric.BackupLastFailure, unix(g.LastFailure), labels...)
	if !g.Oldest.IsZero() {
		e.gauge(metric.BackupOldest, unix(g.Oldest), labels...)
	}
	e.ifKnown(metric.BackupEarlierSize, g.Earlier, labels...)
	n := g.Newest
	if n.Stop.IsZero() {
		return
	}
	if !n.Start.IsZero() {
		e.gauge(metric.BackupLastDuration, n.Stop.Sub(n.Start).Seconds(), labels...)
	}
	e.ifKnown(metric.BackupLastSize, n.Size, labels...)
	e.ifKnown(metric.BackupLastCopied, n.Copied, labels...)
	e.ifKnown(metric.BackupLastStored, n.Stored, labels...)
	e.ifKnown(metric.BackupLastAdded, n.Added, labels...)
	if n.Position > 0 {
		e.gauge(metric.BackupLastPosition, float64(n.Position), labels...)
	}
}

func (e exposer) test(name, test string, t *testFacts) {
	labels := []string{name, test}
	e.gauge(metric.BackupTestLastSuccess, unix(t.LastSuccess), labels...)
	r := t.Last
	if r == nil {
		e.gauge(metric.BackupTestLastRun, 0, labels...)
		return
	}
	e.gauge(metric.BackupTestLastRun, unix(r.Finished), labels...)
	e.gauge(metric.BackupTestSuccess, flag(r.Success), labels...)
	e.gauge(metric.BackupTestChecks, float64(len(r.Checks)), labels...)
	e.gauge(metric.BackupTestFailedChecks, float64(r.Failed()), labels...)
	if !t.LastSuccess.IsZero() {
		e.gauge(metric.BackupTestDuration, t.Duration, labels...)
	}
	for m, v := range map[*metric.Metric]*int64{
		metric.BackupTestRead: r.ReadBytes, metric.BackupTestRows: r.Rows, metric.BackupTestWALMissing: r.WALMissing,
	} {
		if v != nil {
			e.ifKnown(m, *v, labels...)
		}
	}
}

func (e exposer) tenants(name string, f *facts) {
	c := f.cover
	if c.tenants == nil {
		return // never listed
	}
	for _, tier := range c.tiers {
		e.gauge(metric.BackupTenants, float64(c.tenants[tier]), name, tier)
		e.gauge(metric.BackupTenantsUncovered, float64(c.uncovered[tier]), name, tier)
	}
	e.gauge(metric.BackupTenantsUnknown, float64(c.unregistered), name)
	kind := program.Find(f.Program).Kind
	for _, w := range c.worst {
		if w.Kind == "" {
			w.Kind, w.Repository = kind, program.DefaultRepository
		}
		e.gauge(metric.BackupLastSuccess, unix(w.Stop), name, w.Kind, w.Repository, w.name)
	}
}
