package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of the histograms in seconds: from minutes to weeks, as changes lie before they are deployed, and as failures
// last.
var (
	leadBounds = []float64{
		300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600, 2 * 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600,
	}
	recoveryBounds = []float64{60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600, 7 * 24 * 3600}
	runBounds      = []float64{30, 60, 120, 300, 600, 1200, 1800, 3600, 2 * 3600, 6 * 3600}
)

// durations is a histogram that can be saved. Its bounds are those of the program that reads it.
type durations struct {
	Counts []uint64 `json:"counts"` // each bucket's own; the last is that of what is longer than every bound
	Sum    float64  `json:"sum"`
}

// fits makes a histogram that was saved with other bounds begin anew.
func (d *durations) fits(bounds []float64) *durations {
	if d == nil || len(d.Counts) != len(bounds)+1 {
		return &durations{Counts: make([]uint64, len(bounds)+1)}
	}
	return d
}

func (d *durations) observe(bounds []float64, took time.Duration) {
	seconds := max(took.Seconds(), 0)
	d.Sum += seconds
	for i, bound := range bounds {
		if seconds <= bound {
			d.Counts[i]++
			return
		}
	}
	d.Counts[len(bounds)]++
}

func (d *durations) metric(m *metric.Metric, bounds []float64, created time.Time, labels ...string) prometheus.Metric {
	buckets, count := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, bound := range bounds {
		count += d.Counts[i]
		buckets[bound] = count
	}
	count += d.Counts[len(bounds)]
	return prometheus.MustNewConstHistogramWithCreatedTimestamp(m.Desc(), count, d.Sum, buckets, created, labels...)
}
