package procedure

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/thorbis/thorbis_exporter/metric"
)

// counts are counters that begin at 0 with the process, by their place in a closed set of results.
type counts [8]atomic.Uint64

// exposer sends series.
type exposer struct{ ch chan<- prometheus.Metric }

func (e exposer) gauge(m *metric.Metric, v float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(m.Desc(), m.ValueType(), v, labels...)
}

func (e exposer) time(m *metric.Metric, t time.Time, labels ...string) {
	if !t.IsZero() {
		e.gauge(m, unix(t), labels...)
	}
}

func (e exposer) counter(m *metric.Metric, v uint64, created time.Time, labels ...string) {
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(m.Desc(), prometheus.CounterValue, float64(v), created,
		labels...)
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func bit(set bool) float64 {
	if set {
		return 1
	}
	return 0
}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.section == nil {
		return
	}
	e, now := exposer{ch}, time.Now()
	for _, name := range c.names {
		e.procedure(c.watched[name], c.records[name], c.due[name], c.since[name], now)
	}
	c.collectRunbooks(e)
	for i, result := range metric.PingResults {
		e.counter(metric.ProcedurePings, c.pings[i].Load(), c.created, result)
	}
	for i, result := range []string{metric.ResultSuccess, metric.ResultFailure} {
		e.counter(metric.ProcedureFiles, c.files[i].Load(), c.created, result)
	}
	c.saving.Collect(ch)
}

// collectRunbooks exposes when each runbook was reviewed.
func (c *Collector) collectRunbooks(e exposer) {
	for _, name := range c.names {
		if c.watched[name].Runbooks == "" || c.runbooks[name] == nil {
			continue
		}
		never := 0
		for runbook, at := range c.runbooks[name] {
			if at.IsZero() {
				never++
			}
			e.time(metric.RunbookReviewed, at, name, runbook)
		}
		e.gauge(metric.RunbooksNeverReviewed, float64(never), name)
	}
}

func (e exposer) procedure(w *watched, r *record, due, since, now time.Time) {
	name := w.Name
	e.gauge(metric.ProcedureInfo, 1, name, w.AppService, w.owner, w.page)
	e.gauge(metric.ProcedureExpectedGrace, w.Grace.Seconds(), name)
	if w.MaxRuntime > 0 {
		e.gauge(metric.ProcedureExpectedMaxRuntime, w.MaxRuntime.Seconds(), name)
	}
	e.time(metric.ProcedureDueTime, due, name)
	e.time(metric.ProcedureWatchedSince, since, name)
	e.time(metric.ProcedureLastStart, r.Start, name)
	e.time(metric.ProcedureLastSuccess, r.Success, name)
	if r.By != "" {
		e.gauge(metric.ProcedureDoneBy, 1, name, r.By)
	}
	e.time(metric.ProcedureLastFailure, r.Failure, name)
	if r.Duration >= 0 {
		e.gauge(metric.ProcedureLastDuration, r.Duration, name)
	}
	e.time(metric.ProcedureOldestRun, r.silent(), name)
	e.gauge(metric.ProcedureRunsInProgress, float64(len(r.Open)), name)
	e.gauge(metric.ProcedureOverdue, w.overdue(due, now).Seconds(), name)
	state := w.state(r, due, since, now)
	for _, s := range metric.ProcedureStates {
		e.gauge(metric.ProcedureState, bit(s == state), name, s)
	}
	for i, n := range []uint64{r.Succeeded, r.Failed, r.Unfinished} {
		e.counter(metric.ProcedureRuns, n, r.Created, name, metric.ProcedureResults[i])
	}
	e.ch <- histogram{name, r}
}

// histogram shows how long the runs of a procedure took.
type histogram struct {
	name string
	*record
}

// Desc implements prometheus.Metric.
func (histogram) Desc() *prometheus.Desc { return metric.ProcedureRunDuration.Desc() }

// Write implements prometheus.Metric.
func (h histogram) Write(out *dto.Metric) error {
	out.Label = []*dto.LabelPair{{Name: new(metric.LabelProcedure), Value: new(h.name)}}
	d := &dto.Histogram{SampleSum: new(h.Sum), CreatedTimestamp: timestamppb.New(h.Created)}
	count := uint64(0)
	for i, bound := range durationBounds {
		if i < len(h.Buckets) {
			count += h.Buckets[i]
		}
		d.Bucket = append(d.Bucket, &dto.Bucket{UpperBound: new(bound), CumulativeCount: new(count)})
	}
	if len(h.Buckets) > len(durationBounds) {
		count += h.Buckets[len(durationBounds)]
	}
	d.SampleCount = &count
	out.Histogram = d
	return nil
}
