package platform_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// Short names of the test kit.
const (
	minute = ruletest.Minute
	begin  = ruletest.Begin
)

type (
	spell       = ruletest.Spell
	simExporter = ruletest.Exporter
)

// simulations are the cases of the alerts on exporters that locations measure.
var simulations = []ruletest.Simulation{
	{
		Alert: metric.ExporterDownAlert, Priority: "P3",
		Fires: func(_ ruletest.Layout, e *simExporter) {
			if e.Instance == "a" {
				e.Off = []spell{{begin, begin + 20*minute}}
			}
		},
		Misses: func(_ ruletest.Layout, e *simExporter) {
			if e.Instance == "a" {
				e.Off = []spell{{begin, begin + 90}}
			}
		},
	},
}

// TestAlerts runs every simulated alert over every layout.
func TestAlerts(t *testing.T) { ruletest.Simulate(t, simulations) }
