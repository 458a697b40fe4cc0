package slo_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// massFailureBegins is when ten thousand tenants begin to fail.
const massFailureBegins = 4 * minute

// massFailureStory returns ten thousand failing tenants beside two that are so big that the service as a whole does not
// burn. This is the harder case, because no alert of the service hides those of the tenants.
func massFailureStory() scenario {
	all := beside(ruletest.Tenants(10_000, "standard", .2, func(i int, tenant *simTenant) {
		tenant.Name, tenant.Failing = fmt.Sprint("t", i), ruletest.Failing(.5, massFailureBegins, hour)
	}))
	all[0].Rate, all[1].Rate = 1e8, 1e8
	return scenario{Name: "ten thousand tenants", Exporters: ruletest.OneReceiver.Carry(all...)}
}

// TestTenThousandTenants checks that the failure of all of ten thousand tenants fires three alerts at most.
func TestTenThousandTenants(t *testing.T) {
	ruletest.Simulates(t)
	story := massFailureStory()
	w := ruletest.NewWorld(t, story).OnlyRequests()
	w.Run(massFailureBegins + 7*minute)
	fired := w.Fired(story.Name)
	many := 0
	for _, f := range fired {
		if f.Alert == metric.ManyTenantsBurningAlert.Name {
			many++
		}
		if f.Alert == metric.TenantBurnAlert.Name {
			t.Errorf("fired beside the mass outage: %v", f)
		}
	}
	if many != 1 || len(fired) > 3 {
		t.Errorf("%d alerts report it, %d of them of the mass outage: %v", len(fired), many, fired)
	}
}
