package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/internal/dashboardtest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Every query of every panel, as Grafana asks it at first where everything is picked, of a real Prometheus that holds
// six hours of the series that panels read, with 1,000 and 10,000 tenants that all have series of their own. The
// exporter lists the windows of 200 tenants at most; 20 of all have a check that is down. A panel's time is that of
// its queries one after the other, the least of three rounds; a browser asks several at once.
var _ = register("dashboards", benchDashboards)

const (
	dashboardRounds = 3
	// graphPoints are those of a graph on half of a wide screen.
	graphPoints = 720
)

// panelCost is what the queries of a panel cost.
type panelCost struct {
	took    time.Duration
	samples int
}

func benchDashboards(ctx context.Context, r *report) error {
	queries, err := dashboardQueries()
	if err != nil {
		return err
	}
	for _, c := range []struct{ tenants, most, overview int }{{1000, 2_000_000, 50_000}, {10_000, 20_000_000, 500_000}} {
		if err := benchPanels(ctx, r, queries, c.tenants, c.most, c.overview); err != nil {
			return err
		}
	}
	return nil
}

// dashboardQueries are those of all panels.
func dashboardQueries() ([]dashboardtest.Query, error) {
	policy, err := loadRulesPolicy()
	if err != nil {
		return nil, err
	}
	files, err := dashboards.Build(policy)
	if err != nil {
		return nil, err
	}
	var all []dashboardtest.Query
	for _, text := range files {
		queries, err := dashboardtest.Queries(text)
		if err != nil {
			return nil, err
		}
		all = append(all, queries...)
	}
	return all, nil
}

// benchPanels measures with a number of tenants. A panel may read so many samples at most, and so may the overview.
func benchPanels(ctx context.Context, r *report, queries []dashboardtest.Query, tenants, most, mostOverview int) error {
	dir, err := os.MkdirTemp("", "bench-dashboards")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	end := time.Now().Truncate(time.Minute)
	data := filepath.Join(dir, "data")
	r.say("dashboards: six hours of %d tenants", tenants)
	series, err := backfill(ctx, data, queries, tenants, end)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte("global: {}\n"), 0o600); err != nil {
		return err
	}
	prometheus, err := serve(ctx, dir, bin("tools/prometheus"), "/-/ready", "--config.file="+file,
		"--storage.tsdb.path="+data)
	if err != nil {
		return err
	}
	defer prometheus.stop()
	costs := map[string]*panelCost{}
	for round := range dashboardRounds {
		r.say("dashboards: %d tenants, round %d", tenants, round+1)
		now := map[string]*panelCost{}
		for _, q := range queries {
			c, err := ask(ctx, prometheus.url, q, end)
			if err != nil {
				return err
			}
			of := now[q.Name()]
			if of == nil {
				of = &panelCost{}
				now[q.Name()] = of
			}
			of.took, of.samples = of.took+c.took, of.samples+c.samples
		}
		for name, c := range now {
			if before := costs[name]; before == nil || c.took < before.took {
				costs[name] = c
			}
		}
	}
	peak, err := prometheus.peakRSS()
	if err != nil {
		return err
	}
	reportPanels(r, fmt.Sprintf("%d tenants", tenants), costs, most, mostOverview)
	r.add(figure{name: fmt.Sprintf("series, %d tenants", tenants), value: float64(series), unit: "series"})
	r.add(figure{name: fmt.Sprintf("memory of Prometheus, %d tenants", tenants), value: peak / (1 << 20), unit: "MiB"})
	return nil
}

// reportPanels reports the dearest panels and dashboards.
func reportPanels(r *report, of string, costs map[string]*panelCost, most, mostOverview int) {
	var all, overview panelCost
	names := make([]string, 0, len(costs))
	for name, c := range costs {
		names = append(names, name)
		all.took, all.samples = all.took+c.took, all.samples+c.samples
		if strings.HasPrefix(name, metric.OverviewDashboard+"/") {
			overview.took, overview.samples = overview.took+c.took, overview.samples+c.samples
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(costs[b].took, costs[a].took) })
	for _, name := range names[:10] {
		r.say("dashboards: %s: %7.1f ms, %9d samples  %s", of, milliseconds(costs[name].took), costs[name].samples, name)
	}
	largest := slices.MaxFunc(names, func(a, b string) int { return costs[a].samples - costs[b].samples })
	add := func(name string, value float64, unit string, limit int) {
		f := figure{name: name + ", " + of, value: value, unit: unit}
		if limit > 0 {
			f.target, f.met = fmt.Sprintf("at most %d", limit), value <= float64(limit)
		}
		r.add(f)
	}
	add(fmt.Sprintf("slowest of %d panels, %s", len(names), names[0]), milliseconds(costs[names[0]].took), "ms", 0)
	add("median panel", milliseconds(costs[names[len(names)/2]].took), "ms", 0)
	add("all panels", milliseconds(all.took), "ms", 0)
	add("the overview", milliseconds(overview.took), "ms", 0)
	add("samples, most of a panel, "+largest, float64(costs[largest].samples), "samples", most)
	add("samples, the overview", float64(overview.samples), "samples", mostOverview)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// ask asks a query as a panel does, and returns how long the answer took and how many samples were read.
func ask(ctx context.Context, prometheus string, q dashboardtest.Query, end time.Time) (panelCost, error) {
	values := url.Values{"query": {dashboardtest.Fill(q.Expr)}, "stats": {"true"}}
	endpoint := "query"
	if q.Instant {
		values.Set("time", fmt.Sprint(end.Unix()))
	} else {
		ago, err := model.ParseDuration(strings.TrimPrefix(q.From, "now-"))
		if err != nil {
			return panelCost{}, err
		}
		length := time.Duration(ago)
		endpoint = "query_range"
		values.Set("start", fmt.Sprint(end.Add(-length).Unix()))
		values.Set("end", fmt.Sprint(end.Unix()))
		values.Set("step", fmt.Sprint(max(15, int(length.Seconds())/graphPoints)))
	}
	began := time.Now()
	text, err := fetch(ctx, prometheus+"/api/v1/"+endpoint+"?"+values.Encode())
	took := time.Since(began)
	if err != nil {
		return panelCost{}, fmt.Errorf("%s: %s: %w", q.Name(), q.Expr, err)
	}
	var answer struct {
		Data struct {
			Stats struct {
				Samples struct{ TotalQueryableSamples int }
			}
		}
	}
	err = json.Unmarshal([]byte(text), &answer)
	return panelCost{took: took, samples: answer.Data.Stats.Samples.TotalQueryableSamples}, err
}
