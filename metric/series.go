package metric

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Series is one time series of a metric. Its labels are joined and sorted once, so that exposing it costs a
// fraction of prometheus.NewConstMetric, which does both at every scrape.
type Series struct {
	metric *Metric
	labels []*dto.LabelPair
	wider  atomic.Pointer[wider]
}

// wider are a series' labels with one more, as last asked for.
type wider struct {
	more   *dto.LabelPair
	labels []*dto.LabelPair
}

// with returns the labels with one more, which is the same at almost every scrape.
func (s *Series) with(more *dto.LabelPair) []*dto.LabelPair {
	if w := s.wider.Load(); w != nil && w.more == more {
		return w.labels
	}
	w := &wider{more, WithLabel(s.labels, more)}
	s.wider.Store(w)
	return w.labels
}

// WithLabel returns labels, sorted by name, with one more. The old slice may belong to a metric and stays as it is.
func WithLabel(labels []*dto.LabelPair, more *dto.LabelPair) []*dto.LabelPair {
	wide := make([]*dto.LabelPair, 0, len(labels)+1)
	i := 0
	for ; i < len(labels) && labels[i].GetName() < more.GetName(); i++ {
		wide = append(wide, labels[i])
	}
	return append(append(wide, more), labels[i:]...)
}

// Pairs shares labels between the series of one thing, which have most of them in common.
type Pairs map[[2]string]*dto.LabelPair

func (p Pairs) pair(name *string, value string) *dto.LabelPair {
	if pair, ok := p[[2]string{*name, value}]; ok {
		return pair
	}
	pair := &dto.LabelPair{Name: name, Value: &value}
	if p != nil {
		p[[2]string{*name, value}] = pair
	}
	return pair
}

// Series returns the series with the given label values, in the catalogue's order. It panics if their number
// is wrong: a defect of the caller, met at the first scrape.
func (m *Metric) Series(values ...string) *Series { return m.SeriesOf(nil, values...) }

// SeriesOf is Series for many at once.
func (m *Metric) SeriesOf(pairs Pairs, values ...string) *Series {
	if len(values) != len(m.Labels) {
		panic(fmt.Sprintf("%s has the labels %v, not %d values", m.Name, m.Labels, len(values)))
	}
	s := &Series{metric: m, labels: make([]*dto.LabelPair, len(values))}
	for i, value := range values {
		s.labels[i] = pairs.pair(&m.Labels[i], value)
	}
	slices.SortFunc(s.labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return s
}

// At returns the sample of a gauge, a state set or an info.
func (s *Series) At(value float64) Sample { return Sample{series: s, value: value} }

// Since returns the sample of a counter that began at 0 at the given time.
func (s *Series) Since(created time.Time, value float64) Sample {
	return Sample{series: s, value: value, created: created}
}

// Of returns the sample of a histogram, whose own labels give way to the series'.
func (s *Series) Of(h prometheus.Metric) Sample { return Sample{series: s, histogram: h} }

// Sample is a series at one scrape.
type Sample struct {
	series    *Series
	value     float64
	created   time.Time
	histogram prometheus.Metric
}

// Desc implements prometheus.Metric.
func (s Sample) Desc() *prometheus.Desc { return s.series.metric.Desc() }

// Write implements prometheus.Metric. The labels are shared between scrapes; nobody may change them.
func (s Sample) Write(out *dto.Metric) error {
	if s.histogram != nil {
		err := s.histogram.Write(out)
		out.Label = s.series.labels
		return err
	}
	out.Label = s.series.labels
	if s.series.metric.Type != Counter {
		out.Gauge = &dto.Gauge{Value: &s.value}
		return nil
	}
	out.Counter = &dto.Counter{Value: &s.value}
	if !s.created.IsZero() {
		out.Counter.CreatedTimestamp = timestamppb.New(s.created)
	}
	return nil
}
