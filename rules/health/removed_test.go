package health_test

import (
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// removedAt is when something is taken out of the policy, or out of the registry.
const removedAt = begin + 15*minute

// twoEvaluations are a scrape and two evaluations of the group that judges checks.
const twoEvaluations = 45

// gone makes a check that is down and removed.
func gone(l int, tenant string, at func(i int) int) []*simExporter {
	return ruletest.Layouts[l].Place(1, func(i int, e *simExporter) {
		e.Check, e.Broken, e.Removed = "gone", []spell{{begin, 9 * hour}}, at(i)
		if tenant != "" {
			e.Check, e.Tenant, e.Tier, e.Page = "each", tenant, "enterprise", "P2"
		}
	})
}

// TestRemovedChecks checks that what left the policy or the registry is over within two evaluations, down or up. What
// a dead exporter stated is not over.
func TestRemovedChecks(t *testing.T) {
	ruletest.Simulates(t)
	always := func(int) int { return removedAt }
	inTurn := func(i int) int { return removedAt + i*10*minute }
	tenant := func(name string, l int) []*simExporter {
		return ruletest.Layouts[l].Place(1,
			func(_ int, e *simExporter) { e.Check, e.Tenant, e.Tier, e.Page = "each", name, "enterprise", "P2" })
	}
	healthy := func(all []*simExporter) []*simExporter {
		for _, e := range all {
			e.Broken = nil
		}
		return all
	}
	died := func(all []*simExporter) []*simExporter {
		for _, e := range all {
			if e.Tenant == "" {
				e.Check = "named" // by the policy in force
			}
			e.Removed, e.Off = 0, []spell{{removedAt, 9 * hour}}
		}
		return all
	}
	// They have read a registry without a tenant.
	emptied := func(all []*simExporter) []*simExporter {
		for _, e := range all {
			e.Emptied = removedAt
		}
		return all
	}
	others := func(l int) []*simExporter { return ruletest.Layouts[l].Place(1, nil) }
	cases := []struct {
		name      string
		exporters []*simExporter
		alert     *metric.Alert
		ends      int // 0 for not before the end
	}{
		{
			"a check that is down is removed", append(gone(ruletest.One, "", always), others(ruletest.One)...),
			metric.CheckDownAlert, removedAt + twoEvaluations,
		},
		{"the only check is removed", gone(ruletest.One, "", always), metric.CheckDownAlert, removedAt + twoEvaluations},
		{
			"a check is removed at one exporter and ten minutes later at the other",
			append(gone(ruletest.TwoOneJob, "", inTurn), others(ruletest.TwoOneJob)...),
			metric.CheckDownAlert, removedAt + 10*minute + twoEvaluations,
		},
		{"a check that is up is removed", append(healthy(gone(ruletest.One, "", always)), others(ruletest.One)...), nil, 0},
		{"a tenant that is down leaves the registry", append(gone(ruletest.One, "acme", always),
			tenant("other", ruletest.One)...), metric.TenantDownAlert, removedAt + twoEvaluations},
		{
			"a tenant that is up leaves the registry",
			append(healthy(gone(ruletest.One, "acme", always)), tenant("other", ruletest.One)...), nil, 0,
		},
		{
			"a tenant leaves the registry of two exporters",
			append(gone(ruletest.TwoLocations, "acme", always), tenant("other", ruletest.TwoLocations)...),
			metric.TenantDownAlert, removedAt + twoEvaluations,
		},
		{
			"a registry is emptied", emptied(gone(ruletest.One, "acme", always)), metric.TenantDownAlert,
			removedAt + twoEvaluations,
		},
		{
			"the exporter of a tenant that is down dies",
			append(died(gone(ruletest.One, "acme", always)), died(tenant("other", ruletest.One))...), metric.TenantDownAlert, 0,
		},
		{"the exporter of a check that is down dies", died(gone(ruletest.One, "", always)), metric.CheckDownAlert, 0},
	}
	const until = removedAt + 40*minute
	var scenarios []scenario
	for _, c := range cases {
		scenarios = append(scenarios, scenario{Name: c.name, Exporters: c.exporters})
	}
	w := ruletest.NewWorld(t, scenarios...).OnlyHealth()
	w.Run(until)
	for _, c := range cases {
		fired := slices.DeleteFunc(w.Fired(c.name), func(f ruletest.Firing) bool {
			return f.Alert == metric.ExporterDownAlert.Name || f.Alert == metric.LocationSilentAlert.Name ||
				f.Alert == metric.ServiceUnwatchedAlert.Name || f.Alert == metric.EnvironmentUnwatchedAlert.Name
		})
		switch {
		case c.alert == nil && len(fired) > 0:
			t.Errorf("%s: %v", c.name, fired)
		case c.alert != nil && (len(fired) != 1 || fired[0].Alert != c.alert.Name || fired[0].From > begin+3*minute):
			t.Errorf("%s: %v, want one %s", c.name, fired, c.alert.Name)
		case c.alert != nil && c.ends == 0 && fired[0].To < until:
			t.Errorf("%s: over at %d", c.name, fired[0].To)
		case c.alert != nil && c.ends > 0 && (fired[0].To > c.ends || fired[0].To < c.ends-twoEvaluations):
			t.Errorf("%s: over at %d, want %d", c.name, fired[0].To, c.ends)
		}
	}
}

// TestRemovedLocation checks that a location that left the policy is not missed, and that its last value does not
// count.
func TestRemovedLocation(t *testing.T) {
	ruletest.Simulates(t)
	exporters := ruletest.Layouts[ruletest.ThreeLocations].Place(1, func(i int, e *simExporter) {
		if i > 0 { // they see an outage, and are switched off in it
			e.Broken, e.Off = []spell{{begin, 9 * hour}}, []spell{{removedAt, 9 * hour}}
		}
	})
	first := exporters[0].Location
	for name, locations := range map[string][]string{"given up": {first}, "silent": nil} {
		t.Run(name, func(t *testing.T) {
			p := ruletest.Policy(t)
			p.Environment, p.Health.Locations = "l", locations
			p.Health.Checks = []*config.Check{{Name: "home", AppService: "web"}}
			fresh := ruletest.Layouts[ruletest.ThreeLocations].Place(1,
				func(i int, e *simExporter) { e.Broken, e.Off = exporters[i].Broken, exporters[i].Off })
			w := ruletest.NewWorldOf(t, []*config.Policy{p}, scenario{Name: "l", Exporters: fresh}).OnlyHealth()
			w.Run(removedAt + 25*minute)
			down, silent := w.Fired("l", metric.CheckDownAlert.Name), w.Fired("l", metric.LocationSilentAlert.Name)
			if locations == nil {
				if len(down) != 1 || down[0].To < removedAt+25*minute || len(silent) != 2 {
					t.Errorf("%v, %v; want the page to go on and two silent locations", down, silent)
				}
				return
			}
			if len(down) != 1 || down[0].To > removedAt+twoEvaluations || len(silent) != 0 {
				t.Errorf("%v, %v; want the page to end and no silent location", down, silent)
			}
		})
	}
}
