package health_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestResolverFails checks that a failing resolver is reported like a lost network, and that both together are one
// alert.
func TestResolverFails(t *testing.T) {
	ruletest.Simulates(t)
	spells := func(network, resolver []spell) []*simExporter {
		return ruletest.Layouts[ruletest.TwoLocations].Place(1, func(_ int, e *simExporter) {
			if e.Location == "fra" {
				e.Blind, e.Unresolving = network, resolver
			}
		})
	}
	long, short := []spell{{begin, begin + 20*minute}}, []spell{{begin, begin + 4*minute}}
	cases := []struct {
		name      string
		exporters []*simExporter
		want      int
	}{
		{"resolver", spells(nil, long), 1},
		{"resolver, a moment", spells(nil, short), 0},
		{"network and resolver", spells(long, long), 1},
	}
	var scenarios []scenario
	for _, c := range cases {
		scenarios = append(scenarios, scenario{Name: c.name, Exporters: c.exporters})
	}
	w := ruletest.NewWorld(t, scenarios...)
	w.Run(begin + 25*minute)
	for _, c := range cases {
		if got := w.Fired(c.name); len(got) != c.want || c.want > 0 && got[0].Alert != metric.ProberOfflineAlert.Name {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
