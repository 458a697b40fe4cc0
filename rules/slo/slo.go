// Package slo judges objectives that count events: requests of tenants, and the policy's own objectives.
package slo

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Subject judges objectives that count events: requests, and the policy's own slos.
var Subject = rule.Subject{File: "slo.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	own, err := ownTotals(p)
	if err != nil {
		return nil, err
	}
	return slices.Concat(requestTotals(p), own, objectives(p)), nil
}}

// objectives returns the groups on objectives that count events: requests, and the policy's own slos. One group writes
// the windows of a burn, because groups are evaluated at different moments; those of the worst tenant are never older
// than those of its service, which would burn without that tenant otherwise.
func objectives(p *config.Policy) []rule.Group {
	var groups []rule.Group
	for i, t := range rule.RequestTiers {
		rules := serviceWindows(p, t.Windows...)
		if i > 0 { // those of the fastest are written beside the totals
			rules = append(rules, tenantWindows(t.Windows...)...)
		}
		rules = append(rules, burnRecords(t.Windows)...)
		if i == 0 {
			rules = append(rules, rule.Rule{Record: metric.SLOOutage, Expr: rule.Expand(`
				($budget > bool 0) and on ($service) ($down{tenant="",page="P1"} > 0)`, rule.Names{
				"budget": "max by (" + rule.Levels["slo"] + ") (" + metric.SLOBudget.Name + ")",
				"down":   metric.CheckDownOwned.Name,
			})})
		}
		rules = append(rules, sloBurning(p, t)...)
		groups = append(groups,
			rule.Group{Name: "thorbis-slo-" + t.Name, Interval: t.Pace, Rules: append(rules, sloBurnAlerts(t)...)})
	}
	groups = append(groups, sloHourly(), sloPeriod(p), tenantsSeen())
	groups = append(groups, tenantBurn(p)...)
	return append(groups, manyTenantsAlerts(p), sloBudget(p), sloTiers(p))
}

// serviceWindows records the events of services over some windows.
func serviceWindows(p *config.Policy, windows ...string) []rule.Rule {
	return append(rule.EventWindows(p, metric.EventsTotals, metric.EventsIncrease, windows...),
		rule.EventWindows(p, metric.BadTotals, metric.BadIncrease, windows...)...)
}

// sloHourly writes the totals on the hour. It must be evaluated in each minute.
func sloHourly() rule.Group {
	rules := []rule.Rule{{Record: metric.TenantTier, Expr: tenantTier()}}
	for _, l := range []metric.EventTotal{
		metric.EventsTotals, metric.BadTotals, metric.LateEventsTotals, metric.LateBadTotals, metric.SeenTotals,
		metric.TierRequestsTotals.EventTotal, metric.TierBadTotals.EventTotal,
	} {
		rules = append(rules, rule.EventHourly(l))
	}
	return rule.Group{Name: "thorbis-slo-hourly", Interval: rule.WindowInterval, Rules: rules}
}

// sloPeriod sums up the policy's period, which moves slowly.
func sloPeriod(p *config.Policy) rule.Group {
	var rules []rule.Rule
	rules = append(rules, serviceWindows(p, rule.Period)...)
	rules = append(rules, rule.EventWindows(p, metric.LateEventsTotals, metric.LateEventsIncrease)...)
	rules = append(rules, rule.EventWindows(p, metric.LateBadTotals, metric.LateBadIncrease)...)
	rules = append(rules, rule.EventWindows(p, metric.SeenTotals, metric.SeenIncrease)...)
	rules = append(rules, tenantWindows(rule.Period)...)
	rules = append(rules, rule.Rule{Record: metric.SLOYoung, Expr: rule.Expand(`
		$seen < on ($service) group_left () (max by ($service) ($whole / $error) * $period - $slack)`, rule.Names{
		"seen": metric.SeenIncrease[rule.Period].Name, "whole": metric.TenantWholeError[rule.Period].Name,
		"error": metric.TenantError[rule.Period].Name, "period": rule.Seconds(p.Objectives.Period.Std()),
		"slack": rule.Seconds(measuredSlack),
	})})
	return rule.Group{Name: "thorbis-slo-period", Interval: rule.SlowInterval, Rules: rules}
}

// measuredSlack is by how much the time for which a service was measured may lag: it is recorded slowly, and begins
// with the second scrape.
const measuredSlack = 10 * time.Minute

// burnRecords returns the records of the worst tenant of each objective and of the burn without it. A service burns
// only if it burns without its worst tenant: one customer's broken client is that customer's alert. A tenant with half
// of the traffic is not left out: it counts as the service itself. Nor is one where the window has planned work, which
// its exporter may have counted and the service's total leaves out; nor one that was counted for longer than the
// service was measured, as after Prometheus lost its data. What the tenant counted since the service's total was
// recorded makes nothing negative.
func burnRecords(windows []string) []rule.Rule {
	var rules []rule.Rule
	for _, w := range windows {
		n := rule.Names{
			"bad": metric.BadIncrease[w].Name, "events": metric.EventsIncrease[w].Name,
			"tenantBad":   metric.TenantBadIncrease[w].Select(rule.AnyTenant),
			"tenantError": metric.TenantError[w].Name,
			"worstBad":    worstBad(w), "worstEvents": metric.WorstEvents[w].Name,
			"budget": metric.SLOBudget.Name, "planned": metric.Maintenance.Name,
			"young": metric.SLOYoung.Name,
		}
		longer := ""
		if within := rule.Window(w) - measuredSlack; within > 0 {
			longer = " unless $young < " + rule.Seconds(within)
		}
		rules = append(rules,
			rule.Rule{Record: metric.WorstEvents[w], Expr: rule.Expand(`
				max by ($slo) (topk by ($slo) (1, $tenantBad) / on ($tenantSLO) $tenantError)
				< on ($slo) ($events / 2)
				unless on ($service) max_over_time($planned[`+w+`])`+longer, n)},
			rule.Rule{Record: metric.SLOBurn[w], Expr: rule.Expand(`
				((clamp_min($bad - $worstBad, 0) or $bad) / (($events - $worstEvents or $events) > 0))
				/ on ($slo) $budget`, n)},
		)
	}
	return rules
}

// worstBad returns the bad requests of the worst tenant of each objective in a window, where it is left out.
func worstBad(w string) string {
	return rule.Expand(`(max by ($slo) ($bad) and $worstEvents)`, rule.Names{
		"bad": metric.TenantBadIncrease[w].Select(rule.AnyTenant), "worstEvents": metric.WorstEvents[w].Name,
	})
}

// sloBurning records the burn of a tier. It is empty while a faster tier, or the page of a check that is down, reports
// the problem or has just done so.
func sloBurning(p *config.Policy, t rule.BurnTier) []rule.Rule {
	reported := rule.HidingRecords(metric.SLOBurnAlert, t.Name, metric.SLOBurning)
	n := rule.Names{
		"self": metric.SLOBurning[t.Name].Name,
		"long": metric.SLOBurn[t.Long].Name, "short": metric.SLOBurn[t.Short].Name, "now": metric.SLOBurn["5m"].Name,
		"bad": metric.BadIncrease[t.Short].Name, "worst": worstBad(t.Short),
		"floor": metric.SLOFloor.Name, "budget": metric.SLOBudget.Name,
		"factor": t.Factor(p.Objectives.Period.Std()),
	}
	var rules []rule.Rule
	if quiet := metric.SLOQuiet[t.Name]; quiet != nil {
		rules = append(rules, rule.Rule{Record: quiet, Expr: quietAfter(reported, "slo", t.Short, `$now > $factor`, n)})
		n["quiet"] = quiet.Name
	} else {
		n["quiet"] = lastOf(reported, t.Short)
	}
	return append(rules, rule.Rule{Record: metric.SLOBurning[t.Name], Expr: rule.Expand(`
		(
			$long > $factor
			and $short > $factor
			and ($bad - $worst or $bad) >= $floor
			unless $quiet
		)
		* on ($slo) group_left (owner, page) ($budget > bool 0)`, n)})
}

// lastOf returns an expression for what one of some records reported within a window, plus arrival for its last events.
func lastOf(reported []*metric.Record, window string) string {
	return "last_over_time(" + rule.AnyOf(reported) + "[" + rule.Settled(window) + "])"
}

// quietAfter returns an expression for what one of the given records reported within a window. It leaves out what now
// selects, or the quiet record itself, if the records have reported nothing for 5m plus arrival: a new problem.
func quietAfter(reported []*metric.Record, level, window, now string, n rule.Names) string {
	return rule.Expand(rule.Expand(`
		group by ($level) (
			`+lastOf(reported, "5m")+`
			or
			`+lastOf(reported, window)+` unless on ($level) `+now+` unless on ($level) $self
		)`, rule.Names{"level": "$" + level}), n)
}

// sloBudget records what is left of each budget over the policy's period. A budget is of the whole period: what was
// not measured of it, such as the time before an install, is taken to have as much traffic as what was, and nothing bad
// in it. Otherwise some bad minutes of the first hour would overspend the budget of a month a hundred times.
func sloBudget(p *config.Policy) rule.Group {
	n := rule.Names{
		"period": rule.Seconds(p.Objectives.Period.Std()),
		"hours":  config.Decimal(hours(p.Objectives.Period.Std())),
		"events": "(" + metric.EventsIncrease[rule.Period].Name + " + (" + metric.LateEventsIncrease[rule.Period].Name +
			" or 0 * " + metric.EventsIncrease[rule.Period].Name + "))",
		"bad": "(" + metric.BadIncrease[rule.Period].Name + " + (" + metric.LateBadIncrease[rule.Period].Name +
			" or 0 * " + metric.BadIncrease[rule.Period].Name + "))",
		"seen":         metric.SeenIncrease[rule.Period].Name,
		"error":        metric.SLOError[rule.Period].Name,
		"error1h":      metric.SLOError["1h"].Name,
		"left":         metric.SLOBudgetLeft.Name,
		"budget":       metric.SLOBudget.Name,
		"tenantError":  metric.TenantError[rule.Period].Name,
		"tenantWhole":  metric.TenantWholeError[rule.Period].Name,
		"tenantBudget": metric.TenantSLOBudget.Name,
		"tenantLeft":   metric.TenantBudgetLeft.Name,
		"tenantHour":   metric.TenantError["1h"].Name,
		"coverage":     metric.SLOCoverage.Name,
	}
	record := func(r *metric.Record, text string) rule.Rule { return rule.Rule{Record: r, Expr: rule.Expand(text, n)} }
	g := rule.Group{Name: "thorbis-slo-budget", Interval: rule.SlowInterval}
	for _, w := range []string{"5m", "1h", "1d"} {
		g.Rules = append(g.Rules, rule.Rule{
			Record: metric.SLOError[w], Expr: metric.BadIncrease[w].Name + " / (" + metric.EventsIncrease[w].Name + " > 0)",
		})
	}
	g.Rules = append(g.Rules,
		record(metric.SLOError[rule.Period], `$bad / ($events > 0)`),
		record(metric.SLOGood, `1 - $error`),
		record(metric.SLOCoverage, `clamp_max($seen / $period, 1)`),
		record(metric.SLOBudgetLeft, `1 - $error / on ($slo) $budget * on ($slo) $coverage`),
		record(metric.SLOBudgetLeftEvents, `$events * on ($slo) $budget / on ($slo) ($coverage > 0) - $bad`),
		record(metric.SLOBudgetHours, `$hours * ($left > 0) / (($error1h > 0) / on ($slo) $budget)`),
		record(metric.TenantBudgetLeft, `1 - $tenantWhole / on ($tenantSLO) $tenantBudget`),
		record(metric.TenantBudgetHours,
			`$hours * ($tenantLeft > 0) / on ($tenantSLO) (($tenantHour > 0) / on ($tenantSLO) $tenantBudget)`),
		record(metric.TenantCoverage, `0 * $tenantLeft + $tenantWhole / $tenantError`),
	)
	return g
}

// sloTiers records what is left of the budget of all tenants of a tier together.
func sloTiers(p *config.Policy) rule.Group {
	n := rule.Names{
		"hours":    config.Decimal(hours(p.Objectives.Period.Std())),
		"left":     metric.TierBudgetLeft.Name,
		"hour":     metric.TierBurn["1h"].Name,
		"period":   metric.TierBurn[rule.Period].Name,
		"coverage": metric.SLOCoverage.Name,
	}
	record := func(r *metric.Record, text string) rule.Rule { return rule.Rule{Record: r, Expr: rule.Expand(text, n)} }
	g := rule.Group{Name: "thorbis-slo-tiers", Interval: rule.SlowInterval}
	for _, w := range []string{"1h", "1d", rule.Period} {
		g.Rules = append(g.Rules,
			rule.Rule{Record: metric.TierError[w], Expr: tierError(p, w)},
			rule.Rule{Record: metric.TierBurn[w], Expr: rule.Expand(`
				$error / on ($tierSLO) group_left () $tierBudget
				or on ($sloTier)
				$error / on ($slo) group_left () $budget`, rule.Names{
				"error": metric.TierError[w].Name, "tierBudget": metric.TierSLOBudget.Name, "budget": metric.SLOBudget.Name,
			})},
		)
	}
	g.Rules = append(g.Rules,
		record(metric.TierBudgetLeft, `1 - $period * on ($slo) group_left () $coverage`),
		record(metric.TierBudgetHours, `$hours * ($left > 0) / ($hour > 0)`),
		record(metric.TierCoverage, `0 * $left + on ($slo) group_left () $coverage`),
	)
	return g
}
