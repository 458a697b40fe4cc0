package health_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestPlannedWorkIsBounded checks that planned work without an end leaves out eight hours of a day and no more.
func TestPlannedWorkIsBounded(t *testing.T) {
	ruletest.Simulates(t)
	w := ruletest.NewWorld(t, scenario{Name: "endless", Exporters: ruletest.Layouts[ruletest.One].Place(1,
		func(_ int, e *simExporter) { e.Planned = []spell{{0, 2 * day}} })})
	w.GroupsOnly = []string{"thorbis-health-ledger"}
	w.Run(9 * hour)
	for at, want := range map[int]bool{7*hour + 50*minute: true, 8*hour + 10*minute: false, 9*hour - minute: false} {
		if _, planned := w.Value(at, metric.Maintenance.Select(`environment="endless"`)); planned != want {
			t.Errorf("after %d minutes planned is %t", at/minute, planned)
		}
	}
}
