package health_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
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
		e.Interval, e.Broken = 5, storyOutages
		for _, f := range more {
			f(i, e)
		}
	}
}

var budgetCases = []budgetCase{
	{name: "quiet life", layout: ruletest.One, setup: story()},
	{name: "two exporters", layout: ruletest.TwoTwoJobs, setup: story()},
	{name: "two locations", layout: ruletest.TwoLocations, setup: story()},
	{name: "three locations", layout: ruletest.ThreeLocations, setup: story()},
	{name: "restart in an outage", layout: ruletest.One, resets: 1, setup: story(ruletest.Off(hour+120, hour+160))},
	{name: "state lost in an outage", layout: ruletest.One, resets: 1, setup: story(func(_ int, e *simExporter) {
		e.Wiped = []int{28*hour + 50*minute + 312}
	})},
	{name: "changed instance in an outage", layout: ruletest.One, resets: 1, setup: story(func(_ int, e *simExporter) {
		e.Off, e.Reappears = []spell{{28*hour + 50*minute + 200, 28*hour + 50*minute + 230}}, "new"
	})},
	{
		name:   "rolling restart with changed instances in an outage",
		layout: ruletest.TwoOneJob, resets: 2, setup: story(func(i int, e *simExporter) {
			from := 28*hour + 50*minute + 200 + 60*i
			e.Off, e.Reappears = []spell{{from, from + 30}}, e.Instance+"-new"
		}),
	},
	{name: "a day off", layout: ruletest.One, resets: 1, setup: story(ruletest.Off(dayOffFrom, dayOffTo))},
	{
		name: "a day off of two locations", layout: ruletest.TwoLocations, resets: 1,
		setup: story(ruletest.Off(dayOffFrom, dayOffTo)),
	},
	{
		name:   "one of two exporters takes a day off",
		layout: ruletest.TwoOneJob, resets: 1, setup: story(ruletest.Only(1, func(e *simExporter) {
			e.Off = []spell{{dayOffFrom, dayOffTo}}
		})),
	},
	{name: "two exporters take turns", layout: ruletest.TwoOneJob, resets: 4, setup: story(func(i int, e *simExporter) {
		for n := i; n < 36; n += 2 {
			e.Off = append(e.Off, spell{n*hour + 2*minute*i, (n+1)*hour + 2*minute*i})
		}
		e.Off = e.Off[:len(e.Off)-1]
	})},
}

// TestBudget checks the seconds down over the period, through restarts, changed instances and days off. They are exact
// to a scrape interval for every reset, from five minutes after the last event on. It covers findings 5 and 6.
func TestBudget(t *testing.T) {
	ruletest.Simulates(t)
	var scenarios []scenario
	for i, c := range budgetCases {
		scenarios = append(scenarios,
			scenario{Name: fmt.Sprint("b", i), Exporters: ruletest.Layouts[c.layout].Place(1, c.setup)})
	}
	w := ruletest.NewWorldWithPeriod(t, storyPeriod*time.Second, scenarios...)

	w.GroupsOnly = []string{
		"thorbis-policy-1", "thorbis-health-down", "thorbis-health-ledger", "thorbis-health-outages",
		"thorbis-uptime-windows",
	}

	const step = 15 * minute
	worst := make([]float64, len(budgetCases))
	downTotal := make([][]int, len(budgetCases)) // true seconds down until the second, by case
	judgedTotal := make([][]int, len(budgetCases))
	for until := 0; until < storyEnd; until += step {
		w.RunFrom(until, until+step)
		now := until + step
		for i, c := range budgetCases {
			for s := until; s < now; s++ {
				d, j := 0, 0
				if s > 0 {
					d, j = downTotal[i][s-1], judgedTotal[i][s-1]
				}
				judged, down := ruletest.Seen(scenarios[i].Exporters, s)
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
			// A reset costs what no scrape saw and what falls between two writes of the total. Several exporters are
			// scraped at different moments, which costs some seconds for each outage.
			tolerance := 2 + 30*float64(c.resets)
			if len(ruletest.Layouts[c.layout].Exporters) > 1 {
				tolerance += 7 * float64(len(storyOutages))
			}
			handovers := 0
			for _, e := range scenarios[i].Exporters {
				handovers += len(e.Off) + len(e.Wiped)
			}
			at := now - 15
			env := `environment="` + scenarios[i].Name + `"`
			got, _ := w.Value(at, metric.DownIncrease[rule.Period].Select(env)) // nothing is 0
			worst[i] = max(worst[i], math.Abs(got-float64(wantDown)))
			if math.Abs(got-float64(wantDown)) > tolerance {
				t.Errorf("%s at %s: %.0f s down over the period, want %d", c.name, time.Duration(at)*time.Second, got, wantDown)
			}
			got, ok := w.Value(at, metric.ObservedIncrease[rule.Period].Select(env))
			if judged, _ := ruletest.Seen(scenarios[i].Exporters, at); !ok && !judged {
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
			if o.From()-2*minute <= t && t <= o.To()+5*minute+75 {
				return true
			}
		}
	}
	return false
}
