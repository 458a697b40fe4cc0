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

// seriesLabels are the label values that tell one target's series from another's.
type seriesLabels struct{ check, appService, tenant, location, tier, owner, page string }

// targetSeries are the series of one target.
type targetSeries struct {
	labels                                                     seriesLabels
	states                                                     [4]*metric.Series // in the order of metric.HealthStates
	probes                                                     [3]*metric.Series // in the order of metric.ProbeResults
	info, interval, expiry                                     *metric.Series
	observed, down, unknown, maintenance, outages, outageStart *metric.Series
}

func newTargetSeries(l seriesLabels) *targetSeries {
	labels := []string{l.check, l.appService, l.tenant, l.location}
	with := func(more ...string) []string { return append(labels[:4:4], more...) }
	s := &targetSeries{
		labels:      l,
		info:        metric.HealthCheckInfo.Series(with(l.tier, l.owner, l.page)...),
		interval:    metric.HealthCheckExpectedInterval.Series(labels...),
		expiry:      metric.HealthCheckCertificateExpiry.Series(labels...),
		observed:    metric.HealthCheckObservedSeconds.Series(labels...),
		down:        metric.HealthCheckDownSeconds.Series(labels...),
		unknown:     metric.HealthCheckUnknownSeconds.Series(labels...),
		maintenance: metric.HealthCheckMaintenanceSeconds.Series(labels...),
		outages:     metric.HealthCheckOutages.Series(labels...),
		outageStart: metric.HealthCheckOutageStart.Series(labels...),
	}
	for i, state := range metric.HealthStates {
		s.states[i] = metric.HealthCheckState.Series(with(state)...)
	}
	for i, result := range metric.ProbeResults {
		s.probes[i] = metric.HealthCheckProbes.Series(with(result)...)
	}
	return s
}

// The collector's own series.
var (
	inFlightSeries   = metric.HealthProbesInFlight.Series()
	delayedSeries    = metric.HealthProbesDelayed.Series()
	savesSeries      = metric.StateSaves.Series(snapshotName, metric.ResultSuccess)
	saveFailedSeries = metric.StateSaves.Series(snapshotName, metric.ResultFailure)
	lastSaveSeries   = metric.StateLastSave.Series(snapshotName)
	unsavedSeries    = metric.StateUnsaved.Series(snapshotName)
)

// Describe sends nothing: which series exist follows the policy, which may change.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only. Persistent counters appear as persist.go says. The samples are made under
// the lock and sent without it, for whoever receives them takes longer.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.samples() {
		ch <- m
	}
}

// Samples of a target and of a check, about, so that the list is made once.
const samplesPerTarget, samplesPerCheck = 16, 32

func (c *Collector) samples() []prometheus.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]prometheus.Metric, 0, samplesPerTarget*len(c.targets)+samplesPerCheck*len(c.checks)+8)
	for k, t := range c.targets {
		out = t.samples(out, c.checks[k.check].created)
		if s, ok := c.shownOf(t); ok {
			out = t.savedSamples(out, s)
		}
	}
	for _, s := range c.checks {
		out = s.samples(out)
	}
	out = append(out,
		inFlightSeries.At(float64(c.inFlight)),
		delayedSeries.Since(c.created, float64(c.delayed)),
		savesSeries.Since(c.created, float64(c.saves[0])),
		saveFailedSeries.Since(c.created, float64(c.saves[1])),
		metric.HealthReferenceUp.Series(c.location).At(c.reference.online()))
	unsaved := 0.0
	if c.live {
		unsaved = 1
	}
	return append(out, unsavedSeries.At(unsaved), lastSaveSeries.At(float64(c.savedAt.UnixMilli())/1000))
}

func (t *target) samples(out []prometheus.Metric, created time.Time) []prometheus.Metric {
	for i, state := range metric.HealthStates {
		v := 0.0
		if state == t.judge.state {
			v = 1
		}
		out = append(out, t.exposed.states[i].At(v))
	}
	for i, n := range t.results {
		out = append(out, t.exposed.probes[i].Since(created, float64(n)))
	}
	out = append(out, t.exposed.info.At(1), t.exposed.interval.At(t.spec.Interval.Seconds()))
	if t.expiry > 0 {
		out = append(out, t.exposed.expiry.At(t.expiry))
	}
	return out
}

func (t *target) savedSamples(out []prometheus.Metric, s saved) []prometheus.Metric {
	start := 0.0
	if !s.OutageStart.IsZero() {
		start = float64(s.OutageStart.UnixMilli()) / 1000
	}
	return append(out,
		t.exposed.observed.Since(s.Created, s.Observed.Seconds()),
		t.exposed.down.Since(s.Created, s.Down.Seconds()),
		t.exposed.unknown.Since(s.Created, s.Unknown.Seconds()),
		t.exposed.maintenance.Since(s.Created, s.Maintenance.Seconds()),
		t.exposed.outages.Since(s.Created, float64(s.Outages)),
		t.exposed.outageStart.At(start))
}

func (s *checkSeries) samples(out []prometheus.Metric) []prometheus.Metric {
	for _, counts := range []map[string]*counted{s.failures, s.unknowns, s.phases} {
		for _, c := range counts {
			out = append(out, c.series.Since(s.created, c.value))
		}
	}
	return append(out, located{s.duration, s.location})
}
