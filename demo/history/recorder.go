package history

import (
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/metric"
)

// recorder writes the samples of one time.
type recorder struct {
	environment string
	app         storage.Appender
	at          time.Time
	known       map[string]*series
	err         error // the first
}

// series is one that has samples.
type series struct {
	labels labels.Labels
	ref    storage.SeriesRef
}

func (r *recorder) to(at time.Time) *recorder {
	r.at = at
	return r
}

// record writes a sample of a record, with the pairs of its labels.
func (r *recorder) record(to *metric.Record, value float64, pairs ...string) {
	if r.err != nil {
		return
	}
	key := to.Name + "\xff" + strings.Join(pairs, "\xff")
	s := r.known[key]
	if s == nil {
		all := append([]string{model.MetricNameLabel, to.Name, metric.LabelEnvironment, r.environment}, pairs...)
		s = &series{labels: labels.FromStrings(all...)}
		r.known[key] = s
	}
	s.ref, r.err = r.app.Append(s.ref, s.labels, r.at.UnixMilli(), value)
}

// total writes a running total, and on the hour the record that bridges gaps.
func (r *recorder) total(to metric.EventTotal, value float64, pairs ...string) {
	r.both(to.Total, to.Hourly, math.Floor(value), pairs...)
}

// running is total for the seconds of a health check.
func (r *recorder) running(to metric.CumulativeTotal, value float64, pairs ...string) {
	r.both(to.Total, to.Hourly, value, pairs...)
}

func (r *recorder) both(total, hourly *metric.Record, value float64, pairs ...string) {
	r.record(total, value, pairs...)
	if r.at.Minute() == 0 {
		r.record(hourly, value, pairs...)
	}
}

func (r *recorder) commit() error {
	if r.err != nil {
		_ = r.app.Rollback()
		return r.err
	}
	return r.app.Commit()
}
