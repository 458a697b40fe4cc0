package rules_test

import (
	"math"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

// monthEnd is when the story of a month ends: a day more than the period, so that its first outage leaves it.
const monthEnd = 31 * day

// monthEvents is what happens in it. Between them nothing does.
var monthEvents = struct{ forgotten, restart, changed, dayOff, long, last spell }{
	forgotten: spell{10 * hour, 10*hour + 300}, // has left the period at the end
	restart:   spell{3*day + 2*hour, 3*day + 2*hour + 400},
	changed:   spell{9*day + 23*hour, 9*day + 23*hour + 500},
	dayOff:    spell{15*day + 7*hour, 16*day + 7*hour},
	long:      spell{20*day + 5*hour, 20*day + 5*hour + 600},
	last:      spell{30*day + 20*hour, 30*day + 20*hour + 45},
}

// TestMonth checks that the budget of thirty days is exact after outages, a restart, a changed instance and a day off.
// It uses the policy's own period. While nothing happens, Prometheus scrapes and evaluates every quarter of an hour,
// because the test would otherwise take an hour.
func TestMonth(t *testing.T) {
	ruletest.Simulates(t)
	e := monthEvents
	scene := scenario{Name: "month", Exporters: ruletest.Layouts[ruletest.One].Place(1, func(_ int, x *simExporter) {
		x.Interval = 5
		x.Broken = []spell{e.forgotten, e.restart, e.changed, e.long, e.last}
		// The instance changes with the first spell of off.
		x.Off = []spell{
			{e.changed.From() + 200, e.changed.From() + 230}, {e.restart.From() + 120, e.restart.From() + 160}, e.dayOff,
		}
		x.Reappears = "new"
	})}
	const resets = 3
	w := ruletest.NewWorld(t, scene)
	// groups that read what they wrote
	remember := []string{"thorbis-policy-1", "thorbis-health-down", "thorbis-health-ledger", "thorbis-health-hourly"}
	evaluated := append(slices.Clip(remember), "thorbis-uptime-windows", "thorbis-uptime-burn", "thorbis-uptime-budget")

	type total struct{ down, judged int }
	totals := make([]total, monthEnd+1) // true seconds until the second
	for s := range monthEnd {
		judged, down := ruletest.Seen(scene.Exporters, s)
		next := totals[s]
		if judged {
			next.judged++
		}
		if down {
			next.down++
		}
		totals[s+1] = next
	}
	const period30 = 30 * day
	check := func(at int) {
		t.Helper()
		then := max(at-period30, 0)
		wantDown, wantJudged := totals[at].down-totals[then].down, totals[at].judged-totals[then].judged
		down, _ := w.Value(at, metric.DownIncrease[rule.Period].Name) // nothing is 0
		judged, ok := w.Value(at, metric.ObservedIncrease[rule.Period].Name)
		if math.Abs(down-float64(wantDown)) > 2+30*resets {
			t.Errorf("on day %.1f %.0f s were down over the period, want %d", float64(at)/day, down, wantDown)
		}
		if !ok || math.Abs(judged-float64(wantJudged)) > 30*resets+105 {
			t.Errorf("on day %.1f %.0f s were judged over the period, want %d", float64(at)/day, judged, wantJudged)
		}
		left, ok := w.Value(at, metric.BudgetLeft.Name)
		if want := 1 - down/(.0001*period30); !ok || math.Abs(left-want) > .001 {
			t.Errorf("on day %.1f %.3f of the budget are left, want %.3f", float64(at)/day, left, want)
		}
		coverage, ok := w.Value(at, metric.Coverage.Name)
		if want := judged / period30; !ok || math.Abs(coverage-want) > .001 {
			t.Errorf("on day %.1f the coverage is %.4f, want %.4f", float64(at)/day, coverage, want)
		}
		t.Logf("day %.1f: %.0f s down (%d), %.0f s judged (%d), %.2f of the budget left", float64(at)/day, down, wantDown,
			judged, wantJudged, left)
	}

	const pace = 15 * minute // so that every hour begins with an evaluation
	now := 0
	closely := func(until int) {
		w.GroupsOnly = evaluated
		w.RunFrom(now, until)
		now = until
	}
	slowly := func(until int) {
		w.GroupsOnly = remember
		w.RunSlowly(now, until+1, pace)
		now = until + 1
	}
	closely(pace)
	// Where the period begins that the last two looks see, the totals have to be as dense as it always is.
	starts := []spell{{e.last.From() - period30, e.last.To() - period30}, {monthEnd - period30, monthEnd - period30}}
	for _, s := range []spell{
		e.forgotten, starts[0], starts[1], e.restart, e.changed,
		{e.dayOff.From(), e.dayOff.From()},
		{e.dayOff.To(), e.dayOff.To()},
		e.long, e.last,
	} {
		slowly((s.From()/pace - 1) * pace)
		closely(((s.To()+10*minute)/pace + 1) * pace)
		check(now - 15)
	}
	slowly(monthEnd - pace)
	closely(monthEnd)
	check(monthEnd - 15)
	if down := totals[monthEnd].down - totals[monthEnd-period30].down; down != 400-40+500-30+600+45 {
		t.Errorf("the story has %d s down in its last thirty days", down)
	}
}
