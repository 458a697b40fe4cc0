package rules

import (
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// removedAt is when something is taken out of the policy, or out of the registry.
const removedAt = begin + 15*minute

// twoEvaluations are a scrape and two evaluations of the group that judges checks.
const twoEvaluations = 45

// gone makes a check that is down and removed.
func gone(l int, tenant string, at func(i int) int) []*simExporter {
	return layouts[l].place(1, func(i int, e *simExporter) {
		e.check, e.broken, e.removed = "gone", []spell{{begin, 9 * hour}}, at(i)
		if tenant != "" {
			e.check, e.tenant, e.tier, e.page = "each", tenant, "enterprise", "P2"
		}
	})
}

// TestRemovedChecks checks that what left the policy or the registry is over within two evaluations, down or up. What
// a dead exporter stated is not over.
func TestRemovedChecks(t *testing.T) {
	simulates(t)
	always := func(int) int { return removedAt }
	inTurn := func(i int) int { return removedAt + i*10*minute }
	tenant := func(name string, l int) []*simExporter {
		return layouts[l].place(1, func(_ int, e *simExporter) { e.check, e.tenant, e.tier, e.page = "each", name, "enterprise", "P2" })
	}
	healthy := func(all []*simExporter) []*simExporter {
		for _, e := range all {
			e.broken = nil
		}
		return all
	}
	died := func(all []*simExporter) []*simExporter {
		for _, e := range all {
			if e.tenant == "" {
				e.check = "named" // by the policy in force
			}
			e.removed, e.off = 0, []spell{{removedAt, 9 * hour}}
		}
		return all
	}
	// They have read a registry without a tenant.
	emptied := func(all []*simExporter) []*simExporter {
		for _, e := range all {
			e.emptied = removedAt
		}
		return all
	}
	others := func(l int) []*simExporter { return layouts[l].place(1, nil) }
	cases := []struct {
		name      string
		exporters []*simExporter
		alert     *metric.Alert
		ends      int // 0 for not before the end
	}{
		{"a check that is down is removed", append(gone(one, "", always), others(one)...), metric.CheckDownAlert, removedAt + twoEvaluations},
		{"the only check is removed", gone(one, "", always), metric.CheckDownAlert, removedAt + twoEvaluations},
		{
			"a check is removed at one exporter and ten minutes later at the other", append(gone(twoOneJob, "", inTurn), others(twoOneJob)...),
			metric.CheckDownAlert, removedAt + 10*minute + twoEvaluations,
		},
		{"a check that is up is removed", append(healthy(gone(one, "", always)), others(one)...), nil, 0},
		{"a tenant that is down leaves the registry", append(gone(one, "acme", always), tenant("other", one)...), metric.TenantDownAlert, removedAt + twoEvaluations},
		{"a tenant that is up leaves the registry", append(healthy(gone(one, "acme", always)), tenant("other", one)...), nil, 0},
		{
			"a tenant leaves the registry of two exporters", append(gone(twoLocations, "acme", always), tenant("other", twoLocations)...),
			metric.TenantDownAlert, removedAt + twoEvaluations,
		},
		{"a registry is emptied", emptied(gone(one, "acme", always)), metric.TenantDownAlert, removedAt + twoEvaluations},
		{"the exporter of a tenant that is down dies", append(died(gone(one, "acme", always)), died(tenant("other", one))...), metric.TenantDownAlert, 0},
		{"the exporter of a check that is down dies", died(gone(one, "", always)), metric.CheckDownAlert, 0},
	}
	const until = removedAt + 40*minute
	var scenarios []scenario
	for _, c := range cases {
		scenarios = append(scenarios, scenario{c.name, c.exporters})
	}
	w := newWorld(t, scenarios...).onlyHealth()
	w.run(until)
	for _, c := range cases {
		fired := slices.DeleteFunc(w.fired(c.name), func(f firing) bool {
			return f.alert == metric.ExporterDownAlert.Name || f.alert == metric.LocationSilentAlert.Name ||
				f.alert == metric.ServiceUnwatchedAlert.Name || f.alert == metric.EnvironmentUnwatchedAlert.Name
		})
		switch {
		case c.alert == nil && len(fired) > 0:
			t.Errorf("%s: %v", c.name, fired)
		case c.alert != nil && (len(fired) != 1 || fired[0].alert != c.alert.Name || fired[0].from > begin+3*minute):
			t.Errorf("%s: %v, want one %s", c.name, fired, c.alert.Name)
		case c.alert != nil && c.ends == 0 && fired[0].to < until:
			t.Errorf("%s: over at %d", c.name, fired[0].to)
		case c.alert != nil && c.ends > 0 && (fired[0].to > c.ends || fired[0].to < c.ends-twoEvaluations):
			t.Errorf("%s: over at %d, want %d", c.name, fired[0].to, c.ends)
		}
	}
}

// TestRemovedLocation checks that a location that left the policy is not missed, and that its last value does not
// count.
func TestRemovedLocation(t *testing.T) {
	simulates(t)
	exporters := layouts[threeLocations].place(1, func(i int, e *simExporter) {
		if i > 0 { // they see an outage, and are switched off in it
			e.broken, e.off = []spell{{begin, 9 * hour}}, []spell{{removedAt, 9 * hour}}
		}
	})
	first := exporters[0].location
	for name, locations := range map[string][]string{"given up": {first}, "silent": nil} {
		t.Run(name, func(t *testing.T) {
			p := testPolicy(t)
			p.Environment, p.Health.Locations = "l", locations
			p.Health.Checks = []*config.Check{{Name: "home", AppService: "web"}}
			fresh := layouts[threeLocations].place(1, func(i int, e *simExporter) { e.broken, e.off = exporters[i].broken, exporters[i].off })
			w := newWorldOf(t, []*config.Policy{p}, scenario{"l", fresh}).onlyHealth()
			w.run(removedAt + 25*minute)
			down, silent := w.fired("l", metric.CheckDownAlert.Name), w.fired("l", metric.LocationSilentAlert.Name)
			if locations == nil {
				if len(down) != 1 || down[0].to < removedAt+25*minute || len(silent) != 2 {
					t.Errorf("%v, %v; want the page to go on and two silent locations", down, silent)
				}
				return
			}
			if len(down) != 1 || down[0].to > removedAt+twoEvaluations || len(silent) != 0 {
				t.Errorf("%v, %v; want the page to end and no silent location", down, silent)
			}
		})
	}
}

// TestRemovedTenantBurns checks that the burn of a tenant that left the registry is over, in every window. The burn of
// a tenant whose exporter died goes on.
func TestRemovedTenantBurns(t *testing.T) {
	simulates(t)
	const left = warmup + 30*minute
	bad := func(name string) simTenant {
		return simTenant{name: name, tier: "enterprise", service: "web", rate: 50, failing: failing(.0012, minute, 9*hour)}
	}
	stays, leaves, dies := bad("one"), bad("one"), bad("one")
	leaves.left = left
	cases := map[string][]*simExporter{
		"stays":  oneReceiver.carry(append(crowd(6, "standard", 50, nil), stays)...),
		"leaves": oneReceiver.carry(append(crowd(6, "standard", 50, nil), leaves)...),
	}
	last := bad("one")
	last.left = left
	cases["the registry is emptied"] = oneReceiver.carry(append(crowd(6, "standard", 50, func(_ int, t *simTenant) { t.left = left }), last)...)
	only := bad("one")
	cases["the only exporter dies"] = oneReceiver.carry(append(crowd(6, "standard", 50, nil), only)...)
	cases["the only exporter dies"][0].off = []spell{{left, 9 * hour}}
	alone := twoReceivers.carry(crowd(6, "standard", 50, nil)...)
	alone[1].traffic, alone[1].off = []*simTenant{&dies}, []spell{{left, 9 * hour}}
	cases["its exporter dies"] = alone
	var scenarios []scenario
	for name, exporters := range cases {
		scenarios = append(scenarios, scenario{name, exporters})
	}
	w := newWorld(t, scenarios...).onlyRequests()
	w.runStory(warmup, left+40*minute)
	for name := range cases {
		fired := w.fired(name, metric.TenantBurnAlert.Name)
		if len(fired) == 0 {
			t.Errorf("%s: nothing fired", name)
		}
		last := 0
		for _, f := range fired {
			last = max(last, f.to)
		}
		// A scrape and an evaluation of the group.
		const by = left + 15 + minute
		ends := name == "leaves" || name == "the registry is emptied"
		if ends && last > by {
			t.Errorf("%s: %v, want it over by %d", name, fired, by)
		}
		if !ends && last < left+10*minute {
			t.Errorf("%s: %v, want it to last until %d", name, fired, left+10*minute)
		}
	}
}
