package rules

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// sloCase is one story of requests and the alerts that it fires, as alert/priority and burn tier, in order.
type sloCase struct {
	name      string
	exporters []*simExporter
	want      []string
}

// warmup is how long requests are good before the problem begins: long enough for the fast window.
const warmup = 70 * minute

func everyTenant(share float64, from, to int) func(int, *simTenant) {
	return func(_ int, t *simTenant) { t.failing = failing(share, from, to) }
}

func firstTenants(n int, share float64, from, to int) func(int, *simTenant) {
	return func(i int, t *simTenant) {
		if i < n {
			t.failing = failing(share, from, to)
		}
	}
}

// runStories runs stories side by side and compares the alerts that fire with the expected ones.
func runStories(t *testing.T, until int, cases []sloCase, groups ...string) *world {
	t.Helper()
	var scenarios []scenario
	for i, c := range cases {
		scenarios = append(scenarios, scenario{fmt.Sprint("r", i), c.exporters})
	}
	w := newWorld(t, scenarios...).onlyRequests(groups...)
	w.runStory(min(warmup, until), until)
	for i, c := range cases {
		var got []string
		for _, f := range w.fired(scenarios[i].name) {
			got = append(got, f.alert+"/"+f.priority+f.tier)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, w.fired(scenarios[i].name), c.want)
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
	"one exporter":  oneReceiver.carry,
	"two exporters": twoReceivers.carry,
	"rolling restart": func(tenants ...simTenant) []*simExporter {
		exporters := twoReceivers.carry(tenants...)
		for i, e := range exporters {
			e.off = []spell{{warmup + 6*minute + i*minute, warmup + 6*minute + i*minute + 35}}
		}
		return exporters
	},
}

// requestStories returns a story of each kind of problem with a service's requests, with the alerts that it fires.
func requestStories(carry carrier) []sloCase {
	const end = requestsEnd
	four := func(each func(int, *simTenant)) []*simExporter { return carry(crowd(4, "enterprise", 5, each)...) }
	fast := []string{"ThorbisSLOBurn/P1fast"}
	return []sloCase{
		{"good life", four(nil), nil},
		{"full outage of ten minutes", four(everyTenant(1, warmup, warmup+10*minute)), fast},
		{"brown-out at 20 % until the end", four(everyTenant(.2, warmup, end)), fast},
		{"a blip of 8 s", four(everyTenant(1, warmup, warmup+8)), fast},
		{"a blip of 60 s", four(everyTenant(1, warmup, warmup+60)), fast},
		{"one failed request", four(firstTenants(1, 1.0/15, warmup, warmup+3)), nil},
		{"slow leak at twice the pace", four(everyTenant(.0005, minute, end)), []string{"ThorbisSLOBurn/P3slow"}},
		{"brown-out after an outage", four(func(_ int, t *simTenant) {
			t.failing = append(failing(1, warmup, warmup+2*minute), failing(.0012, warmup+5*minute, end)...)
		}), []string{"ThorbisSLOBurn/P1fast", "ThorbisSLOBurn/P2medium"}},
		{"late logs", four(func(_ int, t *simTenant) {
			t.failing, t.late = failing(1, warmup, warmup+10*minute), failing(1, warmup, warmup+10*minute)
		}), nil},
		{"slow answers of which more are allowed fill the windows one by one", four(func(_ int, t *simTenant) {
			t.slow = failing(.9, warmup, warmup+75*minute)
		}), []string{"ThorbisSLOBurn/P3slow", "ThorbisSLOBurn/P2medium", "ThorbisSLOBurn/P1fast"}},
		{"traffic that stops after an outage", four(func(_ int, t *simTenant) {
			t.failing, t.silent = failing(1, warmup, warmup+5*minute), []spell{{warmup + 5*minute, end}}
		}), []string{"ThorbisSLOBurn/P1fast", "ThorbisTrafficVanished/P2"}},
		{"no traffic", carry(crowd(4, "enterprise", 0, nil)...), nil},
		{"one tenant that carries most of the traffic", carry(append(crowd(4, "standard", 1, nil),
			simTenant{name: "big", tier: "enterprise", rate: 20, failing: failing(.5, warmup, warmup+20*minute)})...), fast},
		{"a service that pages at P3", carry(crowd(4, "enterprise", 5, func(_ int, t *simTenant) {
			t.service, t.failing = "reports", failing(1, warmup, warmup+10*minute)
		})...), []string{"ThorbisSLOBurn/P3fast"}},
	}
}

// TestRequestBurns checks that a problem with a service's requests fires the same alerts, however many exporters count
// the requests.
func TestRequestBurns(t *testing.T) {
	simulates(t)
	for name, carry := range carriers {
		t.Run(name, func(t *testing.T) { runStories(t, requestsEnd, requestStories(carry)) })
	}
}

// tenantsEnd is when stories of tenants end.
const tenantsEnd = warmup + hour

// tenantStories returns problems of tenants and tiers whose service as a whole is healthy.
func tenantStories() []sloCase {
	bad := func(tier string, noTier bool) []*simExporter {
		return twoReceivers.carry(append(crowd(6, "standard", 5, nil),
			simTenant{name: "one", tier: tier, noTier: noTier, rate: 5, failing: failing(.5, warmup, warmup+20*minute)})...)
	}
	small := func(n int) []simTenant {
		return crowd(n, "standard", .1, func(i int, t *simTenant) {
			t.name, t.failing = fmt.Sprint("small", i), failing(.5, warmup, warmup+20*minute)
		})
	}
	disagree := bad("standard", false)
	disagree[1].traffic[6].tier = "enterprise"
	briefly := bad("enterprise", false)
	for _, e := range briefly {
		e.off = []spell{{warmup + 5*minute, warmup + 7*minute}}
	}
	return []sloCase{
		{"a tenant with three requests an hour", oneReceiver.carry(append(crowd(4, "enterprise", 5, nil),
			simTenant{name: "small", tier: "standard", rate: 3.0 / hour, failing: failing(1, 0, tenantsEnd)})...), nil},
		{"an enterprise tenant", bad("enterprise", false), []string{"ThorbisTenantBurn/P2fast"}},
		{"a standard tenant", bad("standard", false), []string{"ThorbisTenantBurn/P4fast"}},
		{"a tenant of a tier that the policy does not know", bad("gold", false), []string{"ThorbisTenantBurn/P1fast"}},
		{"a tenant that no registry knows", bad("", true), []string{"ThorbisTenantBurn/P1fast"}},
		{"a tenant on whose tier two exporters disagree", disagree, []string{"ThorbisTenantBurn/P2fast"}},
		{"the expectation is missing for two minutes", briefly, []string{"ThorbisTenantBurn/P2fast"}},
		{"three tenants of a pool of three", oneReceiver.carry(append(crowd(20, "enterprise", 30, nil), small(3)...)...), []string{
			"ThorbisTenantBurn/P4fast", "ThorbisTenantBurn/P4fast", "ThorbisTenantBurn/P4fast", "ThorbisTierBurn/P2",
		}},
		{"two tenants of a pool of three", oneReceiver.carry(append(crowd(20, "enterprise", 30, nil), small(2)...)...), []string{
			"ThorbisTenantBurn/P4fast", "ThorbisTenantBurn/P4fast",
		}},
	}
}

// TestTenantBurns checks that a tenant's problem fires alerts of that tenant, or of its tier.
func TestTenantBurns(t *testing.T) {
	simulates(t)
	runStories(t, tenantsEnd, tenantStories())
}

func poolStories() []sloCase {
	return []sloCase{{"one bad client of one tenant in a pool of 500", oneReceiver.carry(crowd(500, "standard", .5, func(i int, t *simTenant) {
		if i == 7 {
			t.rate, t.failing = 5, failing(.9, troubleAt, troubleTo)
		}
	})...), []string{"ThorbisTenantBurn/P4fast"}}}
}

// TestPoolOf500 checks that one bad client is a ticket of its tenant and no page.
func TestPoolOf500(t *testing.T) {
	simulates(t)
	runStories(t, 35*minute, poolStories())
}

// TestStaggeredGroups evaluates groups at different moments, as Prometheus does. A failing tenant must not make its
// service burn because the tenant was summed up half a minute earlier.
func TestStaggeredGroups(t *testing.T) {
	simulates(t)
	for _, by := range []string{"a", "b", "c", "d"} {
		exporters := twoReceivers.carry(append(crowd(4, "standard", 100, nil),
			simTenant{name: "one", tier: "enterprise", rate: 100, failing: failing(1, warmup, warmup+20*minute)})...)
		w := newWorld(t, scenario{"s", exporters}).onlyRequests()
		w.staggered = by
		w.run(warmup + 40*minute)
		for _, f := range w.fired("s") {
			if f.alert != metric.TenantBurnAlert.Name || f.labels.Get(metric.LabelTenant) != "one" {
				t.Errorf("staggered by %s: told of: %v", by, f)
			}
		}
		if told := w.fired("s", metric.TenantBurnAlert.Name); len(told) != 1 || told[0].priority != "P2" || told[0].from > warmup+8*minute {
			t.Errorf("staggered by %s: the tenant's own alerts: %v, want one P2 within eight minutes", by, told)
		}
	}
}

// TestRequestBudget checks that good and bad events over the period are exact to one ledger step for every reset. Late
// events count in them.
func TestRequestBudget(t *testing.T) {
	simulates(t)
	const end = 9 * hour
	stories := []struct {
		name   string
		layout trafficLayout
		resets float64
		setup  func(i int, e *simExporter)
	}{
		{"quiet life", oneReceiver, 0, func(int, *simExporter) {}},
		{"two exporters", twoReceivers, 0, func(int, *simExporter) {}},
		{"restart", oneReceiver, 1, func(_ int, e *simExporter) { e.off = []spell{{3 * hour, 3*hour + 40}} }},
		{"changed instance", oneReceiver, 1, func(_ int, e *simExporter) {
			e.off, e.reappears = []spell{{3 * hour, 3*hour + 40}}, "new"
		}},
		{"state lost", oneReceiver, 1, func(_ int, e *simExporter) { e.wiped = []int{3*hour + 7} }},
		{"hours off", oneReceiver, 1, func(_ int, e *simExporter) { e.off = []spell{{3 * hour, 6 * hour}} }},
		{"rolling restart", twoReceivers, 2, func(i int, e *simExporter) { e.off = []spell{{3*hour + i*minute, 3*hour + i*minute + 40}} }},
	}
	var scenarios []scenario
	for i, s := range stories {
		exporters := s.layout.carry(crowd(3, "standard", 4, func(_ int, t *simTenant) {
			t.failing, t.late = failing(.25, hour, 8*hour), failing(.5, 4*hour, 5*hour)
		})...)
		for n, e := range exporters {
			s.setup(n, e)
		}
		scenarios = append(scenarios, scenario{fmt.Sprint("b", i), exporters})
	}
	w := newWorld(t, scenarios...).onlyRequests()
	w.run(end)
	for i, s := range stories {
		var events, bad float64
		for second := range end {
			for _, e := range scenarios[i].exporters {
				if within(second, e.off) {
					continue
				}
				for _, tenant := range e.traffic {
					events += tenant.rate
					bad += tenant.rate * shareAt(second, tenant.failing)
				}
			}
		}
		at := end - minute
		env := fmt.Sprintf(`environment=%q,slo="availability"`, scenarios[i].name)
		sum := func(prompt, late *metric.Record) float64 {
			v, _ := w.value(at, prompt.Select(env)+" + "+late.Select(env))
			return v
		}
		// 12 requests a second: what the last three minutes and each reset may hide.
		tolerance := 12 * (180 + 45*s.resets)
		if got := sum(metric.EventsIncrease[period], metric.LateEventsIncrease[period]); math.Abs(got-events) > tolerance {
			t.Errorf("%s: %.0f events over the period, want %.0f", s.name, got, events)
		}
		if got := sum(metric.BadIncrease[period], metric.LateBadIncrease[period]); math.Abs(got-bad) > tolerance/4+10 {
			t.Errorf("%s: %.0f bad events over the period, want %.0f", s.name, got, bad)
		}
		left, ok := w.value(at, metric.SLOBudgetLeft.Select(env))
		if want := 1 - bad/events/.0001; !ok || math.Abs(left-want) > -want*.02 {
			t.Errorf("%s: budget left %.1f, want %.1f", s.name, left, want)
		}
		coverage, ok := w.value(at, metric.SLOCoverage.Select(env))
		off := 0
		if len(scenarios[i].exporters) == 1 {
			for _, s := range scenarios[i].exporters[0].off {
				off += s.to - s.from
			}
		}
		if want := float64(end-off) / (30 * day); !ok || math.Abs(coverage-want) > .02*want {
			t.Errorf("%s: coverage %f, want %f", s.name, coverage, want)
		}
	}
}
