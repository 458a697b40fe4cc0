package importer

import "testing"

// pyrraExample has the shape of the examples in pyrra's repository, one for each indicator.
const pyrraExample = `apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: prometheus-http-errors
  labels: {prometheus: k8s, pyrra.dev/team: operations, pyrra.dev/stage: prod}
spec:
  target: "99"
  window: 2w
  description: ""
  indicator:
    ratio:
      errors: {metric: 'prometheus_http_requests_total{job="prometheus",code=~"5.."}'}
      total: {metric: 'prometheus_http_requests_total{job="prometheus"}'}
      grouping: [handler]
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: apiserver-read-latency}
spec:
  target: "99.5"
  indicator:
    latency:
      success: {metric: 'apiserver_request_duration_seconds_bucket{job="apiserver",le="1"}'}
      total: {metric: 'apiserver_request_duration_seconds_count{job="apiserver"}'}
  alerting: {disabled: true, name: other}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: native}
spec:
  target: "95"
  indicator:
    latencyNative: {latency: 300ms, total: {metric: http_request_duration_seconds}}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: up-targets}
spec:
  target: "99"
  indicator:
    bool_gauge: {metric: up}
`

func TestImportPyrra(t *testing.T) {
	part, err := convertPyrra([]byte(pyrraExample))
	if err != nil {
		t.Fatal(err)
	}
	slos := accepted(t, part).SLOs
	want := [][4]string{
		{
			"prometheus-http-errors", "prometheus",
			`sum(rate(prometheus_http_requests_total{code=~"5..",job="prometheus"}[$window]))`,
			`sum(rate(prometheus_http_requests_total{job="prometheus"}[$window]))`,
		},
		{
			"apiserver-read-latency", "apiserver",
			`sum(rate(apiserver_request_duration_seconds_count{job="apiserver"}[$window])) - ` +
				`sum(rate(apiserver_request_duration_seconds_bucket{job="apiserver",le="1"}[$window]))`,
			`sum(rate(apiserver_request_duration_seconds_count{job="apiserver"}[$window]))`,
		},
		{
			"native", "native", "histogram_count(sum(rate(http_request_duration_seconds[$window]))) - " +
				"histogram_fraction(0, 0.3, sum(rate(http_request_duration_seconds[$window]))) * " +
				"histogram_count(sum(rate(http_request_duration_seconds[$window])))",
			"histogram_count(sum(rate(http_request_duration_seconds[$window])))",
		},
		{
			"up-targets", "up-targets", "sum(count_over_time(up[$window])) - sum(sum_over_time(up[$window]))",
			"sum(count_over_time(up[$window]))",
		},
	}
	if len(slos) != len(want) {
		t.Fatalf("%d objectives\n%s", len(slos), part.Policy)
	}
	for i, w := range want {
		if got := [4]string{slos[i].Name, slos[i].AppService, slos[i].Bad, slos[i].Total}; got != w {
			t.Errorf("%q\nwant %q", got, w)
		}
	}
	if slos[0].Owner != "operations" || slos[1].Page != "P4" {
		t.Errorf("owner %q, page %q", slos[0].Owner, slos[1].Page)
	}
	noted(t, part, "line 5: label pyrra.dev/stage of prometheus-http-errors", "line 8: window 2w",
		"line 14: grouping of prometheus-http-errors by handler",
		"line 25: the alerts of apiserver-read-latency are disabled",
		"alerting of apiserver-read-latency: name")
}

func TestImportPyrraRefused(t *testing.T) {
	refused(t, convertPyrra, pyrraExample, map[string][3]string{
		"version":   {"pyrra.dev/v1alpha1", "pyrra.dev/v2", `line 1: apiVersion "pyrra.dev/v2"`},
		"no target": {`target: "99"`, `goal: "99"`, "prometheus-http-errors: missing target"},
		"indicator": {"    ratio:", "    ratios:", `unknown indicator "ratios"`},
		"objective": {`target: "99"`, `target: "90"`, "line 11: prometheus-http-errors: an objective of 90% leaves"},
		"a word":    {`target: "99"`, `target: most`, `prometheus-http-errors: invalid ratio "most%"`},
		"selector":  {"metric: up}", "metric: sum(up)}", `line 41: up-targets: invalid selector "sum(up)"`},
		"latency":   {"latency: 300ms", "latency: soon", "native: not a valid duration"},
		"no YAML":   {"kind:", "\t:", "invalid objective of pyrra"},
	})
}

func FuzzImportPyrra(f *testing.F) { fuzzed(f, convertPyrra, pyrraExample) }
