package health_test

import (
	"fmt"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// shortStories returns outages that are too short for any alert, even when they are added up.
func shortStories() []scenario {
	short := func(length int) func(int, *simExporter) {
		return func(_ int, e *simExporter) { e.Interval, e.Broken = 5, []spell{{begin, begin + length}} }
	}
	var checks []*simExporter
	for n := range 3 {
		checks = append(checks, ruletest.Layouts[ruletest.TwoOneJob].Place(n, func(_ int, e *simExporter) {
			e.Check, e.Interval, e.Broken = fmt.Sprint("check-", n), 5, []spell{{begin + 20*n, begin + 20*n + 20}}
		})...)
	}
	return []scenario{
		{Name: "thirteen seconds of downtime", Exporters: ruletest.Layouts[ruletest.One].Place(1, short(13))},
		{
			Name:      "26 seconds seen by two exporters of one job",
			Exporters: ruletest.Layouts[ruletest.TwoOneJob].Place(1, short(26)),
		},
		{
			Name:      "26 seconds seen by two exporters of two jobs",
			Exporters: ruletest.Layouts[ruletest.TwoTwoJobs].Place(1, short(26)),
		},
		{
			Name:      "26 seconds seen by three locations",
			Exporters: ruletest.Layouts[ruletest.ThreeLocationsThreeJobs].Place(1, short(26)),
		},
		{Name: "three checks of 20 s", Exporters: checks},
	}
}

// TestShortStories checks that short outages fire no alert, not even while they are in the windows of the slower
// tiers.
func TestShortStories(t *testing.T) {
	ruletest.Simulates(t)
	stories := shortStories()
	w := ruletest.NewWorld(t, stories...)
	w.Run(begin + 12*minute)
	w.RunSlowly(begin+12*minute, begin+2*hour+15*minute, minute)
	for _, s := range stories {
		if fired := w.Fired(s.Name); len(fired) > 0 {
			t.Errorf("%s: %v", s.Name, fired)
		}
		down, _ := w.Value(begin+10*minute,
			metric.DownIncrease["1h"].Select(fmt.Sprintf(`environment=%q,check=~"home|check-0"`, s.Name)))
		if down < 8 || down > 30 {
			t.Errorf("%s: %.0f s were counted down: that nothing fires proves nothing", s.Name, down)
		}
	}
}
