package health_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// quorumLayouts are one, two and three locations.
var quorumLayouts = []ruletest.Layout{
	ruletest.Layouts[ruletest.One], ruletest.Layouts[ruletest.TwoLocations], ruletest.Layouts[ruletest.ThreeLocations],
}

// drawn places the exporters of a layout with random phases of probes and scrapes and with random clocks.
func drawn(random *rand.Rand, l ruletest.Layout, interval int, each func(i int, e *simExporter)) []*simExporter {
	return l.Place(0, func(i int, e *simExporter) {
		e.Interval, e.Phase, e.Scrape = interval, random.IntN(interval), random.IntN(15)
		e.Ahead = []int{0, 0, 90, -90, 3600}[random.IntN(5)]
		each(i, e)
	})
}

// quorumCase is a story that is drawn many times over.
type quorumCase struct {
	name string
	// locations is the smallest layout in which it can happen.
	locations int
	pages     bool
	draw      func(random *rand.Rand, l ruletest.Layout) []*simExporter
}

// sometime is a random second of the third minute, at any phase of scrapes and evaluations.
func sometime(random *rand.Rand) int { return 2*minute + random.IntN(minute) }

var quorumCases = []quorumCase{
	{"60 s", 1, true, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
		from := sometime(random)
		return drawn(random, l, 30, func(_ int, e *simExporter) { e.Broken = []spell{{from, from + 60}} })
	}},
	{"blips of 8 to 25 s", 1, false, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
		from := sometime(random)
		to := from + 8 + random.IntN(18)
		return drawn(random, l, 5+random.IntN(26), func(_ int, e *simExporter) { e.Broken = []spell{{from, to}} })
	}},
	{"one location down, 20 s at another", 2, false, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
		from := sometime(random)
		return drawn(random, l, 5+random.IntN(26), func(i int, e *simExporter) {
			switch i {
			case 0:
				e.Broken = []spell{{90, 9 * hour}} // when all have judged
			case 1:
				e.Broken = []spell{{from, from + 20}, {from + 2*minute, from + 2*minute + 20}}
			}
		})
	}},
	{"outages of 40 s that overlap by 20 s", 2, false, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
		from, first := sometime(random), random.IntN(2)
		return drawn(random, l, 5+random.IntN(26), func(i int, e *simExporter) {
			switch i {
			case first:
				e.Broken = []spell{{from, from + 40}}
			case 1 - first:
				e.Broken = []spell{{from + 20, from + 60}}
			}
		})
	}},
	{"outages of 100 s that overlap by 60 s", 2, true, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
		from := sometime(random)
		return drawn(random, l, 10, func(i int, e *simExporter) {
			switch i {
			case 0:
				e.Broken = []spell{{from, from + 100}}
			case 1:
				e.Broken = []spell{{from + 40, from + 140}}
			}
		})
	}},
	{
		"3 min, seen by exporters of an older release too",
		1, true, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
			from := sometime(random)
			return drawn(random, l, 30, func(i int, e *simExporter) {
				e.Broken, e.Older = []spell{{from, from + 3*minute}}, i == 0 || random.IntN(2) == 0
				if e.Older { // that release depends on its clock
					e.Ahead = 0
				}
			})
		},
	},
	{
		"blips of 8 to 25 s, seen by exporters of an older release",
		1, false, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
			from := sometime(random)
			to := from + 8 + random.IntN(18)
			return drawn(random, l, 5+random.IntN(26),
				func(_ int, e *simExporter) { e.Broken, e.Older = []spell{{from, to}}, true })
		},
	},
	{
		"five blips of 20 s in five minutes, seen by exporters of an older release", 1, false,
		func(random *rand.Rand, l ruletest.Layout) []*simExporter {
			from := sometime(random)
			var blips []spell
			for i := range 5 {
				blips = append(blips, spell{from + i*minute, from + i*minute + 20})
			}
			return drawn(random, l, 10, func(_ int, e *simExporter) { e.Broken, e.Older, e.Ahead = blips, true, 0 })
		},
	},
	{"one location down and lost, 60 s at another", 2, true, func(random *rand.Rand, l ruletest.Layout) []*simExporter {
		from := sometime(random) + minute
		silent, lost := random.IntN(2) == 0, []spell{{from - 30, 9 * hour}}
		return drawn(random, l, 30, func(i int, e *simExporter) {
			switch {
			case i == 1:
				e.Broken = []spell{{from, from + 60}}
			case i == 0 && silent:
				e.Broken, e.Off = []spell{{30, 9 * hour}}, lost
			case i == 0:
				e.Broken, e.Blind = []spell{{30, 9 * hour}}, lost
			}
		})
	}},
}

// mendOf returns the end of the last outage that ends.
func mendOf(exporters []*simExporter) int {
	last := 0
	for _, e := range exporters {
		for _, s := range e.Broken {
			if s.To() < hour {
				last = max(last, s.To())
			}
		}
	}
	return last
}

// TestQuorumOfOutages draws phases of probes, scrapes and evaluations, and clocks that are wrong. Outages of 60 s page
// at P1 with one, two and three locations, at most a scrape and an evaluation after their end, and for at most two
// evaluations from there. Nothing pages that a quorum has not seen for 30 s at the same time.
func TestQuorumOfOutages(t *testing.T) {
	t.Parallel()
	draws := 60
	if testing.Short() {
		draws = 10
	}
	seed := testkit.Seed(t)
	random := rand.New(rand.NewPCG(seed, 0))
	var scenarios []scenario
	mends := map[string]int{} // by scenario and check
	each := func(do func(name string, c quorumCase, l ruletest.Layout)) {
		for _, c := range quorumCases {
			for _, l := range quorumLayouts {
				if len(l.Exporters) >= c.locations {
					do(c.name+"/"+l.Name, c, l)
				}
			}
		}
	}
	each(func(name string, c quorumCase, l ruletest.Layout) {
		s := scenario{Name: name}
		for n := range draws { // each is a check of its own, for environments cost more
			exporters := c.draw(random, l)
			check := fmt.Sprint("check-", n)
			mends[name+check] = mendOf(exporters)
			for _, e := range exporters {
				e.Check = check
				e.Instance += "-" + e.Check
				s.Exporters = append(s.Exporters, e)
			}
		}
		scenarios = append(scenarios, s)
	})
	w := ruletest.NewWorld(t, scenarios...)
	w.Staggered = fmt.Sprint(seed)
	w.GroupsOnly = []string{"thorbis-policy-1", "thorbis-health-down", "thorbis-health-ledger"}
	w.Run(8 * minute)
	each(func(name string, c quorumCase, _ ruletest.Layout) {
		fired := w.Fired(name, metric.CheckDownAlert.Name)
		paged := map[string]bool{}
		for _, f := range fired {
			if check := f.Labels.Get(metric.LabelCheck); f.Priority != "P1" || paged[check] || !c.pages {
				t.Errorf("%s: %s: %v", name, check, f)
			} else {
				paged[check] = true
				if mend := mends[name+check]; f.From > mend+32 || f.To > mend+62 {
					t.Errorf("%s: %s: mended at %d: %v", name, check, mend, f)
				}
			}
		}
		if !c.pages {
			return
		}
		t.Logf("%s: %d of %d paged", name, len(paged), draws)
		if 100*len(paged) < 99*draws {
			t.Errorf("%s: %d of %d paged, want 99 %%", name, len(paged), draws)
		}
	})
}
