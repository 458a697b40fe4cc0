package exporter

import (
	"errors"
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
			m.Label = insert(m.GetLabel(), environment)
		}
	}
	return families, err
}

// insert returns the labels, sorted by name, with one more. The old slice may belong to the metric itself.
func insert(labels []*dto.LabelPair, more *dto.LabelPair) []*dto.LabelPair {
	with := make([]*dto.LabelPair, 0, len(labels)+1)
	i := 0
	for ; i < len(labels) && labels[i].GetName() < more.GetName(); i++ {
		with = append(with, labels[i])
	}
	return append(append(with, more), labels[i:]...)
}

// buildInfo exposes the version that the exporter was built from.
type buildInfo struct{}

var buildInfoDesc = metric.BuildInfo.Desc()

func (buildInfo) Describe(ch chan<- *prometheus.Desc) { ch <- buildInfoDesc }

func (buildInfo) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(buildInfoDesc, prometheus.GaugeValue, 1, version.Version,
		version.GetRevision(), version.Branch, version.GoVersion, version.GoOS, version.GoArch, version.GetTags())
}
