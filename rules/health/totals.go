package health

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// locationIncrease returns the exact increase of an exposed counter in a window, for each location. Of several
// exporters, the highest increase counts. The increase is the last value minus the value at the start of the window,
// which may be up to 15 minutes older. After a reset, or for a younger series, it is the last value minus the lowest
// in the window.
func locationIncrease(counter *metric.Metric, over time.Duration) string {
	return rule.Expand(`
		max by ($checkLocation) (clamp_min(
			last_over_time($counter[$over])
			- (
				(last_over_time($counter[15m] offset $over) unless resets($counter[$overlap]) > 0)
				or min_over_time($counter[$over])
			),
			0
		))`, rule.Names{"counter": counter.Name, "over": rule.Span(over), "overlap": rule.Span(over + rule.ScrapeInterval)})
}

// progress returns how much a counter moved within five minutes. It only shows whether the counter moves.
func progress(counter *metric.Metric) string {
	return rule.Expand(`max by ($checkLocation) (last_over_time($counter[5m]) - min_over_time($counter[5m]))`,
		rule.Names{"counter": counter.Name})
}

// quorumIncrease returns the increase that the quorum confirms: that of the second-worst location, or of the only one
// that judged. A location that judged less than half as long as another is ignored.
func quorumIncrease(c metric.CumulativeTotal) string {
	return rule.Expand(`
		min by ($check) (topk by ($check) ($votes,
			$location
			and on ($checkLocation)
			($observed > 0 and $observed >= on ($check) group_left () (max by ($check) ($observed) / 2))
		)) > 0`, rule.Names{
		"location": c.Location.Name,
		"observed": metric.ObservedTotals.Location.Name,
		"votes":    stateNames["votes"],
	})
}

// totals keeps the totals of seconds judged, seconds down, outages, and seconds down without a page of the check. The
// last are counted two minutes late, when it is known whether the check paged.
func totals(*config.Policy) rule.Group {
	observed, down, outages, unpaged := metric.ObservedTotals, metric.DownTotals, metric.OutagesTotals,
		metric.UnpagedTotals
	const window = 5 * time.Minute
	step := rule.Expand(`
		max by ($check) (clamp_min(
			last_over_time($observed[$step]) - last_over_time($observed[15m] offset $step), 0
		))`, rule.Names{"observed": metric.HealthCheckObservedSeconds.Name, "step": rule.Span(rule.TotalsInterval)})

	rules := []rule.Rule{
		maintenance(),
		{Record: observed.Location, Expr: progress(metric.HealthCheckObservedSeconds)},
		{Record: down.Location, Expr: locationIncrease(metric.HealthCheckDownSeconds, window)},
		{Record: outages.Location, Expr: locationIncrease(metric.HealthCheckOutages, window)},
		{Record: metric.CheckWatched, Expr: observed.Location.Name +
			"\n+ " + progress(metric.HealthCheckUnknownSeconds) +
			"\n+ " + progress(metric.HealthCheckMaintenanceSeconds) + " > 0"},

		{
			Record: observed.Increase,
			Expr:   rule.Expand(`max by ($check) ($observed)`, rule.Names{"observed": observed.Location.Name}),
		},
		{Record: down.Increase, Expr: rule.Unplanned(quorumIncrease(down), "5m")},
		{Record: outages.Increase, Expr: rule.Unplanned(quorumIncrease(outages), "5m")},
		{Record: unpaged.Increase, Expr: rule.Expand(`$down offset 2m unless on ($check) max_over_time($quorum[7m])`,
			rule.Names{"down": down.Increase.Name, "quorum": metric.CheckDown.Name})},

		{Record: metric.ObservedStep, Expr: rule.Unplanned(step, "")},
		{Record: observed.Total, Expr: rule.Total(observed, metric.ObservedStep, "")},
	}
	for _, l := range []metric.CumulativeTotal{down, outages, unpaged} {
		rules = append(rules, rule.Rule{Record: l.Total, Expr: rule.Total(l, l.Increase, " offset 5m")})
	}
	for _, l := range []metric.CumulativeTotal{observed, down, outages, unpaged} {
		rules = append(rules, rule.Rule{Record: l.Hourly, Expr: rule.Hourly(l)})
	}
	return rule.Group{Name: "thorbis-health-ledger", Interval: rule.TotalsInterval, Rules: rules}
}
