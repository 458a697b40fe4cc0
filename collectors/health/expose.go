package health

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// durationBuckets are the classic bounds, with one at the promised 300 ms.
var durationBuckets = []float64{.025, .05, .1, .2, .3, .5, 1, 2, 3}

// checkSeries are the series that a check has once, whatever its tenants. They start at 0 with the process.
type checkSeries struct {
	appService string
	created    time.Time
	failures   map[string]uint64
	unknowns   map[string]uint64
	phases     map[string]float64
	duration   prometheus.Histogram
}

func newCheckSeries(c *config.Check) *checkSeries {
	s := &checkSeries{
		appService: c.AppService, created: time.Now(),
		failures: map[string]uint64{}, unknowns: map[string]uint64{}, phases: map[string]float64{},
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: metric.HealthCheckDuration.Name, Help: metric.HealthCheckDuration.Help,
			ConstLabels:                     prometheus.Labels{metric.LabelCheck: c.Name, metric.LabelAppService: c.AppService},
			Buckets:                         durationBuckets,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	for _, reason := range failureReasons {
		s.failures[reason] = 0
	}
	for _, reason := range unknownReasons {
		s.unknowns[reason] = 0
	}
	return s
}

func (s *checkSeries) count(m measured) {
	switch m.result {
	case metric.ResultSuccess:
		s.duration.Observe(m.end.Sub(m.start).Seconds())
		for phase, seconds := range m.phases {
			s.phases[phase] += seconds
		}
	case metric.ResultFailure:
		s.failures[m.reason]++
	default:
		s.unknowns[m.reason]++
	}
}

// descriptors by metric; made once.
var descs = func() map[*metric.Metric]*prometheus.Desc {
	d := map[*metric.Metric]*prometheus.Desc{}
	for _, m := range []*metric.Metric{
		metric.HealthCheckState, metric.HealthCheckObservedSeconds, metric.HealthCheckDownSeconds,
		metric.HealthCheckUnknownSeconds, metric.HealthCheckMaintenanceSeconds, metric.HealthCheckOutages,
		metric.HealthCheckOutageStart, metric.HealthCheckProbes, metric.HealthCheckProbeFailures,
		metric.HealthCheckProbeUnknowns, metric.HealthCheckPhaseSeconds, metric.HealthCheckCertificateExpiry,
		metric.HealthCheckInfo, metric.HealthCheckExpectedInterval, metric.HealthProbesInFlight,
		metric.HealthProbesDelayed, metric.HealthReferenceUp, metric.StateSaves, metric.StateLastSave,
	} {
		d[m] = m.Desc()
	}
	return d
}()

// Describe sends nothing: which series exist follows the policy, which may change.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only. Persistent counters appear as they were last saved.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	e := exposer{ch: ch}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, t := range c.targets {
		e.target(t, c.location)
		if s, ok := c.saved[k]; ok {
			e.persistent(t, s, c.location)
		}
	}
	for name, s := range c.checks {
		e.check(name, s, c.location)
	}
	e.gauge(metric.HealthProbesInFlight, float64(c.inFlight))
	e.counter(metric.HealthProbesDelayed, float64(c.delayed), c.created)
	e.counter(metric.StateSaves, float64(c.saves[0]), c.created, snapshotName, metric.ResultSuccess)
	e.counter(metric.StateSaves, float64(c.saves[1]), c.created, snapshotName, metric.ResultFailure)
	if !c.savedAt.IsZero() {
		e.gauge(metric.StateLastSave, float64(c.savedAt.UnixMilli())/1000, snapshotName)
	}
	e.gauge(metric.HealthReferenceUp, c.reference.online(), c.location)
}

type exposer struct{ ch chan<- prometheus.Metric }

func (e exposer) gauge(m *metric.Metric, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(descs[m], m.ValueType(), v, labels...)
}

func (e exposer) counter(m *metric.Metric, v float64, created time.Time, labels ...string) {
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(descs[m], prometheus.CounterValue, v, created, labels...)
}

func (e exposer) target(t *target, location string) {
	labels := []string{t.key.check, t.check.AppService, t.tenant, location}
	with := func(more ...string) []string { return append(labels[:4:4], more...) }
	for _, state := range metric.HealthStates {
		v := 0.0
		if state == t.judge.state {
			v = 1
		}
		e.gauge(metric.HealthCheckState, v, with(state)...)
	}
	for i, result := range metric.ProbeResults {
		e.counter(metric.HealthCheckProbes, float64(t.results[i]), t.series.created, with(result)...)
	}
	e.gauge(metric.HealthCheckInfo, 1, with(t.tier, t.owner, t.page)...)
	e.gauge(metric.HealthCheckExpectedInterval, t.check.Interval.Seconds(), labels...)
	if t.expiry > 0 {
		e.gauge(metric.HealthCheckCertificateExpiry, t.expiry, labels...)
	}
}

func (e exposer) persistent(t *target, s saved, location string) {
	labels := []string{t.key.check, t.check.AppService, t.tenant, location}
	e.counter(metric.HealthCheckObservedSeconds, s.Observed.Seconds(), s.Created, labels...)
	e.counter(metric.HealthCheckDownSeconds, s.Down.Seconds(), s.Created, labels...)
	e.counter(metric.HealthCheckUnknownSeconds, s.Unknown.Seconds(), s.Created, labels...)
	e.counter(metric.HealthCheckMaintenanceSeconds, s.Maintenance.Seconds(), s.Created, labels...)
	e.counter(metric.HealthCheckOutages, float64(s.Outages), s.Created, labels...)
	start := 0.0
	if !s.OutageStart.IsZero() {
		start = float64(s.OutageStart.UnixMilli()) / 1000
	}
	e.gauge(metric.HealthCheckOutageStart, start, labels...)
}

func (e exposer) check(name string, s *checkSeries, location string) {
	for reason, n := range s.failures {
		e.counter(metric.HealthCheckProbeFailures, float64(n), s.created, name, s.appService, location, reason)
	}
	for reason, n := range s.unknowns {
		e.counter(metric.HealthCheckProbeUnknowns, float64(n), s.created, name, s.appService, location, reason)
	}
	for phase, v := range s.phases {
		e.counter(metric.HealthCheckPhaseSeconds, v, s.created, name, s.appService, location, phase)
	}
	e.ch <- located{s.duration, location}
}
