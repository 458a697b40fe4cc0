package rules

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// budgetCase is a long story of outages, restarts and gaps.
type budgetCase struct {
	name   string
	layout int
	setup  func(i int, e *simExporter)
	// resets are the restarts, changes of instance and losses of state in it: each may cost a scrape interval.
	resets int
}

// The stories last 36 h and are judged over 30 h. A period of 30 d differs in the offset only.
const (
	storyPeriod = 30 * hour
	storyEnd    = 36 * hour
	dayOffFrom  = 2*hour + 7*minute
	dayOffTo    = dayOffFrom + day
)

var storyOutages = []spell{
	{hour, hour + 300}, // leaves the period again
	{hour + 30*minute, hour + 30*minute + 45},
	{27 * hour, 27*hour + 100},
	{28*hour + 50*minute, 28*hour + 50*minute + 600},
}

func story(more ...func(int, *simExporter)) func(int, *simExporter) {
	return func(i int, e *simExporter) {
		e.interval, e.broken = 5, storyOutages
		for _, f := range more {
			f(i, e)
		}
	}
}

var budgetCases = []budgetCase{
	{name: "quiet life", layout: one, setup: story()},
	{name: "two exporters", layout: twoTwoJobs, setup: story()},
	{name: "two locations", layout: twoLocations, setup: story()},
	{name: "three locations", layout: threeLocations, setup: story()},
	{name: "restart in an outage", layout: one, resets: 1, setup: story(off(hour+120, hour+160))},
	{name: "state lost in an outage", layout: one, resets: 1, setup: story(func(_ int, e *simExporter) {
		e.wiped = []int{28*hour + 50*minute + 312}
	})},
	{name: "changed instance in an outage", layout: one, resets: 1, setup: story(func(_ int, e *simExporter) {
		e.off, e.reappears = []spell{{28*hour + 50*minute + 200, 28*hour + 50*minute + 230}}, "new"
	})},
	{name: "rolling restart with changed instances in an outage", layout: twoOneJob, resets: 2, setup: story(func(i int, e *simExporter) {
		from := 28*hour + 50*minute + 200 + 60*i
		e.off, e.reappears = []spell{{from, from + 30}}, e.instance+"-new"
	})},
	{name: "a day off", layout: one, resets: 1, setup: story(off(dayOffFrom, dayOffTo))},
	{name: "a day off of two locations", layout: twoLocations, resets: 1, setup: story(off(dayOffFrom, dayOffTo))},
	{name: "one of two exporters takes a day off", layout: twoOneJob, resets: 1, setup: story(only(1, func(e *simExporter) {
		e.off = []spell{{dayOffFrom, dayOffTo}}
	}))},
	{name: "two exporters take turns", layout: twoOneJob, resets: 4, setup: story(func(i int, e *simExporter) {
		for n := i; n < 36; n += 2 {
			e.off = append(e.off, spell{n*hour + 2*minute*i, (n+1)*hour + 2*minute*i})
		}
		e.off = e.off[:len(e.off)-1]
	})},
}

// seen counts the second t as the exporters could see it: whether the quorum judged and whether it was down.
func seen(exporters []*simExporter, t int) (judged, down bool) {
	states := map[string]bool{} // by location that judges: is it down
	for _, e := range exporters {
		if !within(t, e.off) {
			states[e.location] = states[e.location] || within(t, e.broken)
		}
	}
	locationsDown := 0
	for _, d := range states {
		if d {
			locationsDown++
		}
	}
	return len(states) > 0, locationsDown >= quorum || locationsDown == 1 && len(states) == 1
}

// TestBudget checks the seconds down over the period, through restarts, changed instances and days off. They are exact
// to a scrape interval for every reset, from five minutes after the last event on. It covers findings 5 and 6.
func TestBudget(t *testing.T) {
	simulates(t)
	var scenarios []scenario
	for i, c := range budgetCases {
		scenarios = append(scenarios, scenario{fmt.Sprint("b", i), layouts[c.layout].place(1, c.setup)})
	}
	w := newWorldWithPeriod(t, storyPeriod*time.Second, scenarios...)

	w.groupsOnly = []string{"thorbis-policy-1", "thorbis-health-down", "thorbis-health-ledger", "thorbis-uptime-windows"}

	const step = 15 * minute
	worst := make([]float64, len(budgetCases))
	downTotal := make([][]int, len(budgetCases)) // true seconds down until the second, by case
	judgedTotal := make([][]int, len(budgetCases))
	for until := 0; until < storyEnd; until += step {
		w.runFrom(until, until+step)
		now := until + step
		for i, c := range budgetCases {
			for s := until; s < now; s++ {
				d, j := 0, 0
				if s > 0 {
					d, j = downTotal[i][s-1], judgedTotal[i][s-1]
				}
				judged, down := seen(scenarios[i].exporters, s)
				if down {
					d++
				}
				if judged {
					j++
				}
				downTotal[i], judgedTotal[i] = append(downTotal[i], d), append(judgedTotal[i], j)
			}
			if unsettled(now) || now < step+1 {
				continue
			}
			wantDown, wantJudged := downTotal[i][now-1], judgedTotal[i][now-1]
			if before := now - storyPeriod; before > 0 {
				wantDown -= downTotal[i][before]
				wantJudged -= judgedTotal[i][before]
			}
			// A reset costs what no scrape saw and what falls between two writes of the ledger. Several exporters are
			// scraped at different moments, which costs some seconds for each outage.
			tolerance := 2 + 30*float64(c.resets)
			if len(layouts[c.layout].exporters) > 1 {
				tolerance += 7 * float64(len(storyOutages))
			}
			handovers := 0
			for _, e := range scenarios[i].exporters {
				handovers += len(e.off) + len(e.wiped)
			}
			at := now - 15
			env := `environment="` + scenarios[i].name + `"`
			got, _ := w.value(at, metric.DownIncrease[period].Select(env)) // nothing is 0
			worst[i] = max(worst[i], math.Abs(got-float64(wantDown)))
			if math.Abs(got-float64(wantDown)) > tolerance {
				t.Errorf("%s at %s: %.0f s down over the period, want %d", c.name, time.Duration(at)*time.Second, got, wantDown)
			}
			got, ok := w.value(at, metric.ObservedIncrease[period].Select(env))
			if judged, _ := seen(scenarios[i].exporters, at); !ok && !judged {
				continue // while all exporters are off there is nothing to show
			}
			if math.Abs(got-float64(wantJudged)) > 30*float64(handovers)+105 {
				t.Errorf("%s at %s: %.0f s judged over the period, want %d", c.name, time.Duration(at)*time.Second, got, wantJudged)
			}
		}
	}
	for i, c := range budgetCases {
		t.Logf("%s: at most %.0f s off, over %d outages and %d resets", c.name, worst[i], len(storyOutages), c.resets)
	}
}

// unsettled is true within five minutes after an outage, now or at the start of the period.
func unsettled(now int) bool {
	for _, o := range storyOutages {
		for _, t := range []int{now, now - storyPeriod} {
			if o.from-2*minute <= t && t <= o.to+5*minute+75 {
				return true
			}
		}
	}
	return false
}
