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
	failures, unknowns, phases  []*counted // a few, in a fixed order
	duration                    prometheus.Histogram
	durationSeries              *metric.Series
}

// counted is a counter of one label value and the series that shows it.
type counted struct {
	of     string
	value  float64
	series *metric.Series
}

// of returns the counter of a label value, nil if there is none.
func of(all []*counted, value string) *counted {
	for _, c := range all {
		if c.of == value {
			return c
		}
	}
	return nil
}

func newCheckSeries(c *config.Check) *checkSeries {
	s := &checkSeries{
		check: c.Name, appService: c.AppService, created: time.Now(),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: metric.HealthCheckDuration.Name, Help: metric.HealthCheckDuration.Help,
			Buckets:                         durationBuckets,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	for _, reason := range failureReasons {
		s.failures = append(s.failures, &counted{of: reason})
	}
	for _, reason := range unknownReasons {
		s.unknowns = append(s.unknowns, &counted{of: reason})
	}
	return s
}

// locate makes the series anew, for a reload may move the exporter to another location.
func (s *checkSeries) locate(location string, pairs metric.Pairs) {
	s.location = location
	s.durationSeries = metric.HealthCheckDuration.SeriesOf(pairs, s.check, s.appService, location)
	for m, counts := range map[*metric.Metric][]*counted{
		metric.HealthCheckProbeFailures: s.failures,
		metric.HealthCheckProbeUnknowns: s.unknowns,
		metric.HealthCheckPhaseSeconds:  s.phases,
	} {
		for _, c := range counts {
			c.series = m.SeriesOf(pairs, s.check, s.appService, location, c.of)
		}
	}
}

func (s *checkSeries) count(m measured) {
	switch m.result {
	case metric.ResultSuccess:
		s.duration.Observe(m.end.Sub(m.start).Seconds())
		for phase, seconds := range m.phases {
			c := of(s.phases, phase)
			if c == nil {
				c = &counted{of: phase, series: metric.HealthCheckPhaseSeconds.Series(s.check, s.appService, s.location, phase)}
				s.phases = append(s.phases, c)
			}
			c.value += seconds
		}
	case metric.ResultFailure:
		of(s.failures, m.reason).value++
	default:
		of(s.unknowns, m.reason).value++
	}
}

// seriesLabels are the label values that tell one target's series from another's.
type seriesLabels struct{ check, appService, tenant, location, tier, owner, page string }

// targetSeries are the series of one target.
type targetSeries struct {
	labels                                                     seriesLabels
	states                                                     [4]*metric.Series // in the order of metric.HealthStates
	probes                                                     [3]*metric.Series // in the order of metric.ProbeResults
	info, interval, expiry, warn, urgent                       *metric.Series
	observed, down, unknown, maintenance, outages, outageStart *metric.Series
}

// newTargetSeries makes them with the labels that other targets have already.
func newTargetSeries(l seriesLabels, pairs metric.Pairs) *targetSeries {
	labels := []string{l.check, l.appService, l.tenant, l.location}
	with := func(more ...string) []string { return append(labels[:4:4], more...) }
	s := &targetSeries{
		labels:      l,
		info:        metric.HealthCheckInfo.SeriesOf(pairs, with(l.tier, l.owner, l.page)...),
		interval:    metric.HealthCheckExpectedInterval.SeriesOf(pairs, labels...),
		expiry:      metric.HealthCheckCertificateExpiry.SeriesOf(pairs, labels...),
		warn:        metric.HealthCheckExpectedCertificateWarning.SeriesOf(pairs, labels...),
		urgent:      metric.HealthCheckExpectedCertificateUrgent.SeriesOf(pairs, labels...),
		observed:    metric.HealthCheckObservedSeconds.SeriesOf(pairs, labels...),
		down:        metric.HealthCheckDownSeconds.SeriesOf(pairs, labels...),
		unknown:     metric.HealthCheckUnknownSeconds.SeriesOf(pairs, labels...),
		maintenance: metric.HealthCheckMaintenanceSeconds.SeriesOf(pairs, labels...),
		outages:     metric.HealthCheckOutages.SeriesOf(pairs, labels...),
		outageStart: metric.HealthCheckOutageStart.SeriesOf(pairs, labels...),
	}
	for i, state := range metric.HealthStates {
		s.states[i] = metric.HealthCheckState.SeriesOf(pairs, with(state)...)
	}
	for i, result := range metric.ProbeResults {
		s.probes[i] = metric.HealthCheckProbes.SeriesOf(pairs, with(result)...)
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

// Collect implements prometheus.Collector. The exporter asks for Samples, which is the same for less.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.Samples() {
		ch <- s
	}
}

// Samples of a target and of a check, about, so that the list is made once.
const samplesPerTarget, samplesPerCheck = 18, 33

// Samples returns all series as they are now, from memory only. Persistent counters appear as persist.go says.
func (c *Collector) Samples() []metric.Sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]metric.Sample, 0, samplesPerTarget*len(c.targets)+samplesPerCheck*len(c.checks)+8)
	for _, t := range c.sorted {
		out = t.samples(out, c.checks[t.check].created)
		if s, ok := c.shownOf(t); ok {
			out = t.savedSamples(out, s)
		}
	}
	for _, s := range c.order {
		out = s.samples(out)
	}
	online, dead := c.reference.targets.works()
	resolving, deadNames := c.reference.names.works()
	out = append(out,
		inFlightSeries.At(float64(c.inFlight)),
		delayedSeries.Since(c.created, float64(c.delayed)),
		savesSeries.Since(c.created, float64(c.saves[0])),
		saveFailedSeries.Since(c.created, float64(c.saves[1])),
		metric.HealthReferenceUp.Series(c.location).At(online),
		metric.HealthResolverUp.Series(c.location).At(resolving),
		metric.HealthReferencesDead.Series(c.location).At(dead+deadNames))
	unsaved := 0.0
	if c.live {
		unsaved = 1
	}
	return append(out, unsavedSeries.At(unsaved), lastSaveSeries.At(float64(c.savedAt.UnixMilli())/1000))
}

func (t *target) samples(out []metric.Sample, created time.Time) []metric.Sample {
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
	if expiry := t.certificate.expiry; !expiry.IsZero() {
		warn, urgent := t.certificate.notice(t.spec.Certificates)
		out = append(out, t.exposed.expiry.At(float64(expiry.Unix())), t.exposed.warn.At(warn.Seconds()), t.exposed.urgent.At(urgent.Seconds()))
	}
	return out
}

func (t *target) savedSamples(out []metric.Sample, s saved) []metric.Sample {
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

func (s *checkSeries) samples(out []metric.Sample) []metric.Sample {
	for _, counts := range [][]*counted{s.failures, s.unknowns, s.phases} {
		for _, c := range counts {
			out = append(out, c.series.Since(s.created, c.value))
		}
	}
	return append(out, s.durationSeries.Of(s.duration))
}
