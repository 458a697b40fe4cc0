package history

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/thorbis/thorbis_exporter/metric"
)

func platform() *Platform {
	return &Platform{
		Environment: "demo", Service: "web", Checks: []string{"web-home"}, TenantCheck: "tenant-home",
		Tenants:   []Tenant{{"acme", "enterprise", .7}, {"globex", "enterprise", .2}, {"wonka", "standard", .1}},
		PerSecond: 40, Peak: 100, Availability: .9999, LatencySLO: "latency-300ms", Latency: .95,
	}
}

// written is a series of the block.
type written struct {
	labels      labels.Labels
	times       []int64
	first, last float64
	falls       bool // somewhere
}

// write returns the series until end, by name and labels.
func write(t *testing.T, end time.Time) map[string]written {
	t.Helper()
	dir := t.TempDir()
	if err := platform().Write(t.Context(), dir, end); err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.OpenDBReadOnly(dir, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blocks, err := db.Blocks()
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%d blocks, want 1: %v", len(blocks), err)
	}
	q, err := tsdb.NewBlockQuerier(blocks[0], math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "environment", "demo"))
	all := map[string]written{}
	for set.Next() {
		s := written{labels: set.At().Labels()}
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			at, v := it.At()
			if len(s.times) == 0 {
				s.first = v
			}
			s.falls = s.falls || v < s.last
			s.times, s.last = append(s.times, at), v
		}
		all[s.labels.String()] = s
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSeriesAreThoseOfTheRules: names and labels are those that the rules record, so that they continue the series.
func TestSeriesAreThoseOfTheRules(t *testing.T) {
	all := write(t, time.Date(2026, 11, 30, 12, 34, 56, 0, time.UTC))
	records := map[string]*metric.Record{}
	for _, r := range metric.Records() {
		records[r.Name] = r
	}
	for name, s := range all {
		r := records[s.labels.Get(model.MetricNameLabel)]
		if r == nil {
			t.Errorf("%s is not a record", name)
			continue
		}
		var got []string
		s.labels.Range(func(l labels.Label) {
			if l.Name != model.MetricNameLabel {
				got = append(got, l.Name)
			}
		})
		slices.Sort(got)
		want := slices.DeleteFunc(slices.Sorted(slices.Values(r.Labels)), func(label string) bool {
			return label == metric.LabelTenant && s.labels.Get("check") == "web-home" // has no tenant
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s has the labels %v, want %v", name, got, want)
		}
	}
}

func TestTotals(t *testing.T) {
	end := time.Date(2026, 11, 30, 12, 34, 56, 0, time.UTC)
	all := write(t, end)
	value := func(name string) written {
		t.Helper()
		s, ok := all[name]
		if !ok {
			t.Fatalf("no %s; there are %v", name, slices.Sorted(maps.Keys(all)))
		}
		return s
	}
	events := value(`{__name__="app_service:thorbis_slo_events:total", app_service="web", environment="demo", ` +
		`slo="availability"}`)
	if mean := events.last / (14 * 24 * 3600); mean < 38 || mean > 42 || events.falls {
		t.Errorf("%.1f requests a second, falls: %v; want 40 that never fall", mean, events.falls)
	}
	newest := time.UnixMilli(events.times[len(events.times)-1])
	if age := end.Sub(newest); age < 0 || age > step {
		t.Errorf("the last sample is %s old", age)
	}
	hourly := value(`{__name__="app_service:thorbis_slo_events:total_hourly", app_service="web", environment="demo", ` +
		`slo="availability"}`)
	if n := len(hourly.times); n < 14*24 || n > 14*24+1 {
		t.Errorf("%d hourly samples of two weeks", n)
	}
	left := value(`{__name__="app_service:thorbis_slo_budget_left:ratio", app_service="web", environment="demo", ` +
		`slo="availability"}`)
	if left.first < .99 || left.last < .2 || left.last > .8 {
		t.Errorf("the budget goes from %.2f to %.2f, want from all to a part", left.first, left.last)
	}
	down := value(`{__name__="check:thorbis_health_down_seconds:total", app_service="web", check="tenant-home", ` +
		`environment="demo", tenant="globex"}`)
	if down.last != 360 { // a minute of the platform's outage and its own 5 minutes
		t.Errorf("globex was down for %.0f s, want 360", down.last)
	}
	share := value(`{__name__="app_service_tenant:thorbis_requests_share:ratio", app_service="web", environment="demo", ` +
		`tenant="acme"}`)
	if math.Abs(share.last-.7) > .01 {
		t.Errorf("acme sends %.2f of the requests, want 0.7", share.last)
	}
	outages := value(`{__name__="check:thorbis_health_outages:total", app_service="web", check="web-home", ` +
		`environment="demo"}`)
	if outages.last != 1 {
		t.Errorf("the service had %.0f outages, want 1", outages.last)
	}
}

func TestMonthBegins(t *testing.T) {
	start := `{__name__="check:thorbis_health_down_seconds:month_start", app_service="web", check="web-home", ` +
		`environment="demo"}`
	if _, ok := write(t, time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))[start]; ok {
		t.Error("the records of a month that has not changed have a begin")
	}
	s, ok := write(t, time.Date(2026, 12, 3, 12, 0, 0, 0, time.UTC))[start]
	if !ok || s.last != 60 { // the outage was in November
		t.Errorf("%v: %.0f s were down before the month began, want 60", ok, s.last)
	}
}
