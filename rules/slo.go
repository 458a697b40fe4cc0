package rules

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// anyTenant matches real tenants. A name that begins with an underscore is reserved, and a service may have no
// tenants.
const anyTenant = metric.LabelTenant + `!~"|_.*"`

// slo returns the groups on objectives that count events: requests, and the policy's own slos. One group writes
// everything that a burn compares, because groups are evaluated at different moments. Otherwise a service that is
// summed up later than its worst tenant would burn without that tenant.
func slo(p *config.Policy) []Group {
	var groups []Group
	for i, t := range requestTiers {
		rules := tierWindows(p, t.windows...)
		if i == 0 {
			rules = append(rules, Rule{Record: metric.SLOOutage, Expr: expand(`
				($budget > bool 0) and on ($service) ($down{tenant="",page="P1"} > 0)`, names{
				"budget": "max by (" + levels["slo"] + ") (" + metric.SLOBudget.Name + ")",
				"down":   metric.CheckDownOwned.Name,
			})})
		}
		rules = append(rules, Rule{Record: metric.SLOBurning[t.name], Expr: sloBurning(p, t)})
		groups = append(groups, Group{Name: "thorbis-slo-" + t.name, Interval: t.pace, Rules: append(rules, sloBurnAlerts(t)...)})
	}
	return append(groups, sloHourly(), sloPeriod(p), tenantsSeen(), tenantBurn(p), sloCrowds(p), sloBudget(p), sloTiers(p))
}

// tierWindows records the events of services and tenants over some windows, and how fast the budget burns in them.
func tierWindows(p *config.Policy, windows ...string) []Rule {
	rules := append(eventWindows(p, metric.EventsLedger, metric.EventsIncrease, windows...),
		eventWindows(p, metric.BadLedger, metric.BadIncrease, windows...)...)
	return append(append(rules, tenantWindows(p, windows...)...), burnRecords(windows)...)
}

// sloHourly writes the totals on the hour. It must be evaluated in each minute.
func sloHourly() Group {
	rules := []Rule{{Record: metric.TenantTier, Expr: tenantTier()}}
	for _, l := range []metric.EventLedger{
		metric.EventsLedger, metric.BadLedger, metric.LateEventsLedger, metric.LateBadLedger, metric.SeenLedger,
		metric.TenantRequestsLedger, metric.TenantBadLedger,
	} {
		rules = append(rules, eventHourly(l))
	}
	return Group{Name: "thorbis-slo-hourly", Interval: windowInterval, Rules: rules}
}

// sloPeriod sums up the policy's period, which moves slowly.
func sloPeriod(p *config.Policy) Group {
	var rules []Rule
	rules = append(rules, eventWindows(p, metric.EventsLedger, metric.EventsIncrease, period)...)
	rules = append(rules, eventWindows(p, metric.BadLedger, metric.BadIncrease, period)...)
	rules = append(rules, eventWindows(p, metric.LateEventsLedger, metric.LateEventsIncrease)...)
	rules = append(rules, eventWindows(p, metric.LateBadLedger, metric.LateBadIncrease)...)
	rules = append(rules, eventWindows(p, metric.SeenLedger, metric.SeenIncrease)...)
	rules = append(rules, tenantWindows(p, period)...)
	return Group{Name: "thorbis-slo-period", Interval: slowInterval, Rules: rules}
}

// burnRecords returns the records of the worst tenant of each objective, and of the burn without it. A service burns
// only if it burns without its worst tenant: one customer's broken client is that customer's alert. A tenant with half
// of the traffic is not left out: it counts as the service itself.
func burnRecords(windows []string) []Rule {
	var rules []Rule
	for _, w := range windows {
		n := names{
			"bad": metric.BadIncrease[w].Name, "events": metric.EventsIncrease[w].Name,
			"tenantBad":   metric.TenantBadIncrease[w].Select(anyTenant),
			"tenantError": metric.TenantError[w].Name,
			"worstBad":    metric.WorstBad[w].Name, "worstEvents": metric.WorstEvents[w].Name,
			"budget": metric.SLOBudget.Name,
		}
		rules = append(rules,
			Rule{Record: metric.WorstEvents[w], Expr: expand(`
				max by ($slo) (topk by ($slo) (1, $tenantBad) / on ($tenantSLO) $tenantError)
				< on ($slo) ($events / 2)`, n)},
			Rule{Record: metric.WorstBad[w], Expr: expand(`max by ($slo) ($tenantBad) and on ($slo) $worstEvents`, n)},
			Rule{Record: metric.SLOBurn[w], Expr: expand(`
				(($bad - $worstBad or $bad) / (($events - $worstEvents or $events) > 0))
				/ on ($slo) $budget`, n)},
		)
	}
	return rules
}

// sloBurning returns an expression for the burn of a tier. It is empty while a faster tier, or the page of a check
// that is down, reports the problem or has just done so.
func sloBurning(p *config.Policy, t burnTier) string {
	told := hiding(metric.SLOBurnAlert, t.name, metric.SLOBurning)
	return expand(`
		(
			$long > $factor
			and $short > $factor
			and ($bad - $worst or $bad) >= $floor
		)
		* on ($slo) group_left (owner, page) ($budget > bool 0)
		unless on ($slo) (`+quietAfter(told, "slo", t.short, `$now > $factor or on ($slo) $self`)+`)`, names{
		"self": metric.SLOBurning[t.name].Name,
		"long": metric.SLOBurn[t.long].Name, "short": metric.SLOBurn[t.short].Name, "now": metric.SLOBurn["5m"].Name,
		"bad": metric.BadIncrease[t.short].Name, "worst": metric.WorstBad[t.short].Name,
		"floor": metric.SLOFloor.Name, "budget": metric.SLOBudget.Name,
		"factor": t.factor(p.Objectives.Period.Std()),
	})
}

// quietAfter returns an expression for what one of the given records reported within a window, plus arrival for its
// last events. It leaves out what now selects if the records have reported nothing for 5m plus arrival: that is a new
// problem.
func quietAfter(told []*metric.Record, level, window, now string) string {
	last := func(window string) string {
		var terms []string
		for _, r := range told {
			terms = append(terms, "max_over_time("+r.Name+"["+window+"])")
		}
		return strings.Join(terms, " or on ($"+level+") ")
	}
	if window == "5m" {
		return last(settled(window))
	}
	return "(" + last(settled(window)) + ") unless on ($" + level + ") ((" + now + ") unless on ($" + level + ") (" + last(settled("5m")) + "))"
}

// settled returns how long the last events of a problem can stay in a window of the given length: the window plus
// arrival.
func settled(short string) string { return span(window(short) + arrival) }

// sloBudget records what is left of each budget over the policy's period.
func sloBudget(p *config.Policy) Group {
	n := names{
		"period":       seconds(p.Objectives.Period.Std()),
		"hours":        config.Decimal(hours(p.Objectives.Period.Std())),
		"events":       "(" + metric.EventsIncrease[period].Name + " + (" + metric.LateEventsIncrease[period].Name + " or 0 * " + metric.EventsIncrease[period].Name + "))",
		"bad":          "(" + metric.BadIncrease[period].Name + " + (" + metric.LateBadIncrease[period].Name + " or 0 * " + metric.BadIncrease[period].Name + "))",
		"seen":         metric.SeenIncrease[period].Name,
		"error":        metric.SLOError[period].Name,
		"error1h":      metric.SLOError["1h"].Name,
		"left":         metric.SLOBudgetLeft.Name,
		"budget":       metric.SLOBudget.Name,
		"tenantError":  metric.TenantError[period].Name,
		"tenantBudget": metric.TenantSLOBudget.Name,
		"tenantLeft":   metric.TenantBudgetLeft.Name,
		"tenantHour":   metric.TenantError["1h"].Name,
		"coverage":     metric.SLOCoverage.Name,
	}
	rule := func(r *metric.Record, text string) Rule { return Rule{Record: r, Expr: expand(text, n)} }
	g := Group{Name: "thorbis-slo-budget", Interval: slowInterval}
	for _, w := range []string{"5m", "1h", "1d"} {
		g.Rules = append(g.Rules, Rule{Record: metric.SLOError[w], Expr: metric.BadIncrease[w].Name + " / (" + metric.EventsIncrease[w].Name + " > 0)"})
	}
	g.Rules = append(g.Rules,
		rule(metric.SLOError[period], `$bad / ($events > 0)`),
		rule(metric.SLOGood, `1 - $error`),
		rule(metric.SLOCoverage, `clamp_max($seen / $period, 1)`),
		rule(metric.SLOBudgetLeft, `1 - $error / on ($slo) $budget`),
		rule(metric.SLOBudgetLeftEvents, `$events * on ($slo) $budget - $bad`),
		rule(metric.SLOBudgetHours, `$hours * ($left > 0) / (($error1h > 0) / on ($slo) $budget)`),
		rule(metric.TenantBudgetLeft, `1 - $tenantError / on ($tenantSLO) $tenantBudget`),
		rule(metric.TenantBudgetHours, `$hours * ($tenantLeft > 0) / on ($tenantSLO) (($tenantHour > 0) / on ($tenantSLO) $tenantBudget)`),
		rule(metric.TenantCoverage, `0 * $tenantLeft + on ($slo) group_left () $coverage`),
	)
	return g
}

// sloTiers records what is left of the budget of all tenants of a tier together.
func sloTiers(p *config.Policy) Group {
	n := names{
		"hours":    config.Decimal(hours(p.Objectives.Period.Std())),
		"left":     metric.TierBudgetLeft.Name,
		"hour":     metric.TierBurn["1h"].Name,
		"period":   metric.TierBurn[period].Name,
		"coverage": metric.SLOCoverage.Name,
	}
	rule := func(r *metric.Record, text string) Rule { return Rule{Record: r, Expr: expand(text, n)} }
	g := Group{Name: "thorbis-slo-tiers", Interval: slowInterval}
	for _, w := range []string{"1h", "1d", period} {
		g.Rules = append(g.Rules,
			Rule{Record: metric.TierError[w], Expr: tierError(p, w)},
			Rule{Record: metric.TierBurn[w], Expr: expand(`
				$error / on ($tierSLO) group_left () $tierBudget
				or on ($sloTier)
				$error / on ($slo) group_left () $budget`, names{
				"error": metric.TierError[w].Name, "tierBudget": metric.TierSLOBudget.Name, "budget": metric.SLOBudget.Name,
			})},
		)
	}
	g.Rules = append(g.Rules,
		rule(metric.TierBudgetLeft, `1 - $period`),
		rule(metric.TierBudgetHours, `$hours * ($left > 0) / ($hour > 0)`),
		rule(metric.TierCoverage, `0 * $left + on ($slo) group_left () $coverage`),
	)
	return g
}
