package rules

import (
	"fmt"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
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

const (
	one = iota
	twoOneJob
	twoTwoJobs
	twoLocations
	twoLocationsTwoJobs
	threeLocations
	threeLocationsThreeJobs
)

func outage(from, to int) func(int, *simExporter) {
	return func(_ int, e *simExporter) { e.broken = append(e.broken, spell{from, to}) }
}

// and does one after the other.
func and(fs ...func(int, *simExporter)) func(int, *simExporter) {
	return func(i int, e *simExporter) {
		for _, f := range fs {
			f(i, e)
		}
	}
}

// only does something to one exporter.
func only(n int, f func(e *simExporter)) func(int, *simExporter) {
	return func(i int, e *simExporter) {
		if i == n {
			f(e)
		}
	}
}

func off(from, to int) func(int, *simExporter) {
	return func(_ int, e *simExporter) { e.off = append(e.off, spell{from, to}) }
}

const mend = begin + 40*minute

var gapCases = []gapCase{
	// Finding 7: what last_over_time(x[15m]) did wrong.
	{
		name: "exporter dies in the outage and stays away for hours", layout: one, pages: 1, until: mend + 2*hour + 60,
		setup: and(outage(begin, mend), off(begin+3*minute, mend+2*hour)),
	},
	{
		name: "exporter restarts in the outage", layout: one, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), off(begin+3*minute, begin+3*minute+40), off(begin+20*minute, begin+20*minute+40)),
	},
	{
		name: "both exporters die in the outage", layout: twoOneJob, pages: 1, until: mend + hour + 60,
		setup: and(outage(begin, mend), off(begin+3*minute, mend+hour)),
	},
	{
		name: "rolling restart with changed instances", layout: twoTwoJobs, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), func(i int, e *simExporter) {
			e.off, e.reappears = []spell{{begin + 3*minute + i*minute, begin + 3*minute + i*minute + 40}}, e.instance+"-new"
		}),
	},
	{
		name: "the only exporter changes its instance", layout: one, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), func(_ int, e *simExporter) {
			e.off, e.reappears = []spell{{begin + 3*minute, begin + 3*minute + 40}}, "new"
		}),
	},
	{
		name: "state lost in the outage", layout: one, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), func(_ int, e *simExporter) { e.wiped = []int{begin + 10*minute} }),
	},
	{
		name: "unknown in the outage", layout: one, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), func(_ int, e *simExporter) { e.blind = []spell{{begin + 5*minute, begin + 25*minute}} }),
	},
	{
		name: "unknown at one of two locations in the outage", layout: twoLocations, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), only(0, func(e *simExporter) { e.blind = []spell{{begin + 5*minute, begin + 25*minute}} })),
	},
	{
		name: "maintenance begins in the outage", layout: one, pages: 1, until: begin + 10*minute + 30,
		setup: and(outage(begin, mend), func(_ int, e *simExporter) { e.maintenance = []spell{{begin + 10*minute, mend + minute}} }),
	},
	{
		name: "maintenance from before the outage", layout: threeLocations, pages: 0,
		setup: and(outage(begin, mend), func(_ int, e *simExporter) { e.maintenance = []spell{{begin - minute, mend + minute}} }),
	},

	{
		name: "one lost probe", layout: twoTwoJobs, pages: 0,
		setup: func(_ int, e *simExporter) { e.interval, e.broken = 5, []spell{{begin, begin + 1}} },
	},

	// Finding 3: one location is no quorum while another one judges.
	{
		name: "one of two locations down", layout: twoLocations, pages: 0,
		setup: only(0, func(e *simExporter) { e.broken = []spell{{begin, mend}} }),
	},
	{
		name: "one of three locations down", layout: threeLocations, pages: 0,
		setup: only(2, func(e *simExporter) { e.broken = []spell{{begin, mend}} }),
	},
	{
		name: "two of three locations down", layout: threeLocations, pages: 1, until: mend + 60,
		setup: func(i int, e *simExporter) {
			if i != 1 {
				e.broken = []spell{{begin, mend}}
			}
		},
	},
	{
		name: "one of two locations down, then a short blip of the other", layout: twoLocations, pages: 0,
		setup: func(i int, e *simExporter) {
			e.broken = []spell{{begin, mend}}
			if i == 1 {
				e.interval, e.broken = 10, []spell{{begin + 10*minute, begin + 10*minute + 20}}
			}
		},
	},

	// Finding 13: only locations that judged in the last five minutes count.
	{
		name: "the only location with an opinion, the other being dead", layout: twoLocations, pages: 1, until: mend + 60,
		setup: and(outage(begin, mend), only(1, func(e *simExporter) { e.off = []spell{{begin - 6*minute, mend + hour}} })),
	},
	{
		name: "lost scrapes of the other location do not make one the only one", layout: twoLocations, pages: 0,
		setup: and(only(0, func(e *simExporter) { e.broken = []spell{{begin, mend}} }),
			only(1, func(e *simExporter) { e.gone = []spell{{begin + 5*minute, begin + 7*minute}} })),
	},
	{
		name: "one of two dies in the outage and the other mends", layout: twoLocations, pages: 1, until: begin + 20*minute + 60,
		setup: func(i int, e *simExporter) {
			e.broken = []spell{{begin, begin + 20*minute}}
			if i == 1 {
				e.off = []spell{{begin + 5*minute, mend + hour}}
			}
		},
	},

	// Finding 12: floors do not add up, over checks or over time.
	{
		name: "two outages of 20 s within two minutes", layout: one, pages: 0,
		setup: func(_ int, e *simExporter) {
			e.interval, e.broken = 5, []spell{{begin, begin + 20}, {begin + minute, begin + minute + 20}}
		},
	},

	// Findings 8 to 10 and semantics 1: exporters that disagree.
	{
		name: "exporters disagree about the priority: the more urgent", layout: twoTwoJobs, pages: 1, until: mend + 60, priority: "P2",
		setup: func(i int, e *simExporter) {
			e.page, e.broken = "P2", []spell{{begin, mend}}
			if i == 1 {
				e.page, e.owner = "P4", "somebody else"
			}
		},
	},
	{
		name: "an unknown priority is the most urgent", layout: one, pages: 1, until: mend + 60, priority: "P1",
		setup: func(_ int, e *simExporter) { e.page, e.broken = "urgent", []spell{{begin, mend}} },
	},
	{
		name: "the priority outlives the exporter", layout: one, pages: 1, until: mend + 3*hour + 60, priority: "P3",
		setup: func(_ int, e *simExporter) {
			e.page, e.broken, e.off = "P3", []spell{{begin, mend}}, []spell{{begin + 3*minute, mend + 3*hour}}
		},
	},
}

// TestGaps checks that a page begins once, lasts through whatever happens to exporters, and ends once a location
// reports the recovery.
func TestGaps(t *testing.T) {
	simulates(t)
	var scenarios []scenario
	for _, c := range gapCases {
		scenarios = append(scenarios, scenario{c.name, layouts[c.layout].place(1, c.setup)})
	}
	w := newWorld(t, scenarios...)
	w.run(mend + 3*hour + 5*minute)
	for _, c := range gapCases {
		pages := w.fired(c.name, "ThorbisCheckDown")
		if len(pages) != c.pages {
			t.Errorf("%s: %d pages, want %d: %v", c.name, len(pages), c.pages, pages)
			continue
		}
		priority := c.priority
		if priority == "" {
			priority = "P1"
		}
		for _, p := range pages {
			if p.priority != priority || p.to > c.until || p.to < c.until-90 || p.from < begin || p.from > begin+95 {
				t.Errorf("%s: %v, want %s from %d to at most %d", c.name, p, priority, begin, c.until)
			}
		}
		for _, f := range w.fired(c.name, "ThorbisUptimeBurn") {
			if c.pages > 0 {
				t.Errorf("%s: told of again: %v", c.name, f)
			}
		}
	}
}

// TestPrometheusRestart checks that an outage is one page even if Prometheus is away for less than its lookback.
func TestPrometheusRestart(t *testing.T) {
	simulates(t)
	for _, c := range []struct {
		name  string
		away  int
		pages int
	}{{"two minutes", 2 * minute, 1}, {"four minutes", 4 * minute, 1}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, scenario{"p", layouts[one].place(1, outage(begin, mend))})
			w.prometheusOff = []spell{{begin + 10*minute, begin + 10*minute + c.away}}
			w.run(mend + 5*minute)
			if pages := w.fired("p"); len(pages) != c.pages {
				t.Errorf("%v", pages)
			}
		})
	}
}

// TestBrownOutAfterOutage checks that flapping right after a mended outage fires an alert. The outage itself is not
// reported again.
func TestBrownOutAfterOutage(t *testing.T) {
	simulates(t)
	const outageEnd = begin + 5*minute
	flapping := func(from int) (s []spell) {
		for i := range 10 {
			s = append(s, spell{from + 2*minute*i, from + 2*minute*i + 24})
		}
		return s
	}
	w := newWorld(t, scenario{"b", layouts[one].place(0, func(_ int, e *simExporter) {
		e.interval = 5
		e.broken = append([]spell{{begin, outageEnd}}, flapping(outageEnd+10*minute)...)
	})})
	w.run(outageEnd + 30*minute)
	told := w.fired("b")
	if len(told) != 2 || told[0].alert != "ThorbisCheckDown" || told[1].tier != "medium" || told[1].from < outageEnd+10*minute {
		t.Errorf("%v", told)
	}
}

// TestEffectivePriority checks that an alert has the less urgent of its own priority and that of the thing concerned.
func TestEffectivePriority(t *testing.T) {
	simulates(t)
	certificate := func(page string, left int) []*simExporter {
		return layouts[twoLocations].place(1, func(_ int, e *simExporter) {
			e.page, e.certificate = page, float64(at(begin+left).Unix())
		})
	}
	sixDays := func(page string, left int) []*simExporter {
		return layouts[twoLocations].place(1, func(_ int, e *simExporter) {
			e.page, e.certificate, e.warning, e.urgent = page, float64(at(begin+left).Unix()), day, day/2
		})
	}
	flapping := func(page string) []*simExporter {
		return layouts[one].place(1, func(_ int, e *simExporter) { e.page, e.interval, e.broken = page, 10, flaps(8) })
	}
	cases := []struct {
		name      string
		exporters []*simExporter
		want      []string
	}{
		{"certificate of a P1, days left", certificate("P1", 3*day), []string{"ThorbisCertificateExpiring/P3", "ThorbisCertificateExpiring/P2"}},
		{"certificate of a P3, days left", certificate("P3", 3*day), []string{"ThorbisCertificateExpiring/P3"}},
		{"certificate of a P4, weeks left", certificate("P4", 14*day), []string{"ThorbisCertificateExpiring/P4"}},
		{"certificate of an unknown priority", certificate("soon", 2*day), []string{"ThorbisCertificateExpiring/P2"}},
		{"six-day certificate, days left", sixDays("P1", 2*day), nil},
		{"six-day certificate, to be renewed", sixDays("P1", day), []string{"ThorbisCertificateExpiring/P3"}},
		{"six-day certificate, urgent", sixDays("P1", day/2), []string{"ThorbisCertificateExpiring/P3", "ThorbisCertificateExpiring/P2"}},
		{"six-day certificate of a P4", sixDays("P4", day/4), []string{"ThorbisCertificateExpiring/P4"}},
		{"flapping P1", flapping("P1"), []string{"ThorbisUptimeBurn/P2medium"}},
		{"flapping P3", flapping("P3"), []string{"ThorbisUptimeBurn/P3medium"}},
		{"flapping P4", flapping("P4"), []string{"ThorbisUptimeBurn/P4medium"}},
		{"flapping of an unknown priority", flapping("?"), []string{"ThorbisUptimeBurn/P2medium"}},
	}
	var scenarios []scenario
	for _, c := range cases {
		scenarios = append(scenarios, scenario{c.name, c.exporters})
	}
	w := newWorld(t, scenarios...)
	w.run(begin + 30*minute)
	for _, c := range cases {
		var got []string
		for _, f := range w.fired(c.name) {
			got = append(got, f.alert+"/"+f.priority+f.tier)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestResolverFails checks that a failing resolver is reported like a lost network, and that both together are one
// alert.
func TestResolverFails(t *testing.T) {
	simulates(t)
	spells := func(network, resolver []spell) []*simExporter {
		return layouts[twoLocations].place(1, func(_ int, e *simExporter) {
			if e.location == "fra" {
				e.blind, e.unresolving = network, resolver
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
		scenarios = append(scenarios, scenario{c.name, c.exporters})
	}
	w := newWorld(t, scenarios...)
	w.run(begin + 25*minute)
	for _, c := range cases {
		if got := w.fired(c.name); len(got) != c.want || c.want > 0 && got[0].alert != metric.ProberOfflineAlert.Name {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestStorm checks that fifty tenants down are one page. Single tenants are reported again five minutes after that at
// the earliest. It covers finding 14.
func TestStorm(t *testing.T) {
	simulates(t)
	var exporters []*simExporter
	for n := range storm {
		exporters = append(exporters, layouts[one].place(1, func(_ int, e *simExporter) {
			e.tenant, e.tier, e.page = fmt.Sprint("t", n), "free", "P4"
			e.broken = []spell{{begin, begin + 5*minute}}
			if n == 0 { // stays down
				e.broken = []spell{{begin, begin + 20*minute}}
			}
		})...)
	}
	w := newWorld(t, scenario{"s", exporters})
	w.run(begin + 15*minute)
	many, single := w.fired("s", "ThorbisManyTenantsDown"), w.fired("s", "ThorbisTenantDown")
	if len(many) != 1 || many[0].from > begin+95 || many[0].to < begin+9*minute || many[0].to > begin+11*minute {
		t.Errorf("many: %v", many)
	}
	if len(single) != 1 || single[0].labels.Get("tenant") != "t0" || single[0].from < begin+10*minute {
		t.Errorf("single: %v", single)
	}
}
