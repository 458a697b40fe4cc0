package review

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

var end = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// platform answers what a small platform has: requests that grew, a filesystem that fills, a service near its peak.
func platform(query string, at time.Time) []promtest.Sample {
	back := int(end.Sub(at) / (24 * time.Hour))
	web := map[string]string{"app_service": "web"}
	switch {
	case !strings.Contains(query, `environment="production"`):
		return nil
	case strings.Contains(query, "thorbis_storage_full_in:seconds"):
		return []promtest.Sample{{Labels: map[string]string{"host": "db1", "mountpoint": "/data"}, Value: 10 * 86400}}
	case strings.Contains(query, "thorbis_throughput_utilization"):
		return []promtest.Sample{{Labels: web, Value: map[bool]float64{true: .6, false: .8}[back >= 28]}}
	case strings.Contains(query, "app_service:thorbis_requests:rate5m"):
		return []promtest.Sample{{Labels: web, Value: 100 - float64(back)}}
	case strings.Contains(query, "thorbis_incident_open_since"):
		if at.After(end.Add(-2*time.Hour)) && at.Before(end.Add(-time.Hour)) {
			return []promtest.Sample{{Labels: map[string]string{
				"incident": "ab", "alert": "ThorbisDiskSlow", "priority": "P3", "app_service": "web",
			}, Value: float64(end.Add(-2 * time.Hour).Unix())}}
		}
	}
	return nil
}

func build(t *testing.T, kind Kind) *Report {
	t.Helper()
	c, err := source.NewClient(promtest.Serve(t, platform), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &source.Prometheus{Client: c}
	shares := 0.0
	r, err := Build(t.Context(), Options{
		Kind: kind, Policy: policytest.Load(t, t.TempDir(), policytest.Minimal), Prometheus: p, To: end,
		Incidents: &source.ScrapedIncidents{Prometheus: p, Environment: "production"},
		Progress:  func(share float64) { shares = share },
	})
	if err != nil || shares <= .5 {
		t.Fatal(err, shares)
	}
	return r
}

// Figures stand beside their changes against a day, a week and four weeks before.
func TestDailyReview(t *testing.T) {
	r := build(t, Daily)
	text, err := report.Text("md", r.Document(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Daily review: thorbis", "2026-11-29 09:00 to 2026-11-30 09:00", "Resources that run out within 30 days: 2.",
		"| web |  | 100 | +1 | +7 | +28 |", "| P3 | ThorbisDiskSlow | web |",
		"| ThorbisDiskSlow | P3 | 1 | 1 | 0 | 1h | storage.latency: what these disks really need |",
		"| filesystem | db1 /data | 2026-12-10 | 10d |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// A service that used 60 % four weeks ago and uses 80 % now is full in four weeks more.
func TestForecastOfAService(t *testing.T) {
	r := build(t, Capacity)
	if len(r.Forecasts) != 2 {
		t.Fatalf("%+v", r.Forecasts)
	}
	f := r.Forecasts[1]
	if f.Kind != "capacity of a service" || f.Resource != "web" || f.Day != "2026-12-28" || *f.Now != .8 ||
		!strings.Contains(f.Basis, "straight line") {
		t.Errorf("%+v", f)
	}
	if r.Report != "capacity" || len(r.Incidents) > 0 || len(r.Sections) != len(capacityTables()) {
		t.Errorf("%+v", r)
	}
	if weekly := build(t, Weekly); len(weekly.Sections) != len(sharedTables())+len(capacityTables()) {
		t.Errorf("%d sections", len(weekly.Sections))
	}
}

// Alerts that somebody acted on are not noisy; of those that were over at once, the confirmation is to be longer.
func TestNoise(t *testing.T) {
	at := func(minutes int) *time.Time {
		v := end.Add(time.Duration(minutes) * time.Minute)
		return &v
	}
	all := noise([]report.Incident{
		{Alert: "ThorbisCheckDown", Priority: "P1", Began: end, Resolved: at(2)},
		{Alert: "ThorbisCheckDown", Priority: "P1", Began: end, Resolved: at(3)},
		{Alert: "ThorbisCheckDown", Priority: "P1", Began: end, Resolved: at(30), Acknowledged: at(4)},
		{Alert: "ThorbisTenantBurn", Priority: "P4", Began: end, Resolved: at(60)},
		{Alert: "ThorbisSLOBurn", Priority: "P1", Began: end, Resolved: at(60), Acknowledged: at(1)},
		{Alert: "ThorbisDiskFull", Priority: "P2", Began: end},
	}, end.Add(2*time.Hour))
	if len(all) != 2 || all[0].Alert != "ThorbisCheckDown" || all[0].Ignored != 2 || all[0].Brief != 2 ||
		!strings.HasPrefix(all[0].Proposal, "health.confirm.probes") || all[1].Alert != "ThorbisTenantBurn" {
		t.Errorf("%+v", all)
	}
}

// Rows are bounded and ordered, and a server that fails is an error.
func TestTablesAreBounded(t *testing.T) {
	c, err := source.NewClient(promtest.Serve(t, func(string, time.Time) []promtest.Sample {
		var all []promtest.Sample
		for i := range 60 {
			all = append(all, promtest.Sample{Labels: map[string]string{"host": string(rune('0' + i))}, Value: float64(i)})
		}
		return all
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := &reader{prometheus: &source.Prometheus{Client: c}, at: end, span: day}
	for _, least := range []bool{false, true} {
		table := &table{
			key: "machines", title: "Machines", labels: []string{"host"}, least: least,
			columns: []column{{key: "cpu", title: "CPU", kind: share, expr: "x"}},
		}
		s, err := in.read(t.Context(), table)
		if err != nil || len(s.Rows) != maxRows || s.Omitted != 60-maxRows {
			t.Fatal(err, s)
		}
		if first := float64(*s.Rows[0].Values["cpu"]); first != map[bool]float64{false: 59, true: 0}[least] {
			t.Errorf("least %v: the first is %g", least, first)
		}
	}
	gone, err := source.NewClient("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	in.prometheus = &source.Prometheus{Client: gone}
	if _, err := in.read(t.Context(), capacityTables()[0]); err == nil {
		t.Error("a server that is not there is no error")
	}
}

// What was promised is not rounded up: 99.996 % is neither 100 % nor 99.997 %, and a change of it is seen.
func TestAttainedIsNotRoundedUp(t *testing.T) {
	c := column{kind: attained}
	for v, want := range map[report.Number]string{
		.99996: "99.996 %", .9999699: "99.996 %", .9999: "99.990 %", .29: "29.000 %", 1: "100.000 %", 0: "0.000 %",
	} {
		if got := c.cell(&v); got != report.Measured(want) {
			t.Errorf("%g: %v, want %s", v, got, want)
		}
	}
	for v, want := range map[report.Number]string{-.00004: "-0.004 %", .00001: "+0.001 %", 0: "0"} {
		if got := c.change(&v); got != report.Measured(want) {
			t.Errorf("changed by %g: %v, want %s", v, got, want)
		}
	}
	if none := report.Number(math.NaN()); c.cell(&none) != nil || c.change(&none) != nil {
		t.Error("NaN is written")
	}
}

// Sections that a review has side by side differ in their names.
func TestSectionsOfAReviewHaveTheirOwnNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range build(t, Weekly).Document().Sections {
		if seen[s.Key] {
			t.Errorf("two sections are named %s", s.Key)
		}
		seen[s.Key] = true
	}
}
