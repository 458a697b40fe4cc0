package ruletest

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestEmptyCases checks that a case that proves nothing is found.
func TestEmptyCases(t *testing.T) {
	const (
		nothing    = "looks at nothing"
		neverFires = "never expects the alert to fire"
	)
	for text, want := range map[string]string{
		`{name: A/quiet}`: nothing,

		`{name: A/two, promql_expr_test: [{expr: 'count(ALERTS{alertname="B"})', exp_samples: [{value: 1}]}]}`: nothing,

		`{name: A/firing, promql_expr_test: [{expr: 'ALERTS{alertname="A"}', exp_samples: []}]}`: neverFires,

		`{name: A/firing, alert_rule_test: [{alertname: A, exp_alerts: [{}]}]}`:    "never expects the alert to be quiet",
		`{name: A/quiet/one, alert_rule_test: [{alertname: A, exp_alerts: [{}]}]}`: "expects the alert to fire",
		`{name: A/quiet, alert_rule_test: [{alertname: A, exp_alerts: []}]}`:       "",
		`{name: a sentence, promql_expr_test: [{expr: up, exp_samples: []}]}`:      "",
	} {
		var c promtoolCase
		if err := yaml.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		if got := c.wrong(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
