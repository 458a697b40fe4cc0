package slo_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// sloCase is one story of requests and the alerts that it fires, as alert/priority and burn tier, in order.
type sloCase struct {
	name      string
	exporters []*simExporter
	want      []string
}

// runStories runs stories side by side and compares the alerts that fire with the expected ones.
func runStories(t *testing.T, until int, cases []sloCase, groups ...string) *ruletest.World {
	t.Helper()
	var scenarios []scenario
	for i, c := range cases {
		scenarios = append(scenarios, scenario{Name: fmt.Sprint("r", i), Exporters: c.exporters})
	}
	w := ruletest.NewWorld(t, scenarios...).OnlyRequests(groups...)
	w.RunStory(min(warmup, until), until)
	for i, c := range cases {
		var got []string
		for _, f := range w.Fired(scenarios[i].Name) {
			got = append(got, f.Alert+"/"+f.Priority+f.Tier)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, w.Fired(scenarios[i].Name), c.want)
		}
	}
	return w
}

// requestsEnd is when stories of requests end.
const requestsEnd = warmup + 3*hour

// carrier makes the exporters that share some tenants' requests.
type carrier func(...simTenant) []*simExporter

// carriers are one exporter, two exporters, and two that are restarted one after the other during the problem.
var carriers = map[string]carrier{
	"one exporter":  ruletest.OneReceiver.Carry,
	"two exporters": ruletest.TwoReceivers.Carry,
	"rolling restart": func(tenants ...simTenant) []*simExporter {
		exporters := ruletest.TwoReceivers.Carry(tenants...)
		for i, e := range exporters {
			e.Off = []spell{{warmup + 6*minute + i*minute, warmup + 6*minute + i*minute + 35}}
		}
		return exporters
	},
}

// requestStories returns a story of each kind of problem with a service's requests, with the alerts that it fires.
func requestStories(carry carrier) []sloCase {
	const end = requestsEnd
	four := func(each func(int, *simTenant)) []*simExporter {
		return carry(ruletest.Tenants(4, "enterprise", 5, each)...)
	}
	fast := []string{"ThorbisSLOBurn/P1fast"}
	return []sloCase{
		{"good life", four(nil), nil},
		{"full outage of ten minutes", four(ruletest.EveryTenant(1, warmup, warmup+10*minute)), fast},
		{"brown-out at 20 % until the end", four(ruletest.EveryTenant(.2, warmup, end)), fast},
		{"a blip of 8 s", four(ruletest.EveryTenant(1, warmup, warmup+8)), fast},
		{"a blip of 60 s", four(ruletest.EveryTenant(1, warmup, warmup+60)), fast},
		{"one failed request", four(ruletest.FirstTenants(1, 1.0/15, warmup, warmup+3)), nil},
		{"slow leak at twice the pace", four(ruletest.EveryTenant(.0005, minute, end)), []string{"ThorbisSLOBurn/P3slow"}},
		{"brown-out after an outage", four(func(_ int, t *simTenant) {
			t.Failing = append(ruletest.Failing(1, warmup, warmup+2*minute), ruletest.Failing(.0012, warmup+5*minute, end)...)
		}), []string{"ThorbisSLOBurn/P1fast", "ThorbisSLOBurn/P2medium"}},
		{"late logs", four(func(_ int, t *simTenant) {
			t.Failing, t.Late = ruletest.Failing(1, warmup, warmup+10*minute), ruletest.Failing(1, warmup, warmup+10*minute)
		}), nil},
		{"slow answers of which more are allowed fill the windows one by one", four(func(_ int, t *simTenant) {
			t.Slow = ruletest.Failing(.9, warmup, warmup+75*minute)
		}), []string{"ThorbisSLOBurn/P3slow", "ThorbisSLOBurn/P2medium", "ThorbisSLOBurn/P1fast"}},
		{"traffic that stops after an outage", four(func(_ int, t *simTenant) {
			t.Failing, t.Silent = ruletest.Failing(1, warmup, warmup+5*minute), []spell{{warmup + 5*minute, end}}
		}), []string{"ThorbisSLOBurn/P1fast", "ThorbisTrafficVanished/P2"}},
		{"no traffic", carry(ruletest.Tenants(4, "enterprise", 0, nil)...), nil},
		{"one tenant that carries most of the traffic", carry(append(ruletest.Tenants(4, "standard", 1, nil),
			simTenant{
				Name: "big", Tier: "enterprise", Rate: 20, Failing: ruletest.Failing(.5, warmup, warmup+20*minute),
			})...), fast},
		{"a service that pages at P3", carry(ruletest.Tenants(4, "enterprise", 5, func(_ int, t *simTenant) {
			t.Service, t.Failing = "reports", ruletest.Failing(1, warmup, warmup+10*minute)
		})...), []string{"ThorbisSLOBurn/P3fast"}},
	}
}

// TestRequestBurns checks that a problem with a service's requests fires the same alerts, however many exporters count
// the requests.
func TestRequestBurns(t *testing.T) {
	ruletest.Simulates(t)
	if len(carriers) != 3 {
		t.Errorf("%d carriers, want one exporter, two exporters and a rolling restart", len(carriers))
	}
	for name, carry := range carriers {
		t.Run(name, func(t *testing.T) { runStories(t, requestsEnd, requestStories(carry)) })
	}
}

// tenantsEnd is when stories of tenants end.
const tenantsEnd = warmup + hour

// tenantStories returns problems of tenants and tiers whose service as a whole is healthy.
func tenantStories() []sloCase {
	bad := func(tier string, noTier bool) []*simExporter {
		return ruletest.TwoReceivers.Carry(append(ruletest.Tenants(6, "standard", 5, nil),
			simTenant{
				Name: "one", Tier: tier, NoTier: noTier, Rate: 5, Failing: ruletest.Failing(.5, warmup, warmup+20*minute),
			})...)
	}
	small := func(n int) []simTenant {
		return ruletest.Tenants(n, "standard", .1, func(i int, t *simTenant) {
			t.Name, t.Failing = fmt.Sprint("small", i), ruletest.Failing(.5, warmup, warmup+20*minute)
		})
	}
	disagree := bad("standard", false)
	disagree[1].Traffic[6].Tier = "enterprise"
	briefly := bad("enterprise", false)
	for _, e := range briefly {
		e.Off = []spell{{warmup + 5*minute, warmup + 7*minute}}
	}
	return []sloCase{
		{"a tenant with three requests an hour", ruletest.OneReceiver.Carry(append(ruletest.Tenants(4, "enterprise", 5, nil),
			simTenant{Name: "small", Tier: "standard", Rate: 3.0 / hour, Failing: ruletest.Failing(1, 0, tenantsEnd)})...), nil},
		{"an enterprise tenant", bad("enterprise", false), []string{"ThorbisTenantBurn/P2fast"}},
		{"a standard tenant", bad("standard", false), []string{"ThorbisTenantBurn/P4fast"}},
		{"a tenant of a tier that the policy does not know", bad("gold", false), []string{"ThorbisTenantBurn/P1fast"}},
		{"a tenant that no registry knows", bad("", true), []string{"ThorbisTenantBurn/P1fast"}},
		{"a tenant on whose tier two exporters disagree", disagree, []string{"ThorbisTenantBurn/P2fast"}},
		{"the expectation is missing for two minutes", briefly, []string{"ThorbisTenantBurn/P2fast"}},
		{"three tenants of a pool of three", ruletest.OneReceiver.Carry(
			append(ruletest.Tenants(20, "enterprise", 30, nil), small(3)...)...), []string{
			"ThorbisTenantBurn/P4fast", "ThorbisTenantBurn/P4fast", "ThorbisTenantBurn/P4fast", "ThorbisTierBurn/P2",
		}},
		{"two tenants of a pool of three", ruletest.OneReceiver.Carry(
			append(ruletest.Tenants(20, "enterprise", 30, nil), small(2)...)...), []string{
			"ThorbisTenantBurn/P4fast", "ThorbisTenantBurn/P4fast",
		}},
	}
}

// TestTenantBurns checks that a tenant's problem fires alerts of that tenant, or of its tier.
func TestTenantBurns(t *testing.T) {
	ruletest.Simulates(t)
	runStories(t, tenantsEnd, tenantStories())
}

func poolStories() []sloCase {
	return []sloCase{{"one bad client of one tenant in a pool of 500", ruletest.OneReceiver.Carry(
		ruletest.Tenants(500, "standard", .5, func(i int, t *simTenant) {
			if i == 7 {
				t.Rate, t.Failing = 5, ruletest.Failing(.9, troubleAt, troubleTo)
			}
		})...), []string{"ThorbisTenantBurn/P4fast"}}}
}

// TestPoolOf500 checks that one bad client is a ticket of its tenant and no page.
func TestPoolOf500(t *testing.T) {
	ruletest.Simulates(t)
	runStories(t, 35*minute, poolStories())
}

// TestStaggeredGroups evaluates groups at different moments, as Prometheus does. A failing tenant must not make its
// service burn because the tenant was summed up half a minute earlier.
func TestStaggeredGroups(t *testing.T) {
	ruletest.Simulates(t)
	for _, by := range []string{"a", "b", "c", "d"} {
		exporters := ruletest.TwoReceivers.Carry(append(ruletest.Tenants(4, "standard", 100, nil),
			simTenant{Name: "one", Tier: "enterprise", Rate: 100, Failing: ruletest.Failing(1, warmup, warmup+20*minute)})...)
		w := ruletest.NewWorld(t, scenario{Name: "s", Exporters: exporters}).OnlyRequests()
		w.Staggered = by
		w.Run(warmup + 40*minute)
		for _, f := range w.Fired("s") {
			if f.Alert != metric.TenantBurnAlert.Name || f.Labels.Get(metric.LabelTenant) != "one" {
				t.Errorf("staggered by %s: fired: %v", by, f)
			}
		}
		if fired := w.Fired("s", metric.TenantBurnAlert.Name); len(fired) != 1 || fired[0].Priority != "P2" ||
			fired[0].From > warmup+8*minute {
			t.Errorf("staggered by %s: the tenant's own alerts: %v, want one P2 within eight minutes", by, fired)
		}
	}
}

// TestRequestBudget checks that good and bad events over the period are exact to one step of a total for every reset.
// Late events count in them.
func TestRequestBudget(t *testing.T) {
	ruletest.Simulates(t)
	const end = 9 * hour
	stories := []struct {
		name   string
		layout ruletest.TrafficLayout
		resets float64
		setup  func(i int, e *simExporter)
	}{
		{"quiet life", ruletest.OneReceiver, 0, func(int, *simExporter) {}},
		{"two exporters", ruletest.TwoReceivers, 0, func(int, *simExporter) {}},
		{"restart", ruletest.OneReceiver, 1, func(_ int, e *simExporter) { e.Off = []spell{{3 * hour, 3*hour + 40}} }},
		{"changed instance", ruletest.OneReceiver, 1, func(_ int, e *simExporter) {
			e.Off, e.Reappears = []spell{{3 * hour, 3*hour + 40}}, "new"
		}},
		{"state lost", ruletest.OneReceiver, 1, func(_ int, e *simExporter) { e.Wiped = []int{3*hour + 7} }},
		{"hours off", ruletest.OneReceiver, 1, func(_ int, e *simExporter) { e.Off = []spell{{3 * hour, 6 * hour}} }},
		{"rolling restart", ruletest.TwoReceivers, 2, func(i int, e *simExporter) {
			e.Off = []spell{{3*hour + i*minute, 3*hour + i*minute + 40}}
		}},
	}
	var scenarios []scenario
	for i, s := range stories {
		exporters := s.layout.Carry(ruletest.Tenants(3, "standard", 4, func(_ int, t *simTenant) {
			t.Failing, t.Late = ruletest.Failing(.25, hour, 8*hour), ruletest.Failing(.5, 4*hour, 5*hour)
		})...)
		for n, e := range exporters {
			s.setup(n, e)
		}
		scenarios = append(scenarios, scenario{Name: fmt.Sprint("b", i), Exporters: exporters})
	}
	w := ruletest.NewWorld(t, scenarios...).OnlyRequests()
	w.Run(end)
	for i, s := range stories {
		var events, bad float64
		for second := range end {
			for _, e := range scenarios[i].Exporters {
				if ruletest.Within(second, e.Off) {
					continue
				}
				for _, tenant := range e.Traffic {
					events += tenant.Rate
					bad += tenant.Rate * ruletest.ShareAt(second, tenant.Failing)
				}
			}
		}
		at := end - minute
		env := fmt.Sprintf(`environment=%q,slo="availability"`, scenarios[i].Name)
		sum := func(prompt, late *metric.Record) float64 {
			v, _ := w.Value(at, prompt.Select(env)+" + "+late.Select(env))
			return v
		}
		// 12 requests a second: what the last three minutes and each reset may hide.
		tolerance := 12 * (180 + 45*s.resets)
		got := sum(metric.EventsIncrease[rule.Period], metric.LateEventsIncrease[rule.Period])
		if math.Abs(got-events) > tolerance {
			t.Errorf("%s: %.0f events over the period, want %.0f", s.name, got, events)
		}
		got = sum(metric.BadIncrease[rule.Period], metric.LateBadIncrease[rule.Period])
		if math.Abs(got-bad) > tolerance/4+10 {
			t.Errorf("%s: %.0f bad events over the period, want %.0f", s.name, got, bad)
		}
		coverage, ok := w.Value(at, metric.SLOCoverage.Select(env))
		off := 0
		if len(scenarios[i].Exporters) == 1 {
			for _, s := range scenarios[i].Exporters[0].Off {
				off += s.To() - s.From()
			}
		}
		// What is seen for the first time, or after more than two hours, is not measured until it is seen again.
		if want := float64(end-off) / (30 * day); !ok || math.Abs(coverage-want) > .02*want+180*s.resets/(30*day) {
			t.Errorf("%s: coverage %f, want %f", s.name, coverage, want)
		}
		// The budget is of the whole period, however little of it was measured.
		spent := bad / events / .0001 * coverage
		if left, ok := w.Value(at, metric.SLOBudgetLeft.Select(env)); !ok || math.Abs(left-(1-spent)) > spent*.02 {
			t.Errorf("%s: budget left %.3f, want %.3f", s.name, left, 1-spent)
		}
	}
}
