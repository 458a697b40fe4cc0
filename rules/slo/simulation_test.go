package slo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// requestSimulation is an alert's case on requests. It holds what makes the alert fire, the near miss, and the
// behaviour while its exporters restart one after the other.
type requestSimulation struct {
	alert    *metric.Alert
	priority string
	fires    []simTenant
	misses   []simTenant
	// steady alerts fire through a rolling restart without a gap; the others are quiet in one.
	steady bool
}

const (
	troubleAt = 12 * minute
	troubleTo = troubleAt + 15*minute
)

// beside are two tenants so big that the others do not make their service burn.
func beside(tenants []simTenant) []simTenant {
	return append(ruletest.Tenants(2, "enterprise", 10_000, nil), tenants...)
}

func smallTenants(n int, share float64) []simTenant {
	return ruletest.Tenants(n, "standard", .2, func(i int, t *simTenant) {
		t.Name, t.Failing = fmt.Sprint("small", i), ruletest.Failing(share, troubleAt, troubleTo)
	})
}

var requestSimulations = []requestSimulation{
	{
		alert: metric.SLOBurnAlert, priority: "P1", steady: true,
		fires:  ruletest.Tenants(4, "enterprise", 5, ruletest.EveryTenant(.2, troubleAt, troubleTo)),
		misses: ruletest.Tenants(4, "enterprise", 5, ruletest.FirstTenants(1, .2, troubleAt, troubleTo)),
	},
	{
		alert: metric.TenantBurnAlert, priority: "P4", steady: true,
		fires:  beside(smallTenants(1, .5)),
		misses: beside(smallTenants(1, .05)), // nine failures in the whole time
	},
	{
		alert: metric.TierBurnAlert, priority: "P2", steady: true,
		fires:  beside(smallTenants(3, .5)),
		misses: beside(smallTenants(2, .5)),
	},
	{
		alert: metric.ManyTenantsBurningAlert, priority: "P2", steady: true,
		fires:  beside(smallTenants(rule.ManyTenants, .5)),
		misses: beside(smallTenants(rule.ManyTenants-1, .5)),
	},
	{
		alert: metric.TrafficVanishedAlert, priority: "P2",
		fires: ruletest.Tenants(4, "enterprise", 5,
			func(_ int, t *simTenant) { t.Silent = []spell{{20 * minute, 50 * minute}} }),
		misses: ruletest.Tenants(4, "enterprise", 5,
			func(_ int, t *simTenant) { t.Silent = []spell{{20 * minute, 33 * minute}} }),
	},
}

// worlds builds the scenarios of a simulated alert.
func (s requestSimulation) worlds() []scenario {
	var all []scenario
	for _, kind := range []string{ruletest.KindFiring, ruletest.KindQuiet, ruletest.KindTwo, ruletest.KindRestart} {
		layout, tenants := ruletest.TwoReceivers, s.fires
		if kind == ruletest.KindFiring {
			layout = ruletest.OneReceiver
		}
		if kind == ruletest.KindQuiet {
			tenants = s.misses
		}
		if kind == ruletest.KindRestart && !s.steady {
			tenants = ruletest.Tenants(4, "enterprise", 5, nil)
		}
		exporters := layout.Carry(tenants...)
		if kind == ruletest.KindRestart {
			for i, e := range exporters {
				e.Off = []spell{{troubleAt + 5*minute + i*minute, troubleAt + 5*minute + i*minute + 35}}
			}
		}
		all = append(all, scenario{Name: s.alert.Name + "/" + kind, Exporters: exporters})
	}
	return all
}

// TestRequestAlerts runs every simulated alert on requests.
func TestRequestAlerts(t *testing.T) {
	ruletest.Simulates(t)
	var worlds []scenario
	for _, s := range requestSimulations {
		worlds = append(worlds, s.worlds()...)
	}
	w := ruletest.NewWorld(t, worlds...).OnlyRequests()
	w.Run(56 * minute)
	for _, s := range requestSimulations {
		for _, world := range s.worlds() {
			fired := w.Fired(world.Name, s.alert.Name)
			want := 1
			if strings.HasSuffix(world.Name, ruletest.KindQuiet) ||
				strings.HasSuffix(world.Name, ruletest.KindRestart) && !s.steady {
				want = 0
			}
			if len(fired) != want ||
				want == 1 && (fired[0].Priority != s.priority || fired[0].From < troubleAt || fired[0].To > 56*minute) {
				t.Errorf("%s: fired %v, want %d at %s", world.Name, fired, want, s.priority)
			}
		}
	}
	// A mass outage is one alert, not one for each tenant.
	for _, f := range w.Fired(metric.ManyTenantsBurningAlert.Name+"/"+ruletest.KindTwo, metric.TenantBurnAlert.Name) {
		t.Errorf("fired beside the mass outage: %v", f)
	}
}

// simulatedCases returns the names of the simulated cases.
func simulatedCases() []ruletest.Case {
	var cases []ruletest.Case
	for _, s := range requestSimulations {
		for _, w := range s.worlds() {
			cases = append(cases, ruletest.Case{Name: w.Name, Steady: s.steady})
		}
	}
	return cases
}
