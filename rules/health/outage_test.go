package health_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// TestOutages checks what an outage fires:
//   - seen by the quorum for less than 30 s: no page,
//   - for longer: one continuous P1 page, and nothing else, whatever the phases of probes, scrapes and evaluations.
//
// The page begins within a scrape and an evaluation of the mend, or before it. Nothing else begins after that.
func TestOutages(t *testing.T) {
	ruletest.Simulates(t)
	check := func(t *testing.T, lengths []int, seeds int, after int) {
		var scenarios []scenario
		for _, l := range ruletest.Layouts {
			for _, length := range lengths {
				for seed := range seeds {
					scenarios = append(scenarios, scenario{
						Name: fmt.Sprintf("%s/%ds/%d", l.Name, length, seed),
						Exporters: l.Place(seed, func(_ int, e *simExporter) {
							e.Broken = []spell{{begin, begin + length}}
						}),
					})
				}
			}
		}
		w := ruletest.NewWorld(t, scenarios...)
		closely := begin + slices.Max(lengths) + min(after, 16*minute)
		w.Run(closely)
		w.OnlyHealth().RunSlowly(closely, begin+slices.Max(lengths)+after, 2*minute) // hours of good life

		slowest := 0
		for _, s := range scenarios {
			var length int
			if _, err := fmt.Sscanf(s.Name[strings.Index(s.Name, "/")+1:], "%ds", &length); err != nil {
				t.Fatal(err)
			}
			fired := w.Fired(s.Name)
			seen := length - ruletest.Discovered(s.Exporters, begin)
			switch {
			case length < 30 || seen < 30:
				if len(w.Fired(s.Name, "ThorbisCheckDown")) > 0 || length < 30 && len(fired) > 0 {
					t.Errorf("%s: fired though seen for %d s only: %v", s.Name, seen, fired)
				}
			case len(fired) != 1 || fired[0].Alert != "ThorbisCheckDown" || fired[0].Priority != "P1":
				t.Errorf("%s: want one page: %v", s.Name, fired)
			}
			for _, f := range fired {
				if f.Alert != "ThorbisCheckDown" {
					continue
				}
				slowest = max(slowest, f.From-begin)
				mended := begin + length
				switch late := f.To - mended; {
				case f.From < mended && late > 35:
					t.Errorf("%s: resolved %d s after the mend", s.Name, late)
				case f.From >= mended && (f.From-mended > 32 || f.To-f.From != 30):
					t.Errorf("%s: mended at %d, want two evaluations within a scrape and an evaluation of it: %v", s.Name, mended, f)
				}
			}
		}
		t.Logf("%d worlds; the slowest page fired %d s after its outage began", len(scenarios), slowest)
		if slowest > 90 {
			t.Errorf("a page fired %d s after its outage began; with group_wait that is over the target of 95 s", slowest)
		}
	}
	t.Run("every phase", func(t *testing.T) { check(t, []int{8, 20, 45, 60, 300}, 3, 16*minute) })
	t.Run("six hours after", func(t *testing.T) { check(t, []int{8, 20, 45, 60, 300}, 1, 6*hour+10*minute) })
}

// TestLastMoments checks that an outage of less than 30 s pages at no phase. That includes the moment when it has
// mended but no second success has proved it.
func TestLastMoments(t *testing.T) {
	ruletest.Simulates(t)
	var scenarios []scenario
	for length := 24; length <= 27; length++ {
		for phase := range 15 {
			scenarios = append(scenarios, scenario{Name: fmt.Sprintf("%ds/%d",
				length, phase), Exporters: ruletest.Layouts[ruletest.One].Place(0, func(_ int, e *simExporter) {
				e.Interval, e.Scrape, e.Broken = 5, phase, []spell{{begin, begin + length}}
			})})
		}
	}
	w := ruletest.NewWorld(t, scenarios...)
	w.Run(begin + 2*minute)
	for _, s := range scenarios {
		if fired := w.Fired(s.Name); len(fired) > 0 {
			t.Errorf("%s: %v", s.Name, fired)
		}
	}
}
