package dashboards

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	promstorage "github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/internal/dashboardtest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

const (
	// steps are the points of a graph on half of a wide screen, over the six hours that most dashboards show at first.
	steps6h = 720
	// mostAt1000 and mostAt10000 bound the samples that one panel reads with as many tenants. Prometheus reads ten
	// million samples in about a second and refuses 50 million at once.
	mostAt1000, mostAt10000 = 2_000_000, 20_000_000
	// overviewAt1000 bounds those of the whole overview, which is refreshed twice a minute.
	overviewAt1000 = 50_000
)

// TestSamples bounds what a panel reads with 1,000 tenants, and by arithmetic with 10,000.
func TestSamples(t *testing.T) {
	few, many := samplesPerPanel(t, 100), samplesPerPanel(t, 1000)
	for name, at1000 := range many {
		at10000 := at1000 + (at1000-few[name])*10
		if at1000 > mostAt1000 || at10000 > mostAt10000 {
			t.Errorf("%s reads %d samples with 1,000 tenants and %d with 10,000", name, at1000, at10000)
		}
	}
	overview := int64(0)
	for name, at1000 := range many {
		if strings.HasPrefix(name, metric.OverviewDashboard+"/") {
			overview += at1000
		}
	}
	if overview > overviewAt1000 {
		t.Errorf("the overview reads %d samples with 1,000 tenants", overview)
	}
	if len(many) < 100 {
		t.Errorf("%d panels", len(many))
	}
}

// samplesPerPanel stores every metric and record with a number of tenants and returns what each panel reads.
func samplesPerPanel(t *testing.T, tenants int) map[string]int64 {
	t.Helper()
	p := &platform{World: ruletest.EmptyWorld(t), t: t}
	declared := map[string][]string{}
	for _, m := range metric.All() {
		declared[m.Name] = m.Labels
	}
	for _, r := range metric.Records() {
		declared[r.Name] = r.Labels
	}
	app := p.Store.AppenderV2(context.Background())
	for name, has := range declared {
		m := &metric.Metric{Name: name, Labels: slices.DeleteFunc(slices.Clone(has), func(l string) bool {
			return l == metric.LabelEnvironment
		})}
		for _, set := range dashboardtest.Sets(m) {
			copies := 1
			if set[metric.LabelTenant] == "acme" {
				copies = tenants
			}
			for i := range copies {
				b := labels.NewBuilder(labels.FromMap(set))
				b.Set("__name__", name).Set(metric.LabelEnvironment, "production").Set("job", "thorbis").Set("instance", "a:9190")
				if copies > 1 {
					b.Set(metric.LabelTenant, fmt.Sprintf("tenant-%05d", i))
				}
				for at := 0; at <= 60; at += 15 {
					if _, err := app.Append(0, b.Labels(), 0, ruletest.At(at).UnixMilli(), 1, nil, nil,
						promstorage.AOptions{}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	read := map[string]int64{}
	for _, d := range parsed(t) {
		for _, panel := range panels(d) {
			for _, q := range panel.Targets {
				_, samples := p.ask(dashboardtest.Fill(q.Expr), 60)
				if !q.Instant {
					samples *= steps6h
				}
				read[d.UID+"/"+panel.Title] += samples
			}
		}
	}
	return read
}

// TestLongRanges holds that what looks back for a day or more reads no series of tenants or checks, of which there may
// be tens of thousands.
func TestLongRanges(t *testing.T) {
	has := map[string][]string{}
	for _, m := range metric.All() {
		has[m.Name] = m.Labels
	}
	for _, r := range metric.Records() {
		has[r.Name] = r.Labels
	}
	for file, d := range parsed(t) {
		for _, p := range panels(d) {
			for _, q := range p.Targets {
				inspect(t, q.Expr, func(node parser.Node, _ []string) {
					m, ok := node.(*parser.MatrixSelector)
					if !ok || m.Range < 24*time.Hour {
						return
					}
					s := m.VectorSelector.(*parser.VectorSelector)
					if slices.Contains(has[seriesName(s)], metric.LabelTenant) && !slices.ContainsFunc(s.LabelMatchers,
						func(l *labels.Matcher) bool { return l.Name == metric.LabelTenant && l.Value == "" }) {
						t.Errorf("%s: %q reads %s of every tenant", file, p.Title, m)
					}
				})
			}
		}
	}
}
