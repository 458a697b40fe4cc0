package importer

import (
	"strings"
	"testing"
)

// slothExample has the shape of the examples in sloth's documentation.
const slothExample = `version: "prometheus/v1"
service: "myservice"
labels:
  owner: "myteam"
slos:
  - name: "requests-availability"
    objective: 99.9
    description: "Common SLO based on availability
      for HTTP request responses."
    sli:
      events:
        error_query: sum(rate(http_request_duration_seconds_count{job="myservice",code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_request_duration_seconds_count{job="myservice"}[{{ .window }}]))
    alerting:
      name: MyServiceHighErrorRate
      page_alert:
        labels: {severity: pageteam}
`

func TestImportSloth(t *testing.T) {
	part, err := convertSloth([]byte(slothExample))
	if err != nil {
		t.Fatal(err)
	}
	s := accepted(t, part).SLOs[0]
	if s.Name != "myservice-requests-availability" || s.Objective.Percent() != "99.9%" ||
		s.Bad != `sum(rate(http_request_duration_seconds_count{job="myservice",code=~"(5..|429)"}[$window]))` ||
		s.Description != "Common SLO based on availability for HTTP request responses." {
		t.Errorf("%+v", s)
	}
	noted(t, part, "line 4: labels of myservice", "line 16: page_alert of the alerts of myservice-requests-availability")
}

// slothResourceExample has the shape of sloth's Kubernetes resources, with all that is not carried over.
const slothResourceExample = `apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: sloth-slo-home-wifi, namespace: monitoring}
spec:
  service: home-wifi
  sloPlugins:
    chain: [{id: sloth.dev/core/debug/v1, config: {msg: x}}]
  slos:
    - name: good-wifi-client-satisfaction-that-has-a-name-of-more-letters-than-any-name
      objective: 95
      sli:
        events:
          errorQuery: sum(sum_over_time((unifipoller_client_satisfaction_ratio < bool 0.75)[{{.window}}:]))
          totalQuery: sum(count_over_time(unifipoller_client_satisfaction_ratio[{{.window}}]))
      alerting:
        pageAlert: {disable: true}
        ticketAlert: {disable: true}
    - name: wifi-risk
      objective: 99.9
      sli:
        raw:
          errorRatioQuery: |
            sum(rate(wifi_errors_total[{{.window}}]))
            /
            sum(rate(wifi_total[{{.window}}]))
      alerting:
        pageAlert: {disable: true, labels: {severity: none}}
    - name: by-plugin
      objective: 99
      sli: {plugin: {id: sloth-common/kubernetes/apiserver/availability, options: {}}}
    - name: raw
      objective: 99
      sli: {raw: {errorRatioQuery: "1 - avg_over_time(up[{{.window}}])"}}
`

// TestImportSlothResource: resources of Kubernetes are read too, quotients are split, long names are cut, disabled
// alerts stay quiet, and what is left out is reported with its line.
func TestImportSlothResource(t *testing.T) {
	text := strings.ReplaceAll(slothResourceExample,
		"sum(sum_over_time((unifipoller_client_satisfaction_ratio < bool 0.75)"+
			"[{{.window}}:]))", "sum(sum_over_time(unhappy[{{.window}}]))")
	part, err := convertSloth([]byte(text))
	if err == nil || !strings.Contains(err.Error(), "line 30: home-wifi-by-plugin: plugin sloth-common/kubernetes") ||
		!strings.Contains(err.Error(), "home-wifi-raw: a raw ratio") {
		t.Errorf("%v", err)
	}
	slos := accepted(t, part).SLOs
	if len(slos) != 2 {
		t.Fatalf("%d objectives\n%s", len(slos), part.Policy)
	}
	if s := slos[0]; len(s.Name) > 63 || s.Page != "P4" {
		t.Errorf("%+v", s)
	}
	if s := slos[1]; s.Page != "P3" || s.Bad != "sum(rate(wifi_errors_total[$window]))" ||
		s.Total != "sum(rate(wifi_total[$window]))" {
		t.Errorf("%+v", s)
	}
	noted(t, part, "line 7: plugins of home-wifi (sloth.dev/core/debug/v1)", "is longer than a name may be",
		"line 16: the alerts of home-wifi-good", "line 27: the page of home-wifi-wifi-risk is disabled")
}

func TestImportSlothRefused(t *testing.T) {
	for name, c := range map[string]struct{ old, replacement, want string }{
		"version":      {"prometheus/v1", "prometheus/v2", `line 1: version "prometheus/v2"; prometheus/v1,`},
		"raw":          {"events:", "raw:", "write bad and total by hand"},
		"no objective": {"objective: 99.9", "objective: ", "missing objective"},
		"a ratio": {
			`sum(rate(http_request_duration_seconds_count{job="myservice"}[{{ .window }}]))`, `max(rate(x[{{.window}}]))`,
			"does not add up",
		},
		"no YAML": {"version:", "\t:", "invalid specification of sloth"},
	} {
		text := strings.Replace(slothExample, c.old, c.replacement, 1)
		if text == slothExample {
			t.Fatalf("%s: nothing changed", name)
		}
		if out, err := convertSloth([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c.want, out.Policy)
		}
	}
}

func FuzzImportSloth(f *testing.F) {
	f.Add(slothExample)
	f.Add("version: prometheus/v1\nslos: [{name: a}]")
	f.Add("slos: {a: b}")
	f.Add(slothResourceExample)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = convertSloth([]byte(text)) })
}
