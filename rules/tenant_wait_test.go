package rules

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestTenantsWaitForTheirService checks that an outage of everything is one P1, even if tenants are probed before
// their service. The outage of one tenant alone is reported a minute later than that of a service.
func TestTenantsWaitForTheirService(t *testing.T) {
	simulates(t)
	trouble := []spell{{begin, begin + 10*minute}}
	const late = 28 // seconds until the service's own check detects it
	var scenarios []scenario
	for _, early := range []int{0, 7, 14, 21, 28} {
		for scrape := 0; scrape < 15; scrape += 4 {
			exporters := layouts[one].place(1, func(_ int, e *simExporter) {
				e.phase, e.scrape, e.broken = (begin+late)%30, scrape, trouble
			})
			for i, page := range []string{"P2", "P4", "P4"} {
				exporters = append(exporters, layouts[one].place(1, func(_ int, e *simExporter) {
					e.tenant, e.tier, e.page = fmt.Sprint("t", i), "standard", page
					e.phase, e.scrape, e.broken = (begin+early)%30, scrape, trouble
				})...)
			}
			scenarios = append(scenarios, scenario{fmt.Sprintf("%d s before, scraped at %d", late-early, scrape), exporters})
		}
	}
	alone := scenario{"alone", layouts[one].place(1, func(_ int, e *simExporter) {
		e.tenant, e.tier, e.page, e.broken = "acme", "enterprise", "P2", trouble
	})}
	w := newWorld(t, append(scenarios, alone)...).onlyHealth()
	w.run(begin + 18*minute)
	for _, s := range scenarios {
		told := w.fired(s.name)
		if len(told) != 1 || told[0].alert != metric.CheckDownAlert.Name || told[0].priority != "P1" || told[0].from > begin+90 {
			t.Errorf("%s: %v, want the service's P1 and nothing else", s.name, told)
		}
	}
	if told := w.fired(alone.name); len(told) != 1 || told[0].alert != metric.TenantDownAlert.Name || told[0].from > begin+150 {
		t.Errorf("a tenant alone: %v", told)
	}
}
