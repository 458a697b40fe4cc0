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

// WithLabel returns labels, sorted by name, with one more. The old slice may belong to a metric and stays as it is.
func WithLabel(labels []*dto.LabelPair, more *dto.LabelPair) []*dto.LabelPair {
	return appendWith(make([]*dto.LabelPair, 0, len(labels)+1), labels, more)
}

// appendWith appends labels, sorted by name, and one more in its place.
func appendWith(to, labels []*dto.LabelPair, more *dto.LabelPair) []*dto.LabelPair {
	i := 0
	for ; i < len(labels) && labels[i].GetName() < more.GetName(); i++ {
		to = append(to, labels[i])
	}
	return append(append(to, more), labels[i:]...)
}

// NewPair returns a label, to be shared by the series that have it.
func NewPair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// NewPairs returns the label of each value, in their order.
func NewPairs(name string, values []string) []*dto.LabelPair {
	pairs := make([]*dto.LabelPair, len(values))
	for i, value := range values {
		pairs[i] = NewPair(name, value)
	}
	return pairs
}

// Pairs shares labels between the series of one thing, which have most of them in common.
type Pairs map[[2]string]*dto.LabelPair

func (p Pairs) pair(name, value string) *dto.LabelPair {
	if pair, ok := p[[2]string{name, value}]; ok {
		return pair
	}
	pair := NewPair(name, value)
	if p != nil {
		p[[2]string{name, value}] = pair
	}
	return pair
}

// LabelPairs returns the labels of series, sorted by name, for the values in the catalogue's order. The last label may
// lack a value: samples add it. It panics if more are missing: a defect of the caller, met at the first scrape.
func (m *Metric) LabelPairs(pairs Pairs, values ...string) []*dto.LabelPair {
	if n := len(m.Labels) - len(values); n != 0 && n != 1 {
		panic(fmt.Sprintf("%s has the labels %v, not %d values", m.Name, m.Labels, len(values)))
	}
	labels := make([]*dto.LabelPair, len(values))
	for i, value := range values {
		labels[i] = pairs.pair(m.Labels[i], value)
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return labels
}

// Sample is the value of a series at one moment. Its labels are shared between series and scrapes and must not be
// modified.
type Sample struct {
	Labels    []*dto.LabelPair // sorted by name
	More      *dto.LabelPair   // beside Labels, nil for none
	Value     float64
	Created   time.Time         // of a counter, when it began at 0
	Histogram prometheus.Metric // instead of a value
}

// constant is a sample as the client library knows it.
type constant struct {
	metric *Metric
	Sample
}

// Constant returns a sample of a metric for a registry of the client library.
func (m *Metric) Constant(s Sample) prometheus.Metric { return constant{m, s} }

// Desc implements prometheus.Metric.
func (c constant) Desc() *prometheus.Desc { return c.metric.Desc() }

// Write implements prometheus.Metric.
func (c constant) Write(out *dto.Metric) error {
	var err error
	switch {
	case c.Histogram != nil:
		err = c.Histogram.Write(out)
	case c.metric.Type == Counter:
		out.Counter = &dto.Counter{Value: &c.Value}
		if !c.Created.IsZero() {
			out.Counter.CreatedTimestamp = timestamppb.New(c.Created)
		}
	default:
		out.Gauge = &dto.Gauge{Value: &c.Value}
	}
	out.Label = c.Labels
	if c.More != nil {
		out.Label = WithLabel(c.Labels, c.More)
	}
	return err
}
