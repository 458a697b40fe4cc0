package health

import (
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// sla records the contract by calendar month from the totals of health: the totals now less the totals as the
// month began. The first evaluation of a new month writes those, even if Prometheus was away at midnight.
func sla(p *config.Policy) rule.Group {
	n := rule.Names{
		"month":         metric.SLAMonth.Name,
		"down":          metric.DownTotals.Total.Select(`tenant=""`),
		"observed":      metric.ObservedTotals.Total.Select(`tenant=""`),
		"downStart":     metric.SLADownStart.Name,
		"observedStart": metric.SLAObservedStart.Name,
	}
	start := func(r *metric.Record, total string) rule.Rule {
		return rule.Rule{Record: r, Expr: rule.Expand(`
			`+total+` and on () month() != on () max(last_over_time($month[3d]))
			or
			last_over_time(`+r.Name+`[3d])`, n)}
	}
	rules := []rule.Rule{
		start(metric.SLADownStart, "$down"),
		start(metric.SLAObservedStart, "$observed"),
		{
			Record: metric.SLAMonth, Expr: rule.Expand("month() and on () $observed", n),
			Labels: map[string]string{metric.LabelEnvironment: p.Environment},
		},
		{Record: metric.SLADown, Expr: rule.Expand(`max by ($service) ($down - $downStart or $down or 0 * $observed)`, n)},
		{Record: metric.SLAUptime, Expr: rule.Expand(`
			clamp_min(min by ($service) (
				1 - ($down - $downStart or $down or 0 * $observed)
				/ (($observed - $observedStart or $observed) > 0)
			), 0)`, n)},
	}
	if !p.SLA.Availability.IsZero() {
		rules = append(rules, rule.Rule{
			Record: metric.SLAObjective, Expr: "vector(" + p.SLA.Availability.String() + ")",
			Labels: map[string]string{metric.LabelEnvironment: p.Environment},
		})
	}
	return rule.Group{Name: "thorbis-sla", Interval: rule.WindowInterval, Rules: rules}
}
