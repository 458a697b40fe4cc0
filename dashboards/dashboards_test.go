package dashboards

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestSameBytes(t *testing.T) {
	p := policytest.Default(t)
	first, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, err := Build(p)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range first {
			if string(again[name]) != string(text) {
				t.Fatalf("%s came out otherwise", name)
			}
		}
	}
}

// foreign are the labels of series of other programs that dashboards select by.
var foreign = map[string][]string{
	"ALERTS": {
		metric.LabelAlertname, metric.LabelBundle, metric.LabelPriority, metric.LabelTenant, "alertstate",
	},
	"ALERTS_FOR_STATE": {metric.LabelAlertname, metric.LabelBundle, metric.LabelPriority, metric.LabelTenant},
	seriesUp:           target, scrapeDuration: target, scrapeSamples: target, residentMemory: target,
	processSeconds: target, ruleGroupSeconds: ruleGroup, ruleGroupInterval: ruleGroup, ruleFailures: target,
	ruleMisses: target, alertmanagersKnown: target, alertsNotDelivered: target, alertsDropped: target,
	prometheusReload: target, alertmanagerReload: target, notificationsSent: target, notificationsFailed: target,
	notificationSeconds: target, notificationsMeasured: target,
}

var (
	target    = []string{"job", "instance"}
	ruleGroup = []string{"job", "instance", "rule_group"}
)

// TestNames holds that every query asks for declared series, by labels that they have.
func TestNames(t *testing.T) {
	has := map[string][]string{}
	for _, m := range metric.All() {
		has[m.Name] = append([]string{metric.LabelEnvironment, "job", "instance"}, m.Labels...)
		if m.Type == metric.Histogram {
			has[m.Name+"_bucket"] = append([]string{"le"}, has[m.Name]...)
		}
	}
	for _, r := range metric.Records() {
		has[r.Name] = append([]string{metric.LabelEnvironment}, r.Labels...)
	}
	for name, labels := range foreign {
		has[name] = append([]string{metric.LabelEnvironment}, labels...)
	}
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			for _, q := range p.Targets {
				root, err := grammar.ParseExpr(interpolate(q.Expr))
				if err != nil {
					t.Fatalf("%s: %s: %v", file, q.Expr, err)
				}
				parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
					s, ok := node.(*parser.VectorSelector)
					if !ok {
						return nil
					}
					known, ok := has[seriesName(s)]
					if !ok {
						t.Errorf("%s: %q asks for %s, which nothing declares", file, p.Title, seriesName(s))
						return nil
					}
					for _, m := range s.LabelMatchers {
						if m.Name != "__name__" && !slices.Contains(known, m.Name) {
							t.Errorf("%s: %q: %s has no label %s", file, p.Title, seriesName(s), m.Name)
						}
					}
					return nil
				})
			}
		}
	}
}

// TestPanels holds that titles and query letters are unique.
func TestPanels(t *testing.T) {
	for file, d := range parsed(t) {
		titles := map[string]bool{}
		for _, p := range panels(d) {
			if titles[p.Title] {
				t.Errorf("%s: two panels are called %q", file, p.Title)
			}
			titles[p.Title] = true
			letters := map[string]bool{}
			for _, q := range p.Targets {
				if letters[q.RefID] || strings.TrimSpace(q.RefID) == "" {
					t.Errorf("%s: %q has two queries %q", file, p.Title, q.RefID)
				}
				letters[q.RefID] = true
			}
		}
	}
}

// TestCommitted holds that the dashboards in the tree are those of the embedded default.
func TestCommitted(t *testing.T) {
	p := policytest.Default(t)
	files, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what its Go file says; run make generate", name)
		}
	}
}
