package rules_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestMendedOutageIsOver covers an outage that a health check pages for and that also fails requests, whose logs
// arrive after the mend. No alert begins after the mend, even if the logs are minutes late.
func TestMendedOutageIsOver(t *testing.T) {
	ruletest.Simulates(t)
	type outage struct {
		scenario
		mended int
	}
	var outages []outage
	for i, l := range []ruletest.Layout{ruletest.Layouts[ruletest.One], ruletest.Layouts[ruletest.TwoOneJob]} {
		for _, length := range []int{2 * minute, 10 * minute} {
			for seed, lag := range []int{0, 90, 200} {
				mended := warmup + length
				exporters := l.Place(seed+3*i, func(_ int, e *simExporter) { e.Broken = []spell{{warmup, mended}} })
				for _, tenant := range ruletest.Tenants(4, "enterprise", 5, ruletest.EveryTenant(1, warmup, mended)) {
					tenant.Service, tenant.Lag, tenant.Rate = "web", lag, tenant.Rate/float64(len(exporters))
					for _, e := range exporters {
						counted := tenant
						e.Traffic = append(e.Traffic, &counted)
					}
				}
				outages = append(outages,
					outage{scenario{Name: fmt.Sprintf("%s/%ds/%ds late", l.Name, length, lag), Exporters: exporters}, mended})
			}
		}
	}
	var scenarios []scenario
	for _, o := range outages {
		scenarios = append(scenarios, o.scenario)
	}
	w := ruletest.NewWorld(t, scenarios...)
	w.RunStory(warmup, warmup+10*minute+2*hour+20*minute)
	for _, o := range outages {
		down := w.Fired(o.Name, metric.CheckDownAlert.Name)
		if len(down) != 1 || down[0].Priority != "P1" {
			t.Errorf("%s: %v, want one P1", o.Name, down)
		}
		for _, f := range w.Fired(o.Name) {
			switch {
			case f.From >= o.mended:
				t.Errorf("%s: fired after the mend at %d: %v", o.Name, o.mended, f)
			case f.Alert != metric.CheckDownAlert.Name && (f.Alert != metric.SLOBurnAlert.Name || f.Priority != "P1"):
				t.Errorf("%s: fired beside the outage: %v", o.Name, f)
			}
		}
	}
}
