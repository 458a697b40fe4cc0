package health

import (
	"maps"
	"math/big"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// observedOver returns the seconds judged in a window. Those of less than a day only scale a burn: where such a window
// starts in a gap, the whole total makes the burn look smaller, not greater.
func observedOver(over time.Duration) string {
	if over >= 24*time.Hour {
		return rule.IncreaseOver(metric.ObservedTotals, over)
	}
	return rule.Expand(`$total - $total offset $over or $total`, rule.Names{
		"total": metric.ObservedTotals.Total.Name,
		"over":  rule.Span(over),
	})
}

// increases records a total over each of the windows declared for it.
func increases(p *config.Policy, l metric.CumulativeTotal, over metric.Over) []rule.Rule {
	var rules []rule.Rule
	for _, w := range rule.WindowsOf(p, over) {
		expr := rule.IncreaseOver(l, w.Length)
		if l == metric.ObservedTotals {
			expr = observedOver(w.Length)
		}
		if l == metric.OutagesTotals { // people want to read 0
			expr += "\nor 0 * " + metric.ObservedIncrease[w.Key].Name
		}
		rules = append(rules, rule.Rule{Record: over[w.Key], Expr: expr})
	}
	return rules
}

var uptimeNames = rule.Names{
	"expected":      metric.CheckExpected.Name,
	"budget":        metric.CheckErrorBudget.Name,
	"tierBudget":    metric.TierErrorBudget.Name,
	"serviceBudget": metric.ServiceErrorBudget.Name,
	"policyBudget":  metric.PolicyErrorBudget.Name,

	"observed5m":     metric.ObservedTotals.Increase.Name,
	"down5m":         metric.DownTotals.Increase.Name,
	"observed1h":     metric.ObservedIncrease["1h"].Name,
	"down1h":         metric.DownIncrease["1h"].Name,
	"observed1d":     metric.ObservedIncrease["1d"].Name,
	"down1d":         metric.DownIncrease["1d"].Name,
	"observedPeriod": metric.ObservedIncrease[rule.Period].Name,
	"downPeriod":     metric.DownIncrease[rule.Period].Name,
	"outagesPeriod":  metric.OutagesIncrease[rule.Period].Name,
	"uptime":         metric.Uptime[rule.Period].Name,
	"leftSeconds":    metric.BudgetLeftSeconds.Name,
	"left":           metric.BudgetLeft.Name,
}

// windows records the totals over the windows that burns and budgets look at.
func windows(p *config.Policy) []rule.Group {
	short := append(increases(p, metric.ObservedTotals, metric.ObservedIncrease),
		increases(p, metric.UnpagedTotals, metric.UnpagedIncrease)...)
	long := append(increases(p, metric.DownTotals, metric.DownIncrease),
		increases(p, metric.OutagesTotals, metric.OutagesIncrease)...)
	return []rule.Group{
		{Name: "thorbis-uptime-windows", Interval: rule.WindowInterval, Rules: append(short, long...)},
	}
}

// burn records how fast the budget burns and pages for it.
func burn(p *config.Policy) rule.Group {
	rules := []rule.Rule{{Record: metric.CheckErrorBudget, Expr: rule.Expand(`
		max by ($check) (
			($expected > bool 0) * on ($tier) group_left () $tierBudget
			or
			($expected > bool 0) * on ($service) group_left () $serviceBudget
			or
			($expected > bool 0) * on (environment) group_left () $policyBudget
		)`, uptimeNames)}}

	for _, w := range rule.WindowsOf(p, metric.UptimeBurn) {
		// Of each window one side is recorded: short ones have a floor of seconds down, long ones are shown.
		unpaged, observed := rule.IncreaseOver(metric.UnpagedTotals, w.Length), "("+observedOver(w.Length)+")"
		if recorded := metric.UnpagedIncrease[w.Key]; recorded != nil {
			unpaged = recorded.Name
		} else {
			observed = metric.ObservedIncrease[w.Key].Name
		}
		rules = append(rules, rule.Rule{Record: metric.UptimeBurn[w.Key], Expr: rule.Expand(`
			($unpaged or 0 * $total) / ($observed > 0) / $budget`, rule.Names{
			"unpaged":  unpaged,
			"total":    metric.ObservedTotals.Total.Name,
			"observed": observed,
			"budget":   metric.CheckErrorBudget.Name,
		})})
	}
	for _, t := range rule.UptimeTiers {
		rules = append(rules, rule.Rule{Record: metric.UptimeBurning[t.Name], Expr: burning(p, t)})
	}
	rules = append(rules, uptimeBurnAlerts()...)
	return rule.Group{Name: "thorbis-uptime-burn", Interval: rule.WindowInterval, Rules: rules}
}

// burning returns an expression for the burn of a tier. It is empty while a faster tier reports the problem, or did so
// within the short window.
func burning(p *config.Policy, t rule.BurnTier) string {
	n := rule.Names{
		"long":     metric.UptimeBurn[t.Long].Name,
		"short":    metric.UptimeBurn[t.Short].Name,
		"seconds":  metric.UnpagedIncrease[t.Short].Name,
		"factor":   t.Factor(p.Objectives.Period.Std()),
		"floor":    rule.Seconds(t.Floor),
		"expected": metric.CheckExpected.Name,
	}
	var text strings.Builder
	text.WriteString(`
		($long > $factor and $short > $factor and $seconds >= $floor)
		* on ($check) group_left ($ownership) ($expected > bool 0)`)
	for _, faster := range metric.FasterPaces(t.Name) {
		if r := metric.UptimeBurning[faster]; r != nil { // uptime has no fast tier
			text.WriteString("\nunless on ($check) max_over_time(" + r.Name + "[" + t.Short + "])")
		}
	}
	return rule.Expand(text.String(), n)
}

// budget records what is left of the uptime budget over the policy's period, and how the check fared in it.
func budget(p *config.Policy) rule.Group {
	over := p.Objectives.Period.Std()
	n := rule.Names{"period": config.Decimal(big.NewRat(int64(over), int64(time.Second)))}
	maps.Copy(n, uptimeNames)
	record := func(r *metric.Record, text string) rule.Rule { return rule.Rule{Record: r, Expr: rule.Expand(text, n)} }
	return rule.Group{Name: "thorbis-uptime-budget", Interval: rule.WindowInterval, Rules: []rule.Rule{
		// Seconds down are counted before those judged, so that a young install that begins with an outage has more of them.
		record(metric.Uptime["5m"], `clamp_min(1 - ($down5m or 0 * $observed5m) / ($observed5m > 0), 0)`),
		record(metric.Uptime["1d"], `clamp_min(1 - ($down1d or 0 * $observed1d) / ($observed1d > 0), 0)`),
		record(metric.Uptime[rule.Period], `clamp_min(1 - ($downPeriod or 0 * $observedPeriod) / ($observedPeriod > 0), 0)`),
		record(metric.Coverage, `clamp_max($observedPeriod / $period, 1)`),
		record(metric.BudgetLeftSeconds, `$budget * $period - ($downPeriod or 0 * $budget)`),
		record(metric.BudgetLeft, `1 - ($downPeriod or 0 * $budget) / ($budget * $period)`),
		record(metric.BudgetHours, `($leftSeconds > 0) / ($down1h > 0) * $observed1h / 3600`),
		record(metric.MTBF, `($observedPeriod - $downPeriod) / ($outagesPeriod > 0)`),
		record(metric.MTTR, `$downPeriod / ($outagesPeriod > 0)`),
		record(metric.ServiceUptime, `min by ($service) ($uptime{tenant=""})`),
		record(metric.ServiceBudgetLeft, `min by ($service) ($left{tenant=""})`),
	}}
}
