package rules_test

import (
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// gapCase is a defect of the first version of these rules, or an event on exporters in the middle of an outage. pages
// is how often the check must page.
type gapCase struct {
	name   string
	layout int // index of layouts
	setup  func(i int, e *simExporter)
	pages  int
	// until is the latest end of the page. The earliest is 90 s before it.
	until    int
	priority string
}

const mend = begin + 40*minute

var gapCases = []gapCase{
	// Finding 7: what last_over_time(x[15m]) did wrong.
	{
		name:   "exporter dies in the outage and stays away for hours",
		layout: ruletest.One, pages: 1, until: mend + 2*hour + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend), ruletest.Off(begin+3*minute, mend+2*hour)),
	},
	{
		name: "exporter restarts in the outage", layout: ruletest.One, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend), ruletest.Off(begin+3*minute, begin+3*minute+40),
			ruletest.Off(begin+20*minute, begin+20*minute+40)),
	},
	{
		name: "both exporters die in the outage", layout: ruletest.TwoOneJob, pages: 1, until: mend + hour + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend), ruletest.Off(begin+3*minute, mend+hour)),
	},
	{
		name: "rolling restart with changed instances", layout: ruletest.TwoTwoJobs, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend), func(i int, e *simExporter) {
			e.Off, e.Reappears = []spell{{begin + 3*minute + i*minute, begin + 3*minute + i*minute + 40}}, e.Instance+"-new"
		}),
	},
	{
		name: "the only exporter changes its instance", layout: ruletest.One, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend), func(_ int, e *simExporter) {
			e.Off, e.Reappears = []spell{{begin + 3*minute, begin + 3*minute + 40}}, "new"
		}),
	},
	{
		name: "state lost in the outage", layout: ruletest.One, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend), func(_ int, e *simExporter) { e.Wiped = []int{begin + 10*minute} }),
	},
	{
		name: "unknown in the outage", layout: ruletest.One, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend),
			func(_ int, e *simExporter) { e.Blind = []spell{{begin + 5*minute, begin + 25*minute}} }),
	},
	{
		name: "unknown at one of two locations in the outage", layout: ruletest.TwoLocations, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend),
			ruletest.Only(0, func(e *simExporter) { e.Blind = []spell{{begin + 5*minute, begin + 25*minute}} })),
	},
	{
		name: "maintenance begins in the outage", layout: ruletest.One, pages: 1, until: begin + 10*minute + 30,
		setup: ruletest.And(ruletest.Outage(begin, mend),
			func(_ int, e *simExporter) { e.Maintenance = []spell{{begin + 10*minute, mend + minute}} }),
	},
	{
		name: "maintenance from before the outage", layout: ruletest.ThreeLocations, pages: 0,
		setup: ruletest.And(ruletest.Outage(begin, mend),
			func(_ int, e *simExporter) { e.Maintenance = []spell{{begin - minute, mend + minute}} }),
	},

	{
		name: "one lost probe", layout: ruletest.TwoTwoJobs, pages: 0,
		setup: func(_ int, e *simExporter) { e.Interval, e.Broken = 5, []spell{{begin, begin + 1}} },
	},

	// Finding 3: one location is no quorum while another one judges.
	{
		name: "one of two locations down", layout: ruletest.TwoLocations, pages: 0,
		setup: ruletest.Only(0, func(e *simExporter) { e.Broken = []spell{{begin, mend}} }),
	},
	{
		name: "one of three locations down", layout: ruletest.ThreeLocations, pages: 0,
		setup: ruletest.Only(2, func(e *simExporter) { e.Broken = []spell{{begin, mend}} }),
	},
	{
		name: "two of three locations down", layout: ruletest.ThreeLocations, pages: 1, until: mend + 60,
		setup: func(i int, e *simExporter) {
			if i != 1 {
				e.Broken = []spell{{begin, mend}}
			}
		},
	},
	{
		name: "one of two locations down, then a short blip of the other", layout: ruletest.TwoLocations, pages: 0,
		setup: func(i int, e *simExporter) {
			e.Broken = []spell{{begin, mend}}
			if i == 1 {
				e.Interval, e.Broken = 10, []spell{{begin + 10*minute, begin + 10*minute + 20}}
			}
		},
	},

	// Finding 13: only locations that judged in the last five minutes count.
	{
		name:   "the only location with an opinion, the other being dead",
		layout: ruletest.TwoLocations, pages: 1, until: mend + 60,
		setup: ruletest.And(ruletest.Outage(begin, mend),
			ruletest.Only(1, func(e *simExporter) { e.Off = []spell{{begin - 6*minute, mend + hour}} })),
	},
	{
		name: "lost scrapes of the other location do not make one the only one", layout: ruletest.TwoLocations, pages: 0,
		setup: ruletest.And(ruletest.Only(0, func(e *simExporter) { e.Broken = []spell{{begin, mend}} }),
			ruletest.Only(1, func(e *simExporter) { e.Gone = []spell{{begin + 5*minute, begin + 7*minute}} })),
	},
	{
		name:   "one of two dies in the outage and the other mends",
		layout: ruletest.TwoLocations, pages: 1, until: begin + 20*minute + 60,
		setup: func(i int, e *simExporter) {
			e.Broken = []spell{{begin, begin + 20*minute}}
			if i == 1 {
				e.Off = []spell{{begin + 5*minute, mend + hour}}
			}
		},
	},

	// Finding 12: floors do not add up, over checks or over time.
	{
		name: "two outages of 20 s within two minutes", layout: ruletest.One, pages: 0,
		setup: func(_ int, e *simExporter) {
			e.Interval, e.Broken = 5, []spell{{begin, begin + 20}, {begin + minute, begin + minute + 20}}
		},
	},

	// Findings 8 to 10 and semantics 1: exporters that disagree.
	{
		name:   "exporters disagree about the priority: the more urgent",
		layout: ruletest.TwoTwoJobs, pages: 1, until: mend + 60, priority: "P2",
		setup: func(i int, e *simExporter) {
			e.Page, e.Broken = "P2", []spell{{begin, mend}}
			if i == 1 {
				e.Page, e.Owner = "P4", "somebody else"
			}
		},
	},
	{
		name: "an unknown priority is the most urgent", layout: ruletest.One, pages: 1, until: mend + 60, priority: "P1",
		setup: func(_ int, e *simExporter) { e.Page, e.Broken = "urgent", []spell{{begin, mend}} },
	},
	{
		name: "the priority outlives the exporter", layout: ruletest.One, pages: 1, until: mend + 3*hour + 60, priority: "P3",
		setup: func(_ int, e *simExporter) {
			e.Page, e.Broken, e.Off = "P3", []spell{{begin, mend}}, []spell{{begin + 3*minute, mend + 3*hour}}
		},
	},
}

// TestGaps checks that a page begins once, lasts through whatever happens to exporters, and ends once a location
// reports the recovery.
func TestGaps(t *testing.T) {
	ruletest.Simulates(t)
	var scenarios []scenario
	for _, c := range gapCases {
		scenarios = append(scenarios, scenario{Name: c.name, Exporters: ruletest.Layouts[c.layout].Place(1, c.setup)})
	}
	w := ruletest.NewWorld(t, scenarios...)
	w.Run(mend + 3*hour + 5*minute)
	for _, c := range gapCases {
		pages := w.Fired(c.name, "ThorbisCheckDown")
		if len(pages) != c.pages {
			t.Errorf("%s: %d pages, want %d: %v", c.name, len(pages), c.pages, pages)
			continue
		}
		priority := c.priority
		if priority == "" {
			priority = "P1"
		}
		for _, p := range pages {
			if p.Priority != priority || p.To > c.until || p.To < c.until-90 || p.From < begin || p.From > begin+95 {
				t.Errorf("%s: %v, want %s from %d to at most %d", c.name, p, priority, begin, c.until)
			}
		}
		for _, f := range w.Fired(c.name, "ThorbisUptimeBurn") {
			if c.pages > 0 {
				t.Errorf("%s: fired again: %v", c.name, f)
			}
		}
	}
}

// TestPrometheusRestart checks that an outage is one page even if Prometheus is away for less than its lookback.
func TestPrometheusRestart(t *testing.T) {
	ruletest.Simulates(t)
	for _, c := range []struct {
		name  string
		away  int
		pages int
	}{{"two minutes", 2 * minute, 1}, {"four minutes", 4 * minute, 1}} {
		t.Run(c.name, func(t *testing.T) {
			w := ruletest.NewWorld(t,
				scenario{Name: "p", Exporters: ruletest.Layouts[ruletest.One].Place(1, ruletest.Outage(begin, mend))})
			w.PrometheusOff = []spell{{begin + 10*minute, begin + 10*minute + c.away}}
			w.Run(mend + 5*minute)
			if pages := w.Fired("p"); len(pages) != c.pages {
				t.Errorf("%v", pages)
			}
		})
	}
}

// TestBrownOutAfterOutage checks that flapping right after a mended outage fires an alert. The outage itself is not
// reported again.
func TestBrownOutAfterOutage(t *testing.T) {
	ruletest.Simulates(t)
	const outageEnd = begin + 5*minute
	flapping := func(from int) (s []spell) {
		for i := range 10 {
			s = append(s, spell{from + 2*minute*i, from + 2*minute*i + 24})
		}
		return s
	}
	w := ruletest.NewWorld(t,
		scenario{Name: "b", Exporters: ruletest.Layouts[ruletest.One].Place(0, func(_ int, e *simExporter) {
			e.Interval = 5
			e.Broken = append([]spell{{begin, outageEnd}}, flapping(outageEnd+10*minute)...)
		})})
	w.Run(outageEnd + 30*minute)
	fired := w.Fired("b")
	if len(fired) != 2 || fired[0].Alert != "ThorbisCheckDown" || fired[1].Tier != "medium" ||
		fired[1].From < outageEnd+10*minute {
		t.Errorf("%v", fired)
	}
}
