package health_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestTenantsWaitForTheirService checks that an outage of everything is one P1, even if tenants are probed before
// their service. The outage of one tenant alone is reported a minute later than that of a service.
func TestTenantsWaitForTheirService(t *testing.T) {
	ruletest.Simulates(t)
	trouble := []spell{{begin, begin + 10*minute}}
	const late = 28 // seconds until the service's own check detects it
	var scenarios []scenario
	for _, early := range []int{0, 7, 14, 21, 28} {
		for scrape := 0; scrape < 15; scrape += 4 {
			exporters := ruletest.Layouts[ruletest.One].Place(1, func(_ int, e *simExporter) {
				e.Phase, e.Scrape, e.Broken = (begin+late)%30, scrape, trouble
			})
			for i, page := range []string{"P2", "P4", "P4"} {
				exporters = append(exporters, ruletest.Layouts[ruletest.One].Place(1, func(_ int, e *simExporter) {
					e.Tenant, e.Tier, e.Page = fmt.Sprint("t", i), "standard", page
					e.Phase, e.Scrape, e.Broken = (begin+early)%30, scrape, trouble
				})...)
			}
			scenarios = append(scenarios,
				scenario{Name: fmt.Sprintf("%d s before, scraped at %d", late-early, scrape), Exporters: exporters})
		}
	}
	alone := scenario{Name: "alone", Exporters: ruletest.Layouts[ruletest.One].Place(1, func(_ int, e *simExporter) {
		e.Tenant, e.Tier, e.Page, e.Broken = "acme", "enterprise", "P2", trouble
	})}
	w := ruletest.NewWorld(t, append(scenarios, alone)...).OnlyHealth()
	w.Run(begin + 18*minute)
	for _, s := range scenarios {
		fired := w.Fired(s.Name)
		if len(fired) != 1 || fired[0].Alert != metric.CheckDownAlert.Name || fired[0].Priority != "P1" ||
			fired[0].From > begin+90 {
			t.Errorf("%s: %v, want the service's P1 and nothing else", s.Name, fired)
		}
	}
	if fired := w.Fired(alone.Name); len(fired) != 1 || fired[0].Alert != metric.TenantDownAlert.Name ||
		fired[0].From > begin+150 {
		t.Errorf("a tenant alone: %v", fired)
	}
}
