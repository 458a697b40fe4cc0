package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/thorbis/thorbis_exporter/internal/dashboardtest"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// backfilled is how far back the series go: the range that most dashboards show at first.
	backfilled = 6 * time.Hour
	// commitAfter is the number of samples that are kept in memory at once.
	commitAfter = 500_000
	// fewTenants are those with a check that is down, and those with a twentieth of the traffic.
	fewTenants = 20
)

// backfill writes a block of the series that the queries read, and returns how many there are. What is of many tenants
// has a sample a minute, as rules record it; what is of few has one each 15 s.
func backfill(ctx context.Context, dir string, queries []dashboardtest.Query, tenants int, end time.Time) (int, error) {
	read, err := namesIn(queries)
	if err != nil {
		return 0, err
	}
	// The writer takes what is at most half of its size before the newest sample.
	block, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (3 * backfilled).Milliseconds())
	if err != nil {
		return 0, err
	}
	defer func() { _ = block.Close() }()
	app, pending, series := block.Appender(ctx), 0, 0
	write := func(l labels.Labels, step time.Duration, counter bool) error {
		series++
		var ref storage.SeriesRef
		n := 0.0
		for at := end.Add(-backfilled); !at.After(end); at = at.Add(step) {
			value := 1.0
			if counter {
				n += step.Seconds()
				value = n
			}
			if ref, err = app.Append(ref, l, at.UnixMilli(), value); err != nil {
				return err
			}
			pending++
		}
		if pending < commitAfter {
			return nil
		}
		pending = 0
		err := app.Commit()
		app = block.Appender(ctx)
		return err
	}
	for _, m := range declared() {
		if !read[m.Name] {
			continue
		}
		for _, set := range dashboardtest.Sets(m) {
			for i := range copies(m, set, tenants) {
				b := labels.NewBuilder(labels.FromMap(set))
				b.Set(model.MetricNameLabel, m.Name).Set(metric.LabelEnvironment, "production")
				b.Set("job", "thorbis").Set("instance", "a:9190")
				step := time.Minute
				if i == 0 {
					step = 15 * time.Second
				} else {
					b.Set(metric.LabelTenant, fmt.Sprintf("tenant-%05d", i))
				}
				if err := write(b.Labels(), step, m.Type == metric.Counter); err != nil {
					return 0, fmt.Errorf("%s: %w", m.Name, err)
				}
			}
		}
	}
	if err := app.Commit(); err != nil {
		return 0, err
	}
	_, err = block.Flush(ctx)
	return series, err
}

// copies is how many tenants have a series like that of the one with these labels.
func copies(m *metric.Metric, set map[string]string, tenants int) int {
	state := set[metric.LabelState]
	switch {
	case set[metric.LabelTenant] != dashboardtest.Tenant:
		return 1
	case state != "" && state != metric.StateUp, m.Name == metric.TenantShare.Name:
		return fewTenants
	case strings.Contains(m.Name, "window"), strings.Contains(m.Name, "thorbis_slo"):
		return min(listedTenants, tenants)
	}
	return tenants
}

// declared are all metrics, and all records as if they were metrics.
func declared() []*metric.Metric {
	all := metric.All()
	for _, r := range metric.Records() {
		all = append(all, &metric.Metric{Name: r.Name, Labels: slices.DeleteFunc(slices.Clone(r.Labels), func(l string) bool {
			return l == metric.LabelEnvironment
		})})
	}
	return all
}

// namesIn are the series that queries read.
func namesIn(queries []dashboardtest.Query) (map[string]bool, error) {
	read := map[string]bool{}
	p := parser.NewParser(parser.Options{})
	for _, q := range queries {
		expr, err := p.ParseExpr(dashboardtest.Fill(q.Expr))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.Name(), err)
		}
		for _, selectors := range parser.ExtractSelectors(expr) {
			for _, m := range selectors {
				if m.Name == model.MetricNameLabel {
					read[m.Value] = true
				}
			}
		}
	}
	return read, nil
}
