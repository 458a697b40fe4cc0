package rule

import (
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why cumulative totals. A budget of 30 days must be exact to a scrape interval per reset and cost a few samples a
// series. It must survive exporters that restart, change their instance or are off for a day. Two simpler ways fail:
//   - increase() extrapolates, and sums of it lose what lies between two ranges.
//   - x - x offset 30d is exact and cheap, but needs a counter that keeps one instance for that long.
//
// So the rules keep totals of their own, written twice a minute. A window is the total now minus the total at its
// start.
//
// Seconds judged are added up: losing half a minute of them after a reset does no harm. Seconds down and outages are
// decided by quorum. Two locations, or two exporters of one location, see the same outage a few seconds apart. It must
// count neither twice nor half. So their total is the greater of:
//   - the total of five minutes ago plus what the quorum saw in these five minutes,
//   - the last total.
//
// That is the most that any chain of windows proves. It never decreases.
//
// Totals of events adjust themselves. Each counter is copied first, and a step is what the copy has gained since the
// copy before it, however long ago that was. So steps touch without gap or overlap at any interval of scrapes and
// evaluations. After an absence of Prometheus of up to two hours, the next step holds what was missed. The past is read
// with an offset of a millisecond, so that a rule never reads what it has just written, and a scrape that is stored
// during an evaluation belongs to the next step.

// Period is the key of the policy's period among the windows of a series.
const Period = "_period"

// Total continues a total through gaps: up to two hours by its last value, up to three days by its value on the hour.
// It ends when the check is no longer expected. then is the offset of the total to which the increase is added.
func Total(l metric.CumulativeTotal, increase *metric.Record, then string) string {
	return Expand(`
		max by ($check) (
			label_replace(
				(last_over_time($total[2h]$then) or last_over_time($hourly[3d]$then) or 0 * $increase) + $increase,
				"from", "start", "", ""
			)
			or last_over_time($total[2h])
			or last_over_time($hourly[3d])
		)
		and ignoring (tier, owner, page) $expected`, Names{
		"total":    l.Total.Name,
		"hourly":   l.Hourly.Name,
		"increase": increase.Name,
		"then":     then,
		"expected": metric.CheckExpected.Name,
	})
}

// Hourly returns the total of a check on the hour, which bridges long gaps.
func Hourly(l metric.CumulativeTotal) string {
	return Expand(`$total and on () minute() == 0`, Names{"total": l.Total.Name})
}

// IncreaseOver returns what a total added in a window: the total now minus the total at its start. If the window
// starts in a gap, the value on the hour replaces the latter. A total that began, or began anew, since then counts
// whole.
func IncreaseOver(l metric.CumulativeTotal, over time.Duration) string {
	return Expand(`
		$total - (last_over_time($total[10m] offset $over) or last_over_time($hourly[3d] offset $over)) >= 0
		or
		$total`, Names{
		"total":  l.Total.Name,
		"hourly": l.Hourly.Name,
		"over":   Span(over),
	})
}

// Seen continues the copy of a counter. A fall below half of what was last seen is a reset. A smaller one is none: the
// sample is of a replica that was scraped earlier, or of a state that was set back a little. The higher value stays, so
// that nothing counts twice.
func Seen(l metric.CounterTotal) string {
	return Expand(`
		$scraped < $before / 2
		or
		$before > $scraped
		or
		$scraped`, Names{"scraped": l.Scraped.Name, "before": Before(l.Seen)})
}

// SeenStep returns what the copy of a counter has gained since the copy before it: all of it after a reset, nothing if
// it is the first.
func SeenStep(l metric.CounterTotal, level string) string {
	return Expand(`
		sum by ($level) (
			$seen - $before >= 0
			or
			$seen and $before
		)`, Names{"seen": l.Seen.Name, "before": Before(l.Seen), "level": Levels[level]})
}

// Before is the last value of a record before this evaluation, however long ago within the memory of totals.
func Before(r *metric.Record) string { return BeforeOf(r.Name) }

// BeforeOf is Before for the series of a record that a selector selects.
func BeforeOf(selector string) string { return "last_over_time(" + selector + "[2h] offset 1ms)" }

// EventTotal continues a total of events: its last value, or its value on the hour after a long gap, plus the new step.
// A step that was not written now is none. The join keeps the metric name, because nothing else distinguishes the total
// from the step. It continues while the given expression has series.
func EventTotal(l metric.EventTotal, level, matcher, on, while string) string {
	return Expand(`
		sum by ($level) (
			$before or last_over_time($hourly[3d])
			or on (__name__, $level)
			($step and timestamp($step) == time())
		)
		and on ($on) $while`, Names{
		"before": BeforeOf(l.Total.Name + Braces(matcher)),
		"hourly": l.Hourly.Name + Braces(matcher),
		"step":   l.Step.Name + Braces(matcher),
		"level":  Levels[level],
		"on":     Levels[on],
		"while":  while,
	})
}

// EventHourly records a total of events on the hour, which bridges long gaps.
func EventHourly(l metric.EventTotal) Rule {
	return Rule{Record: l.Hourly, Expr: Expand(`$total and on () minute() == 0`, Names{"total": l.Total.Name})}
}

// Grown returns what a total added in a window: the total now minus the total at its start. If the window starts in a
// gap, the value on the hour replaces the latter. A total that began, or began anew, since then counts whole.
func Grown(l metric.EventTotal, over time.Duration) string {
	return Expand(`
		$total - (last_over_time($total[10m] offset $over) or last_over_time($hourly[3d] offset $over)) >= 0
		or
		$total`, Names{"total": l.Total.Name, "hourly": l.Hourly.Name, "over": Span(over)})
}

// ShortUpTo is the longest window in which events must have happened to count. In a longer one they only need to have
// been counted.
const ShortUpTo = 30 * time.Minute

// GrownRecently is Grown for a short window. If that begins in an absence of Prometheus, it is cut: the first total
// after an absence holds all that was missed, and must not page for a problem that is over.
func GrownRecently(l metric.EventTotal, over time.Duration) string {
	return Expand(`
		$total - (
			last_over_time($total[1m] offset $over)
			or
			min_over_time($total[$over]) and last_over_time($total[2h] offset $over)
		) >= 0
		or
		$total`, Names{"total": l.Total.Name, "over": Span(over)})
}

// GrownOver returns what a total added in a window of any length.
func GrownOver(l metric.EventTotal, over time.Duration) string {
	if over <= ShortUpTo {
		return GrownRecently(l, over)
	}
	return Grown(l, over)
}

// EventWindows records a total of events over the windows declared for it, or over some of them only.
func EventWindows(p *config.Policy, l metric.EventTotal, over metric.Over, only ...string) []Rule {
	var rules []Rule
	for _, w := range WindowsOf(p, over) {
		if len(only) == 0 || strings.Contains(" "+strings.Join(only, " ")+" ", " "+w.Key+" ") {
			rules = append(rules, Rule{Record: over[w.Key], Expr: GrownOver(l, w.Length)})
		}
	}
	return rules
}

// TimeWindow is a window of an Over: its key and how long it is.
type TimeWindow struct {
	Key    string
	Length time.Duration
}

// WindowsOf returns the windows of a series, the shortest first.
func WindowsOf(p *config.Policy, over metric.Over) []TimeWindow {
	var windows []TimeWindow
	for key := range over {
		length := p.Objectives.Period.Std()
		if key != Period {
			length = Window(key)
		}
		windows = append(windows, TimeWindow{key, length})
	}
	slices.SortFunc(windows, func(a, b TimeWindow) int { return int(a.Length - b.Length) })
	return windows
}
