package incident

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/promtest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report"
	"github.com/thorbis/thorbis_exporter/report/source"
)

const policy = policytest.Minimal + `services: [{name: web, owner: sre}]
objectives: {availability: 99.9%}
maintenance: [{name: upgrade, from: 2026-11-30T08:45:00Z, to: 2026-11-30T08:55:00Z}]
`

var began = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// episode is an incident of half an hour that was acknowledged after twelve minutes and escalated after eight.
func episode(query string, at time.Time) []promtest.Sample {
	during := !at.Before(began) && at.Before(began.Add(30*time.Minute))
	minutes := at.Sub(began).Minutes()
	one := func(value float64, labels ...string) []promtest.Sample {
		m := map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = labels[i+1]
		}
		return []promtest.Sample{{Labels: m, Value: value}}
	}
	switch {
	case strings.Contains(query, "thorbis_incident_open_since") && during:
		return one(float64(began.Unix()), "incident", "ab12", "alert", "ThorbisSLOBurn", "app_service", "web",
			"priority", "P1")
	case strings.Contains(query, "thorbis_incident_acknowledged") && during && minutes >= 12:
		return one(1, "incident", "ab12")
	case strings.HasPrefix(query, "ALERTS") && during && minutes >= 8:
		late := metric.UnacknowledgedAlert.Name
		return append(one(1, "alertname", late, metric.LabelFingerprint, "ab12", "layer", "secondary"),
			append(one(1, "alertname", late, metric.LabelFingerprint, "other", "layer", "manager"),
				one(1, "alertname", "ThorbisCheckDown", "check", "home", "app_service", "web", "priority", "P1")...)...)
	case strings.Contains(query, `thorbis_deployment_live_timestamp_seconds{environment="production",app_service="web"}`):
		live := began.Add(-4 * time.Minute)
		if at.Before(live) {
			return nil
		}
		return append(one(float64(live.Unix()), "app_service", "web", "deployment", "4f1c0de", "pull_request", "1234"),
			one(float64(live.Add(-3*time.Hour).Unix()), "app_service", "web", "deployment", "too-old")...)
	case strings.Contains(query, "last_reload_success"):
		value := float64(began.Add(-24 * time.Hour).Unix())
		if !at.Before(began.Add(-10 * time.Minute)) {
			value = float64(began.Add(-10*time.Minute - 30*time.Second).Unix())
		}
		return one(value, "instance", "fra:10088")
	case strings.Contains(query, `thorbis_revenue_impact:value{environment="production",incident="ab12"}`) && during:
		return one(minutes*40, "currency", "EUR")
	case strings.Contains(query, `thorbis_vendor_trouble:since_seconds{environment="production",app_service="web"}`):
		for _, x := range []struct {
			from, until int
			state       string
		}{{-20, -5, "partial_outage"}, {-5, 60, "major_outage"}} {
			from := began.Add(time.Duration(x.from) * time.Minute)
			if !at.Before(from) && at.Before(began.Add(time.Duration(x.until)*time.Minute)) {
				return one(float64(from.Unix()), "vendor", "supabase", "state", x.state)
			}
		}
		return nil
	case strings.Contains(query, "thorbis_service_requests_total") && strings.Contains(query, "[1800s]"):
		if strings.Contains(query, "5xx") {
			return one(500)
		}
		return one(10_000)
	case strings.Contains(query, "thorbis_service_requests_total"):
		return one(2_000_000)
	case strings.Contains(query, "thorbis_tenant_requests_total"):
		if strings.HasSuffix(query, "> 0.5") {
			return append(one(200, "tenant", "acme"), one(300, "tenant", "beta")...)
		}
		return append(one(400, "tenant", "acme"), one(3000, "tenant", "beta")...)
	case strings.Contains(query, "thorbis_tenant_info"):
		return one(1, "tenant", "acme", "tier", "enterprise")
	}
	return nil
}

func options(t *testing.T, id string) Options {
	t.Helper()
	c, err := source.NewClient(promtest.Serve(t, episode), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &source.Prometheus{Client: c}
	return Options{
		Policy: policytest.Load(t, t.TempDir(), policy), Prometheus: p, ID: id,
		Incidents: &source.ScrapedIncidents{Prometheus: p, Environment: "production", ID: id},
		From:      began.Add(-24 * time.Hour), To: began.Add(4 * time.Hour),
	}
}

// A draft has the timeline in its order, what the budget lost, who was hit, and blanks for what only people know.
func TestDraft(t *testing.T) {
	r, err := Build(t.Context(), options(t, "ab12"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.Text("md", r.Document(), r)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{
		"# Incident: ThorbisSLOBurn web", "Resolved; it was acknowledged in time.", "| Acknowledged after | 12m |",
		"| Resolved after | 30m |", "| Tenants with failed requests | 2 |",
		"| Revenue missing | 1160 | EUR, usual transactions", "## Timeline",
		"08:40:00 UTC | vendor | supabase reports partial outage |", "08:45:00 UTC | maintenance | window upgrade began |",
		"08:49:30 UTC | change | a policy came into force at fra:10088 |",
		"08:55:00 UTC | vendor | supabase no longer reports partial outage |",
		"08:55:00 UTC | vendor | supabase reports major outage |",
		"08:55:00 UTC | maintenance | window upgrade ended |",
		"08:56:00 UTC | deployment | web deployed: 4f1c0de, \\#1234 |", "09:00:00 UTC | incident | ThorbisSLOBurn began: P1",
		"09:08:00 UTC | alert | ThorbisCheckDown of web, home (P1) fired |",
		"09:08:00 UTC | escalation | escalated to secondary |",
		"09:12:00 UTC | acknowledgement | acknowledged after 12m |",
		"09:30:00 UTC | incident | ThorbisSLOBurn resolved after 30m |",
		"## Budget spent", "| availability 99.9% | 500 | 10000 | 5.000 % | 25 % |",
		"## Tenants hit", "| beta |  | 300 | 3000 | 10.000 % |", "| acme | enterprise | 200 | 400 | 50.000 % |",
		"## Cause", "## Actions", "/ThorbisSLOBurn.md", "/ThorbisCheckDown.md",
	} {
		i := strings.Index(string(text)[at:], want)
		if i < 0 {
			t.Errorf("lacks %q, or not in this order", want)
			continue
		}
		at += i
	}
	if strings.Contains(string(text), "too-old") || strings.Count(string(text), "4f1c0de") != 1 {
		t.Error("a deployment is listed that is too old, or twice")
	}
	if strings.Contains(string(text), "manager") {
		t.Error("the escalation of another incident is in the timeline")
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

func TestIncidentThatIsNotKnown(t *testing.T) {
	o := options(t, "ab12")
	o.To = began.Add(-time.Hour)
	if _, err := Build(t.Context(), o); !errors.Is(err, errUnknown) {
		t.Errorf("%v", err)
	}
}
