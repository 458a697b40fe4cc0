package rules

import (
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// sla records the contract by calendar month from the ledgers of health: the totals now less the totals as the
// month began. The first evaluation of a new month writes those, even if Prometheus was away at midnight.
func sla(p *config.Policy) Group {
	n := names{
		"month":         metric.SLAMonth.Name,
		"down":          metric.DownLedger.Total.Select(`tenant=""`),
		"observed":      metric.ObservedLedger.Total.Select(`tenant=""`),
		"downStart":     metric.SLADownStart.Name,
		"observedStart": metric.SLAObservedStart.Name,
	}
	start := func(r *metric.Record, total string) Rule {
		return Rule{Record: r, Expr: expand(`
			`+total+` and on () month() != on () max(last_over_time($month[3d]))
			or
			last_over_time(`+r.Name+`[3d])`, n)}
	}
	rules := []Rule{
		start(metric.SLADownStart, "$down"),
		start(metric.SLAObservedStart, "$observed"),
		{Record: metric.SLAMonth, Expr: expand("month() and on () $observed", n), Labels: map[string]string{metric.LabelEnvironment: p.Environment}},
		{Record: metric.SLADown, Expr: expand(`max by ($service) ($down - $downStart or $down or 0 * $observed)`, n)},
		{Record: metric.SLAUptime, Expr: expand(`
			min by ($service) (
				1 - ($down - $downStart or $down or 0 * $observed)
				/ (($observed - $observedStart or $observed) > 0)
			)`, n)},
	}
	if !p.SLA.Availability.IsZero() {
		rules = append(rules, Rule{
			Record: metric.SLAPromised, Expr: "vector(" + p.SLA.Availability.String() + ")",
			Labels: map[string]string{metric.LabelEnvironment: p.Environment},
		})
	}
	return Group{Name: "thorbis-sla", Interval: windowInterval, Rules: rules}
}
