package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
)

// layout is how many exporters watch, from where, under which jobs.
type layout struct {
	name      string
	exporters []simExporter
}

var layouts = []layout{
	{"one", []simExporter{{job: "thorbis", instance: "a", location: "fra"}}},
	{"two-one-job", []simExporter{{job: "thorbis", instance: "a", location: "fra"}, {job: "thorbis", instance: "b", location: "fra"}}},
	{"two-two-jobs", []simExporter{{job: "thorbis", instance: "a", location: "fra"}, {job: "prober", instance: "b", location: "fra"}}},
	{"two-locations", []simExporter{{job: "thorbis", instance: "a", location: "fra"}, {job: "thorbis", instance: "b", location: "nyc"}}},
	{"two-locations-two-jobs", []simExporter{{job: "thorbis", instance: "a", location: "fra"}, {job: "prober", instance: "b", location: "nyc"}}},
	{"three-locations", []simExporter{{job: "thorbis", instance: "a", location: "fra"}, {job: "thorbis", instance: "b", location: "nyc"}, {job: "thorbis", instance: "c", location: "sin"}}},
	{"three-locations-three-jobs", []simExporter{{job: "thorbis", instance: "a", location: "fra"}, {job: "prober", instance: "b", location: "nyc"}, {job: "edge", instance: "c", location: "sin"}}},
}

// place copies a layout's exporters with phases of a seed and calls each to set them up.
func (l layout) place(seed int, each func(i int, e *simExporter)) []*simExporter {
	var out []*simExporter
	for i, e := range l.exporters {
		e.interval = 30
		e.phase = (7 + 13*seed + 11*i) % 30
		e.scrape = (3 + 4*seed + 7*i) % 15
		e.check, e.tier, e.owner, e.page = "home", metric.TierNone, "sre", "P1"
		if each != nil {
			each(i, &e)
		}
		out = append(out, &e)
	}
	return out
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// discovered is how long after an outage begins the quorum has seen its first failed probe.
func discovered(exporters []*simExporter, begin int) int {
	first := map[string]int{} // by location
	for _, e := range exporters {
		d := ((e.phase-begin)%e.interval + e.interval) % e.interval
		if old, ok := first[e.location]; !ok || d < old {
			first[e.location] = d
		}
	}
	delays := slices.Sorted(maps.Values(first))
	return delays[min(len(delays), quorum)-1]
}

// onlyHealth restricts a world to the rules on health checks and on exporters. The others have nothing to read in
// worlds without requests, disks and backups.
func (w *world) onlyHealth() *world {
	for _, g := range w.groups {
		for _, prefix := range []string{"thorbis-policy", "thorbis-health", "thorbis-uptime", "thorbis-exporter"} {
			if strings.HasPrefix(g.Name(), prefix) && !slices.Contains(w.groupsOnly, g.Name()) {
				w.groupsOnly = append(w.groupsOnly, g.Name())
			}
		}
	}
	return w
}

// TestOutages checks what an outage fires:
//   - less than 30 s: no page,
//   - seen by the quorum for a scrape interval longer than that: one continuous P1 page, and nothing else,
//   - between these: a page, a ticket or nothing, by the phases of probes and scrapes.
//
// Nothing begins after the mend, at any time.
func TestOutages(t *testing.T) {
	simulates(t)
	check := func(t *testing.T, lengths []int, seeds int, after int) {
		var scenarios []scenario
		for _, l := range layouts {
			for _, length := range lengths {
				for seed := range seeds {
					scenarios = append(scenarios, scenario{
						name: fmt.Sprintf("%s/%ds/%d", l.name, length, seed),
						exporters: l.place(seed, func(_ int, e *simExporter) {
							e.broken = []spell{{begin, begin + length}}
						}),
					})
				}
			}
		}
		w := newWorld(t, scenarios...)
		closely := begin + slices.Max(lengths) + min(after, 16*minute)
		w.run(closely)
		w.onlyHealth().runSlowly(closely, begin+slices.Max(lengths)+after, 2*minute) // hours of good life

		slowest := 0
		for _, s := range scenarios {
			var length int
			if _, err := fmt.Sscanf(s.name[strings.Index(s.name, "/")+1:], "%ds", &length); err != nil {
				t.Fatal(err)
			}
			told := w.fired(s.name)
			seen := length - discovered(s.exporters, begin)
			switch {
			case length < 30 || seen < 30:
				if len(w.fired(s.name, "ThorbisCheckDown")) > 0 || length < 30 && len(told) > 0 {
					t.Errorf("%s: told of though seen for %d s only: %v", s.name, seen, told)
				}
			case seen < 45:
				if len(told) > 1 {
					t.Errorf("%s: told of twice: %v", s.name, told)
				}
			case len(told) != 1 || told[0].alert != "ThorbisCheckDown" || told[0].priority != "P1":
				t.Errorf("%s: want one page: %v", s.name, told)
			}
			for _, f := range told {
				if f.alert != "ThorbisCheckDown" {
					continue
				}
				slowest = max(slowest, f.from-begin)
				if late := f.to - begin - length; late > 35 {
					t.Errorf("%s: resolved %d s after the mend", s.name, late)
				}
			}
		}
		t.Logf("%d worlds; the slowest page fired %d s after its outage began", len(scenarios), slowest)
		if slowest > 90 {
			t.Errorf("a page fired %d s after its outage began; with group_wait that is over the promised 95 s", slowest)
		}
	}
	t.Run("every phase", func(t *testing.T) { check(t, []int{8, 20, 45, 60, 300}, 3, 16*minute) })
	t.Run("six hours after", func(t *testing.T) { check(t, []int{8, 20, 45, 60, 300}, 1, 6*hour+10*minute) })
}

// TestLastMoments checks that an outage of less than 30 s pages at no phase. That includes the moment when it has
// mended but no second success has proved it.
func TestLastMoments(t *testing.T) {
	simulates(t)
	var scenarios []scenario
	for length := 24; length <= 27; length++ {
		for phase := range 15 {
			scenarios = append(scenarios, scenario{fmt.Sprintf("%ds/%d", length, phase), layouts[one].place(0, func(_ int, e *simExporter) {
				e.interval, e.scrape, e.broken = 5, phase, []spell{{begin, begin + length}}
			})})
		}
	}
	w := newWorld(t, scenarios...)
	w.run(begin + 2*minute)
	for _, s := range scenarios {
		if told := w.fired(s.name); len(told) > 0 {
			t.Errorf("%s: %v", s.name, told)
		}
	}
}
