package rules_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// The stories of maintenance: planned work goes on in between.
const (
	planned    = warmup + 5*minute
	over       = planned + 30*minute
	plannedEnd = over + 30*minute
)

func maintenanceStories() []scenario {
	work := []spell{{planned, over}}
	place := func(each func(e *simExporter)) []*simExporter {
		exporters := ruletest.Layouts[ruletest.TwoOneJob].Place(1, nil)
		for i, e := range ruletest.TwoReceivers.Carry(ruletest.Tenants(4, "enterprise", 5, func(_ int, tenant *simTenant) {
			// One bad request of each tenant at each exporter before, and all while the work goes on.
			tenant.Failing = append(
				ruletest.Failing(1.0/150, warmup-20*minute, warmup-19*minute), ruletest.Failing(1, planned+minute, over-minute)...,
			)
		})...) {
			exporters[i].Traffic, exporters[i].Interval = e.Traffic, 5
			exporters[i].Broken = []spell{{planned + minute, over - minute}}
			each(exporters[i])
		}
		return exporters
	}
	return []scenario{
		{Name: "silence", Exporters: place(func(e *simExporter) { e.Planned = work })},
		{Name: "policy", Exporters: place(func(e *simExporter) { e.Maintenance = work })},
		{Name: "none", Exporters: place(func(*simExporter) {})},
	}
}

// TestMaintenance checks planned work by a silence of the whole service, and by a policy window over all of its
// checks. What happens in it is in no objective, budget or SLA, and burns nothing. What happens before and after is
// counted.
func TestMaintenance(t *testing.T) {
	ruletest.Simulates(t)
	const end = plannedEnd
	scenarios := maintenanceStories()
	w := ruletest.NewWorld(t, scenarios...)
	w.Run(end)
	for _, s := range scenarios {
		env := fmt.Sprintf("environment=%q", s.Name)
		down, _ := w.Value(end-minute, metric.DownIncrease["1d"].Select(env))
		bad, _ := w.Value(end-minute, metric.BadIncrease["1h"].Select(env, `slo="availability"`))
		events, _ := w.Value(end-minute, metric.EventsIncrease["1h"].Select(env, `slo="availability"`))
		contract, _ := w.Value(end-minute, metric.SLADown.Select(env))
		burns := w.Fired(s.Name, metric.SLOBurnAlert.Name, metric.TenantBurnAlert.Name, metric.UptimeBurnAlert.Name,
			metric.TrafficVanishedAlert.Name)
		if s.Name == "none" {
			paged := w.Fired(s.Name, metric.CheckDownAlert.Name)
			if down < 25*minute || bad < 20*25*minute || contract < 25*minute || len(paged) != 1 || len(burns) != 0 {
				t.Errorf("without maintenance: %.0f s down, %.0f bad, %.0f s in the contract, fired: %v and %v", down, bad,
					contract, paged, burns)
			}
			continue
		}
		if down != 0 || bad != 0 || contract != 0 || len(burns) != 0 {
			t.Errorf("%s: %.0f s down, %.0f bad, %.0f s in the contract, fired: %v", s.Name, down, bad, contract, burns)
		}
		if want := 20.0 * 30 * minute; math.Abs(events-want) > 20*75 {
			t.Errorf("%s: %.0f events in the last hour, want those of half of it, %.0f", s.Name, events, want)
		}
		all, _ := w.Value(end-minute, metric.BadIncrease["6h"].Select(env, `slo="availability"`))
		if want := 8.0; all != want {
			t.Errorf("%s: %.0f bad from before the work, want %.0f", s.Name, all, want)
		}
	}
}
