package metric

import (
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Families groups samples into families as a prometheus.Registry would, with one more label on every series. A
// registry sends each sample through a channel, sorts them all and hashes every label to find duplicates; for
// thousands of series that is most of a scrape. Tests gather the same samples through a pedantic registry. The
// order of samples within a family is the caller's.
func Families(samples []Sample, more *dto.LabelPair) []*dto.MetricFamily {
	sizes := map[*Metric]int{}
	counters, gauges := 0, 0
	for _, s := range samples {
		m := s.series.metric
		sizes[m]++
		switch {
		case s.histogram != nil:
		case m.Type == Counter:
			counters++
		default:
			gauges++
		}
	}
	// One piece of memory of each kind, not one for each sample: nobody outlives the scrape.
	var (
		metrics    = make([]dto.Metric, len(samples))
		counterMem = make([]dto.Counter, counters)
		gaugeMem   = make([]dto.Gauge, gauges)
		created    *timestamppb.Timestamp // of the sample before, which most counters of one thing share
		since      time.Time
		values     = make([]float64, len(samples))
		families   = make([]*dto.MetricFamily, 0, len(sizes))
		of         = make(map[*Metric]*dto.MetricFamily, len(sizes))
	)
	for i, s := range samples {
		m, out := s.series.metric, &metrics[i]
		family, ok := of[m]
		if !ok {
			family = newFamily(s)
			family.Metric = make([]*dto.Metric, 0, sizes[m])
			of[m], families = family, append(families, family)
		}
		family.Metric = append(family.Metric, out)
		values[i] = s.value
		switch {
		case s.histogram != nil:
			_ = s.histogram.Write(out) // cannot fail: it is a histogram of the client library
		case m.Type == Counter:
			counters--
			out.Counter = &counterMem[counters]
			out.Counter.Value = &values[i]
			if !s.created.IsZero() {
				if created == nil || !s.created.Equal(since) {
					created, since = timestamppb.New(s.created), s.created
				}
				out.Counter.CreatedTimestamp = created
			}
		default:
			gauges--
			out.Gauge = &gaugeMem[gauges]
			out.Gauge.Value = &values[i]
		}
		out.Label = s.series.with(more)
	}
	return families
}

func newFamily(s Sample) *dto.MetricFamily {
	m := s.series.metric
	kind := dto.MetricType_GAUGE
	switch {
	case s.histogram != nil:
		kind = dto.MetricType_HISTOGRAM
	case m.Type == Counter:
		kind = dto.MetricType_COUNTER
	}
	return &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind}
}
