package rules

import (
	"cmp"
	"context"
	"fmt"
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
)

// epoch is the start of simulations: a quarter to the hour, so that a full hour comes early.
var epoch = time.Date(2026, 3, 1, 8, 45, 0, 0, time.UTC)

// TestMain collects garbage less often, here and in promtool. Heaps are small compared with the garbage, and
// collection would take a sixth to a quarter of the processor time.
func TestMain(m *testing.M) {
	const percent = 400
	debug.SetGCPercent(percent)
	_ = os.Setenv("GOGC", strconv.Itoa(percent))
	os.Exit(m.Run())
}

// scenario is one world of exporters. Its environment label separates it from other scenarios.
type scenario struct {
	name      string
	exporters []*simExporter
}

// firing is an interval in which one alert fired.
type firing struct {
	alert    string
	priority string
	tier     string // burn tier
	labels   labels.Labels
	from, to int // seconds; to is the first evaluation without it
}

func (f firing) String() string {
	return fmt.Sprintf("%s/%s%s [%d, %d)", f.alert, f.priority, f.tier, f.from, f.to)
}

// world runs scenarios against the generated rules with Prometheus' own engine, storage and rule groups.
type world struct {
	t         testing.TB
	scenarios []scenario
	store     *teststorage.TestStorage
	engine    *promql.Engine
	groups    []*promrules.Group
	// groupsOnly names the groups to evaluate, all if empty.
	groupsOnly    []string
	prometheusOff []spell
	// staggered spreads the groups over their intervals, as Prometheus does by a hash of their files and names. Each
	// text spreads them differently, an empty one not at all.
	staggered string

	open    map[string]map[string]*firing // scenario, fingerprint
	history map[string][]firing           // scenario
}

func newWorld(t testing.TB, scenarios ...scenario) *world {
	t.Helper()
	return newWorldWithPeriod(t, 0, scenarios...)
}

// emptyWorld has no rules yet.
func emptyWorld(t testing.TB, scenarios ...scenario) *world {
	t.Helper()
	w := &world{
		t: t, scenarios: scenarios,
		store:   teststorage.New(t),
		open:    map[string]map[string]*firing{},
		history: map[string][]firing{},
	}
	w.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		Parser: parser.NewParser(parser.Options{}),
	})
	t.Cleanup(func() { _ = w.engine.Close() })
	return w
}

// newWorldWithPeriod judges by another period than the test policy's unless it is 0.
func newWorldWithPeriod(t testing.TB, period time.Duration, scenarios ...scenario) *world {
	t.Helper()
	w := emptyWorld(t, scenarios...)
	p := testPolicy(t)
	p.Health.Locations = nil
	p.Health.Checks = slices.DeleteFunc(p.Health.Checks, func(c *config.Check) bool { return c.AppService != "web" })
	if period > 0 {
		p.Objectives.Period = config.Duration(period)
	}
	p.Health.Checks = append(p.Health.Checks, policyChecks(scenarios)...)
	// The rules of many worlds differ in nothing but the environment, so one bundle judges all of them. What the policy
	// promises each world has for itself.
	sc := scope{matcher: metric.LabelEnvironment + `=~".+"`}
	if len(scenarios) == 1 {
		sc = scopeOf(scenarios[0].name)
	}
	for i, s := range scenarios {
		p.Environment = s.name
		b, err := build(p, sc)
		if err != nil {
			t.Fatal(err)
		}
		files := b.Files()
		if i > 0 {
			maps.DeleteFunc(files, func(name string, _ []byte) bool { return name != "policy.rules.yaml" })
		}
		w.load(files)
	}
	return w
}

// policyChecks are the checks of the exporters of some worlds that the policy in force names: not those that are removed.
func policyChecks(scenarios []scenario) []*config.Check {
	var checks []*config.Check
	for _, s := range scenarios {
		for _, e := range s.exporters {
			known := slices.ContainsFunc(checks, func(c *config.Check) bool { return c.Name == e.check })
			if e.check != "" && e.removed == 0 && !known {
				checks = append(checks, &config.Check{Name: e.check, AppService: cmp.Or(e.service, "web")})
			}
		}
	}
	return checks
}

// newWorldOf judges a world by the bundles of some policies, as they are generated.
func newWorldOf(t testing.TB, policies []*config.Policy, scenarios ...scenario) *world {
	t.Helper()
	w := emptyWorld(t, scenarios...)
	for _, p := range policies {
		b, err := Build(p)
		if err != nil {
			t.Fatal(err)
		}
		w.load(b.Files())
	}
	return w
}

// load adds the rules of some files, which may have the names of others.
func (w *world) load(texts map[string][]byte) {
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
		QueryFunc:    promrules.EngineQueryFunc(w.engine, w.store),
		AppendableV2: w.store,
		Queryable:    w.store,
		Context:      context.Background(),
		NotifyFunc:   func(context.Context, string, ...*promrules.Alert) {},
	})
	groups, errs := manager.LoadGroups(scrapeInterval, labels.EmptyLabels(), "", nil, false, files...)
	if errs != nil {
		w.t.Fatal(errs)
	}
	for _, g := range groups {
		w.groups = append(w.groups, g)
	}
	// Groups run concurrently in Prometheus. Alphabetical order is as good as any and repeatable.
	sort.Slice(w.groups, func(i, j int) bool {
		return w.groups[i].Name()+w.groups[i].File() < w.groups[j].Name()+w.groups[j].File()
	})
}

// run simulates until the given second.
func (w *world) run(until int) { w.runFrom(0, until) }

func (w *world) runFrom(from, until int) {
	w.t.Helper()
	for t := from; t < until; t++ {
		app := w.store.AppenderV2(context.Background())
		var appended bool
		for _, s := range w.scenarios {
			for _, e := range s.exporters {
				e.tick(t, epoch.Unix())
				if t%15 == e.scrape%15 && !within(t, w.prometheusOff) {
					for _, x := range e.scrapeAt(t, s.name) {
						appended = true
						if _, err := app.Append(0, x.labels, 0, at(t).UnixMilli(), x.value, nil, nil, storage.AOptions{}); err != nil {
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
		if (t%15 == 0 || w.staggered != "") && !within(t, w.prometheusOff) {
			w.evaluate(t)
		}
	}
}

// runStory simulates a story whose problem begins at a given second. The time around its beginning runs at full pace.
// The rest runs at the pace of a minute, because only the slower windows change there.
func (w *world) runStory(trouble, until int) {
	w.t.Helper()
	from, to := max(trouble-20*minute, 0), min(trouble+hour+30*minute, until)
	w.runSlowly(0, from, minute)
	w.runFrom(from, to)
	w.runSlowly(to, until, minute)
}

// runSlowly simulates a stretch in which nothing happens, with scrapes and evaluations at a slower pace.
func (w *world) runSlowly(from, until, pace int) {
	w.t.Helper()
	for t := from; t < until; t++ {
		for _, s := range w.scenarios {
			for _, e := range s.exporters {
				e.tick(t, epoch.Unix())
			}
		}
		if t%pace != 0 {
			continue
		}
		app := w.store.AppenderV2(context.Background())
		for _, s := range w.scenarios {
			for _, e := range s.exporters {
				for _, x := range e.scrapeAt(t, s.name) {
					if _, err := app.Append(0, x.labels, 0, at(t).UnixMilli(), x.value, nil, nil, storage.AOptions{}); err != nil {
						w.t.Fatal(err)
					}
				}
			}
		}
		if err := app.Commit(); err != nil {
			w.t.Fatal(err)
		}
		w.evaluate(t)
	}
}

// phase is when within its interval a group is evaluated.
func (w *world) phase(g *promrules.Group) int {
	if w.staggered == "" {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(w.staggered + g.Name()))
	return int(h.Sum32() % uint32(g.Interval().Seconds()))
}

func at(t int) time.Time { return epoch.Add(time.Duration(t) * time.Second) }

func (w *world) evaluate(t int) {
	for _, g := range w.groups {
		if (t-w.phase(g))%int(g.Interval().Seconds()) != 0 || len(w.groupsOnly) > 0 && !slices.Contains(w.groupsOnly, g.Name()) {
			continue
		}
		g.Eval(context.Background(), at(t))
		for _, r := range g.Rules() {
			if r.LastError() != nil {
				w.t.Fatalf("%s at %d s: %v", r.Name(), t, r.LastError())
			}
		}
	}
	seen := map[string]map[string]bool{}
	for _, g := range w.groups {
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
				f.to = t
				w.history[name] = append(w.history[name], *f)
				delete(open, key)
			}
		}
	}
}

func (w *world) note(t int, alert string, ls labels.Labels, seen map[string]map[string]bool) {
	name := ls.Get(metric.LabelEnvironment)
	if seen[name] == nil {
		seen[name] = map[string]bool{}
	}
	if w.open[name] == nil {
		w.open[name] = map[string]*firing{}
	}
	key := ls.String()
	seen[name][key] = true
	if w.open[name][key] == nil {
		w.open[name][key] = &firing{
			alert: alert, priority: ls.Get(metric.LabelPriority), tier: ls.Get(metric.LabelBurnTier),
			labels: ls, from: t, to: 1 << 30,
		}
	}
}

// fired returns what fired in a scenario so far, oldest first: the alerts of the given names, or all
// but the one that always does.
func (w *world) fired(name string, only ...string) []firing {
	all := slices.Clone(w.history[name])
	for _, f := range w.open[name] {
		all = append(all, *f)
	}
	all = slices.DeleteFunc(all, func(f firing) bool {
		if len(only) == 0 {
			// No exporter of these worlds follows incidents, so escalation is blind in all of them. None has the
			// series of the policy's own objectives.
			return f.alert == metric.WatchdogAlert.Name || f.alert == metric.EscalationBlindAlert.Name || f.alert == metric.ObjectiveUnmeasuredAlert.Name
		}
		return !slices.Contains(only, f.alert)
	})
	slices.SortFunc(all, func(a, b firing) int {
		if a.from != b.from {
			return a.from - b.from
		}
		if a.alert < b.alert {
			return -1
		}
		return 1
	})
	return all
}

// value returns the single value of a query in a scenario at second t, and whether there is one.
func (w *world) value(t int, query string) (float64, bool) {
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
	switch len(v) {
	case 0:
		return 0, false
	case 1:
		return v[0].F, true
	}
	w.t.Fatalf("%s has %d values", query, len(v))
	return 0, false
}

// simulates marks a test that runs hours of simulated time: minutes of one core, so it shares the cores, and
// -short leaves it out.
func simulates(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("hours of simulated time")
	}
	t.Parallel()
}
