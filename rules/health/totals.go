package health

import (
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// union makes one counter of those of the exporters of a location, or of all of them. They see the same outage some
// seconds apart, so neither the sum nor the greatest increase in a window is right: the former counts it twice, and the
// latter does when one exporter's part has left the window and another one's has not. So each exporter's counter is
// moved by what it lacked of the union before, and the greatest counts. What it lacks for a moment only, because it
// sees an outage later than others, has passed within ten minutes. An exporter that is seen for the first time, or
// whose counter was reset, lacks all that the union has.
func union(u metric.UnionTotal, counter *metric.Metric, level string) []rule.Rule {
	n := rule.Names{
		"counter":     "max by ($level, job, instance) (" + counter.Name + ")",
		"raw":         counter.Name,
		"union":       u.Union.Name,
		"behind":      u.Behind.Name,
		"lack":        u.Lack.Name,
		"unionBefore": rule.Before(u.Union), "behindBefore": rule.Before(u.Behind),
		"level": rule.Levels[level],
	}
	n["counter"] = rule.Expand(n["counter"], n)
	return []rule.Rule{
		{Record: u.Lack, Expr: rule.Expand(`
			last_over_time($behind[10m] offset 1ms) and max by ($level, job, instance) (resets($raw[10m])) > 0
			or
			min_over_time($behind[10m] offset 1ms)
			or
			$behindBefore`, n)},
		{Record: u.Union, Expr: rule.Expand(`
			max by ($level) (
				$counter + $lack
				or
				$unionBefore and on ($level) $raw
				or
				0 * $raw
			)`, n)},
		{Record: u.Behind, Expr: rule.Expand(`$union - on ($level) group_right () $counter`, n)},
	}
}

// increase returns what a union gained in five minutes. If nothing was evaluated at the start of them, it is the last
// value of two hours. The total to which the increase is added is then as old.
func increase(u metric.UnionTotal) string {
	return rule.Expand(`clamp_min($union - (last_over_time($union[2h] offset 5m) or min_over_time($union[5m])), 0)`,
		rule.Names{"union": u.Union.Name})
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
			and
			($observed > 0 and $observed >= on ($check) group_left () (max by ($check) ($observed) / 2))
		)) > 0`, rule.Names{
		"location": c.Location.Name,
		"observed": metric.ObservedTotals.Location.Name,
		"votes":    stateNames["votes"],
	})
}

// totals keeps the totals of seconds judged, seconds down, and seconds down without a page of the check. The last are
// counted two minutes late, when it is known whether the check paged.
func totals(*config.Policy) rule.Group {
	observed, down, unpaged := metric.ObservedTotals, metric.DownTotals, metric.UnpagedTotals
	rules := slices.Concat(
		union(metric.DownUnion, metric.HealthCheckDownSeconds, "checkLocation"),
		union(metric.ObservedUnion, metric.HealthCheckObservedSeconds, "check"),
	)
	judged := metric.ObservedUnion.Union.Name + " - " + rule.Before(metric.ObservedUnion.Union)
	rules = append(rules, []rule.Rule{
		maintenance(),
		{Record: observed.Location, Expr: progress(metric.HealthCheckObservedSeconds)},
		{Record: down.Location, Expr: increase(metric.DownUnion)},
		{Record: metric.CheckWatched, Expr: observed.Location.Name +
			"\n+ " + progress(metric.HealthCheckUnknownSeconds) +
			"\n+ " + progress(metric.HealthCheckMaintenanceSeconds) + " > 0"},

		{
			Record: observed.Increase,
			Expr:   rule.Expand(`max by ($check) ($observed)`, rule.Names{"observed": observed.Location.Name}),
		},
		{Record: down.Increase, Expr: rule.Unplanned(quorumIncrease(down), "5m")},
		{Record: unpaged.Increase, Expr: rule.Expand(`$down offset 2m unless on ($check) max_over_time($quorum[7m])`,
			rule.Names{"down": down.Increase.Name, "quorum": metric.CheckDown.Name})},

		{Record: metric.ObservedStep, Expr: rule.Unplanned(judged, "")},
		{Record: observed.Total, Expr: rule.Total(observed, metric.ObservedStep, " offset 1ms")},
	}...)
	for _, l := range []metric.CumulativeTotal{down, unpaged} {
		rules = append(rules, rule.Rule{Record: l.Total, Expr: rule.Total(l, l.Increase, " offset 5m")})
	}
	return rule.Group{Name: "thorbis-health-ledger", Interval: rule.TotalsInterval, Rules: rules}
}

// outageTotals keeps the totals of outages, which no page waits for.
func outageTotals() rule.Group {
	outages := metric.OutagesTotals
	rules := append(union(metric.OutagesUnion, metric.HealthCheckOutages, "checkLocation"),
		rule.Rule{Record: outages.Location, Expr: increase(metric.OutagesUnion)},
		rule.Rule{Record: outages.Increase, Expr: rule.Unplanned(quorumIncrease(outages), "5m")},
		rule.Rule{Record: outages.Total, Expr: rule.Total(outages, outages.Increase, " offset 5m")},
	)
	return rule.Group{Name: "thorbis-health-outages", Interval: rule.TotalsInterval, Rules: rules}
}

// hourly writes the totals on the hour. It must be evaluated in each minute.
func hourly() rule.Group {
	var rules []rule.Rule
	for _, l := range []metric.CumulativeTotal{
		metric.ObservedTotals, metric.DownTotals, metric.OutagesTotals, metric.UnpagedTotals,
	} {
		rules = append(rules, rule.Rule{Record: l.Hourly, Expr: rule.Hourly(l)})
	}
	return rule.Group{Name: "thorbis-health-hourly", Interval: rule.WindowInterval, Rules: rules}
}
