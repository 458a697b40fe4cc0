package slo

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// hours writes a duration in hours.
func hours(d time.Duration) *big.Rat { return big.NewRat(int64(d), int64(time.Hour)) }

// tenantTier returns one tier for each tenant, even while exporters disagree, so that every join finds one partner.
func tenantTier() string {
	return rule.Expand(`
		time() + 0 * topk by ($oneTenant) (1,
			max by (environment, tenant, tier) ($info) * on ($tier) group_left (page) $rank
			or
			$unknown * (max by (environment, tenant, tier) ($info) unless on ($tier) $rank)
		)
		or on ($oneTenant)
		($expected > time() - $memory)`, rule.Names{
		"info": metric.TenantInfo.Name, "rank": metric.TierRank.Name, "expected": metric.TenantTier.Name,
		"unknown": strconv.Itoa(unknownTierRank), "memory": rule.Seconds(rule.Memory),
	})
}

// unknownTierRank is above the rank of every tier of the policy: an unknown tier counts as the most urgent.
const unknownTierRank = 10

// tenantWindows records the bad requests of the tenants that have some, and their share of the tenant's requests, as
// the exporters count them over each window. What rules added up of every tenant cost a hundred times as much.
func tenantWindows(windows ...string) []rule.Rule {
	var rules []rule.Rule
	for _, w := range windows {
		of := w
		if w == rule.Period {
			of = metric.WindowPeriod
		}
		matcher := fmt.Sprintf("%s=%q", metric.LabelWindow, of)
		rules = append(rules,
			rule.Rule{
				Record: metric.TenantBadIncrease[w],
				Expr:   windowed("tenantSLO", metric.TenantWindowBadRequests.Select(matcher)) + " > 0",
			},
			rule.Rule{
				Record: metric.TenantError[w],
				Expr: rule.Expand(`$bad / on ($serviceTenant) group_left () (`+
					windowed("serviceTenant", metric.TenantWindowRequests.Select(matcher))+` > 0)`,
					rule.Names{"bad": metric.TenantBadIncrease[w].Name}),
			},
		)
	}
	return rules
}

// windowed adds up what exporters count over a window. One that does not answer, as it restarts or dies, has counted
// what it last showed; one that was replaced by another with the same state counts once.
func windowed(level, counter string) string {
	return rule.Expand(`sum by ($level) (max by ($level, store) (last_over_time(`+counter+`[10m])))`,
		rule.Names{"level": rule.Levels[level]})
}

// hadBad selects the tenants with bad requests in the longest window. That window is recorded less often, so the
// shortest one adds tenants that have just become bad.
var hadBad = "(" + metric.TenantBadIncrease["3d"].Select(rule.AnyTenant) + " or " +
	metric.TenantBadIncrease["5m"].Select(rule.AnyTenant) + ")"

// tenantsSeen records which exporter stated each tenant that burns, and when.
func tenantsSeen() rule.Group {
	return rule.Group{Name: "thorbis-slo-tenant-seen", Interval: rule.WindowInterval, Rules: []rule.Rule{
		{Record: metric.TenantSeen, Expr: rule.Expand(`
			time() + 0 * group by (environment, tenant, job, instance) ($info and on ($oneTenant) $had)
			or
			$seen and on ($oneTenant) $had`, rule.Names{
			"had": hadBad, "info": metric.TenantInfo.Name, "seen": metric.TenantSeen.Name,
		})},
	}}
}

// tenantGone returns the tenants that left the registry: their exporter reports but no longer states them. While that
// exporter is silent, for an hour at most, the tenant remains. It does not remain if the exporters that report have
// read an empty registry.
func tenantGone() rule.Rule {
	return rule.Rule{Record: metric.TenantGone, Expr: rule.Expand(`
		max by ($oneTenant) (
			$seen
			unless on ($oneTenant) $info
			unless on ($oneTenant)
			(
				$seen > time() - $memory
				unless on (environment, job, instance)
				group by (environment, job, instance) ($info)
				unless on (environment) `+rule.Emptied+`
			)
		)`, rule.Names{"info": metric.TenantInfo.Name, "seen": metric.TenantSeen.Name, "memory": rule.Seconds(rule.Memory)})}
}

// tenantBurn returns the group that judges each tenant. Only tenants with bad requests have series here, so ten
// thousand good ones cost nothing.
func tenantBurn(p *config.Policy) rule.Group {
	n := rule.Names{
		"had":        hadBad,
		"tenantTier": metric.TenantTier.Name,
		"budget":     metric.SLOBudget.Name,
		"tierBudget": metric.TierSLOBudget.Name,
		"owned":      metric.TenantSLOOwned.Name,
		"burning":    metric.TenantsBurning.Name,
		"many":       strconv.Itoa(rule.ManyTenants),
	}
	for _, t := range metric.BurnTiers {
		n[t] = metric.TenantBurning[t].Name
	}
	rules := []rule.Rule{
		tenantGone(),
		// A tenant that no registry names has no page label, so it pages as the most urgent. If no registry names any
		// tenant, it pages at P4.
		{Record: metric.TenantSLOOwned, Expr: rule.Expand(`
			(
				($had > bool 0) * on ($oneTenant) group_left (tier, page) ($tenantTier > bool 0)
				or on ($tenantSLO)
				label_replace(label_replace(
					($had > bool 0) unless on (environment) group by (environment) ($tenantTier),
					"tier", "none", "", ""), "page", "P4", "", "")
				or on ($tenantSLO)
				label_replace($had > bool 0, "tier", "none", "", "")
			)
			* on ($slo) group_left (owner) ($budget > bool 0)`, n)},
		{Record: metric.TenantSLOBudget, Expr: rule.Expand(`
			$owned * on ($tierSLO) group_left () $tierBudget
			or on ($tenantSLO)
			$owned * on ($slo) group_left () $budget`, n)},
	}
	for _, t := range rule.RequestTiers {
		rules = append(rules, rule.Rule{Record: metric.TenantBurning[t.Name], Expr: tenantBurning(p, t)})
	}
	rules = append(rules,
		rule.Rule{Record: metric.TenantsBurning, Expr: rule.Expand(`
			count by ($slo) (group by ($tenantSLO) ($fast or on ($tenantSLO) $medium or on ($tenantSLO) $slow `+
			`or on ($tenantSLO) $trend))
			* on ($slo) group_left (owner, page) ($budget > bool 0)`, n)},
		rule.Rule{Record: metric.TierTenantsBurning, Expr: rule.Expand(`
			count by ($sloTier, owner) ($fast or on ($tenantSLO) $medium)`, n)},
		rule.Rule{Record: metric.ManyTenantsBurning, Expr: rule.Expand(`max_over_time($burning[5m]) >= $many`, n)},
	)
	for _, t := range rule.RequestTiers {
		rules = append(rules, tenantBurnAlerts(t)...)
	}
	return rule.Group{Name: "thorbis-slo-tenant-burn", Interval: rule.WindowInterval, Rules: rules}
}

func tenantBurning(p *config.Policy, t rule.BurnTier) string {
	n := rule.Names{
		"long":  metric.TenantError[t.Long].Name,
		"short": metric.TenantError[t.Short].Name, "now": metric.TenantError["5m"].Name,
		"bad":    metric.TenantBadIncrease[t.Short].Name,
		"self":   metric.TenantBurning[t.Name].Name,
		"budget": metric.TenantSLOBudget.Name, "gone": metric.TenantGone.Name,
		"factor": t.Factor(p.Objectives.Period.Std()), "floor": strconv.Itoa(eventFloor),
	}
	// What is bad in planned work is not, though its exporter may have counted it.
	text := rule.Unplanned(`
		$long / on ($tenantSLO) group_left (tier, owner, page) $budget > $factor
		and on ($tenantSLO)
		$short / on ($tenantSLO) $budget > $factor
		and on ($tenantSLO)
		$bad >= $floor
		unless on ($oneTenant) $gone`, rule.Settled(t.Short))
	if reported := rule.HidingRecords(metric.TenantBurnAlert, t.Name, metric.TenantBurning); len(reported) > 0 {
		text += `
		unless on ($tenantSLO) (` + quietAfter(reported, "tenantSLO", t.Short,
			`$now / on ($tenantSLO) $budget > $factor or on ($tenantSLO) $self`) + `)`
	}
	return rule.Expand(text, n)
}

// tierError is the share of bad requests of all tenants of a tier together.
func tierError(p *config.Policy, key string) string {
	over := p.Objectives.Period.Std()
	if key != rule.Period {
		over = rule.Window(key)
	}
	known := func(l metric.CounterTotal) string {
		return rule.Grown(l.EventTotal, over)
	}
	return rule.Expand(`
		(`+known(metric.TierBadTotals)+`)
		/ on ($serviceTier) group_left ()
		((`+known(metric.TierRequestsTotals)+`) > 0)`, nil)
}
