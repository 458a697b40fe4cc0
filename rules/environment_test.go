package rules

import (
	"context"
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
)

// environmentPolicy is the test policy for an environment, with an objective of its own over our own series.
func environmentPolicy(t *testing.T, environment string) *config.Policy {
	t.Helper()
	p := testPolicy(t)
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
	exporters := layouts[twoLocations].place(1, outage(begin, begin+length))
	return scenario{environment, append(exporters, twoReceivers.carry(crowd(3, "standard", 4, everyTenant(.3, begin, begin+2*length))...)...)}
}

// TestTwoPolicies checks that two bundles in one Prometheus record and alert what each of them does alone.
func TestTwoPolicies(t *testing.T) {
	simulates(t)
	const until = begin + 25*minute
	lengths := map[string]int{"production": 3 * minute, "staging": 7 * minute}
	names := slices.Sorted(maps.Keys(lengths))
	var policies []*config.Policy
	var scenarios []scenario
	for _, name := range names {
		policies = append(policies, environmentPolicy(t, name))
		scenarios = append(scenarios, environmentStory(name, lengths[name]))
	}
	together := newWorldOf(t, policies, scenarios...)
	together.run(until)
	for _, name := range names {
		alone := newWorldOf(t, []*config.Policy{environmentPolicy(t, name)}, environmentStory(name, lengths[name]))
		alone.run(until)
		if got, want := fmt.Sprint(together.fired(name)), fmt.Sprint(alone.fired(name)); got != want || len(alone.fired(name)) == 0 {
			t.Errorf("%s: together %s fired, alone %s", name, got, want)
		}
		recorded := 0
		for _, r := range metric.Records() {
			query := r.Select(environmentMatcher(name))
			got, want := together.series(until-1, query), alone.series(until-1, query)
			if !maps.Equal(got, want) {
				t.Errorf("%s: together %v, alone %v", query, got, want)
			}
			recorded += len(want)
		}
		for _, total := range []*metric.Record{
			metric.ObservedLedger.Total, metric.DownLedger.Total, metric.OutagesLedger.Total, metric.EventsLedger.Total,
			metric.BadLedger.Total, metric.TenantRequestsLedger.Total, metric.TenantBadLedger.Total,
		} {
			if len(alone.series(until-1, total.Select(environmentMatcher(name)))) == 0 {
				t.Errorf("%s: %s has no series; the story shows nothing of it", name, total.Name)
			}
		}
		if recorded < 100 {
			t.Errorf("%s: %d series are recorded; the story shows too little", name, recorded)
		}
	}
}

// series returns the values of a query by their labels.
func (w *world) series(t int, query string) map[string]float64 {
	w.t.Helper()
	q, err := w.engine.NewInstantQuery(context.Background(), w.store, nil, query, at(t))
	if err != nil {
		w.t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	found := map[string]float64{}
	for _, s := range v {
		found[s.Metric.String()] = s.F
	}
	return found
}

// templateQuery finds the queries that annotations make.
var templateQuery = regexp.MustCompile(`printf "([^|]*?)" \$labels`)

// TestEnvironmentOfSelectors checks that every selector of a series of ours names the environment, in expressions and
// in queries of annotations.
func TestEnvironmentOfSelectors(t *testing.T) {
	p := testPolicy(t)
	b, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	deliberate := map[string]bool{ // what other bundles there are
		metric.PolicyErrorBudget.Select(otherEnvironments(p.Environment)): true,
		// The exporters of this environment whose scrape job replaced it.
		metric.PolicyInfo.Select(otherEnvironments(p.Environment), `exported_environment="`+p.Environment+`"`): true,
	}
	selectors, queries := 0, 0
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			root, err := grammar.ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
				s, ok := node.(*parser.VectorSelector)
				if !ok || !strings.Contains(s.String(), "thorbis") || deliberate[(&parser.VectorSelector{Name: s.Name, LabelMatchers: s.LabelMatchers}).String()] {
					return nil
				}
				if strings.HasPrefix(s.Name, "prometheus_") {
					return nil // Prometheus on the groups of this bundle
				}
				selectors++
				if !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
					return m.Name == metric.LabelEnvironment && m.Type == labels.MatchEqual && m.Value == p.Environment
				}) {
					t.Errorf("%s reads %s of any environment", r.name(), s)
				}
				return nil
			})
			for _, text := range r.Annotations {
				for _, q := range templateQuery.FindAllStringSubmatch(text, -1) {
					queries++
					if !strings.Contains(q[1], `environment=%q`) {
						t.Errorf("%s: an annotation asks %s of any environment", r.name(), q[1])
					}
				}
				if strings.Count(text, "| query") != len(templateQuery.FindAllString(text, -1)) {
					t.Errorf("%s: an annotation has a query that this test cannot read: %s", r.name(), text)
				}
			}
		}
	}
	if selectors < 500 || queries < 20 {
		t.Errorf("%d selectors and %d queries were looked at", selectors, queries)
	}
}

// TestRestrict checks that the environment is added once, however a series is selected.
func TestRestrict(t *testing.T) {
	sc := scopeOf("production")
	for expr, want := range map[string]string{
		`thorbis_x`:                                     `thorbis_x{environment="production"}`,
		`sum(rate(thorbis_x[5m]))`:                      `sum(rate(thorbis_x{environment="production"}[5m]))`,
		`thorbis_x{}`:                                   `thorbis_x{environment="production",}`,
		"thorbis_x # why\n{a=\"b\"} offset 5m":          "thorbis_x # why\n{environment=\"production\",a=\"b\"} offset 5m",
		`{__name__="thorbis_x"}`:                        `{environment="production",__name__="thorbis_x"}`,
		`{"thorbis_x",a="b"}`:                           `{environment="production","thorbis_x",a="b"}`,
		`{__name__=~"thorbis_.*"}`:                      `{environment="production",__name__=~"thorbis_.*"}`,
		`thorbis_x{environment="production"}`:           `thorbis_x{environment="production"}`,
		`thorbis_x{environment!="production"}`:          `thorbis_x{environment!="production"}`,
		`thorbis_x{environment=~"prod.*"}`:              `thorbis_x{environment="production",environment=~"prod.*"}`,
		`check:thorbis_health_down:quorum`:              `check:thorbis_health_down:quorum{environment="production"}`,
		`ALERTS{bundle="thorbis"}`:                      `ALERTS{environment="production",bundle="thorbis"}`,
		`ALERTS{alertname="Mine"}`:                      `ALERTS{alertname="Mine"}`,
		`job:thorbis_requests:mine`:                     `job:thorbis_requests:mine`,
		`shop_orders_total + on () thorbis_x`:           `shop_orders_total + on () thorbis_x{environment="production"}`,
		`max_over_time(thorbis_x[1h:1m] @ end()) > 0.5`: `max_over_time(thorbis_x{environment="production"}[1h:1m] @ end()) > 0.5`,
	} {
		got, err := sc.restrict(expr)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", expr, got, err, want)
		}
		if again, err := sc.restrict(got); err != nil || again != got {
			t.Errorf("%s: restricted again it is %s, %v", expr, again, err)
		}
	}
}

// TestOwnObjectiveOfAnotherEnvironment checks that an objective on series of another environment is refused: it would
// count nothing.
func TestOwnObjectiveOfAnotherEnvironment(t *testing.T) {
	for matcher, fine := range map[string]bool{
		`environment="staging"`: false, `environment!="production"`: false, `environment=~"stag.*"`: false,
		`environment="production"`: true, `environment=~"prod.*"`: true, `code_class="2xx"`: true,
	} {
		p := testPolicy(t)
		p.SLOs[0].Total = `sum(rate(thorbis_tenant_requests_total{` + matcher + `}[$window]))`
		_, err := Build(p)
		if fine != (err == nil) || err != nil && (!strings.Contains(err.Error(), "policy.yaml:") || !strings.Contains(err.Error(), "another environment")) {
			t.Errorf("%s: %v", matcher, err)
		}
	}
	p := testPolicy(t)
	p.SLOs[0].Total = `sum(rate(shop_orders_total{environment="live"}[$window]))`
	if _, err := Build(p); err != nil {
		t.Errorf("another program's environment is refused: %v", err)
	}
}
