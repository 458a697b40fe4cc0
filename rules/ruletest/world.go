// Package ruletest is the test kit of the rules: simulated exporters and requests, judged by the generated rules in
// Prometheus' own engine, and the checks that every subject has.
package ruletest

import (
	"cmp"
	"context"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Epoch is the start of simulations: a quarter to the hour, so that a full hour comes early.
var Epoch = time.Date(2026, 3, 1, 8, 45, 0, 0, time.UTC)

// init collects garbage less often, here and in promtool. Heaps are small compared with the garbage, and collection
// would take a sixth to a quarter of the processor time.
func init() {
	const percent = 400
	debug.SetGCPercent(percent)
	_ = os.Setenv("GOGC", strconv.Itoa(percent))
}

// Scenario is one world of exporters. Its environment label separates it from other scenarios.
type Scenario struct {
	Name      string
	Exporters []*Exporter
}

// World runs scenarios against the generated rules with Prometheus' own engine, storage and rule groups.
type World struct {
	t         testing.TB
	Scenarios []Scenario
	Store     *teststorage.TestStorage
	Engine    *promql.Engine
	Groups    []*promrules.Group
	// GroupsOnly names the groups to evaluate, all if empty.
	GroupsOnly    []string
	PrometheusOff []Spell
	// RulesOff is when nothing is evaluated, though Prometheus scrapes.
	RulesOff []Spell
	// Staggered spreads the groups over their intervals, as Prometheus does by a hash of their files and names. Each
	// text spreads them differently, an empty one not at all.
	Staggered string

	open    map[string]map[string]*Firing // scenario, fingerprint
	history map[string][]Firing           // scenario
}

// NewWorld returns a world that is judged by the test policy, for the environment of each scenario.
func NewWorld(t testing.TB, scenarios ...Scenario) *World {
	t.Helper()
	return NewWorldWithPeriod(t, 0, scenarios...)
}

// EmptyWorld has no rules yet.
func EmptyWorld(t testing.TB, scenarios ...Scenario) *World {
	t.Helper()
	w := &World{
		t: t, Scenarios: scenarios,
		Store:   teststorage.New(t),
		open:    map[string]map[string]*Firing{},
		history: map[string][]Firing{},
	}
	w.Engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		Parser: parser.NewParser(parser.Options{}),
	})
	t.Cleanup(func() { _ = w.Engine.Close() })
	return w
}

// NewWorldWithPeriod judges by another period than the test policy's unless it is 0.
func NewWorldWithPeriod(t testing.TB, period time.Duration, scenarios ...Scenario) *World {
	t.Helper()
	w := EmptyWorld(t, scenarios...)
	p := Policy(t)
	p.Health.Locations = nil
	p.Health.Checks = slices.DeleteFunc(p.Health.Checks, func(c *config.Check) bool { return c.AppService != "web" })
	if period > 0 {
		p.Objectives.Period = config.Duration(period)
	}
	p.Health.Checks = append(p.Health.Checks, policyChecks(scenarios)...)
	// The rules of many worlds differ in nothing but the environment, so one bundle judges all of them. The constants of
	// the policy each world has for itself.
	sc := rule.Scope{Matcher: metric.LabelEnvironment + `=~".+"`}
	if len(scenarios) == 1 {
		sc = rule.ScopeOf(scenarios[0].Name)
	}
	for i, s := range scenarios {
		p.Environment = s.Name
		b, err := rules.BuildIn(p, sc)
		if err != nil {
			t.Fatal(err)
		}
		files := b.Files()
		if i > 0 {
			maps.DeleteFunc(files, func(name string, _ []byte) bool { return name != "policy.rules.yaml" })
		}
		w.Load(files)
	}
	return w
}

// policyChecks are the checks of the exporters of some worlds that the policy in force names: not those that are
// removed.
func policyChecks(scenarios []Scenario) []*config.Check {
	var checks []*config.Check
	for _, s := range scenarios {
		for _, e := range s.Exporters {
			known := slices.ContainsFunc(checks, func(c *config.Check) bool { return c.Name == e.Check })
			if e.Check != "" && e.Removed == 0 && !known {
				checks = append(checks, &config.Check{Name: e.Check, AppService: cmp.Or(e.Service, "web")})
			}
		}
	}
	return checks
}

// NewWorldOf judges a world by the bundles of some policies, as they are generated.
func NewWorldOf(t testing.TB, policies []*config.Policy, scenarios ...Scenario) *World {
	t.Helper()
	w := EmptyWorld(t, scenarios...)
	for _, p := range policies {
		b, err := rules.Build(p)
		if err != nil {
			t.Fatal(err)
		}
		w.Load(b.Files())
	}
	return w
}

// Load adds the rules of some files, which may have the names of others.
func (w *World) Load(texts map[string][]byte) {
	w.t.Helper()
	dir := w.t.TempDir()
	var files []string
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			w.t.Fatal(err)
		}
		files = append(files, path)
	}
	manager := promrules.NewManager(&promrules.ManagerOptions{
		QueryFunc:    promrules.EngineQueryFunc(w.Engine, w.Store),
		AppendableV2: w.Store,
		Queryable:    w.Store,
		Context:      context.Background(),
		NotifyFunc:   func(context.Context, string, ...*promrules.Alert) {},
	})
	groups, errs := manager.LoadGroups(rule.ScrapeInterval, labels.EmptyLabels(), "", nil, false, files...)
	if errs != nil {
		w.t.Fatal(errs)
	}
	for _, g := range groups {
		w.Groups = append(w.Groups, g)
	}
	// Groups run concurrently in Prometheus. Alphabetical order is as good as any and repeatable.
	sort.Slice(w.Groups, func(i, j int) bool {
		return w.Groups[i].Name()+w.Groups[i].File() < w.Groups[j].Name()+w.Groups[j].File()
	})
}

// Run simulates until the given second.
func (w *World) Run(until int) { w.RunFrom(0, until) }

// RunFrom simulates from one second until another.
func (w *World) RunFrom(from, until int) {
	w.t.Helper()
	for t := from; t < until; t++ {
		app := w.Store.AppenderV2(context.Background())
		var appended bool
		for _, s := range w.Scenarios {
			for _, e := range s.Exporters {
				e.tick(t, Epoch.Unix())
				if every := cmp.Or(e.ScrapeEvery, 15); t%every == e.Scrape%every && !Within(t, w.PrometheusOff) {
					for _, x := range e.scrapeAt(t, s.Name) {
						appended = true
						if _, err := app.Append(0, x.labels, 0, At(t).UnixMilli(), x.value, nil, nil, storage.AOptions{}); err != nil {
							w.t.Fatal(err)
						}
					}
				}
			}
		}
		if appended {
			if err := app.Commit(); err != nil {
				w.t.Fatal(err)
			}
		} else {
			_ = app.Rollback()
		}
		if (t%15 == 0 || w.Staggered != "") && !Within(t, w.PrometheusOff) && !Within(t, w.RulesOff) {
			w.Evaluate(t)
		}
	}
}

// RunStory simulates a story whose problem begins at a given second. The time around its beginning runs at full pace.
// The rest runs at the pace of a minute, because only the slower windows change there.
func (w *World) RunStory(trouble, until int) {
	w.t.Helper()
	from, to := max(trouble-20*Minute, 0), min(trouble+Hour+30*Minute, until)
	w.RunSlowly(0, from, Minute)
	w.RunFrom(from, to)
	w.RunSlowly(to, until, Minute)
}

// RunSlowly simulates a stretch in which nothing happens, with scrapes and evaluations at a slower pace.
func (w *World) RunSlowly(from, until, pace int) {
	w.t.Helper()
	for t := from; t < until; t++ {
		for _, s := range w.Scenarios {
			for _, e := range s.Exporters {
				e.tick(t, Epoch.Unix())
			}
		}
		if t%pace != 0 {
			continue
		}
		app := w.Store.AppenderV2(context.Background())
		for _, s := range w.Scenarios {
			for _, e := range s.Exporters {
				for _, x := range e.scrapeAt(t, s.Name) {
					if _, err := app.Append(0, x.labels, 0, At(t).UnixMilli(), x.value, nil, nil, storage.AOptions{}); err != nil {
						w.t.Fatal(err)
					}
				}
			}
		}
		if err := app.Commit(); err != nil {
			w.t.Fatal(err)
		}
		w.Evaluate(t)
	}
}

// phase is when within its interval a group is evaluated.
func (w *World) phase(g *promrules.Group) int {
	if w.Staggered == "" {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(w.Staggered + g.Name()))
	return int(h.Sum32() % uint32(g.Interval().Seconds()))
}

// At returns the time of a second of the simulation.
func At(t int) time.Time { return Epoch.Add(time.Duration(t) * time.Second) }

// Evaluate evaluates the groups that are due, and notes which alerts fire.
func (w *World) Evaluate(t int) {
	for _, g := range w.Groups {
		if (t-w.phase(g))%int(g.Interval().Seconds()) != 0 ||
			len(w.GroupsOnly) > 0 && !slices.Contains(w.GroupsOnly, g.Name()) {
			continue
		}
		g.Eval(context.Background(), At(t))
		for _, r := range g.Rules() {
			if r.LastError() != nil {
				w.t.Fatalf("%s at %d s: %v", r.Name(), t, r.LastError())
			}
		}
	}
	seen := map[string]map[string]bool{}
	for _, g := range w.Groups {
		for _, r := range g.Rules() {
			a, ok := r.(*promrules.AlertingRule)
			if !ok {
				continue
			}
			for _, active := range a.ActiveAlerts() {
				for _, l := range []string{"summary", "description"} {
					if text := active.Annotations.Get(l); strings.Contains(text, "<error") || strings.Contains(text, "<no value>") {
						w.t.Fatalf("%s: %s: %s", a.Name(), l, text)
					}
				}
				if active.State == promrules.StateFiring {
					w.note(t, a.Name(), active.Labels, seen)
				}
			}
		}
	}
	for name, open := range w.open {
		for key, f := range open {
			if !seen[name][key] {
				f.To = t
				w.history[name] = append(w.history[name], *f)
				delete(open, key)
			}
		}
	}
}

// Simulates marks a test that runs hours of simulated time: minutes of one core, so it shares the cores, and
// -short leaves it out.
func Simulates(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("hours of simulated time")
	}
	t.Parallel()
}
