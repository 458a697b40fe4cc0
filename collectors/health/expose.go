package health

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// checkSeries are the series that a check has once, whatever its tenants. They start at 0 with the process.
type checkSeries struct {
	check, appService string
	created           time.Time
	failures          []float64 // in the order of failureReasons
	unknowns          []float64 // in the order of unknownReasons
	phases            []phaseSeconds
	duration          *durations
	labels            []*dto.LabelPair
}

// phaseSeconds is a counter of the time that probes spent in a phase.
type phaseSeconds struct {
	label *dto.LabelPair
	value float64
}

// Labels that the series of all checks share.
var (
	stateLabels   = metric.NewPairs(metric.LabelState, metric.HealthStates)
	resultLabels  = metric.NewPairs(metric.LabelResult, metric.ProbeResults)
	failureLabels = metric.NewPairs(metric.LabelReason, failureReasons)
	unknownLabels = metric.NewPairs(metric.LabelReason, unknownReasons)
	phaseLabels   sync.Map // by name; as many as the probers' code has
)

func phaseLabel(name string) *dto.LabelPair {
	label, ok := phaseLabels.Load(name)
	if !ok {
		label, _ = phaseLabels.LoadOrStore(name, metric.NewPair(metric.LabelPhase, name))
	}
	return label.(*dto.LabelPair)
}

func newCheckSeries(c *config.Check) *checkSeries {
	now := time.Now()
	return &checkSeries{
		check: c.Name, appService: c.AppService, created: now, duration: &durations{created: now},
		failures: make([]float64, len(failureReasons)), unknowns: make([]float64, len(unknownReasons)),
	}
}

// locate labels the series anew, for a reload may move the exporter to another location.
func (s *checkSeries) locate(location string, pairs metric.Pairs) {
	s.labels = metric.HealthCheckDuration.LabelPairs(pairs, s.check, s.appService, location)
}

func (s *checkSeries) count(m *measured) {
	switch m.result {
	case metric.ResultSuccess:
		s.duration.observe(m.end.Sub(m.start).Seconds())
		for phase, seconds := range m.phases {
			label := phaseLabel(phase)
			i := slices.IndexFunc(s.phases, func(p phaseSeconds) bool { return p.label == label })
			if i < 0 {
				i = len(s.phases)
				s.phases = append(s.phases, phaseSeconds{label: label})
			}
			s.phases[i].value += seconds
		}
	case metric.ResultFailure:
		s.failures[slices.Index(failureReasons, m.reason)]++
	default:
		s.unknowns[slices.Index(unknownReasons, m.reason)]++
	}
}

// seriesLabels are the label values that identify the series of one target.
type seriesLabels struct{ check, appService, tenant, location, tier, owner, page string }

// targetSeries are the labels of one target's series.
type targetSeries struct {
	values seriesLabels
	labels []*dto.LabelPair // of all but info
	info   []*dto.LabelPair
}

// newTargetSeries makes them with the labels that other targets have already.
func newTargetSeries(l seriesLabels, pairs metric.Pairs) *targetSeries {
	return &targetSeries{
		values: l,
		labels: metric.HealthCheckExpectedInterval.LabelPairs(pairs, l.check, l.appService, l.tenant, l.location),
		info: metric.HealthCheckInfo.LabelPairs(pairs, l.check, l.appService, l.tenant, l.location, l.tier, l.owner,
			l.page),
	}
}

// Describe sends nothing: which series exist follows the policy, which may change.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. The exporter asks for Families, which is the same for less.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, f := range c.Families() {
		for s := range f.Samples {
			ch <- f.Metric.Constant(s)
		}
	}
}
