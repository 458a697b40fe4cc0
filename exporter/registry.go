package exporter

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/version"

	"github.com/thorbis/thorbis_exporter/metric"
)

// gatherer is what /metrics serves: a registry that is replaced as a whole when the policy's environment,
// a label on every series, changes.
type gatherer struct {
	current atomic.Pointer[prometheus.Registry]
}

// Gather implements prometheus.Gatherer.
func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	r := g.current.Load()
	if r == nil {
		return nil, errors.New("no policy is in force yet")
	}
	return r.Gather()
}

// newRegistry registers all collectors under the environment's label.
func newRegistry(environment string, all ...prometheus.Collector) (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{metric.LabelEnvironment: environment}, r)
	for _, c := range all {
		if err := labelled.Register(c); err != nil {
			return nil, fmt.Errorf("register %T: %w", c, err)
		}
	}
	return r, nil
}

// newOwnRegistry holds what describes this process. It lives as long as the process, so that a reload
// resets none of its counters, and is itself registered as one collector.
func newOwnRegistry(more ...prometheus.Collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(promcollectors.NewGoCollector(),
		promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}), buildInfo{})
	r.MustRegister(more...)
	return r
}

// buildInfo exposes the version that the exporter was built from.
type buildInfo struct{}

var buildInfoDesc = metric.BuildInfo.Desc()

func (buildInfo) Describe(ch chan<- *prometheus.Desc) { ch <- buildInfoDesc }

func (buildInfo) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(buildInfoDesc, prometheus.GaugeValue, 1, version.Version,
		version.GetRevision(), version.Branch, version.GoVersion, version.GoOS, version.GoArch, version.GetTags())
}
