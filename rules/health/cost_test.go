package health_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// costWorld fills a storage as it is after a month with one exporter and the given number of tenants. It holds only
// what one evaluation of the rules reads:
//   - the exported series of the last 20 minutes,
//   - the totals where windows begin,
//   - the totals on the hour of four days.
func costWorld(t testing.TB, tenants int) *ruletest.World {
	w := ruletest.NewWorld(t, scenario{Name: "cost"})
	tenantLabels := func(n int) []string {
		return []string{
			metric.LabelEnvironment, "cost", metric.LabelAppService, "web", metric.LabelCheck, "tenant-home",
			metric.LabelTenant, fmt.Sprintf("tenant-%05d", n),
		}
	}
	// The storage takes samples in the order of time only.
	type point struct {
		at     time.Time
		append func()
	}
	var points []point
	write := func(at time.Time, name string, v float64, more ...string) {
		points = append(points, point{at, func() { appendAll(t, w, at, name, v, tenants, tenantLabels, more) }})
	}
	totals := []metric.CumulativeTotal{
		metric.ObservedTotals, metric.DownTotals, metric.OutagesTotals, metric.UnpagedTotals,
	}
	for h := 96; h > 0; h-- {
		for _, l := range totals {
			write(ruletest.Epoch.Add(-time.Duration(h)*time.Hour), l.Hourly.Name, 1)
		}
	}
	for _, window := range []time.Duration{72 * time.Hour, 24 * time.Hour, 6 * time.Hour, 2 * time.Hour} {
		for s := -10 * minute; s <= 0; s += 30 {
			for _, l := range totals {
				write(ruletest.Epoch.Add(-window+time.Duration(s)*time.Second), l.Total.Name, 1)
			}
		}
	}
	exporter := []string{"job", "thorbis", "instance", "a", metric.LabelLocation, "fra"}
	with := func(more ...string) []string { return append(slices.Clip(exporter), more...) }
	for s := -20 * minute; s <= 0; s += 15 {
		now := ruletest.Epoch.Add(time.Duration(s) * time.Second)
		for _, state := range metric.HealthStates {
			write(now, metric.HealthCheckState.Name, 0, with(metric.LabelState, state)...)
		}
		write(now, metric.HealthCheckObservedSeconds.Name, float64(s+20*minute), exporter...)
		for _, m := range []*metric.Metric{
			metric.HealthCheckDownSeconds, metric.HealthCheckUnknownSeconds, metric.HealthCheckMaintenanceSeconds,
			metric.HealthCheckOutages, metric.HealthCheckOutageStart, metric.HealthCheckCertificateExpiry,
			metric.HealthCheckExpectedCertificateWarning, metric.HealthCheckExpectedCertificateUrgent,
		} {
			write(now, m.Name, 0, exporter...)
		}
		write(now, metric.HealthCheckInfo.Name, 1,
			with(metric.LabelTier, "standard", metric.LabelOwner, "sre", metric.LabelPage, "P4")...)
	}
	// An hour of the totals, as the rules themselves write them.
	for s := -hour; s < 0; s += 30 {
		for _, l := range totals {
			write(ruletest.Epoch.Add(time.Duration(s)*time.Second), l.Total.Name, 1)
		}
	}
	slices.SortStableFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
	for _, p := range points {
		p.append()
	}
	return w
}

// everDown are the series that only what was ever down has.
var everDown = map[string]bool{
	metric.DownTotals.Total.Name: true, metric.DownTotals.Hourly.Name: true,
	metric.OutagesTotals.Total.Name: true, metric.OutagesTotals.Hourly.Name: true,
	metric.UnpagedTotals.Total.Name: true, metric.UnpagedTotals.Hourly.Name: true,
}

func appendAll(t testing.TB, w *ruletest.World, at time.Time, name string, v float64, tenants int,
	tenantLabels func(int) []string, more []string,
) {
	app := w.Store.AppenderV2(context.Background())
	for n := range tenants {
		if everDown[name] && n%20 != 0 {
			continue // one in twenty has ever been down
		}
		ls := labels.FromStrings(append(append([]string{model.MetricNameLabel, name}, tenantLabels(n)...), more...)...)
		if _, err := app.Append(0, ls, 0, at.UnixMilli(), v, nil, nil, storage.AOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// TestCost checks how many samples one evaluation reads for each check. The budget of 30 days must not read 30 days:
// increase(x[30d]) would read 172,800 samples a counter.
func TestCost(t *testing.T) {
	const tenants = 20
	w := costWorld(t, tenants)
	w.Evaluate(0)
	w.Evaluate(60)
	limits := map[string]int{
		"thorbis-health-down":         200,
		"thorbis-health-ledger":       2000,
		"thorbis-health-outages":      500,
		"thorbis-uptime-windows":      3500,
		"thorbis-uptime-burn":         100,
		"thorbis-uptime-budget":       100,
		"thorbis-health-state":        20,
		"thorbis-health-blind":        100,
		"thorbis-health-crowds":       20,
		"thorbis-health-certificates": 100,
	}
	perMinute := 0.0
	for _, g := range w.Groups {
		samples := 0
		for _, r := range g.Rules() {
			q, err := w.Engine.NewInstantQuery(context.Background(), w.Store, nil, r.Query().String(), ruletest.At(60))
			if err != nil {
				t.Fatal(err)
			}
			if res := q.Exec(context.Background()); res.Err != nil {
				t.Fatal(res.Err)
			}
			samples += int(q.Stats().Samples.TotalSamples)
			q.Close()
		}
		each := samples / tenants
		if limit, ok := limits[g.Name()]; ok {
			t.Logf("%-28s every %-4v %5d samples a check", g.Name(), g.Interval(), each)
			perMinute += float64(each) * time.Minute.Seconds() / g.Interval().Seconds()
			if each > limit {
				t.Errorf("%s reads %d samples a check, limit %d", g.Name(), each, limit)
			}
		}
	}
	t.Logf("%.0f samples a check and minute", perMinute)
}

// BenchmarkGroups times one evaluation of each group at 10,000 tenants watched by one exporter.
func BenchmarkGroups(b *testing.B) {
	w := costWorld(b, 10_000)
	w.Evaluate(0)
	for _, g := range w.Groups {
		b.Run(g.Name(), func(b *testing.B) {
			t := 60
			for b.Loop() {
				g.Eval(context.Background(), ruletest.At(t))
				t += 60
				if t > 240 {
					break
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(t/60-1), "ms/evaluation")
		})
	}
}
