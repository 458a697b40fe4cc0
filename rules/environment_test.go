package rules_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// environmentPolicy is the test policy for an environment, with an objective of its own over our own series.
func environmentPolicy(t *testing.T, environment string) *config.Policy {
	t.Helper()
	p := ruletest.Policy(t)
	p.Environment = environment
	p.Health.Locations = nil
	p.Health.Checks = slices.DeleteFunc(p.Health.Checks, func(c *config.Check) bool { return c.AppService != "web" })
	p.Health.Checks = append(p.Health.Checks, &config.Check{Name: "home", AppService: "web"})
	p.SLOs = p.SLOs[:1]
	p.SLOs[0].Bad = `sum(rate(thorbis_tenant_requests_total{code_class="5xx"}[$window]))`
	p.SLOs[0].Total = `sum(rate(thorbis_tenant_requests_total[$window]))`
	return p
}

// environmentStory is an outage of a check and failing requests, more of them in one environment than in the other.
func environmentStory(environment string, length int) scenario {
	exporters := ruletest.Layouts[ruletest.TwoLocations].Place(1, ruletest.Outage(begin, begin+length))
	return scenario{Name: environment, Exporters: append(exporters, ruletest.TwoReceivers.Carry(
		ruletest.Tenants(3, "standard", 4, ruletest.EveryTenant(.3, begin, begin+2*length))...)...)}
}

// TestTwoPolicies checks that two bundles in one Prometheus record and alert what each of them does alone.
func TestTwoPolicies(t *testing.T) {
	ruletest.Simulates(t)
	const until = begin + 25*minute
	lengths := map[string]int{"production": 3 * minute, "staging": 7 * minute}
	names := slices.Sorted(maps.Keys(lengths))
	var policies []*config.Policy
	var scenarios []scenario
	for _, name := range names {
		policies = append(policies, environmentPolicy(t, name))
		scenarios = append(scenarios, environmentStory(name, lengths[name]))
	}
	together := ruletest.NewWorldOf(t, policies, scenarios...)
	together.Run(until)
	for _, name := range names {
		alone := ruletest.NewWorldOf(t, []*config.Policy{environmentPolicy(t, name)}, environmentStory(name, lengths[name]))
		alone.Run(until)
		if got, want := fmt.Sprint(together.Fired(name)), fmt.Sprint(alone.Fired(name)); got != want ||
			len(alone.Fired(name)) == 0 {
			t.Errorf("%s: together %s fired, alone %s", name, got, want)
		}
		recorded := 0
		for _, r := range metric.Records() {
			query := r.Select(rule.EnvironmentMatcher(name))
			got, want := together.ValuesOf(until-1, query), alone.ValuesOf(until-1, query)
			if !maps.Equal(got, want) {
				t.Errorf("%s: together %v, alone %v", query, got, want)
			}
			recorded += len(want)
		}
		for _, total := range []*metric.Record{
			metric.ObservedTotals.Total, metric.DownTotals.Total, metric.OutagesTotals.Total, metric.EventsTotals.Total,
			metric.BadTotals.Total, metric.TenantBadIncrease["1h"], metric.TenantError["1h"],
		} {
			if len(alone.ValuesOf(until-1, total.Select(rule.EnvironmentMatcher(name)))) == 0 {
				t.Errorf("%s: %s has no series; the story shows nothing of it", name, total.Name)
			}
		}
		if recorded < 100 {
			t.Errorf("%s: %d series are recorded; the story shows too little", name, recorded)
		}
	}
}

// templateQuery finds the queries that annotations make.
var templateQuery = regexp.MustCompile(`printf "([^|]*?)" \$labels`)

// TestEnvironmentOfSelectors checks which selectors name an environment. Those of expressions name the policy's, or
// none: TestOtherEnvironmentsChangeNothing checks that this is enough. Queries of annotations name that of the alert.
func TestEnvironmentOfSelectors(t *testing.T) {
	p := ruletest.Policy(t)
	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	deliberate := map[string]bool{ // what other bundles there are
		metric.PolicyErrorBudget.Select(rule.OtherEnvironments(p.Environment)): true,
		// The exporters of this environment whose scrape job replaced it.
		metric.PolicyInfo.Select(rule.OtherEnvironments(p.Environment), `exported_environment="`+p.Environment+`"`): true,
	}
	selectors, queries := 0, 0
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			root, err := rule.Grammar.ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
				s, ok := node.(*parser.VectorSelector)
				if !ok || deliberate[(&parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers}).String()] {
					return nil
				}
				for _, m := range s.LabelMatchers {
					if m.Name == metric.LabelEnvironment {
						selectors++
						if m.Type != labels.MatchEqual || m.Value != p.Environment {
							t.Errorf("%s reads %s", r.Name(), s)
						}
					}
				}
				return nil
			})
			for _, text := range r.Annotations {
				for _, q := range templateQuery.FindAllStringSubmatch(text, -1) {
					queries++
					if !strings.Contains(q[1], `environment=%q`) {
						t.Errorf("%s: an annotation asks %s of any environment", r.Name(), q[1])
					}
				}
				if strings.Count(text, "| query") != len(templateQuery.FindAllString(text, -1)) {
					t.Errorf("%s: an annotation has a query that this test cannot read: %s", r.Name(), text)
				}
			}
		}
	}
	if selectors < 500 || queries < 20 {
		t.Errorf("%d selectors and %d queries were looked at", selectors, queries)
	}
}
