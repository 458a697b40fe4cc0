package slo_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestRemovedTenantBurns checks that the burn of a tenant that left the registry is over, in every window. The burn of
// a tenant whose exporter died goes on.
func TestRemovedTenantBurns(t *testing.T) {
	ruletest.Simulates(t)
	const left = warmup + 30*minute
	bad := func(name string) simTenant {
		return simTenant{
			Name: name, Tier: "enterprise", Service: "web", Rate: 50, Failing: ruletest.Failing(.0012, minute, 9*hour),
		}
	}
	stays, leaves, dies := bad("one"), bad("one"), bad("one")
	leaves.Left = left
	cases := map[string][]*simExporter{
		"stays":  ruletest.OneReceiver.Carry(append(ruletest.Tenants(6, "standard", 50, nil), stays)...),
		"leaves": ruletest.OneReceiver.Carry(append(ruletest.Tenants(6, "standard", 50, nil), leaves)...),
	}
	last := bad("one")
	last.Left = left
	cases["the registry is emptied"] = ruletest.OneReceiver.Carry(
		append(ruletest.Tenants(6, "standard", 50, func(_ int, t *simTenant) { t.Left = left }), last)...)
	only := bad("one")
	cases["the only exporter dies"] = ruletest.OneReceiver.Carry(append(ruletest.Tenants(6, "standard", 50, nil), only)...)
	cases["the only exporter dies"][0].Off = []spell{{left, 9 * hour}}
	alone := ruletest.TwoReceivers.Carry(ruletest.Tenants(6, "standard", 50, nil)...)
	alone[1].Traffic, alone[1].Off = []*simTenant{&dies}, []spell{{left, 9 * hour}}
	cases["its exporter dies"] = alone
	var scenarios []scenario
	for name, exporters := range cases {
		for _, e := range exporters {
			e.CountsSince = -6 * hour // so that it burns over a window of six hours
		}
		scenarios = append(scenarios, scenario{Name: name, Exporters: exporters})
	}
	w := ruletest.NewWorld(t, scenarios...).OnlyRequests()
	w.RunStory(warmup, left+40*minute)
	for name := range cases {
		fired := w.Fired(name, metric.TenantBurnAlert.Name)
		if len(fired) == 0 {
			t.Errorf("%s: nothing fired", name)
		}
		last := 0
		for _, f := range fired {
			last = max(last, f.To)
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
