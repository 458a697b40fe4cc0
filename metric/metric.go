// Package metric is the catalogue of every name that the exporter exposes, the rules record and the
// dashboards query. A name is declared here once; collectors take their descriptors from it, rules and
// dashboards their selectors, docs/metrics.md its text. A renamed metric that breaks a rule breaks the build.
package metric

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Type is the OpenMetrics type of a series.
type Type string

// The types in use. A state set is a gauge per state of which exactly one is 1.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
	StateSet  Type = "stateset"
	Info      Type = "info"
)

// Across defines how the values of several exporters combine, and so how the first recording rule aggregates the
// series.
type Across string

const (
	// Sum: each exporter saw other events; add them.
	Sum Across = "sum"
	// Location: vantage points on the same thing; compare them, never add them. Two exporters of one
	// location are one vantage point.
	Location Across = "location"
	// Replica: each exporter states the same fact; take one.
	Replica Across = "replica"
)

// Stability states whether a name may still change.
type Stability string

const (
	// Stable names change only with a major version.
	Stable Stability = "stable"
	// Experimental names may change with any version; the changelog lists the change.
	Experimental Stability = "experimental"
)

// Metric declares one exposed series family.
type Metric struct {
	Name      string
	Help      string
	Type      Type
	Unit      string // base unit: seconds, bytes, ratio; empty for a plain number
	Labels    []string
	Across    Across
	Stability Stability
	// Expected marks a series that states what is expected, as opposed to what is measured: the right
	// side of a join.
	Expected bool

	desc *prometheus.Desc
}

var catalogue []*Metric

// define adds m to the catalogue. It runs while the package's variables are initialised.
func define(m Metric) *Metric {
	if m.Stability == "" {
		m.Stability = Experimental
	}
	m.desc = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
	catalogue = append(catalogue, &m)
	return &m
}

// All returns the catalogue sorted by name.
func All() []*Metric {
	all := slices.Clone(catalogue)
	slices.SortFunc(all, func(a, b *Metric) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Desc returns the client library's descriptor, label names in catalogue order.
func (m *Metric) Desc() *prometheus.Desc { return m.desc }

// ValueType returns the client library's value type for a constant metric. Histograms have none.
func (m *Metric) ValueType() prometheus.ValueType {
	if m.Type == Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

// Select returns a PromQL selector for the series. Matchers are written as PromQL has them, such as
// `state="down"`.
func (m *Metric) Select(matchers ...string) string {
	return selector(m.Name, matchers)
}

// Has reports whether the series carries the label.
func (m *Metric) Has(label string) bool { return slices.Contains(m.Labels, label) }

func selector(name string, matchers []string) string {
	if len(matchers) == 0 {
		return name
	}
	return fmt.Sprintf("%s{%s}", name, strings.Join(matchers, ","))
}
