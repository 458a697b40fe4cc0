package rules

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// period is the key of the policy's period among the windows of a series.
const period = "_period"

// increaseOver returns what a ledger added in a window: the total now minus the total at its start. If the window
// starts in a gap, the value on the hour replaces the latter. A total that began, or began anew, since then counts
// whole.
func increaseOver(l metric.Ledger, over time.Duration) string {
	return expand(`
		$total - (last_over_time($total[10m] offset $over) or last_over_time($hourly[3d] offset $over)) >= 0
		or
		$total`, names{
		"total":  l.Total.Name,
		"hourly": l.Hourly.Name,
		"over":   span(over),
	})
}

// observedOver returns the same for seconds judged over a short window, which only scale a burn. Where the window
// starts in a gap, the whole total makes the burn look smaller, not greater.
func observedOver(over time.Duration) string {
	return expand(`$total - $total offset $over or $total`, names{
		"total": metric.ObservedLedger.Total.Name,
		"over":  span(over),
	})
}

// increases records a ledger over each of the windows declared for it.
func increases(p *config.Policy, l metric.Ledger, over metric.Over) []Rule {
	var rules []Rule
	for _, w := range windowsOf(p, over) {
		expr := increaseOver(l, w.length)
		if l == metric.ObservedLedger && w.length < 24*time.Hour {
			expr = observedOver(w.length)
		}
		if l == metric.OutagesLedger { // people want to read 0
			expr += "\nor 0 * " + metric.ObservedIncrease[w.key].Name
		}
		rules = append(rules, Rule{Record: over[w.key], Expr: expr})
	}
	return rules
}

// timeWindow is a window of an Over: its key and how long it is.
type timeWindow struct {
	key    string
	length time.Duration
}

// windowsOf returns the windows of a series, the shortest first.
func windowsOf(p *config.Policy, over metric.Over) []timeWindow {
	var windows []timeWindow
	for key := range over {
		length := p.Objectives.Period.Std()
		if key != period {
			length = window(key)
		}
		windows = append(windows, timeWindow{key, length})
	}
	slices.SortFunc(windows, func(a, b timeWindow) int { return int(a.length - b.length) })
	return windows
}

var uptimeNames = names{
	"expected":      metric.CheckExpected.Name,
	"budget":        metric.CheckErrorBudget.Name,
	"tierBudget":    metric.TierErrorBudget.Name,
	"serviceBudget": metric.ServiceErrorBudget.Name,
	"policyBudget":  metric.PolicyErrorBudget.Name,

	"observed5m":     metric.ObservedLedger.Increase.Name,
	"down5m":         metric.DownLedger.Increase.Name,
	"observed1h":     metric.ObservedIncrease["1h"].Name,
	"down1h":         metric.DownIncrease["1h"].Name,
	"observed1d":     metric.ObservedIncrease["1d"].Name,
	"down1d":         metric.DownIncrease["1d"].Name,
	"observedPeriod": metric.ObservedIncrease[period].Name,
	"downPeriod":     metric.DownIncrease[period].Name,
	"outagesPeriod":  metric.OutagesIncrease[period].Name,
	"uptime":         metric.Uptime[period].Name,
	"leftSeconds":    metric.BudgetLeftSeconds.Name,
	"left":           metric.BudgetLeft.Name,
}

// windows sums the ledgers over the windows that burns and budgets look at.
func windows(p *config.Policy) []Group {
	short := append(increases(p, metric.ObservedLedger, metric.ObservedIncrease), increases(p, metric.UnpagedLedger, metric.UnpagedIncrease)...)
	long := append(increases(p, metric.DownLedger, metric.DownIncrease), increases(p, metric.OutagesLedger, metric.OutagesIncrease)...)
	return []Group{
		{Name: "thorbis-uptime-windows", Interval: windowInterval, Rules: append(short, long...)},
	}
}

// burn records how fast the budget burns and pages for it.
func burn(p *config.Policy) Group {
	rules := []Rule{{Record: metric.CheckErrorBudget, Expr: expand(`
		max by ($check) (
			($expected > bool 0) * on ($tier) group_left () $tierBudget
			or on ($check)
			($expected > bool 0) * on ($service) group_left () $serviceBudget
			or on ($check)
			($expected > bool 0) * on (environment) group_left () $policyBudget
		)`, uptimeNames)}}

	for _, w := range windowsOf(p, metric.UptimeBurn) {
		rules = append(rules, Rule{Record: metric.UptimeBurn[w.key], Expr: expand(`($unpaged or 0 * $observed) / ($observed > 0) / $budget`, names{
			"unpaged":  metric.UnpagedIncrease[w.key].Name,
			"observed": metric.ObservedIncrease[w.key].Name,
			"budget":   metric.CheckErrorBudget.Name,
		})})
	}
	for _, t := range burnTiers {
		rules = append(rules, Rule{Record: metric.UptimeBurning[t.name], Expr: burning(p, t)})
	}
	rules = append(rules, uptimeBurnAlerts()...)
	return Group{Name: "thorbis-uptime-burn", Interval: windowInterval, Rules: rules}
}

// burning returns an expression for the burn of a tier. It is empty while a faster tier reports the problem, or did so
// within the short window.
func burning(p *config.Policy, t burnTier) string {
	n := names{
		"long":     metric.UptimeBurn[t.long].Name,
		"short":    metric.UptimeBurn[t.short].Name,
		"seconds":  metric.UnpagedIncrease[t.short].Name,
		"factor":   t.factor(p.Objectives.Period.Std()),
		"floor":    seconds(t.floor),
		"expected": metric.CheckExpected.Name,
	}
	var text strings.Builder
	text.WriteString(`
		($long > $factor and $short > $factor and $seconds >= $floor)
		* on ($check) group_left ($ownership) ($expected > bool 0)`)
	for _, faster := range metric.FasterPaces(t.name) {
		if r := metric.UptimeBurning[faster]; r != nil { // uptime has no fast tier
			text.WriteString("\nunless on ($check) max_over_time(" + r.Name + "[" + t.short + "])")
		}
	}
	return expand(text.String(), n)
}

// budget records what is left of the uptime budget over the policy's period, and how the check fared in it.
func budget(p *config.Policy) Group {
	over := p.Objectives.Period.Std()
	n := names{"period": config.Decimal(big.NewRat(int64(over), int64(time.Second)))}
	maps.Copy(n, uptimeNames)
	rule := func(r *metric.Record, text string) Rule { return Rule{Record: r, Expr: expand(text, n)} }
	return Group{Name: "thorbis-uptime-budget", Interval: windowInterval, Rules: []Rule{
		rule(metric.Uptime["5m"], `clamp_min(1 - ($down5m or 0 * $observed5m) / ($observed5m > 0), 0)`),
		rule(metric.Uptime["1d"], `1 - ($down1d or 0 * $observed1d) / ($observed1d > 0)`),
		rule(metric.Uptime[period], `1 - ($downPeriod or 0 * $observedPeriod) / ($observedPeriod > 0)`),
		rule(metric.Coverage, `clamp_max($observedPeriod / $period, 1)`),
		rule(metric.BudgetLeftSeconds, `$budget * $period - ($downPeriod or 0 * $budget)`),
		rule(metric.BudgetLeft, `1 - ($downPeriod or 0 * $budget) / ($budget * $period)`),
		rule(metric.BudgetHours, `($leftSeconds > 0) / ($down1h > 0) * $observed1h / 3600`),
		rule(metric.MTBF, `($observedPeriod - $downPeriod) / ($outagesPeriod > 0)`),
		rule(metric.MTTR, `$downPeriod / ($outagesPeriod > 0)`),
		rule(metric.ServiceUptime, `min by ($service) ($uptime{tenant=""})`),
		rule(metric.ServiceBudgetLeft, `min by ($service) ($left{tenant=""})`),
	}}
}
