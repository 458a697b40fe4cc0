package rules

import (
	"fmt"
	"math"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
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
		exporters := layouts[twoOneJob].place(1, nil)
		for i, e := range twoReceivers.carry(crowd(4, "enterprise", 5, func(_ int, tenant *simTenant) {
			// One bad request of each tenant at each exporter before, and all while the work goes on.
			tenant.failing = append(failing(.01, warmup-20*minute, warmup-19*minute), failing(1, planned+minute, over-minute)...)
		})...) {
			exporters[i].traffic, exporters[i].interval = e.traffic, 5
			exporters[i].broken = []spell{{planned + minute, over - minute}}
			each(exporters[i])
		}
		return exporters
	}
	return []scenario{
		{"silence", place(func(e *simExporter) { e.planned = work })},
		{"policy", place(func(e *simExporter) { e.maintenance = work })},
		{"none", place(func(*simExporter) {})},
	}
}

// TestMaintenance checks planned work by a silence of the whole service, and by a policy window over all of its
// checks. What happens in it is in no objective, budget or SLA, and burns nothing. What happens before and after is
// counted.
func TestMaintenance(t *testing.T) {
	simulates(t)
	const end = plannedEnd
	scenarios := maintenanceStories()
	w := newWorld(t, scenarios...)
	w.run(end)
	for _, s := range scenarios {
		env := fmt.Sprintf("environment=%q", s.name)
		down, _ := w.value(end-minute, metric.DownIncrease["1d"].Select(env))
		bad, _ := w.value(end-minute, metric.BadIncrease["1h"].Select(env, `slo="availability"`))
		events, _ := w.value(end-minute, metric.EventsIncrease["1h"].Select(env, `slo="availability"`))
		contract, _ := w.value(end-minute, metric.SLADown.Select(env))
		burns := w.fired(s.name, metric.SLOBurnAlert.Name, metric.TenantBurnAlert.Name, metric.UptimeBurnAlert.Name, metric.TrafficVanishedAlert.Name)
		if s.name == "none" {
			paged := w.fired(s.name, metric.CheckDownAlert.Name)
			if down < 25*minute || bad < 20*25*minute || contract < 25*minute || len(paged) != 1 || len(burns) != 0 {
				t.Errorf("without maintenance: %.0f s down, %.0f bad, %.0f s in the contract, told of %v and %v", down, bad, contract, paged, burns)
			}
			continue
		}
		if down != 0 || bad != 0 || contract != 0 || len(burns) != 0 {
			t.Errorf("%s: %.0f s down, %.0f bad, %.0f s in the contract, told of %v", s.name, down, bad, contract, burns)
		}
		if want := 20.0 * 30 * minute; math.Abs(events-want) > 20*75 {
			t.Errorf("%s: %.0f events in the last hour, want those of half of it, %.0f", s.name, events, want)
		}
		all, _ := w.value(end-minute, metric.BadIncrease["6h"].Select(env, `slo="availability"`))
		if want := 8.0; all != want {
			t.Errorf("%s: %.0f bad from before the work, want %.0f", s.name, all, want)
		}
	}
}

// TestPlannedWorkIsBounded checks that planned work without an end leaves out eight hours of a day and no more.
func TestPlannedWorkIsBounded(t *testing.T) {
	simulates(t)
	w := newWorld(t, scenario{"endless", layouts[one].place(1, func(_ int, e *simExporter) { e.planned = []spell{{0, 2 * day}} })})
	w.groupsOnly = []string{"thorbis-health-ledger"}
	w.run(9 * hour)
	for at, want := range map[int]bool{7*hour + 50*minute: true, 8*hour + 10*minute: false, 9*hour - minute: false} {
		if _, planned := w.value(at, metric.Maintenance.Select(`environment="endless"`)); planned != want {
			t.Errorf("after %d minutes planned is %t", at/minute, planned)
		}
	}
}
