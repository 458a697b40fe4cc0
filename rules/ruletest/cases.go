package ruletest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// kinds of cases that every alert must have.
const (
	KindFiring  = "firing"
	KindQuiet   = "quiet"
	KindRestart = "restart"
	KindTwo     = "two"
)

// promtoolCase holds the fields of a test in rules/tests that covered reads.
type promtoolCase struct {
	Name   string `yaml:"name"`
	Alerts []struct {
		Name   string `yaml:"alertname"`
		Expect []any  `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
	Exprs []struct {
		Expr   string `yaml:"expr"`
		Expect []any  `yaml:"exp_samples"`
	} `yaml:"promql_expr_test"`
}

// fires reports whether the case expects any alert or sample.
func (c promtoolCase) fires() bool {
	for _, a := range c.Alerts {
		if len(a.Expect) > 0 {
			return true
		}
	}
	for _, e := range c.Exprs {
		if len(e.Expect) > 0 {
			return true
		}
	}
	return false
}

// wrong returns why a case proves nothing, or an empty string. A case that is named after an alert must look at that
// alert, any other case at something. A firing case must expect the alert to fire, and at another time to be quiet. A
// quiet case must never expect it to fire.
func (c promtoolCase) wrong() string {
	alert, kind, named := strings.Cut(c.Name, "/")
	kind, _, _ = strings.Cut(kind, "/")
	looks, fires := 0, 0
	for _, a := range c.Alerts {
		if !named || a.Name == alert {
			looks, fires = looks+1, fires+min(1, len(a.Expect))
		}
	}
	for _, e := range c.Exprs {
		if !named || strings.Contains(e.Expr, `"`+alert+`"`) {
			looks, fires = looks+1, fires+min(1, len(e.Expect))
		}
	}
	switch {
	case looks == 0:
		return "looks at nothing"
	case alert == metric.WatchdogAlert.Name:
		return "" // it always fires
	case kind == KindFiring && fires == 0:
		return "never expects the alert to fire"
	case kind == KindFiring && fires == looks:
		return "never expects the alert to be quiet"
	case kind == KindQuiet && fires > 0:
		return "expects the alert to fire"
	}
	return ""
}

// promtoolCases returns the tests in rules/tests that prove something.
func promtoolCases(t *testing.T) []promtoolCase {
	t.Helper()
	files, err := filepath.Glob(pathOf(t, "tests", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []promtoolCase
	for _, file := range files {
		var content struct {
			Tests []promtoolCase `yaml:"tests"`
		}
		decodeFile(t, file, &content)
		for _, test := range content.Tests {
			if wrong := test.wrong(); wrong != "" {
				t.Errorf("%s: %s: %s", file, test.Name, wrong)
				continue
			}
			cases = append(cases, test)
		}
	}
	return cases
}

// endsWithExporter maps alerts of rules/tests that need not fire through a restart of their exporter to the reason.
var endsWithExporter = func() map[string]string {
	reasons := map[string]string{
		metric.PolicyReloadAlert.Name:         "a restart takes the policy that is there, or fails",
		metric.StateNotSavedAlert.Name:        "a restart saves at once",
		metric.EscalationBlindAlert.Name:      "it fires because no exporter reports incidents",
		metric.EnvironmentUnwatchedAlert.Name: "it fires because no exporter measures",
		metric.OOMAlert.Name:                  "it reports a moment",
		metric.TenantsSilentAlert.Name:        "it looks at records of the last hours",
		metric.TrafficVanishedAlert.Name:      "it looks at a record that is kept until events come again",
	}
	for _, a := range []*metric.Alert{
		metric.RuleFailingAlert, metric.RuleMissedAlert, metric.AlertsDroppedAlert, metric.NotificationsFailingAlert,
		metric.NoAlertmanagerAlert,
		metric.PrometheusReloadAlert, metric.AlertmanagerReloadAlert, metric.AlertmanagerSplitAlert,
	} {
		reasons[a.Name] = "Prometheus and Alertmanager report on themselves, as they are after a restart"
	}
	return reasons
}()

// Case is a case of an alert that a subject simulates.
type Case struct {
	// Name is alert/kind, or alert/kind/layout.
	Name string
	// Steady is true if the alert fires on while its exporters restart.
	Steady bool
}

// covered checks that every alert of some subjects has a case that fires, a near miss, one with two watched things and
// one with a restart. An alert on what locations measure has its cases in every layout.
func covered(t *testing.T, subjects []rule.Subject, simulated []Case) {
	t.Helper()
	cases := map[string]bool{}
	fires := map[string]bool{} // while the exporter restarts
	for _, s := range simulated {
		cases[s.Name] = true
		alert, _, _ := strings.Cut(s.Name, "/")
		fires[alert] = fires[alert] || s.Steady
	}
	for _, c := range promtoolCases(t) {
		cases[c.Name] = true
		if alert, kind, _ := strings.Cut(c.Name, "/"); strings.HasPrefix(kind, KindRestart) && c.fires() {
			fires[alert] = true
		}
	}
	for _, name := range alertNames(t, subjects) {
		if cases[name+"/"+KindFiring] {
			for _, kind := range []string{KindFiring, KindQuiet, KindTwo, KindRestart} {
				if !cases[name+"/"+kind] {
					t.Errorf("no test %s/%s; write it in rules/tests", name, kind)
				}
			}
			if reason := endsWithExporter[name]; !fires[name] && reason == "" {
				t.Errorf("no test in which %s fires on while its exporter restarts; write %s/%s/%s in rules/tests", name, name,
					KindRestart, KindFiring)
			} else if fires[name] && reason != "" {
				t.Errorf("%s does fire on while its exporter restarts", name)
			}
			continue
		}
		for _, l := range Layouts {
			for _, kind := range []string{KindFiring, KindQuiet, KindRestart} {
				if name := name + "/" + kind + "/" + l.Name; !cases[name] {
					t.Errorf("no test %s; simulate the alert, or write tests of it in rules/tests", name)
				}
			}
		}
	}
}

// alertNames returns the names of the alerts of some subjects.
func alertNames(t *testing.T, subjects []rule.Subject) []string {
	t.Helper()
	var names []string
	for _, s := range subjects {
		groups, err := s.Groups(Policy(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			for _, r := range g.Rules {
				if r.Alert != nil && !slices.Contains(names, r.Alert.Name) {
					names = append(names, r.Alert.Name)
				}
			}
		}
	}
	return names
}
