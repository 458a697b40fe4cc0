package rules

import (
	"math/big"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// hours writes a duration in hours.
func hours(d time.Duration) *big.Rat { return big.NewRat(int64(d), int64(time.Hour)) }

// tenantTier returns one tier for each tenant, even while exporters disagree, so that every join finds one partner.
func tenantTier() string {
	return expand(`
		time() + 0 * topk by ($oneTenant) (1,
			max by (environment, tenant, tier) ($info) * on ($tier) group_left (page) $rank
			or
			$unknown * (max by (environment, tenant, tier) ($info) unless on ($tier) $rank)
		)
		or on ($oneTenant)
		($expected > time() - $memory)`, names{
		"info": metric.TenantInfo.Name, "rank": metric.TierRank.Name, "expected": metric.TenantTier.Name,
		"unknown": strconv.Itoa(unknownTierRank), "memory": seconds(memory),
	})
}

// unknownTierRank is above the rank of every tier of the policy: an unknown tier counts as the most urgent.
const unknownTierRank = 10

// tenantWindows records the bad requests of the tenants that have some, and their share of the tenant's requests.
func tenantWindows(p *config.Policy, only ...string) []Rule {
	var rules []Rule
	for _, key := range only {
		over := p.Objectives.Period.Std()
		if key != period {
			over = window(key)
		}
		n := names{
			"bad":      metric.TenantBadIncrease[key].Name,
			"requests": metric.TenantRequestsLedger.Total.Name,
			"over":     span(over),
		}
		bad, requests := "("+grown(metric.TenantBadLedger, over)+") > 0", "$requests - $requests offset $over or $requests"
		if over <= stepsUpTo {
			bad, requests = summed(metric.TenantBadLedger, over), summed(metric.TenantRequestsLedger, over)
		}
		rules = append(rules,
			Rule{Record: metric.TenantBadIncrease[key], Expr: bad},
			Rule{Record: metric.TenantError[key], Expr: expand(`$bad / on ($serviceTenant) group_left () ((`+requests+`) > 0)`, n)},
		)
	}
	return rules
}

// hadBad selects the tenants with bad requests in the longest window. That window is recorded less often, so the
// shortest one adds tenants that have just become bad.
var hadBad = "(" + metric.TenantBadIncrease["3d"].Select(anyTenant) + " or " + metric.TenantBadIncrease["5m"].Select(anyTenant) + ")"

// tenantsSeen records which exporter stated each tenant that burns, and when.
func tenantsSeen() Group {
	return Group{Name: "thorbis-slo-tenant-seen", Interval: windowInterval, Rules: []Rule{
		{Record: metric.TenantSeen, Expr: expand(`
			time() + 0 * group by (environment, tenant, job, instance) ($info and on ($oneTenant) $had)
			or
			$seen and on ($oneTenant) $had`, names{
			"had": hadBad, "info": metric.TenantInfo.Name, "seen": metric.TenantSeen.Name,
		})},
	}}
}

// tenantGone returns the tenants that left the registry: their exporter reports but no longer states them. While that
// exporter is silent, for an hour at most, the tenant remains. It does not remain if the exporters that report have
// read an empty registry.
func tenantGone() Rule {
	return Rule{Record: metric.TenantGone, Expr: expand(`
		max by ($oneTenant) (
			$seen
			unless on ($oneTenant) $info
			unless on ($oneTenant)
			(
				$seen > time() - $memory
				unless on (environment, job, instance)
				group by (environment, job, instance) ($info)
				unless on (environment) `+emptied+`
			)
		)`, names{"info": metric.TenantInfo.Name, "seen": metric.TenantSeen.Name, "memory": seconds(memory)})}
}

// tenantBurn returns the group that judges each tenant. Only tenants with bad requests have series here, so ten
// thousand good ones cost nothing.
func tenantBurn(p *config.Policy) Group {
	n := names{
		"had":        hadBad,
		"tenantTier": metric.TenantTier.Name,
		"budget":     metric.SLOBudget.Name,
		"tierBudget": metric.TierSLOBudget.Name,
		"owned":      metric.TenantSLOOwned.Name,
		"many":       metric.TenantsBurning.Name,
		"crowd":      strconv.Itoa(storm),
	}
	for _, t := range metric.BurnTiers {
		n[t] = metric.TenantBurning[t].Name
	}
	rules := []Rule{
		tenantGone(),
		// A tenant that no registry names has no page label, so it pages as the most urgent. If no registry names any
		// tenant, it pages at P4.
		{Record: metric.TenantSLOOwned, Expr: expand(`
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
		{Record: metric.TenantSLOBudget, Expr: expand(`
			$owned * on ($tierSLO) group_left () $tierBudget
			or on ($tenantSLO)
			$owned * on ($slo) group_left () $budget`, n)},
	}
	for _, t := range requestTiers {
		rules = append(rules, Rule{Record: metric.TenantBurning[t.name], Expr: tenantBurning(p, t)})
	}
	rules = append(rules,
		Rule{Record: metric.TenantsBurning, Expr: expand(`
			count by ($slo) (group by ($tenantSLO) ($fast or on ($tenantSLO) $medium or on ($tenantSLO) $slow or on ($tenantSLO) $trend))
			* on ($slo) group_left (owner, page) ($budget > bool 0)`, n)},
		Rule{Record: metric.TierTenantsBurning, Expr: expand(`
			count by ($sloTier, owner) ($fast or on ($tenantSLO) $medium)`, n)},
		Rule{Record: metric.TenantsBurningStorm, Expr: expand(`max_over_time($many[5m]) >= $crowd`, n)},
	)
	for _, t := range requestTiers {
		rules = append(rules, tenantBurnAlerts(t)...)
	}
	return Group{Name: "thorbis-slo-tenant-burn", Interval: windowInterval, Rules: rules}
}

func tenantBurning(p *config.Policy, t burnTier) string {
	n := names{
		"long": metric.TenantError[t.long].Name, "short": metric.TenantError[t.short].Name, "now": metric.TenantError["5m"].Name,
		"bad":    metric.TenantBadIncrease[t.short].Name,
		"self":   metric.TenantBurning[t.name].Name,
		"budget": metric.TenantSLOBudget.Name, "gone": metric.TenantGone.Name,
		"factor": t.factor(p.Objectives.Period.Std()), "floor": strconv.Itoa(eventFloor),
	}
	text := `
		$long / on ($tenantSLO) group_left (tier, owner, page) $budget > $factor
		and on ($tenantSLO)
		$short / on ($tenantSLO) $budget > $factor
		and on ($tenantSLO)
		$bad >= $floor
		unless on ($oneTenant) $gone`
	if told := hiding(metric.TenantBurnAlert, t.name, metric.TenantBurning); len(told) > 0 {
		text += `
		unless on ($tenantSLO) (` + quietAfter(told, "tenantSLO", t.short, `$now / on ($tenantSLO) $budget > $factor or on ($tenantSLO) $self`) + `)`
	}
	return expand(text, n)
}

// tierError is the share of bad requests of all tenants of a tier together.
func tierError(p *config.Policy, key string) string {
	over := p.Objectives.Period.Std()
	if key != period {
		over = window(key)
	}
	return expand(`
		sum by ($sloTier) ($bad * on ($oneTenant) group_left (tier) ($tenantTier > bool 0))
		/ on ($serviceTier) group_left ()
		(sum by ($serviceTier) (
			($requests - $requests offset $over or $requests)
			* on ($oneTenant) group_left (tier) ($tenantTier > bool 0)
		) > 0)`, names{
		"bad": metric.TenantBadIncrease[key].Name, "requests": metric.TenantRequestsLedger.Total.Name,
		"tenantTier": metric.TenantTier.Name, "over": span(over),
	})
}
