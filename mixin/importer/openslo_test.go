package importer

import (
	"strings"
	"testing"
)

// openSLOExample has the shape of the examples in OpenSLO's specification.
const openSLOExample = `apiVersion: openslo/v1
kind: SLO
metadata: {name: web-availability, displayName: SLO for web availability}
spec:
  description: X% of search requests are successful
  service: web
  indicator:
    metadata: {name: web-successful-requests-ratio}
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            type: Prometheus
            spec: {query: 'sum(http_requests{k8s_cluster="prod",component="web",code=~"2xx|4xx"})'}
        total:
          metricSource:
            type: Prometheus
            spec: {query: 'sum(http_requests{k8s_cluster="prod",component="web"})'}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Foo Total, target: 0.98}]
  alertPolicies: [{kind: AlertPolicy, metadata: {name: a}}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: errors}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(errors_total[5m]))'}}}
    total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(requests_total[5m]))'}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: api}
spec:
  service: api
  indicatorRef: errors
  budgetingMethod: Occurrences
  objectives: [{displayName: fast, targetPercent: 99.5}, {target: 0.999}]
---
apiVersion: openslo/v1
kind: Service
metadata: {name: web}
spec: {description: A service}
`

func TestImportOpenSLO(t *testing.T) {
	part, err := convertOpenSLO([]byte(openSLOExample))
	if err != nil {
		t.Fatal(err)
	}
	slos := accepted(t, part).SLOs
	if len(slos) != 3 {
		t.Fatalf("%d objectives\n%s", len(slos), part.Policy)
	}
	const total = `sum(rate(http_requests{component="web",k8s_cluster="prod"}[$window]))`
	s := slos[0]
	if s.Name != "web-availability" || s.AppService != "web" || s.Objective.Percent() != "98%" || s.Total != total ||
		!strings.HasPrefix(s.Bad, "("+total+") - (sum(rate(http_requests{code=~") {
		t.Errorf("%+v", s)
	}
	if s := slos[1]; s.Name != "api-fast" || s.Objective.Percent() != "99.5%" ||
		s.Bad != "sum(rate(errors_total[$window]))" {
		t.Errorf("%+v", s)
	}
	if s := slos[2]; s.Name != "api-2" || s.Objective.Percent() != "99.9%" {
		t.Errorf("%+v", s)
	}
	noted(t, part, "line 20: time window 28d of web-availability", "line 23: web-availability: alertPolicies",
		"line 44: Service web")
}

func TestImportOpenSLORefused(t *testing.T) {
	refused(t, convertOpenSLO, openSLOExample, map[string][3]string{
		"version": {
			"openslo/v1\nkind: SLO", "openslo/v2\nkind: SLO",
			`line 1: apiVersion "openslo/v2"; openslo/v1 is read`,
		},
		"slices":      {"Occurrences", "Timeslices", "line 21: web-availability: budgeting method Timeslices"},
		"no SLI":      {"indicatorRef: errors", "indicatorRef: none", `api: its indicator "none" is not in the file`},
		"threshold":   {"ratioMetric", "thresholdMetric", "only a ratioMetric adds up"},
		"no target":   {"target: 0.98", "op: lt", "web-availability: missing target"},
		"a quotient":  {"sum(rate(errors_total[5m]))", "avg(rate(errors_total[5m]))", "does not add up"},
		"a gauge":     {"sum(rate(requests_total[5m]))", "max(requests)", "total: it has no range"},
		"raw":         {"    bad: {", "    raw: {", "a raw ratio does not add up"},
		"no YAML":     {"kind: SLO", "\t:", "invalid specification of OpenSLO"},
		"no spec":     {"spec:\n  description", "specs:\n  description", "an SLO without a name or a spec"},
		"no PromQL":   {"sum(rate(errors_total[5m]))", "FROM x", "bad: "},
		"no goal":     {"objectives: [{displayName: Foo Total, target: 0.98}]", "objectives: []", "missing objectives"},
		"no total":    {"        total:\n", "        totals:\n", "total: "},
		"other alpha": {"target: 0.98", "target: NaN", "missing target"},
	})
}

func FuzzImportOpenSLO(f *testing.F) { fuzzed(f, convertOpenSLO, openSLOExample) }
