package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/metric"
)

// begin is when things go wrong in the simulated cases.
const begin = 8 * minute

// simulated is an alert's case over every layout. It holds what makes the alert fire, the near miss, and the behaviour
// while its exporters restart one after the other.
type simulated struct {
	alert    *metric.Alert
	priority string
	fires    func(l layout, e *simExporter)
	misses   func(l layout, e *simExporter)
	// steady alerts fire through a rolling restart without a gap; the others are quiet in one.
	steady bool
	// copies are further things that each exporter watches.
	copies int
	copy   func(i int, e *simExporter)
}

func broken(s ...spell) func(layout, *simExporter) {
	return func(_ layout, e *simExporter) { e.broken = s }
}

func atFirst(l layout, e *simExporter) bool { return e.location == l.exporters[0].location }

func flaps(n int) []spell {
	var s []spell
	for i := range n {
		s = append(s, spell{begin + 2*minute*i, begin + 2*minute*i + 25})
	}
	return s
}

var simulations = []simulated{
	{
		alert: metric.CheckDownAlert, priority: "P1", steady: true,
		fires: broken(spell{begin, begin + 20*minute}), misses: broken(spell{begin, begin + 25}),
	},
	{
		alert: metric.TenantDownAlert, priority: "P2", steady: true,
		fires: func(_ layout, e *simExporter) {
			e.tenant, e.tier, e.page, e.broken = "acme", "enterprise", "P2", []spell{{begin, begin + 20*minute}}
		},
		misses: func(_ layout, e *simExporter) {
			e.tenant, e.tier, e.page, e.broken = "acme", "enterprise", "P2", []spell{{begin, begin + 25}}
		},
	},
	{
		alert: metric.TierDownAlert, priority: "P2", steady: true, copies: 3,
		copy: func(i int, e *simExporter) {
			e.tenant, e.tier, e.page = fmt.Sprintf("t%d", i), "standard", "P4"
		},
		fires: broken(spell{begin, begin + 20*minute}),
		misses: func(_ layout, e *simExporter) {
			if e.tenant != "t2" {
				e.broken = []spell{{begin, begin + 20*minute}}
			}
		},
	},
	{
		alert: metric.ManyTenantsDownAlert, priority: "P1", steady: true, copies: storm,
		copy: func(i int, e *simExporter) {
			e.tenant, e.tier, e.page = fmt.Sprintf("t%d", i), "free", "P4"
		},
		fires: broken(spell{begin, begin + 7*minute}),
		misses: func(_ layout, e *simExporter) {
			if e.tenant != "t7" {
				e.broken = []spell{{begin, begin + 7*minute}}
			}
		},
	},
	{
		alert: metric.UptimeBurnAlert, priority: "P2", steady: true,
		fires:  func(_ layout, e *simExporter) { e.interval, e.broken = 10, flaps(15) },
		misses: func(_ layout, e *simExporter) { e.interval, e.broken = 10, flaps(1) },
	},
	{
		alert: metric.CertificateAlert, priority: "P3", steady: true,
		fires:  func(_ layout, e *simExporter) { e.certificate = float64(at(begin + 14*day).Unix()) },
		misses: func(_ layout, e *simExporter) { e.certificate = float64(at(begin + 15*day).Unix()) },
	},
	{
		alert: metric.EnvironmentUnwatchedAlert, priority: "P1",
		fires:  func(_ layout, e *simExporter) { e.off = []spell{{begin, begin + 25*minute}} },
		misses: func(_ layout, e *simExporter) { e.off = []spell{{begin, begin + 6*minute}} },
	},
	{
		alert: metric.ServiceUnwatchedAlert, priority: "P1", copies: 2,
		copy: func(i int, e *simExporter) {
			e.service, e.check = []string{"web", "api"}[i], []string{"home", "api"}[i]
			e.instance += "-" + e.service
		},
		fires: func(_ layout, e *simExporter) {
			if e.service == "api" {
				e.off = []spell{{begin, begin + 25*minute}}
			}
		},
		misses: func(_ layout, e *simExporter) {
			if e.service == "api" {
				e.off = []spell{{begin, begin + 6*minute}}
			}
		},
	},
	{
		alert: metric.CheckSilentAlert, priority: "P2", copies: 2,
		copy: func(i int, e *simExporter) { e.check = fmt.Sprintf("check-%d", i) },
		fires: func(_ layout, e *simExporter) {
			if e.check == "check-1" {
				e.hung = []spell{{begin, begin + 30*minute}}
			}
		},
		misses: func(_ layout, e *simExporter) {
			if e.check == "check-1" {
				e.hung = []spell{{begin, begin + 6*minute}}
			}
		},
	},
	{
		alert: metric.CheckUnknownAlert, priority: "P2",
		fires:  func(_ layout, e *simExporter) { e.blind = []spell{{begin, begin + 30*minute}} },
		misses: func(_ layout, e *simExporter) { e.blind = []spell{{begin, begin + 10*minute}} },
	},
	{
		alert: metric.LocationSilentAlert, priority: "P3",
		fires: func(l layout, e *simExporter) {
			if atFirst(l, e) {
				e.off = []spell{{begin, begin + 25*minute}}
			}
		},
		misses: func(l layout, e *simExporter) {
			if atFirst(l, e) {
				e.off = []spell{{begin, begin + 6*minute}}
			}
		},
	},
	{
		alert: metric.ProberOfflineAlert, priority: "P3",
		fires: func(l layout, e *simExporter) {
			if atFirst(l, e) {
				e.blind = []spell{{begin, begin + 20*minute}}
			}
		},
		misses: func(l layout, e *simExporter) {
			if atFirst(l, e) {
				e.blind = []spell{{begin, begin + 4*minute}}
			}
		},
	},
	{
		alert: metric.ReferenceDeadAlert, priority: "P4",
		fires: func(l layout, e *simExporter) {
			if atFirst(l, e) {
				e.unreferred = []spell{{begin, begin + 25*minute}}
			}
		},
		misses: func(l layout, e *simExporter) {
			if atFirst(l, e) {
				e.unreferred = []spell{{begin, begin + 9*minute}}
			}
		},
	},
	{
		alert: metric.ExporterDownAlert, priority: "P3",
		fires: func(_ layout, e *simExporter) {
			if e.instance == "a" {
				e.off = []spell{{begin, begin + 20*minute}}
			}
		},
		misses: func(_ layout, e *simExporter) {
			if e.instance == "a" {
				e.off = []spell{{begin, begin + 90}}
			}
		},
	},
}

// kinds of cases that every alert must have.
const (
	kindFiring  = "firing"
	kindQuiet   = "quiet"
	kindRestart = "restart"
	kindTwo     = "two"
)

func (s simulated) name(kind string, l layout) string {
	return s.alert.Name + "/" + kind + "/" + l.name
}

// worlds builds the scenarios of a simulated alert.
func (s simulated) worlds() []scenario {
	var out []scenario
	for _, l := range layouts {
		for _, kind := range []string{kindFiring, kindQuiet, kindRestart} {
			var all []*simExporter
			for c := range max(1, s.copies) {
				all = append(all, l.place(1, func(i int, e *simExporter) {
					if s.copy != nil {
						s.copy(c, e)
					}
					switch {
					case kind == kindFiring || kind == kindRestart && s.steady:
						s.fires(l, e)
					case kind == kindQuiet:
						s.misses(l, e)
					}
					if kind == kindRestart {
						e.off = append(e.off, spell{begin + 3*minute + i*minute, begin + 3*minute + i*minute + 35})
					}
				})...)
			}
			out = append(out, scenario{s.name(kind, l), all})
		}
	}
	return out
}

// TestAlerts runs every simulated alert over every layout.
func TestAlerts(t *testing.T) {
	simulates(t)
	for _, s := range simulations {
		t.Run(s.alert.Name, func(t *testing.T) {
			worlds := s.worlds()
			w := newWorld(t, worlds...).onlyHealth()
			until := begin + 34*minute
			if s.copies > 10 { // slow, so only what it needs
				until = begin + 8*minute
				w.groupsOnly = []string{"thorbis-policy-1", "thorbis-health-down", "thorbis-health-crowds", "thorbis-health-ledger"}
			}
			w.run(until)
			for _, world := range worlds {
				fired := w.fired(world.name, s.alert.Name)
				want := 0
				if strings.Contains(world.name, "/"+kindFiring+"/") || strings.Contains(world.name, "/"+kindRestart+"/") && s.steady {
					want = 1
				}
				if len(fired) != want || want == 1 && (fired[0].priority != s.priority || fired[0].from < begin) {
					t.Errorf("%s: fired %v, want %d at %s", world.name, fired, want, s.priority)
				}
			}
		})
	}
}

// endsWithExporter maps alerts of rules/tests that need not fire through a restart of their exporter to the reason.
var endsWithExporter = func() map[string]string {
	reasons := map[string]string{
		metric.PolicyReloadAlert.Name:         "a restart takes the policy that is there, or fails",
		metric.StateNotSavedAlert.Name:        "a restart saves at once",
		metric.EscalationBlindAlert.Name:      "it fires because there is no exporter to tell",
		metric.EnvironmentUnwatchedAlert.Name: "it fires because no exporter measures",
		metric.OOMAlert.Name:                  "it tells of a moment",
		metric.TenantsSilentAlert.Name:        "it looks at records of the last hours",
		metric.TrafficVanishedAlert.Name:      "it looks at a record that is kept until events come again",
	}
	for _, a := range []*metric.Alert{
		metric.RuleFailingAlert, metric.RuleMissedAlert, metric.AlertsDroppedAlert, metric.NotificationsFailingAlert, metric.NoAlertmanagerAlert,
		metric.PrometheusReloadAlert, metric.AlertmanagerReloadAlert, metric.AlertmanagerSplitAlert,
	} {
		reasons[a.Name] = "Prometheus and Alertmanager tell of themselves, as they are after a restart"
	}
	return reasons
}()

// TestCoverage checks that every alert has a case that fires, a near miss, one with two watched things and one with a
// restart. An alert on what locations measure has its cases in every layout.
func TestCoverage(t *testing.T) {
	cases := map[string]bool{}
	for _, s := range simulations {
		for _, w := range s.worlds() {
			cases[w.name] = true
		}
	}
	fires := map[string]bool{} // while the exporter restarts
	for _, s := range requestSimulations {
		fires[s.alert.Name] = s.steady
		for _, w := range s.worlds() {
			cases[w.name] = true
		}
	}
	for _, c := range promtoolCases(t) {
		cases[c.Name] = true
		if alert, kind, _ := strings.Cut(c.Name, "/"); strings.HasPrefix(kind, kindRestart) && c.fires() {
			fires[alert] = true
		}
	}
	for _, a := range metric.Alerts() {
		if cases[a.Name+"/"+kindFiring] {
			for _, kind := range []string{kindFiring, kindQuiet, kindTwo, kindRestart} {
				if !cases[a.Name+"/"+kind] {
					t.Errorf("no test %s/%s; write it in rules/tests", a.Name, kind)
				}
			}
			if reason := endsWithExporter[a.Name]; !fires[a.Name] && reason == "" {
				t.Errorf("no test in which %s fires on while its exporter restarts; write %s/%s/%s in rules/tests", a.Name, a.Name, kindRestart, kindFiring)
			} else if fires[a.Name] && reason != "" {
				t.Errorf("%s does fire on while its exporter restarts", a.Name)
			}
			continue
		}
		for _, l := range layouts {
			for _, kind := range []string{kindFiring, kindQuiet, kindRestart} {
				if name := a.Name + "/" + kind + "/" + l.name; !cases[name] {
					t.Errorf("no test %s; simulate the alert, or write tests of it in rules/tests", name)
				}
			}
		}
	}
}

// promtoolCase holds the fields of a test in rules/tests that TestCoverage reads.
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
	case kind == kindFiring && fires == 0:
		return "never expects the alert to fire"
	case kind == kindFiring && fires == looks:
		return "never expects the alert to be quiet"
	case kind == kindQuiet && fires > 0:
		return "expects the alert to fire"
	}
	return ""
}

// TestEmptyCases checks that a case that proves nothing is found.
func TestEmptyCases(t *testing.T) {
	for text, want := range map[string]string{
		`{name: A/quiet}`: "looks at nothing",
		`{name: A/two, promql_expr_test: [{expr: 'count(ALERTS{alertname="B"})', exp_samples: [{value: 1}]}]}`: "looks at nothing",
		`{name: A/firing, promql_expr_test: [{expr: 'ALERTS{alertname="A"}', exp_samples: []}]}`:               "never expects the alert to fire",
		`{name: A/firing, alert_rule_test: [{alertname: A, exp_alerts: [{}]}]}`:                                "never expects the alert to be quiet",
		`{name: A/quiet/one, alert_rule_test: [{alertname: A, exp_alerts: [{}]}]}`:                             "expects the alert to fire",
		`{name: A/quiet, alert_rule_test: [{alertname: A, exp_alerts: []}]}`:                                   "",
		`{name: a sentence, promql_expr_test: [{expr: up, exp_samples: []}]}`:                                  "",
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

// promtoolCases returns the tests in rules/tests that prove something.
func promtoolCases(t *testing.T) []promtoolCase {
	t.Helper()
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []promtoolCase
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Tests []promtoolCase `yaml:"tests"`
		}
		if err := yaml.Unmarshal(text, &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
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
