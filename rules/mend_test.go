package rules

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestMendedOutageIsOver covers an outage that a health check pages for and that also fails requests, whose logs
// arrive after the mend. No alert begins after the mend, even if the logs are minutes late.
func TestMendedOutageIsOver(t *testing.T) {
	simulates(t)
	type outage struct {
		scenario
		mended int
	}
	var outages []outage
	for i, l := range []layout{layouts[one], layouts[twoOneJob]} {
		for _, length := range []int{2 * minute, 10 * minute} {
			for seed, lag := range []int{0, 90, 200} {
				mended := warmup + length
				exporters := l.place(seed+3*i, func(_ int, e *simExporter) { e.broken = []spell{{warmup, mended}} })
				for _, tenant := range crowd(4, "enterprise", 5, everyTenant(1, warmup, mended)) {
					tenant.service, tenant.lag, tenant.rate = "web", lag, tenant.rate/float64(len(exporters))
					for _, e := range exporters {
						counted := tenant
						e.traffic = append(e.traffic, &counted)
					}
				}
				outages = append(outages, outage{scenario{fmt.Sprintf("%s/%ds/%ds late", l.name, length, lag), exporters}, mended})
			}
		}
	}
	var scenarios []scenario
	for _, o := range outages {
		scenarios = append(scenarios, o.scenario)
	}
	w := newWorld(t, scenarios...)
	w.runStory(warmup, warmup+10*minute+2*hour+20*minute)
	for _, o := range outages {
		down := w.fired(o.name, metric.CheckDownAlert.Name)
		if len(down) != 1 || down[0].priority != "P1" {
			t.Errorf("%s: %v, want one P1", o.name, down)
		}
		for _, f := range w.fired(o.name) {
			switch {
			case f.from >= o.mended:
				t.Errorf("%s: told of after the mend at %d: %v", o.name, o.mended, f)
			case f.alert != metric.CheckDownAlert.Name && (f.alert != metric.SLOBurnAlert.Name || f.priority != "P1"):
				t.Errorf("%s: told of beside the outage: %v", o.name, f)
			}
		}
	}
}
