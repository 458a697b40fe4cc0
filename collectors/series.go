package collectors

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Labels are the values of a series' labels in the order of their names, made once for all series that
// share them: a machine with hundreds of disks has thousands of series at every scrape.
type Labels struct {
	names []string
	pairs []*dto.LabelPair
}

// NewLabels pairs the names of a metric's labels with values.
func NewLabels(names []string, values ...string) *Labels {
	l := &Labels{names: names, pairs: make([]*dto.LabelPair, len(names))}
	for i, name := range names {
		l.pairs[i] = &dto.LabelPair{Name: new(name), Value: new(values[i])}
	}
	slices.SortFunc(l.pairs, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	l.pairs = slices.Clip(l.pairs)
	return l
}

// Snapshot is a set of series as they were at one moment. It is filled in the background, and a scrape only
// hands it out.
type Snapshot struct {
	created *timestamppb.Timestamp
	series  []series
}

// NewSnapshot returns an empty snapshot with room for so many series, whose counters began at a moment.
func NewSnapshot(room int, created time.Time) *Snapshot {
	s := &Snapshot{series: make([]series, 0, room)}
	if !created.IsZero() {
		s.created = timestamppb.New(created)
	}
	return s
}

// Add adds the value of a counter or gauge. The labels must be those of the metric.
func (s *Snapshot) Add(m *metric.Metric, value float64, labels *Labels) {
	s.series = append(s.series, series{metric: m, value: value, labels: labels, created: s.created})
}

// AddSince adds the value of a counter that began at a moment of its own.
func (s *Snapshot) AddSince(m *metric.Metric, value float64, labels *Labels, created time.Time) {
	s.series = append(s.series, series{metric: m, value: value, labels: labels, created: timestamppb.New(created)})
}

// Collect hands out every series. A nil snapshot has none.
func (s *Snapshot) Collect(ch chan<- prometheus.Metric) {
	if s == nil {
		return
	}
	for i := range s.series {
		ch <- &s.series[i]
	}
}

// Put adds the value of a counter or gauge with labels of its own.
func (s *Snapshot) Put(m *metric.Metric, value float64, labels ...string) {
	s.Add(m, value, NewLabels(m.Labels, labels...))
}

// PutTime adds a moment in Unix seconds, nothing for the zero time.
func (s *Snapshot) PutTime(m *metric.Metric, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.Put(m, float64(t.UnixMilli())/1000, labels...)
	}
}

// PutStates adds a set of states: 1 for the one that holds, 0 for the others. The state is the last label.
func (s *Snapshot) PutStates(m *metric.Metric, state string, states []string, labels ...string) {
	for _, one := range states {
		is := 0.0
		if one == state {
			is = 1
		}
		s.Put(m, is, append(slices.Clip(labels), one)...)
	}
}

// series is a metric of the client library that shares its labels and is never changed.
type series struct {
	metric  *metric.Metric
	value   float64
	labels  *Labels
	created *timestamppb.Timestamp
}

// Desc implements prometheus.Metric.
func (s *series) Desc() *prometheus.Desc { return s.metric.Desc() }

// Write implements prometheus.Metric. A wrapping registry appends its own labels to the slice, which is
// full and so is copied then.
func (s *series) Write(out *dto.Metric) error {
	out.Label = s.labels.pairs
	if s.metric.Type == metric.Counter {
		out.Counter = &dto.Counter{Value: &s.value, CreatedTimestamp: s.created}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}
