package health_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestSecondsDownOutliveAbsences compares the seconds down that rules add up with those that exporters counted, in
// random stories with outages and absences of Prometheus of up to 55 minutes. Exporters see an outage some seconds
// apart, so totals may differ by a scrape for each outage, and by no more.
func TestSecondsDownOutliveAbsences(t *testing.T) {
	ruletest.Simulates(t)
	const end = 4 * hour
	spellOf := func(r *rand.Rand, from, to, least, most int) spell {
		begin := from + r.IntN(to-from)
		return spell{begin, begin + least + r.IntN(most-least)}
	}
	for seed := range 4 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		var scenarios []scenario
		outages := map[string]int{}
		for i, l := range ruletest.Layouts {
			var broken []spell
			for range 1 + r.IntN(4) {
				broken = append(broken, spellOf(r, 20*minute, end-40*minute, 40, 20*minute))
			}
			exporters := l.Place(seed+i, func(_ int, e *simExporter) { e.Broken = broken })
			s := scenario{Name: fmt.Sprint("a", i), Exporters: exporters}
			scenarios, outages[s.Name] = append(scenarios, s), len(broken)
		}
		w := ruletest.NewWorld(t, scenarios...)
		w.GroupsOnly = []string{
			"thorbis-policy-1", "thorbis-health-down", "thorbis-health-ledger", "thorbis-health-outages",
		}
		w.PrometheusOff = []spell{
			spellOf(r, 20*minute, 90*minute, minute, 55*minute), spellOf(r, 2*hour, end-90*minute, minute, 55*minute),
		}
		w.Run(end)
		for _, s := range scenarios {
			for name, c := range map[string]struct {
				total *metric.Record
				count func(*simExporter) float64
				slack float64
			}{
				"seconds down":   {metric.DownTotals.Total, (*simExporter).Down, 20},
				"outages":        {metric.OutagesTotals.Total, (*simExporter).Outages, 0},
				"seconds judged": {metric.ObservedTotals.Total, (*simExporter).Observed, 60},
			} {
				least, most := c.count(s.Exporters[0]), 0.0
				for _, e := range s.Exporters {
					least, most = min(least, c.count(e)), max(most, c.count(e))
				}
				slack := c.slack * float64(outages[s.Name]+2)
				got, _ := w.Value(end-1, c.total.Select(fmt.Sprintf("environment=%q", s.Name)))
				if got < least-slack || got > most+slack/2 {
					t.Errorf("seed %d, %s: %.0f %s, want %.0f to %.0f (Prometheus off %v)", seed, s.Name, got, name, least, most,
						w.PrometheusOff)
				}
			}
		}
	}
}
