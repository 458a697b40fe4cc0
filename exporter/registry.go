package exporter

import (
	"errors"
	"iter"
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
type sampler interface{ Families() []metric.Family }

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

// family is a family as it is served: in pieces of one name, each valid until the next.
type family struct {
	name   string
	pieces iter.Seq[*dto.MetricFamily]
}

// families returns what there is now, sorted by name. What is read of it later is as it was now, but for histograms.
func (g *gatherer) families() ([]family, error) {
	environment := g.environment.Load()
	if environment == nil {
		return nil, errors.New("no policy is in force yet")
	}
	registered, err := g.Gather()
	all := make([]family, 0, len(registered))
	for _, f := range registered {
		for _, m := range f.GetMetric() {
			m.Label = metric.WithLabel(m.GetLabel(), environment)
		}
		all = append(all, family{f.GetName(), func(yield func(*dto.MetricFamily) bool) { yield(f) }})
	}
	for _, s := range g.samplers {
		for _, f := range s.Families() {
			all = join(all, family{f.Metric.Name, f.Pieces(environment)})
		}
	}
	return all, err
}

// join adds a family to others, sorted by name, of which one may be the same.
func join(families []family, f family) []family {
	i, found := slices.BinarySearchFunc(families, f.name,
		func(f family, name string) int { return strings.Compare(f.name, name) })
	if !found {
		return slices.Insert(families, i, f)
	}
	first, second := families[i].pieces, f.pieces
	families[i].pieces = func(yield func(*dto.MetricFamily) bool) {
		for piece := range first {
			if !yield(piece) {
				return
			}
		}
		second(yield)
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
