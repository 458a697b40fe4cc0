package metric

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Series is one time series of a metric. Its labels are joined and sorted once, so that exposing it costs a
// fraction of prometheus.NewConstMetric, which does both at every scrape.
type Series struct {
	desc    *prometheus.Desc
	labels  []*dto.LabelPair
	counter bool
}

// Series returns the series with the given label values, in the catalogue's order. It panics if their number
// is wrong: a defect of the caller, met at the first scrape.
func (m *Metric) Series(values ...string) *Series {
	if len(values) != len(m.Labels) {
		panic(fmt.Sprintf("%s has the labels %v, not %d values", m.Name, m.Labels, len(values)))
	}
	s := &Series{desc: m.Desc(), counter: m.Type == Counter, labels: make([]*dto.LabelPair, len(values))}
	for i, value := range values {
		s.labels[i] = &dto.LabelPair{Name: &m.Labels[i], Value: &value}
	}
	slices.SortFunc(s.labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return s
}

// At returns the sample of a gauge, a state set or an info.
func (s *Series) At(value float64) prometheus.Metric { return sample{series: s, value: value} }

// Since returns the sample of a counter that began at 0 at the given time.
func (s *Series) Since(created time.Time, value float64) prometheus.Metric {
	return sample{series: s, value: value, created: created}
}

// sample is a series at one scrape.
type sample struct {
	series  *Series
	value   float64
	created time.Time
}

// Desc implements prometheus.Metric.
func (s sample) Desc() *prometheus.Desc { return s.series.desc }

// Write implements prometheus.Metric. The labels are shared between scrapes; nobody may change them.
func (s sample) Write(out *dto.Metric) error {
	out.Label = s.series.labels
	if !s.series.counter {
		out.Gauge = &dto.Gauge{Value: &s.value}
		return nil
	}
	out.Counter = &dto.Counter{Value: &s.value}
	if !s.created.IsZero() {
		out.Counter.CreatedTimestamp = timestamppb.New(s.created)
	}
	return nil
}
