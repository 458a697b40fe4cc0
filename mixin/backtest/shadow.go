package backtest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/backtest/answer"
)

// shadowGap is how far two samples of an alert that fires on may lie apart: Prometheus' own staleness.
const shadowGap = 5 * time.Minute

// shadowAlerts are the series that a server writes of the alerts of a bundle that was generated with --shadow.
var shadowAlerts = fmt.Sprintf("ALERTS{%s=%q,%s=%q,alertstate=%q}", metric.LabelBundle, metric.BundleThorbis,
	metric.LabelShadow, metric.ShadowTrue, "firing")

// Shadow reads what the alerts of a shadow bundle have done at the server. Watched is for how much of the time such a
// bundle was loaded: its Watchdog always fires. Without one it is zero, and the report is empty.
func Shadow(ctx context.Context, o Options) (report *Report, watched time.Duration, err error) {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	r := &replay{Options: o}
	report = &Report{From: o.From, To: o.To}
	for from := o.From; from.Before(o.To); from = from.Add(o.Chunk) {
		to := from.Add(o.Chunk)
		if to.After(o.To) {
			to = o.To
		}
		var data answer.Matrix
		expr := fmt.Sprintf("%s[%dms]", shadowAlerts, to.Sub(from).Milliseconds())
		if err := r.call(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {unix(to)}}, &data); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", shadowAlerts, err)
		}
		for _, series := range data.Result {
			report.add(labels.FromMap(series.Metric), series.Values)
		}
	}
	kept := report.Episodes[:0]
	for _, e := range report.Episodes {
		if e.Labels.Get(metric.LabelAlertname) == metric.WatchdogAlert.Name {
			watched += e.To.Sub(e.From)
			continue
		}
		e.Open = o.To.Sub(e.To) < shadowGap
		kept = append(kept, e)
	}
	report.Episodes = kept
	report.sort()
	return report, watched, nil
}

// add adds the stretches in which an alert fired, or makes those before longer.
func (r *Report) add(of labels.Labels, points []answer.Point) {
	of = labels.NewBuilder(of).Del(model.MetricNameLabel, "alertstate", metric.LabelShadow).Labels()
	last := -1
	for i := range r.Episodes {
		if labels.Equal(r.Episodes[i].Labels, of) {
			last = i
		}
	}
	for _, p := range points {
		at := time.UnixMilli(p.T)
		r.Samples++
		if last >= 0 && at.Sub(r.Episodes[last].To) <= shadowGap {
			r.Episodes[last].To = at
			continue
		}
		r.Episodes = append(r.Episodes, Episode{Labels: of, From: at, To: at})
		last = len(r.Episodes) - 1
	}
}
