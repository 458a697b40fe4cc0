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
	check, appService, location string
	created                     time.Time
	failures, unknowns, phases  map[string]*counted
	duration                    prometheus.Histogram
}

// counted is a counter and the series that shows it.
type counted struct {
	value  float64
	series *metric.Series
}

func newCheckSeries(c *config.Check) *checkSeries {
	s := &checkSeries{
		check: c.Name, appService: c.AppService, created: time.Now(),
		failures: map[string]*counted{}, unknowns: map[string]*counted{}, phases: map[string]*counted{},
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
		s.failures[reason] = &counted{}
	}
	for _, reason := range unknownReasons {
		s.unknowns[reason] = &counted{}
	}
	return s
}

// locate makes the series anew, for a reload may move the exporter to another location.
func (s *checkSeries) locate(location string) {
	s.location = location
	for m, counts := range map[*metric.Metric]map[string]*counted{
		metric.HealthCheckProbeFailures: s.failures,
		metric.HealthCheckProbeUnknowns: s.unknowns,
		metric.HealthCheckPhaseSeconds:  s.phases,
	} {
		for value, c := range counts {
			c.series = m.Series(s.check, s.appService, location, value)
		}
	}
}

func (s *checkSeries) count(m measured) {
	switch m.result {
	case metric.ResultSuccess:
		s.duration.Observe(m.end.Sub(m.start).Seconds())
		for phase, seconds := range m.phases {
			c, ok := s.phases[phase]
			if !ok {
				c = &counted{series: metric.HealthCheckPhaseSeconds.Series(s.check, s.appService, s.location, phase)}
				s.phases[phase] = c
			}
			c.value += seconds
		}
	case metric.ResultFailure:
		s.failures[m.reason].value++
	default:
		s.unknowns[m.reason].value++
	}
}

// targetSeries are the series of one target.
type targetSeries struct {
	states                                                     [4]*metric.Series // in the order of metric.HealthStates
	probes                                                     [3]*metric.Series // in the order of metric.ProbeResults
	info, interval, expiry                                     *metric.Series
	observed, down, unknown, maintenance, outages, outageStart *metric.Series
}

func (t *target) locate(location string) {
	labels := []string{t.key.check, t.check.AppService, t.tenant, location}
	with := func(more ...string) []string { return append(labels[:4:4], more...) }
	s := &t.exposed
	for i, state := range metric.HealthStates {
		s.states[i] = metric.HealthCheckState.Series(with(state)...)
	}
	for i, result := range metric.ProbeResults {
		s.probes[i] = metric.HealthCheckProbes.Series(with(result)...)
	}
	s.info = metric.HealthCheckInfo.Series(with(t.tier, t.owner, t.page)...)
	s.interval = metric.HealthCheckExpectedInterval.Series(labels...)
	s.expiry = metric.HealthCheckCertificateExpiry.Series(labels...)
	s.observed = metric.HealthCheckObservedSeconds.Series(labels...)
	s.down = metric.HealthCheckDownSeconds.Series(labels...)
	s.unknown = metric.HealthCheckUnknownSeconds.Series(labels...)
	s.maintenance = metric.HealthCheckMaintenanceSeconds.Series(labels...)
	s.outages = metric.HealthCheckOutages.Series(labels...)
	s.outageStart = metric.HealthCheckOutageStart.Series(labels...)
}

// The collector's own series.
var (
	inFlightSeries   = metric.HealthProbesInFlight.Series()
	delayedSeries    = metric.HealthProbesDelayed.Series()
	savesSeries      = metric.StateSaves.Series(snapshotName, metric.ResultSuccess)
	saveFailedSeries = metric.StateSaves.Series(snapshotName, metric.ResultFailure)
	lastSaveSeries   = metric.StateLastSave.Series(snapshotName)
)

// Describe sends nothing: which series exist follows the policy, which may change.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only. Persistent counters appear as they were last saved.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, t := range c.targets {
		t.collect(ch)
		if s, ok := c.saved[k]; ok {
			t.collectSaved(ch, s)
		}
	}
	for _, s := range c.checks {
		s.collect(ch)
	}
	ch <- inFlightSeries.At(float64(c.inFlight))
	ch <- delayedSeries.Since(c.created, float64(c.delayed))
	ch <- savesSeries.Since(c.created, float64(c.saves[0]))
	ch <- saveFailedSeries.Since(c.created, float64(c.saves[1]))
	if !c.savedAt.IsZero() {
		ch <- lastSaveSeries.At(float64(c.savedAt.UnixMilli()) / 1000)
	}
	ch <- metric.HealthReferenceUp.Series(c.location).At(c.reference.online())
}

func (t *target) collect(ch chan<- prometheus.Metric) {
	for i, state := range metric.HealthStates {
		v := 0.0
		if state == t.judge.state {
			v = 1
		}
		ch <- t.exposed.states[i].At(v)
	}
	for i, n := range t.results {
		ch <- t.exposed.probes[i].Since(t.series.created, float64(n))
	}
	ch <- t.exposed.info.At(1)
	ch <- t.exposed.interval.At(t.check.Interval.Seconds())
	if t.expiry > 0 {
		ch <- t.exposed.expiry.At(t.expiry)
	}
}

func (t *target) collectSaved(ch chan<- prometheus.Metric, s saved) {
	ch <- t.exposed.observed.Since(s.Created, s.Observed.Seconds())
	ch <- t.exposed.down.Since(s.Created, s.Down.Seconds())
	ch <- t.exposed.unknown.Since(s.Created, s.Unknown.Seconds())
	ch <- t.exposed.maintenance.Since(s.Created, s.Maintenance.Seconds())
	ch <- t.exposed.outages.Since(s.Created, float64(s.Outages))
	start := 0.0
	if !s.OutageStart.IsZero() {
		start = float64(s.OutageStart.UnixMilli()) / 1000
	}
	ch <- t.exposed.outageStart.At(start)
}

func (s *checkSeries) collect(ch chan<- prometheus.Metric) {
	for _, r := range s.failures {
		ch <- r.series.Since(s.created, r.value)
	}
	for _, r := range s.unknowns {
		ch <- r.series.Since(s.created, r.value)
	}
	for _, r := range s.phases {
		ch <- r.series.Since(s.created, r.value)
	}
	ch <- located{s.duration, s.location}
}
