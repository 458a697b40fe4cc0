package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why a ledger. A budget of 30 days must be exact to a scrape interval per reset and cost a few samples a series. It
// must survive exporters that restart, change their instance or are off for a day. Two simpler ways fail:
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

// locationIncrease returns the exact increase of an exposed counter in a window, for each location. Of several
// exporters, the highest increase counts. The increase is the last value minus the value at the start of the window,
// which may be up to 15 minutes older. After a reset, or for a younger series, it is the last value minus the lowest
// in the window.
func locationIncrease(counter *metric.Metric, over time.Duration) string {
	return expand(`
		max by ($checkLocation) (clamp_min(
			last_over_time($counter[$over])
			- (
				(last_over_time($counter[15m] offset $over) unless resets($counter[$overlap]) > 0)
				or min_over_time($counter[$over])
			),
			0
		))`, names{"counter": counter.Name, "over": span(over), "overlap": span(over + scrapeInterval)})
}

// progress returns how much a counter moved within five minutes. It only shows whether the counter moves.
func progress(counter *metric.Metric) string {
	return expand(`max by ($checkLocation) (last_over_time($counter[5m]) - min_over_time($counter[5m]))`, names{"counter": counter.Name})
}

// quorumIncrease returns the increase that the quorum confirms: that of the second-worst location, or of the only one
// that judged. A location that judged less than half as long as another is ignored.
func quorumIncrease(l metric.Ledger) string {
	return expand(`
		min by ($check) (topk by ($check) ($votes,
			$location
			and on ($checkLocation)
			($observed > 0 and $observed >= on ($check) group_left () (max by ($check) ($observed) / 2))
		)) > 0`, names{
		"location": l.Location.Name,
		"observed": metric.ObservedLedger.Location.Name,
		"votes":    stateNames["votes"],
	})
}

// total continues a ledger through gaps: up to an hour by its last value, up to three days by its value on the hour.
// It ends when the check is no longer expected. then is the offset of the total to which the increase is added.
func total(l metric.Ledger, increase *metric.Record, then string) string {
	return expand(`
		max by ($check) (
			label_replace(
				(last_over_time($total[1h]$then) or last_over_time($hourly[3d]$then) or 0 * $increase) + $increase,
				"from", "the start of the window", "", ""
			)
			or last_over_time($total[1h])
			or last_over_time($hourly[3d])
		)
		and on ($check) $expected`, names{
		"total":    l.Total.Name,
		"hourly":   l.Hourly.Name,
		"increase": increase.Name,
		"then":     then,
		"expected": metric.CheckExpected.Name,
	})
}

func hourly(l metric.Ledger) string {
	return expand(`$total and on () minute() == 0`, names{"total": l.Total.Name})
}

// ledger keeps the totals of seconds judged, seconds down, outages, and seconds down without a page of the check. The
// last are counted two minutes late, when it is known whether the check paged.
func ledger(*config.Policy) Group {
	observed, down, outages, unpaged := metric.ObservedLedger, metric.DownLedger, metric.OutagesLedger, metric.UnpagedLedger
	const window = 5 * time.Minute
	step := expand(`
		max by ($check) (clamp_min(
			last_over_time($observed[$step]) - last_over_time($observed[15m] offset $step), 0
		))`, names{"observed": metric.HealthCheckObservedSeconds.Name, "step": span(ledgerInterval)})

	rules := []Rule{
		maintenance(),
		{Record: observed.Location, Expr: progress(metric.HealthCheckObservedSeconds)},
		{Record: down.Location, Expr: locationIncrease(metric.HealthCheckDownSeconds, window)},
		{Record: outages.Location, Expr: locationIncrease(metric.HealthCheckOutages, window)},
		{Record: metric.CheckWatched, Expr: observed.Location.Name +
			"\n+ " + progress(metric.HealthCheckUnknownSeconds) +
			"\n+ " + progress(metric.HealthCheckMaintenanceSeconds) + " > 0"},

		{Record: observed.Increase, Expr: expand(`max by ($check) ($observed)`, names{"observed": observed.Location.Name})},
		{Record: down.Increase, Expr: unplanned(quorumIncrease(down), "5m")},
		{Record: outages.Increase, Expr: unplanned(quorumIncrease(outages), "5m")},
		{Record: unpaged.Increase, Expr: expand(`$down offset 2m unless on ($check) max_over_time($quorum[7m])`,
			names{"down": down.Increase.Name, "quorum": metric.CheckDown.Name})},

		{Record: metric.ObservedStep, Expr: unplanned(step, "")},
		{Record: observed.Total, Expr: total(observed, metric.ObservedStep, "")},
	}
	for _, l := range []metric.Ledger{down, outages, unpaged} {
		rules = append(rules, Rule{Record: l.Total, Expr: total(l, l.Increase, " offset 5m")})
	}
	for _, l := range []metric.Ledger{observed, down, outages, unpaged} {
		rules = append(rules, Rule{Record: l.Hourly, Expr: hourly(l)})
	}
	return Group{Name: "thorbis-health-ledger", Interval: ledgerInterval, Rules: rules}
}
