package exporter

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/metric"
)

// gatherer is what /metrics serves: the registry's families with the policy's environment, which a reload
// may change, as a label on every series. client_golang's WrapRegistererWith would do the same at twice the
// cost of the whole scrape, for it makes a new descriptor for every sample.
type gatherer struct {
	*prometheus.Registry
	environment atomic.Pointer[dto.LabelPair]
	samplers    []sampler
}

// sampler is a collector with too many series for the registry, of which it may share families.
type sampler interface{ Samples() []metric.Sample }

// add registers a collector, before the first scrape.
func (g *gatherer) add(c prometheus.Collector) {
	if s, ok := c.(sampler); ok {
		g.samplers = append(g.samplers, s)
		return
	}
	g.MustRegister(c)
}

// newGatherer holds what describes this process. It lives as long as the process, so that a reload resets
// none of its counters.
func newGatherer(more ...prometheus.Collector) *gatherer {
	g := &gatherer{Registry: prometheus.NewRegistry()}
	g.MustRegister(promcollectors.NewGoCollector(),
		promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}), buildInfo{})
	g.MustRegister(more...)
	return g
}

func (g *gatherer) setEnvironment(value string) {
	g.environment.Store(&dto.LabelPair{Name: new(metric.LabelEnvironment), Value: &value})
}

// Gather implements prometheus.Gatherer.
func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	environment := g.environment.Load()
	if environment == nil {
		return nil, errors.New("no policy is in force yet")
	}
	families, err := g.Registry.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			m.Label = metric.WithLabel(m.GetLabel(), environment)
		}
	}
	for _, s := range g.samplers {
		families = join(families, metric.Families(s.Samples(), environment))
	}
	return families, err
}

// join adds families to others, sorted by name, of which some may be the same.
func join(families, more []*dto.MetricFamily) []*dto.MetricFamily {
	byName := func(f *dto.MetricFamily, name string) int { return strings.Compare(f.GetName(), name) }
	for _, f := range more {
		if i, found := slices.BinarySearchFunc(families, f.GetName(), byName); found {
			families[i].Metric = append(families[i].Metric, f.GetMetric()...)
		} else {
			families = slices.Insert(families, i, f)
		}
	}
	return families
}

// buildInfo exposes the version that the exporter was built from.
type buildInfo struct{}

var buildInfoDesc = metric.BuildInfo.Desc()

func (buildInfo) Describe(ch chan<- *prometheus.Desc) { ch <- buildInfoDesc }

func (buildInfo) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(buildInfoDesc, prometheus.GaugeValue, 1, version.Version,
		version.GetRevision(), version.Branch, version.GoVersion, version.GoOS, version.GoArch, version.GetTags())
}
