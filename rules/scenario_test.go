package rules

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// promisedScenarios lists the problems that the rules promise to report correctly, each with a story that a test runs.
var promisedScenarios = []struct{ scenario, story string }{
	{"full outage", "full outage of ten minutes"},
	{"brown-out at 20 %", "brown-out at 20 % until the end"},
	{"slow leak of budget", "slow leak at twice the pace"},
	{"one lost probe", "one lost probe"},
	{"a blip of 8 s", "a blip of 8 s"},
	{"a blip of 60 s", "a blip of 60 s"},
	{"no traffic", "no traffic"},
	{"exporter gone while the target is down", "exporter dies in the outage and stays away for hours"},
	{"two exporters gone while the target is down", "both exporters die in the outage"},
	{"maintenance", "maintenance from before the outage"},
	{"maintenance that begins in an outage", "maintenance begins in the outage"},
	{"maintenance of a service by a silence", "silence"},
	{"a tenant with three requests an hour", "a tenant with three requests an hour"},
	{"late logs", "late logs"},
	{"a storm over 10,000 tenants", "ten thousand tenants"},
	{"one bad client of one tenant in a pool of 500", "one bad client of one tenant in a pool of 500"},
	{"a brown-out right after an outage", "brown-out after an outage"},
	{"traffic that stops", "traffic that stops after an outage"},
	{"a tenant on which two exporters disagree", "a tenant on whose tier two exporters disagree"},
	{"the expectation is missing for two minutes", "the expectation is missing for two minutes"},
	{"rolling restart in an outage", "rolling restart with changed instances"},
	{"two of three locations down", "two of three locations down"},
	{"one of two locations down", "one of two locations down"},
}

// TestScenarios checks that each promised scenario has a story in the tables that tests run. Stories of requests run
// with one exporter, with two, and through a rolling restart.
func TestScenarios(t *testing.T) {
	stories := map[string]bool{}
	for _, c := range gapCases {
		stories[c.name] = true
	}
	if len(carriers) != 3 {
		t.Errorf("%d carriers, want one exporter, two, and a rolling restart", len(carriers))
	}
	for _, cases := range [][]sloCase{requestStories(oneReceiver.carry), tenantStories(), poolStories()} {
		for _, c := range cases {
			stories[c.name] = true
		}
	}
	for _, s := range append(maintenanceStories(), stormStory()) {
		stories[s.name] = true
	}
	for _, p := range promisedScenarios {
		if !stories[p.story] {
			t.Errorf("%s: no table has the story %q", p.scenario, p.story)
		}
	}
}

// stormBegins is when ten thousand tenants begin to fail.
const stormBegins = 4 * minute

// stormStory returns ten thousand failing tenants beside two that are so big that the service as a whole does not
// burn. This is the harder case, because no alert of the service hides those of the tenants.
func stormStory() scenario {
	all := beside(crowd(10_000, "standard", .2, func(i int, tenant *simTenant) {
		tenant.name, tenant.failing = fmt.Sprint("t", i), failing(.5, stormBegins, hour)
	}))
	all[0].rate, all[1].rate = 1e8, 1e8
	return scenario{"ten thousand tenants", oneReceiver.carry(all...)}
}

// TestTenThousandTenants checks that the failure of all of ten thousand tenants fires three alerts at most.
func TestTenThousandTenants(t *testing.T) {
	simulates(t)
	story := stormStory()
	w := newWorld(t, story).onlyRequests()
	w.run(stormBegins + 7*minute)
	told := w.fired(story.name)
	many := 0
	for _, f := range told {
		if f.alert == metric.ManyTenantsBurningAlert.Name {
			many++
		}
		if f.alert == metric.TenantBurnAlert.Name {
			t.Errorf("told of beside the storm: %v", f)
		}
	}
	if many != 1 || len(told) > 3 {
		t.Errorf("%d alerts tell of it, %d of them of the storm: %v", len(told), many, told)
	}
}
