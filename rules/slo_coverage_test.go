package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
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
	return append(crowd(2, "enterprise", 10_000, nil), tenants...)
}

func smallTenants(n int, share float64) []simTenant {
	return crowd(n, "standard", .2, func(i int, t *simTenant) {
		t.name, t.failing = fmt.Sprint("small", i), failing(share, troubleAt, troubleTo)
	})
}

var requestSimulations = []requestSimulation{
	{
		alert: metric.SLOBurnAlert, priority: "P1", steady: true,
		fires:  crowd(4, "enterprise", 5, everyTenant(.2, troubleAt, troubleTo)),
		misses: crowd(4, "enterprise", 5, firstTenants(1, .2, troubleAt, troubleTo)),
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
		fires:  beside(smallTenants(storm, .5)),
		misses: beside(smallTenants(storm-1, .5)),
	},
	{
		alert: metric.TrafficVanishedAlert, priority: "P2",
		fires:  crowd(4, "enterprise", 5, func(_ int, t *simTenant) { t.silent = []spell{{20 * minute, 50 * minute}} }),
		misses: crowd(4, "enterprise", 5, func(_ int, t *simTenant) { t.silent = []spell{{20 * minute, 33 * minute}} }),
	},
}

// worlds builds the scenarios of a simulated alert.
func (s requestSimulation) worlds() []scenario {
	var all []scenario
	for _, kind := range []string{kindFiring, kindQuiet, kindTwo, kindRestart} {
		layout, tenants := twoReceivers, s.fires
		if kind == kindFiring {
			layout = oneReceiver
		}
		if kind == kindQuiet {
			tenants = s.misses
		}
		if kind == kindRestart && !s.steady {
			tenants = crowd(4, "enterprise", 5, nil)
		}
		exporters := layout.carry(tenants...)
		if kind == kindRestart {
			for i, e := range exporters {
				e.off = []spell{{troubleAt + 5*minute + i*minute, troubleAt + 5*minute + i*minute + 35}}
			}
		}
		all = append(all, scenario{s.alert.Name + "/" + kind, exporters})
	}
	return all
}

// TestRequestAlerts runs every simulated alert on requests.
func TestRequestAlerts(t *testing.T) {
	simulates(t)
	var worlds []scenario
	for _, s := range requestSimulations {
		worlds = append(worlds, s.worlds()...)
	}
	w := newWorld(t, worlds...).onlyRequests()
	w.run(56 * minute)
	for _, s := range requestSimulations {
		for _, world := range s.worlds() {
			fired := w.fired(world.name, s.alert.Name)
			want := 1
			if strings.HasSuffix(world.name, kindQuiet) || strings.HasSuffix(world.name, kindRestart) && !s.steady {
				want = 0
			}
			if len(fired) != want || want == 1 && (fired[0].priority != s.priority || fired[0].from < troubleAt || fired[0].to > 56*minute) {
				t.Errorf("%s: fired %v, want %d at %s", world.name, fired, want, s.priority)
			}
		}
	}
	// A storm is one alert, not one for each tenant.
	for _, f := range w.fired(metric.ManyTenantsBurningAlert.Name+"/"+kindTwo, metric.TenantBurnAlert.Name) {
		t.Errorf("told of beside the storm: %v", f)
	}
}
