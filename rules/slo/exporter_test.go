package slo_test

import (
	"os"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestBurnEndsWithItsExporter stops the exporter that counts requests during an outage. The burn ends about ten
// minutes later, as documented in the runbook. ThorbisExporterDown fires before that.
func TestBurnEndsWithItsExporter(t *testing.T) {
	ruletest.Simulates(t)
	const dies = warmup + 4*minute
	exporters := ruletest.OneReceiver.Carry(
		ruletest.Tenants(4, "enterprise", 5, ruletest.EveryTenant(1, warmup, warmup+2*hour))...)
	exporters[0].Off = []spell{{dies, dies + hour}}
	w := ruletest.NewWorld(t, scenario{Name: "dies", Exporters: exporters}).OnlyRequests("thorbis-exporter")
	w.Run(dies + 30*minute)
	burns, down := w.Fired("dies", metric.SLOBurnAlert.Name), w.Fired("dies", metric.ExporterDownAlert.Name)
	if len(burns) != 1 || burns[0].Priority != "P1" || burns[0].From > dies || burns[0].To < dies+3*minute ||
		burns[0].To > dies+12*minute {
		t.Errorf("the burn: %v, want one P1 that ends about ten minutes after %d", burns, dies)
	}
	if len(down) != 1 || len(burns) == 1 && down[0].From > burns[0].To {
		t.Errorf("the exporter's absence: %v, want it reported before the burn %v ends", down, burns)
	}
	text, err := os.ReadFile("../../docs/runbooks/" + metric.SLOBurnAlert.Name + ".md")
	if err != nil || !strings.Contains(string(text), "Ends about ten minutes after its exporter dies") {
		t.Errorf("the runbook does not say it: %v", err)
	}
}
