package rules_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// declared leaves series only the labels that the catalogue declares, and those of other programs one series a target.
func (m made) declared() made {
	all := map[string]labelNames{}
	for _, d := range metric.All() {
		all[d.Name] = append(labelNames{metric.LabelEnvironment, "job", "instance"}, d.Labels...)
	}
	for _, r := range metric.Records() {
		all[r.Name] = r.Labels
	}
	kept := map[string]*storage.SeriesEntry{}
	for _, s := range m {
		names, ours := all[s.Lset.Get(model.MetricNameLabel)]
		if !ours {
			names = labelNames{"job", "instance"}
		}
		b := labels.NewScratchBuilder(0)
		s.Lset.Range(func(l labels.Label) {
			if l.Name == model.MetricNameLabel || slices.Contains(names, l.Name) {
				b.Add(l.Name, l.Value)
			}
		})
		b.Sort()
		entry := *s
		entry.Lset = b.Labels()
		kept[entry.Lset.String()] = &entry
	}
	var out made
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		out = append(out, kept[key])
	}
	return out
}

type labelNames []string

// ambiguous reports whether a query fails over several series for one match.
func ambiguous(engine *promql.Engine, from storage.Queryable, expr string, now time.Time) error {
	q, err := engine.NewInstantQuery(context.Background(), from, nil, expr, now)
	if err != nil {
		return err
	}
	defer q.Close()
	err = q.Exec(context.Background()).Err
	for _, text := range []string{"duplicate series for the match group", "multiple matches"} {
		if err != nil && strings.Contains(err.Error(), text) {
			return errors.New(text)
		}
	}
	return nil
}

// TestMatchesFindOneSeries evaluates every expression with series that are made up, of any labels that are declared:
// so also with those that a restarted Prometheus has forgotten to end. No match fails.
func TestMatchesFindOneSeries(t *testing.T) {
	const seeds = 6
	engine, now := ruletest.EmptyWorld(t).Engine, ruletest.Epoch
	fails := func(expr string) (err error) {
		for seed := range uint64(seeds) {
			made := invent(t, expr, rand.New(rand.NewPCG(seed, uint64(len(expr))))).before(now, "production").declared()
			err = errors.Join(err, ambiguous(engine, made, expr, now))
		}
		return err
	}
	if fails(metric.SLOBurn["5m"].Name+" * on (app_service) group_left (owner) "+metric.SLOBudget.Name) == nil {
		t.Error("a match with records of two owners does not fail here")
	}
	expressions := map[string]string{}
	for _, b := range exampleBundles(t) {
		for _, g := range b.Groups() {
			for _, r := range g.Rules {
				expressions[r.Expr] = r.Name()
			}
		}
	}
	for _, expr := range slices.Sorted(maps.Keys(expressions)) {
		if again, err := rule.OneEach(expr); err != nil || again != expr {
			t.Errorf("%s changes once more to %s, %v", expressions[expr], again, err)
		}
		if err := fails(expr); err != nil {
			t.Errorf("%s: %v:\n%s", expressions[expr], err, expr)
		}
	}
}

// TestRestartWithOtherOwners restarts Prometheus in an outage: it does not end what it wrote last. In that minute the
// policy and the registry gave everything another owner, priority and tier. No rule fails, and no page pauses.
func TestRestartWithOtherOwners(t *testing.T) {
	ruletest.Simulates(t)
	p := ruletest.Policy(t)
	exporters := ruletest.Layouts[ruletest.One].Place(1, ruletest.Outage(hour, 2*hour))
	exporters[0].Service = "reports" // what is down hides the burning of its own service
	exporters[0].Traffic = ruletest.OneReceiver.Carry(
		ruletest.Tenants(3, "enterprise", 20, ruletest.EveryTenant(0.3, hour, 2*hour))...)[0].Traffic
	w := ruletest.NewWorldOf(t, []*config.Policy{p}, scenario{Name: p.Environment, Exporters: exporters})
	restart := hour + 10*minute
	w.RunFrom(0, restart)

	p = ruletest.Policy(t)
	for i := range p.Services {
		p.Services[i].Owner, p.Services[i].Page = "platform", "P2"
	}
	for _, e := range exporters {
		e.Owner, e.Page, e.Tier = "platform", "P2", "standard"
		for _, tenant := range e.Traffic {
			tenant.Tier = "standard"
		}
	}
	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	w.PrometheusOff = []spell{{restart, restart + minute}}
	w.Groups = nil
	w.Load(b.Files())
	w.RunFrom(restart, restart+15*minute) // ends the test where a rule fails
	for _, name := range []string{metric.CheckDownAlert.Name, metric.SLOBurnAlert.Name} {
		var until, from int // of the page of the former owner, and since when that of the present one stands
		for _, f := range w.Fired(p.Environment, name) {
			switch owner := f.Labels.Get(metric.LabelOwner); {
			case owner == "sre" && f.From < restart:
				until = f.To
			case owner == "platform" && f.To >= restart+15*minute:
				from = f.From
			}
		}
		if until < restart || from == 0 || from > until || from > restart+5*minute {
			t.Errorf("%s fires for the former owner until %d, for the present one from %d: %v", name, until, from,
				w.Fired(p.Environment))
		}
	}
}
