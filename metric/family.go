package metric

import (
	"iter"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Family is a metric with its samples at one moment. They are made one after the other when they are read, so that
// a scrape of hundreds of thousands holds few of them. A registry sends each sample through a channel, sorts them all
// and hashes every label to find duplicates. Tests gather the same samples through a pedantic registry.
type Family struct {
	Metric  *Metric
	Samples iter.Seq[Sample]
}

// pieceSamples is how many samples are in memory at once.
const pieceSamples = 500

// Pieces returns the family in pieces of the same name, with one more label on every series. Each is valid until the
// next. The order of samples is the caller's.
func (f Family) Pieces(more *dto.LabelPair) iter.Seq[*dto.MetricFamily] {
	return func(yield func(*dto.MetricFamily) bool) {
		b := newPiece(f.Metric)
		for s := range f.Samples {
			b.add(s, more)
			if len(b.family.Metric) == pieceSamples {
				if !yield(&b.family) {
					return
				}
				b.reset()
			}
		}
		if len(b.family.Metric) > 0 {
			yield(&b.family)
		}
	}
}

// piece is a part of a family, in memory that the next part uses again.
type piece struct {
	metric   *Metric
	family   dto.MetricFamily
	metrics  []dto.Metric
	counters []dto.Counter
	gauges   []dto.Gauge
	values   []float64
	labels   []*dto.LabelPair
	created  *timestamppb.Timestamp // of the sample before, which most counters of one thing share
	since    time.Time
}

func newPiece(m *Metric) *piece {
	p := &piece{metric: m, metrics: make([]dto.Metric, pieceSamples), values: make([]float64, pieceSamples)}
	kind := dto.MetricType_GAUGE
	switch m.Type {
	case Histogram:
		kind = dto.MetricType_HISTOGRAM
	case Counter:
		kind = dto.MetricType_COUNTER
		p.counters = make([]dto.Counter, pieceSamples)
	default:
		p.gauges = make([]dto.Gauge, pieceSamples)
	}
	p.family = dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind, Metric: make([]*dto.Metric, 0, pieceSamples)}
	return p
}

func (p *piece) reset() { p.family.Metric, p.labels = p.family.Metric[:0], p.labels[:0] }

func (p *piece) add(s Sample, more *dto.LabelPair) {
	i := len(p.family.Metric)
	out := &p.metrics[i]
	p.family.Metric = append(p.family.Metric, out)
	p.values[i] = s.Value
	switch p.metric.Type {
	case Histogram:
		_ = s.Histogram.Write(out) // cannot fail: it is read from memory
	case Counter:
		out.Counter = &p.counters[i]
		out.Counter.Value, out.Counter.CreatedTimestamp = &p.values[i], p.createdAt(s.Created)
	default:
		out.Gauge = &p.gauges[i]
		out.Gauge.Value = &p.values[i]
	}
	out.Label = p.with(s, more)
}

func (p *piece) createdAt(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	if p.created == nil || !t.Equal(p.since) {
		p.created, p.since = timestamppb.New(t), t
	}
	return p.created
}

// with returns a sample's labels with one more.
func (p *piece) with(s Sample, more *dto.LabelPair) []*dto.LabelPair {
	from := len(p.labels)
	p.labels = appendWith(p.labels, s.Labels, more)
	all := p.labels[from:len(p.labels):len(p.labels)]
	if s.More == nil {
		return all
	}
	p.labels = append(p.labels, s.More)
	all = p.labels[from:len(p.labels):len(p.labels)]
	for i := len(all) - 1; i > 0 && all[i-1].GetName() > all[i].GetName(); i-- {
		all[i-1], all[i] = all[i], all[i-1]
	}
	return all
}
