package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

// The rules on requests at growing numbers of tenants, beside what sloth generates for one objective of each of a
// thousand tenants. Both run in Prometheus' own rule engine and storage over the same series; the figure is processor
// time of the evaluations alone, writing their results included. Ours judge three objectives of the service, its tiers
// and each tenant, and record throughput; sloth's judge one. An hour or so of raw samples is stored, which flatters
// sloth, whose rules read up to three days of them; ours read ten minutes, and an hour once in five minutes. Every
// tenant has slow requests in every scrape, so that the exporter lists as many as it lists at most, the dearest case
// for ours.
var _ = register("rules", benchRules)

const (
	comparedTenants = 1000
	// listedTenants is how many tenants of a service an exporter lists with their windows.
	listedTenants = 200
	// globalInterval is evaluation_interval of the shipped prometheus.yml, at which groups without an interval
	// of their own are evaluated: all that sloth writes.
	globalInterval = 15 * time.Second
	simulated      = 4 * time.Minute
)

// rulesCase is a number of tenants, and of those with series of their own.
type rulesCase struct {
	name   string
	series int
	most   float64 // CPU-seconds a minute
}

func benchRules(_ context.Context, r *report) error {
	counts := map[int]int{}
	for _, c := range []rulesCase{
		{"10 tenants", 10, 1},
		{"1000 tenants", comparedTenants, 1},
		{"10000 tenants", 10_000, 5},
		{"100000 tenants, 5000 with series", 5_000, 4},
	} {
		files, err := bundleRules()
		if err != nil {
			return err
		}
		w, err := newRuleWorld(c.series)
		if err != nil {
			return err
		}
		r.say("rules: %s", c.name)
		ours, err := w.measure(r, files)
		if err == nil && c.series == comparedTenants {
			err = compareWithSloth(r, w, ours)
		}
		w.close()
		if err != nil {
			return err
		}
		r.add(figure{
			name: "evaluation, ours, " + c.name, value: ours.perMinute(), unit: "CPU-s/min",
			target: fmt.Sprintf("at most %g", c.most), met: ours.perMinute() <= c.most,
		})
		r.add(figure{name: "every rule once, ours, " + c.name, value: ours.round.Seconds(), unit: "s"})
		counts[ours.rules]++
		r.add(figure{
			name: "rules, ours, " + c.name, value: float64(ours.rules), unit: "rules",
			target: "constant", met: len(counts) == 1,
		})
	}
	return nil
}

const rulesPolicy = `version: 1
environment: bench
objectives: {availability: 99.99%, period: 30d, latency: [{threshold: 300ms, ratio: 95%}, {threshold: 1s, ratio: 99%}]}
tiers:
  enterprise: {page: P1, tenant_page: P2}
  standard: {page: P2, tenant_page: P4, availability: 99.9%}
channels: {deadman: none}
services: [{name: web, owner: sre, page: P1}]
`

// loadRulesPolicy returns the policy of the benchmarks of rules and dashboards.
func loadRulesPolicy() (*config.Policy, error) {
	file, err := os.CreateTemp("", "bench-policy-*.yaml")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.WriteString(rulesPolicy); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return config.Load(file.Name())
}

// bundleRules are the generated rules that requests cost: the totals, the objectives and the throughput.
func bundleRules() (map[string][]byte, error) {
	p, err := loadRulesPolicy()
	if err != nil {
		return nil, err
	}
	b, err := rules.Build(p)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{"policy.rules.yaml", "slo.rules.yaml", "tenant.rules.yaml"} {
		files[name] = b.Files()[name]
	}
	return files, nil
}

// ruleWorld is a storage as it is after days with so many tenants, as far as the rules read it.
type ruleWorld struct {
	dir    string
	db     *tsdb.DB
	engine *promql.Engine
	now    time.Time
}

func newRuleWorld(tenants int) (*ruleWorld, error) {
	dir, err := os.MkdirTemp("", "bench-rules")
	if err != nil {
		return nil, err
	}
	options := tsdb.DefaultOptions()
	options.RetentionDuration = int64(31 * 24 * time.Hour / time.Millisecond)
	options.MinBlockDuration = options.RetentionDuration // everything stays in the head
	options.MaxBlockDuration = options.RetentionDuration
	db, err := tsdb.Open(dir, nil, nil, options, nil)
	if err != nil {
		return nil, err
	}
	w := &ruleWorld{dir: dir, db: db, now: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}
	w.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 500_000_000, Timeout: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		Parser: parser.NewParser(parser.Options{}),
	})
	return w, w.fill(tenants)
}

func (w *ruleWorld) close() {
	_ = w.engine.Close()
	_ = w.db.Close()
	_ = os.RemoveAll(w.dir)
}

// fill writes an hour or more of what an exporter shows, and three days of what the rules copied each hour. One tenant
// in twenty has errors, all are slow now and then.
func (w *ruleWorld) fill(tenants int) error {
	env := []string{metric.LabelEnvironment, "bench"}
	type kept struct {
		ref    storage.SeriesRef
		labels labels.Labels
		step   float64
	}
	make1 := func(name string, step float64, pairs ...string) *kept {
		return &kept{
			labels: labels.FromStrings(append(append([]string{model.MetricNameLabel, name}, env...), pairs...)...), step: step,
		}
	}
	var raw, hourly []*kept
	target := []string{"job", "thorbis", "instance", "a", metric.LabelStore, "5f0c12ab"}
	for i, tier := range []string{"standard", "enterprise", metric.TenantUnknown} {
		pool := []string{metric.LabelAppService, "web", metric.LabelTier, tier}
		share := []float64{.5, .5, 0}[i] * float64(tenants)
		for i, class := range metric.CodeClasses {
			exposed := slices.Concat(target, pool, []string{metric.LabelCodeClass, class})
			raw = append(raw, make1(metric.ServiceRequests.Name, []float64{0, 100, 5, 2, .05}[i]*share, exposed...),
				make1(metric.ServiceLateRequests.Name, 0, exposed...))
		}
		for _, threshold := range []string{"0.3", "1"} {
			raw = append(raw, make1(metric.ServiceSlowRequests.Name, share,
				slices.Concat(target, pool, []string{metric.LabelThreshold, threshold})...))
		}
	}
	for _, window := range append(metric.BurnWindows(), metric.WindowPeriod) {
		raw = append(raw, make1(metric.TenantWindowCounted.Name, 0,
			slices.Concat(target, []string{metric.LabelAppService, "web", metric.LabelWindow, window})...))
	}
	for n := range tenants {
		tenant := []string{metric.LabelAppService, "web", metric.LabelTenant, fmt.Sprintf("tenant-%05d", n)}
		exposed := slices.Concat(target, tenant)
		with := func(label, value string) []string {
			return append(slices.Clip(exposed), label, value)
		}
		for i, class := range metric.CodeClasses {
			step := []float64{0, 100, 5, 2, 0}[i]
			if class == "5xx" && n%20 == 0 {
				step = 1
			}
			raw = append(raw, make1(metric.TenantRequests.Name, step, with(metric.LabelCodeClass, class)...),
				make1(metric.TenantLateRequests.Name, 0, with(metric.LabelCodeClass, class)...))
		}
		for _, threshold := range []string{"0.3", "1"} {
			raw = append(raw, make1(metric.TenantSlowRequests.Name, 1, with(metric.LabelThreshold, threshold)...))
		}
		tier := []string{"standard", "enterprise"}[n%2]
		raw = append(raw,
			make1(metric.TenantInfo.Name, 0, append(target[:4:4], metric.LabelTenant, tenant[3], metric.LabelTier, tier)...))
		hourly = append(hourly, make1(metric.TenantRequestsHourly.Name, 240*107, slices.Concat(tenant, target[4:])...))
		if n >= listedTenants {
			continue
		}
		for _, window := range append(metric.BurnWindows(), metric.WindowPeriod) {
			raw = append(raw, make1(metric.TenantWindowRequests.Name, 107, with(metric.LabelWindow, window)...))
			for _, slo := range []string{metric.SLOAvailability, "latency-300ms", "latency-1s"} {
				if slo != metric.SLOAvailability || n%20 == 0 {
					raw = append(raw, make1(metric.TenantWindowBadRequests.Name, 1,
						append(with(metric.LabelWindow, window), metric.LabelSLO, slo)...))
				}
			}
		}
	}
	write := func(at time.Time, n int, all []*kept) error {
		app := w.db.Appender(context.Background())
		for _, s := range all {
			var err error
			if s.ref, err = app.Append(s.ref, s.labels, at.UnixMilli(), float64(n)*s.step+1); err != nil {
				return err
			}
		}
		return app.Commit()
	}
	for h := 72; h > 1; h-- {
		if err := write(w.now.Truncate(time.Hour).Add(-time.Duration(h)*time.Hour), 72-h, hourly); err != nil {
			return err
		}
	}
	const (
		// A chunk of the storage holds 120 samples, so half an hour of them. Series that begin at different minutes
		// have chunks filled to different degrees, as one series has them over time.
		stages  = 30
		history = time.Hour + stages*time.Minute
		steps   = int((history + simulated) / (15 * time.Second))
	)
	stage := func(all []*kept, n int) []*kept { return all[:min(len(all), len(all)*(n/4+1)/stages)] }
	for n := range steps {
		at := w.now.Add(-history + time.Duration(n)*15*time.Second)
		if err := write(at, n, stage(raw, n)); err != nil {
			return err
		}
	}
	return nil
}

// cost is what some minutes of evaluations took, each group at its own interval, and what one evaluation of every
// group.
type cost struct {
	rules int
	cpu   time.Duration
	round time.Duration
}

func (c cost) perMinute() float64 { return c.cpu.Seconds() / simulated.Minutes() }

// measure evaluates every group at its own interval over the simulated time, and says on standard error where it goes.
func (w *ruleWorld) measure(r *report, files map[string][]byte) (cost, error) {
	var paths []string
	for name, text := range files {
		path := filepath.Join(w.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return cost{}, err
		}
		paths = append(paths, path)
	}
	manager := promrules.NewManager(&promrules.ManagerOptions{
		QueryFunc:    promrules.EngineQueryFunc(w.engine, w.db),
		AppendableV2: w.db, Queryable: w.db, Context: context.Background(),
		NotifyFunc: func(context.Context, string, ...*promrules.Alert) {},
	})
	groups, errs := manager.LoadGroups(globalInterval, labels.EmptyLabels(), "", nil, false, paths...)
	if len(errs) > 0 {
		return cost{}, errs[0]
	}
	var c cost
	for _, g := range groups {
		c.rules += len(g.Rules())
	}
	before := cpuTime()
	took := map[string]time.Duration{} // by group
	for at := time.Duration(0); at < simulated; at += globalInterval {
		for _, g := range groups {
			if at%g.Interval() == 0 {
				start := time.Now()
				g.Eval(context.Background(), w.now.Add(at))
				took[g.Name()] += time.Since(start)
			}
		}
	}
	c.cpu = cpuTime() - before
	for _, g := range groups {
		c.round += took[g.Name()] / max(1, simulated/g.Interval())
	}
	if len(took) < 100 { // sloth's three thousand groups are too many to list
		for _, name := range slices.SortedFunc(maps.Keys(took), func(a, b string) int { return int(took[b] - took[a]) }) {
			r.say("rules: %6.2f s  %s", took[name].Seconds(), name)
		}
	}
	for _, g := range groups {
		for _, rule := range g.Rules() {
			if err := rule.LastError(); err != nil {
				return c, fmt.Errorf("%s: %w", rule.Name(), err)
			}
		}
	}
	return c, nil
}
