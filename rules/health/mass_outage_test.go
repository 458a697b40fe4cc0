package health_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestMassOutage checks that fifty tenants down are one page. Single tenants are reported again five minutes after that
// at the earliest. It covers finding 14.
func TestMassOutage(t *testing.T) {
	ruletest.Simulates(t)
	var exporters []*simExporter
	for n := range rule.ManyTenants {
		exporters = append(exporters, ruletest.Layouts[ruletest.One].Place(1, func(_ int, e *simExporter) {
			e.Tenant, e.Tier, e.Page = fmt.Sprint("t", n), "free", "P4"
			e.Broken = []spell{{begin, begin + 5*minute}}
			if n == 0 { // stays down
				e.Broken = []spell{{begin, begin + 20*minute}}
			}
		})...)
	}
	w := ruletest.NewWorld(t, scenario{Name: "s", Exporters: exporters})
	w.Run(begin + 15*minute)
	many, single := w.Fired("s", "ThorbisManyTenantsDown"), w.Fired("s", "ThorbisTenantDown")
	if len(many) != 1 || many[0].From > begin+95 || many[0].To < begin+9*minute || many[0].To > begin+11*minute {
		t.Errorf("many: %v", many)
	}
	if len(single) != 1 || single[0].Labels.Get("tenant") != "t0" || single[0].From < begin+10*minute {
		t.Errorf("single: %v", single)
	}
}
