package slo_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// randomSeeds are how many random stories a test runs. THORBIS_SEEDS sets another number.
func randomSeeds(t *testing.T) int {
	t.Helper()
	n := 20
	if text := os.Getenv("THORBIS_SEEDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// randomSpell returns a spell that begins within a range and takes from one second to another.
func randomSpell(r *rand.Rand, from, to, least, most int) spell {
	begin := from + r.IntN(to-from)
	return spell{begin, begin + least + r.IntN(most-least+1)}
}

// randomStory is the story of one service: brown-outs, outages, restarts, lost states and changed instances of its
// exporters, at any interval of scrapes.
func randomStory(r *rand.Rand, end int) []*simExporter {
	layout := []ruletest.TrafficLayout{ruletest.OneReceiver, ruletest.TwoReceivers}[r.IntN(2)]
	exporters := layout.Carry(ruletest.Tenants(3, "standard", 3, func(i int, t *simTenant) {
		t.Tier = []string{"standard", "enterprise", ""}[i]
		for range 1 + r.IntN(3) {
			s := randomSpell(r, 10*minute, end-20*minute, 20, 20*minute)
			t.Failing = append(t.Failing, ruletest.Failing(r.Float64(), s.From(), s.To())...)
			t.Slow = append(t.Slow, ruletest.Failing(r.Float64(), s.From(), s.To())...)
		}
	})...)
	for _, e := range exporters {
		e.ScrapeEvery = []int{15, 30, minute, 2 * minute, 5 * minute}[r.IntN(5)]
		e.Scrape = r.IntN(e.ScrapeEvery)
		for range r.IntN(3) {
			e.Off = append(e.Off, randomSpell(r, 15*minute, end-30*minute, 5, 10*minute))
		}
		if len(e.Off) > 0 && r.IntN(2) == 0 {
			e.Reappears = "moved"
		}
	}
	return exporters
}

// exactEnd is when random stories end.
const exactEnd = 4 * hour

// TestTotalsAreExact compares totals with what exporters counted, in random stories with absences of Prometheus of up
// to 55 minutes and times without evaluations. They may lack what the first and the last scrape hide, and never have
// more.
func TestTotalsAreExact(t *testing.T) {
	ruletest.Simulates(t)
	const stories = 5
	for seed := range (randomSeeds(t) + stories - 1) / stories {
		r := rand.New(rand.NewPCG(uint64(seed), 19))
		var scenarios []scenario
		for i := range stories {
			scenarios = append(scenarios, scenario{Name: fmt.Sprintf("e%d", i), Exporters: randomStory(r, exactEnd)})
		}
		// The policy's own objective reads the orders of every environment. A counter that moves is another one.
		for _, e := range scenarios[0].Exporters {
			e.Traffic[0].Orders, e.Reappears = true, ""
		}
		w := ruletest.NewWorld(t, scenarios...)
		w.GroupsOnly = []string{
			"thorbis-policy-1", "thorbis-policy-2", "thorbis-slo-ledger", "thorbis-slo-own-1", "thorbis-slo-observed",
			"thorbis-slo-late", "thorbis-slo-hourly",
		}
		w.Staggered = strconv.Itoa(seed)
		for range 1 + r.IntN(2) {
			w.PrometheusOff = append(w.PrometheusOff, randomSpell(r, 20*minute, exactEnd-80*minute, minute, 55*minute))
			w.RulesOff = append(w.RulesOff, randomSpell(r, 20*minute, exactEnd-80*minute, minute, 30*minute))
		}
		w.Run(exactEnd)
		ordersAreExact(t, w, scenarios[0], fmt.Sprintf("seed %d", seed))
		for _, s := range scenarios {
			for _, c := range []struct{ series, query string }{
				{"2xx", metric.EventsTotals.Total.Name + " - " + metric.BadTotals.Total.Name},
				{"5xx", metric.BadTotals.Total.Name},
			} {
				slo := fmt.Sprintf(`{environment=%q,slo="availability"}`, s.Name)
				query := fmt.Sprintf("sum(%s%s)", metric.BadTotals.Total.Name, slo)
				if c.series == "2xx" {
					query = fmt.Sprintf("sum(%s%s) - %s", metric.EventsTotals.Total.Name, slo, query)
				}
				want, slack := 0.0, 1.0
				for _, e := range s.Exporters {
					want += e.Counted("web", c.series)
					slack += 9 / float64(len(s.Exporters)) * float64(2*e.ScrapeEvery+60)
				}
				got, ok := w.Value(exactEnd-1, query)
				if !ok || got > want+1 || got < want-slack {
					t.Errorf("seed %d, %s: %.0f requests of %s, want %.0f less at most %.0f (Prometheus off %v, rules off %v)",
						seed, s.Name, got, c.series, want, slack, w.PrometheusOff, w.RulesOff)
				}
			}
		}
	}
}

// ordersAreExact compares the total of an objective of the policy's own with what its counter gained.
func ordersAreExact(t *testing.T, w *ruletest.World, s scenario, story string) {
	t.Helper()
	want, slack := 0.0, 1.0
	for _, e := range s.Exporters {
		want += e.Traffic[0].Counted()
		slack += 3 / float64(len(s.Exporters)) * float64(2*e.ScrapeEvery+60)
	}
	got, ok := w.Value(exactEnd-1, fmt.Sprintf("sum(%s{environment=%q,slo=%q})", metric.EventsTotals.Total.Name, s.Name,
		"checkout"))
	if !ok || got > want+1 || got < want-slack {
		t.Errorf("%s: %.0f orders, want %.0f less at most %.0f (Prometheus off %v, rules off %v)", story, got, want, slack,
			w.PrometheusOff, w.RulesOff)
	}
}
