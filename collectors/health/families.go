package health

import (
	"iter"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/thorbis/thorbis_exporter/metric"
)

// targetState is what a scrape shows of a target. Copies of it are all that a scrape holds of the targets.
type targetState struct {
	exposed      *targetSeries
	state        string
	results      [3]uint64
	began        time.Time // the results did
	interval     time.Duration
	expiry       time.Time // of the certificate, zero for none
	warn, urgent time.Duration
	totals
	since time.Time // the totals began, zero if they are not shown
	// of the open outage or the last one, if inOutage
	outageLength, outageAge time.Duration
	inOutage                bool
}

// checkState is what a scrape shows of a check.
type checkState struct {
	created                    time.Time
	labels                     []*dto.LabelPair
	failures, unknowns, phases []float64
	phaseLabels                []*dto.LabelPair
	duration                   *durations
}

// Families returns all series as they are now, from memory only. Persistent counters appear as persist.go describes.
func (c *Collector) Families() []metric.Family {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	targets := make([]targetState, 0, len(c.targets))
	for _, t := range c.sorted {
		s := t.exposedState(now)
		if saved, ok := c.shownOf(t); ok {
			s.totals, s.since = saved.totals, saved.Created
		}
		targets = append(targets, s)
	}
	checks := make([]checkState, 0, len(c.order))
	for _, s := range c.order {
		checks = append(checks, s.exposedState())
	}
	return slices.Concat(targetFamilies(targets), checkFamilies(checks), c.ownFamilies())
}

func (t *target) exposedState(now time.Time) targetState {
	s := targetState{
		exposed: t.exposed, state: t.machine.state, results: t.results, began: t.began,
		interval: t.spec.Interval.Std(), expiry: t.certificate.expiry,
	}
	if !s.expiry.IsZero() {
		s.warn, s.urgent = t.certificate.warningTimes(t.spec.Certificates)
	}
	s.outageLength, s.outageAge, s.inOutage = t.machine.outage(now)
	return s
}

// exposedState copies the counters. The histogram, which is safe for concurrent use, is read when it is shown.
func (s *checkSeries) exposedState() checkState {
	state := checkState{
		created: s.created, labels: s.labels, duration: s.duration,
		failures: slices.Clone(s.failures), unknowns: slices.Clone(s.unknowns),
	}
	for _, p := range s.phases {
		state.phases, state.phaseLabels = append(state.phases, p.value), append(state.phaseLabels, p.label)
	}
	return state
}

// samplesOf returns the samples that each of many things has.
func samplesOf[T any](all []T, each func(t *T, yield func(metric.Sample) bool) bool) iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		for i := range all {
			if !each(&all[i], yield) {
				return
			}
		}
	}
}

func targetFamilies(targets []targetState) []metric.Family {
	type add = func(metric.Sample) bool
	of := func(m *metric.Metric, each func(*targetState, func(metric.Sample) bool) bool) metric.Family {
		return metric.Family{Metric: m, Samples: samplesOf(targets, each)}
	}
	gauge := func(m *metric.Metric, shown func(*targetState) bool, value func(*targetState) float64) metric.Family {
		return of(m, func(t *targetState, yield add) bool {
			return !shown(t) || yield(metric.Sample{Labels: t.exposed.labels, Value: value(t)})
		})
	}
	total := func(m *metric.Metric, value func(*targetState) float64) metric.Family {
		return of(m, func(t *targetState, yield add) bool {
			return t.since.IsZero() || yield(metric.Sample{Labels: t.exposed.labels, Value: value(t), Created: t.since})
		})
	}
	always := func(*targetState) bool { return true }
	counted := func(t *targetState) bool { return !t.since.IsZero() }
	secured := func(t *targetState) bool { return !t.expiry.IsZero() }
	inOutage := func(t *targetState) bool { return t.inOutage }
	return []metric.Family{
		of(metric.HealthCheckState, func(t *targetState, yield add) bool {
			for i, state := range metric.HealthStates {
				v := 0.0
				if state == t.state {
					v = 1
				}
				if !yield(metric.Sample{Labels: t.exposed.labels, More: stateLabels[i], Value: v}) {
					return false
				}
			}
			return true
		}),
		of(metric.HealthCheckProbes, func(t *targetState, yield add) bool {
			for i, n := range t.results {
				s := metric.Sample{Labels: t.exposed.labels, More: resultLabels[i], Value: float64(n), Created: t.began}
				if !yield(s) {
					return false
				}
			}
			return true
		}),
		of(metric.HealthCheckInfo, func(t *targetState, yield add) bool {
			return yield(metric.Sample{Labels: t.exposed.info, Value: 1})
		}),
		gauge(metric.HealthCheckExpectedInterval, always, func(t *targetState) float64 { return t.interval.Seconds() }),
		gauge(metric.HealthCheckCertificateExpiry, secured,
			func(t *targetState) float64 { return float64(t.expiry.Unix()) }),
		gauge(metric.HealthCheckExpectedCertificateWarning, secured,
			func(t *targetState) float64 { return t.warn.Seconds() }),
		gauge(metric.HealthCheckExpectedCertificateUrgent, secured,
			func(t *targetState) float64 { return t.urgent.Seconds() }),
		total(metric.HealthCheckObservedSeconds, func(t *targetState) float64 { return t.Observed.Seconds() }),
		total(metric.HealthCheckDownSeconds, func(t *targetState) float64 { return t.Down.Seconds() }),
		total(metric.HealthCheckUnknownSeconds, func(t *targetState) float64 { return t.Unknown.Seconds() }),
		total(metric.HealthCheckMaintenanceSeconds, func(t *targetState) float64 { return t.Maintenance.Seconds() }),
		total(metric.HealthCheckOutages, func(t *targetState) float64 { return float64(t.Outages) }),
		gauge(metric.HealthCheckOutageStart, counted, func(t *targetState) float64 {
			if t.OutageStart.IsZero() {
				return 0
			}
			return float64(t.OutageStart.UnixMilli()) / 1000
		}),
		gauge(metric.HealthCheckOutageDuration, inOutage,
			func(t *targetState) float64 { return t.outageLength.Seconds() }),
		gauge(metric.HealthCheckOutageEndAge, inOutage,
			func(t *targetState) float64 { return t.outageAge.Seconds() }),
	}
}

func checkFamilies(checks []checkState) []metric.Family {
	type add = func(metric.Sample) bool
	counters := func(m *metric.Metric, of func(*checkState) ([]*dto.LabelPair, []float64)) metric.Family {
		return metric.Family{Metric: m, Samples: samplesOf(checks, func(s *checkState, yield add) bool {
			labels, values := of(s)
			for i, v := range values {
				if !yield(metric.Sample{Labels: s.labels, More: labels[i], Value: v, Created: s.created}) {
					return false
				}
			}
			return true
		})}
	}
	return []metric.Family{
		counters(metric.HealthCheckProbeFailures, func(s *checkState) (_ []*dto.LabelPair, values []float64) {
			return failureLabels, s.failures
		}),
		counters(metric.HealthCheckProbeUnknowns, func(s *checkState) (_ []*dto.LabelPair, values []float64) {
			return unknownLabels, s.unknowns
		}),
		counters(metric.HealthCheckPhaseSeconds, func(s *checkState) (_ []*dto.LabelPair, values []float64) {
			return s.phaseLabels, s.phases
		}),
		{Metric: metric.HealthCheckDuration, Samples: samplesOf(checks, func(s *checkState, yield add) bool {
			return yield(metric.Sample{Labels: s.labels, Histogram: s.duration})
		})},
	}
}

// Labels of the collector's own series.
var (
	snapshotLabels = []*dto.LabelPair{metric.NewPair(metric.LabelCollector, snapshotName)}
	savedLabels    = metric.NewPairs(metric.LabelResult, []string{metric.ResultSuccess, metric.ResultFailure})
)

// ownFamilies are the series of the collector itself. The caller holds the lock.
func (c *Collector) ownFamilies() []metric.Family {
	one := func(m *metric.Metric, samples ...metric.Sample) metric.Family {
		return metric.Family{Metric: m, Samples: slices.Values(samples)}
	}
	located := []*dto.LabelPair{metric.NewPair(metric.LabelLocation, c.location)}
	online, dead := c.reference.targets.works()
	resolving, deadNames := c.reference.names.works()
	unsaved := 0.0
	if c.live {
		unsaved = 1
	}
	return []metric.Family{
		one(metric.HealthProbesInFlight, metric.Sample{Value: float64(c.inFlight)}),
		one(metric.HealthProbesDelayed, metric.Sample{Value: float64(c.delayed), Created: c.created}),
		one(metric.HealthReferenceUp, metric.Sample{Labels: located, Value: online}),
		one(metric.HealthResolverUp, metric.Sample{Labels: located, Value: resolving}),
		one(metric.HealthReferencesDead, metric.Sample{Labels: located, Value: dead + deadNames}),
		one(metric.StateSaves,
			metric.Sample{Labels: snapshotLabels, More: savedLabels[0], Value: float64(c.saves[0]), Created: c.created},
			metric.Sample{Labels: snapshotLabels, More: savedLabels[1], Value: float64(c.saves[1]), Created: c.created}),
		one(metric.StateUnsaved, metric.Sample{Labels: snapshotLabels, Value: unsaved}),
		one(metric.StateLastSave, metric.Sample{Labels: snapshotLabels, Value: float64(c.savedAt.UnixMilli()) / 1000}),
	}
}
