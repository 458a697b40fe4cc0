package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const policy = policytest.Minimal + `services:
  - {name: web, owner: sre}
  - {name: api, owner: sre}
  - {name: docs, owner: sre}
maintenance:
  - {name: Move-of-the-docs, app_services: [docs], from: 2026-11-30T11:00:00Z, to: 2026-11-30T13:00:00Z}
  - {name: Upgrade, from: 2026-12-05T01:00:00Z, to: 2026-12-05T02:00:00Z}
  - {name: of-one-tenant, tenants: [acme], from: 2026-12-05T01:00:00Z, to: 2026-12-05T02:00:00Z}
  - {name: too-far, from: 2027-12-05T01:00:00Z, to: 2027-12-05T02:00:00Z}
`

func firing(alert, service, slo string, minutes int) promtest.Sample {
	return promtest.Sample{Labels: map[string]string{
		"alertname": alert, "app_service": service, "slo": slo, "tenant": "acme", "priority": "P1",
	}, Value: float64(now.Add(-time.Duration(minutes) * time.Minute).Unix())}
}

// at returns the page where some alerts fire.
func at(t *testing.T, alerts ...promtest.Sample) *Report {
	t.Helper()
	r, err := build(t, true, alerts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func build(t *testing.T, evaluated bool, alerts []promtest.Sample) (*Report, error) {
	t.Helper()
	c, err := source.NewClient(promtest.Serve(t, func(query string, _ time.Time) []promtest.Sample {
		switch {
		case strings.Contains(query, metric.WatchdogAlert.Name):
			if evaluated {
				return []promtest.Sample{{Value: 1}}
			}
		case strings.HasPrefix(query, "ALERTS_FOR_STATE{"):
			return alerts
		}
		return nil
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Build(t.Context(), policytest.Load(t, t.TempDir(), policy), &source.Prometheus{Client: c}, now)
}

func (r *Report) summary() string {
	var parts []string
	for _, c := range r.Components {
		parts = append(parts, c.Name+" "+c.Status)
	}
	for _, i := range r.Incidents {
		parts = append(parts, fmt.Sprintf("%s (%s) since %s", i.Name, i.Impact, i.Created.Format("15:04")))
	}
	return r.Status.Indicator + ": " + strings.Join(parts, ", ")
}

func TestStatus(t *testing.T) {
	peace := "web operational, api operational, docs under_maintenance"
	for _, x := range []struct {
		alerts []promtest.Sample
		want   string
	}{
		{nil, "none: " + peace},
		{
			[]promtest.Sample{firing("ThorbisCheckDown", "web", "", 20)},
			"critical: web major_outage, api operational, docs under_maintenance, Outage: web (critical) since 11:40",
		},
		// One incident for a service: the worst, since the first.
		{[]promtest.Sample{
			firing("ThorbisSLOBurn", "web", "latency-300ms", 50), firing("ThorbisSLOBurn", "web", "availability", 30),
		}, "major: web partial_outage, api operational, docs under_maintenance, " +
			"Errors for some users: web (major) since 11:10"},
		{
			[]promtest.Sample{firing("ThorbisSLOBurn", "api", "latency-300ms", 50)},
			"minor: web operational, api degraded_performance, docs under_maintenance, Slow answers: api (minor) since 11:10",
		},
		// What is not known is neither well nor an incident, and what is down stays so.
		{
			[]promtest.Sample{firing("ThorbisEnvironmentUnwatched", "", "", 9), firing("ThorbisCheckDown", "web", "", 20)},
			"critical: web major_outage, api unknown, docs unknown, Outage: web (critical) since 11:40",
		},
		{
			[]promtest.Sample{firing("ThorbisServiceUnwatched", "api", "", 9)},
			"minor: web operational, api unknown, docs under_maintenance",
		},
		{[]promtest.Sample{firing("ThorbisCheckDown", "gone", "", 20)}, "none: " + peace},
	} {
		r := at(t, x.alerts...)
		if got := r.summary(); got != x.want {
			t.Errorf("%s\nwant\n%s", got, x.want)
		}
		text, err := json.Marshal(r)
		if err != nil || strings.Contains(string(text), "acme") || strings.Contains(string(text), "Thorbis") {
			t.Errorf("%v: the page has what is not for customers: %s", err, text)
		}
	}
}

// Planned work on services is listed for thirty days; that on tenants is for these tenants.
func TestPlannedWork(t *testing.T) {
	r := at(t)
	var got []string
	for _, m := range r.Maintenances {
		got = append(got, fmt.Sprintf("%s %s %d", m.Name, m.Status, len(m.Components)))
	}
	if want := "Move of the docs in_progress 1, Upgrade scheduled 3"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	for _, format := range report.Formats {
		text, err := report.Text(format, r.Document(time.UTC), r)
		if err != nil || !strings.Contains(string(text), "Move of the docs") {
			t.Errorf("%s: %v\n%s", format, err, text)
		}
	}
}

// Where no rules are evaluated, silence is no good news.
func TestNothingIsWrittenWithoutRules(t *testing.T) {
	if _, err := build(t, false, nil); !errors.Is(err, ErrNotMeasured) {
		t.Error(err)
	}
}
