package slo

import (
	"fmt"
	"math/big"
	"slices"
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

// tenantWindows records the bad requests of the tenants that have some, and their share of the tenant's requests: of
// those that were counted in the window, and of the whole window. Exporters count them over each window: what rules
// added up of every tenant cost a hundred times as much.
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
			rule.Rule{Record: metric.TenantWholeError[w], Expr: wholeError(w, matcher)},
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

// wholeError returns the share of bad requests of tenants in a whole window: what was not counted of it is taken to
// have the traffic of what was, and nothing bad. So a problem burns at the same pace whenever the exporter began to
// count. The requests of a tenant were counted for as long as by the exporter that counted them for longest. Exporters
// that do not state it are of an older release; theirs count whole.
func wholeError(window, matcher string) string {
	return rule.Expand(`
		$error * on ($serviceTenant) group_left ()
		max by ($serviceTenant) (
			group by ($serviceTenant, store) (last_over_time($requests[10m]))
			* on (environment, app_service, store) group_left ()
			max by (environment, app_service, store) (last_over_time($counted[10m]))
		)
		or
		$error`, rule.Names{
		"error": metric.TenantError[window].Name, "requests": metric.TenantWindowRequests.Select(matcher),
		"counted": metric.TenantWindowCounted.Select(matcher),
	})
}

// hadBad selects the tenants with bad requests in the longest window. That window is recorded less often, so the
// shortest one adds tenants that have just become bad.
var hadBad = rule.AnyOf(
	[]*metric.Record{metric.TenantBadIncrease["5m"], metric.TenantBadIncrease["3d"]}, rule.AnyTenant)

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
				unless on (environment, job, instance) $info
				unless on (environment) `+rule.Emptied+`
			)
		)`, rule.Names{"info": metric.TenantInfo.Name, "seen": metric.TenantSeen.Name, "memory": rule.Seconds(rule.Memory)})}
}

// tenantsOwned records what belongs to the objectives of tenants that had bad requests: the tier, the owner, the
// priority and the budget.
func tenantsOwned() []rule.Rule {
	n := rule.Names{
		"had":        metric.TenantHadBad.Name,
		"tenantTier": metric.TenantTier.Name,
		"budget":     metric.SLOBudget.Name,
		"tierBudget": metric.TierSLOBudget.Name,
		"owned":      metric.TenantSLOOwned.Name,
		"gone":       metric.TenantGone.Name,
	}
	return []rule.Rule{
		tenantGone(),
		{Record: metric.TenantHadBad, Expr: rule.Expand(`group by ($tenantSLO) (`+hadBad+`)`, nil)},
		// A tenant that no registry names has no page label, so it pages as the most urgent. If no registry names any
		// tenant, it pages at P4.
		{Record: metric.TenantSLOOwned, Expr: rule.Expand(`
			(
				$had * on ($oneTenant) group_left (tier, page) ($tenantTier > bool 0)
				or ignoring (tier, page)
				label_replace(label_replace(
					$had unless on (environment) $tenantTier,
					"tier", "none", "", ""), "page", "P4", "", "")
				or ignoring (tier, page)
				label_replace($had, "tier", "none", "", "")
			)
			* on ($slo) group_left (owner) ($budget > bool 0)`, n)},
		{Record: metric.TenantSLOBudget, Expr: rule.Expand(`
			(
				$owned * on ($tierSLO) group_left () $tierBudget
				or
				$owned * on ($slo) group_left () $budget
			)
			unless on ($oneTenant) $gone`, n)},
	}
}

// tenantBurn returns the groups that judge each tenant: one for the fast and the medium tier, one for the slow and the
// trend tier. Only tenants with bad requests have series here, so ten thousand good ones cost nothing.
func tenantBurn(p *config.Policy) []rule.Group {
	fast, slow := rule.RequestTiers[:2], rule.RequestTiers[2:]
	n := rule.Names{
		"all":     rule.AnyOf(burningIn(rule.RequestTiers, metric.TenantBurning)),
		"fast":    metric.TenantBurning["fast"].Name,
		"medium":  metric.TenantBurning["medium"].Name,
		"budget":  metric.SLOBudget.Name,
		"burning": metric.TenantsBurning.Name,
		"many":    strconv.Itoa(rule.ManyTenants),
	}
	counts := []rule.Rule{
		{Record: metric.TenantsBurning, Expr: rule.Expand(`
			count by ($slo) (group by ($tenantSLO) ($all))
			* on ($slo) group_left (owner, page) ($budget > bool 0)`, n)},
		{Record: metric.TierTenantsBurning, Expr: rule.Expand(
			`count by ($sloTier, owner) ($fast or on ($tenantSLO) $medium)`, n)},
		{Record: metric.ManyTenantsBurning, Expr: rule.Expand(`max_over_time($burning[5m]) >= $many`, n)},
	}
	return []rule.Group{
		{
			Name: "thorbis-slo-tenant-burn", Interval: rule.WindowInterval,
			Rules: slices.Concat(tenantsOwned(), tenantsBurning(p, fast), counts,
				tenantsAlerted(metric.TenantBurningKept, fast)),
		},
		{
			Name: "thorbis-slo-tenant-slow", Interval: rule.WindowInterval,
			Rules: slices.Concat(tenantsBurning(p, slow), tenantsAlerted(metric.TenantBurningKeptSlow, slow)),
		},
	}
}

// burningIn returns the records of who burns in some tiers.
func burningIn(tiers []rule.BurnTier, burning map[string]*metric.Record) []*metric.Record {
	var all []*metric.Record
	for _, t := range tiers {
		all = append(all, burning[t.Name])
	}
	return all
}

// tenantsBurning records the burn of tenants at the pace of each of some tiers.
func tenantsBurning(p *config.Policy, tiers []rule.BurnTier) []rule.Rule {
	var rules []rule.Rule
	for _, t := range tiers {
		rules = append(rules, tenantBurning(p, t)...)
	}
	return rules
}

// tenantBurning records the burn of tenants at the pace of a tier.
func tenantBurning(p *config.Policy, t rule.BurnTier) []rule.Rule {
	n := rule.Names{
		"long":  metric.TenantWholeError[t.Long].Name,
		"short": metric.TenantWholeError[t.Short].Name, "now": metric.TenantWholeError["5m"].Name,
		"bad":    metric.TenantBadIncrease[t.Short].Name,
		"self":   metric.TenantBurning[t.Name].Name,
		"budget": metric.TenantSLOBudget.Name,
		"factor": t.Factor(p.Objectives.Period.Std()), "floor": strconv.Itoa(eventFloor),
	}
	var rules []rule.Rule
	unlessQuiet := ""
	if quiet := metric.TenantQuiet[t.Name]; quiet != nil {
		reported := rule.HidingRecords(metric.TenantBurnAlert, t.Name, metric.TenantBurning)
		rules = append(rules, rule.Rule{Record: quiet, Expr: quietAfter(reported, "tenantSLO", t.Short,
			`$now / on ($tenantSLO) $budget > $factor`, n)})
		unlessQuiet = " unless " + quiet.Name
	}
	// What is bad in planned work is not, though its exporter may have counted it.
	return append(rules, rule.Rule{Record: metric.TenantBurning[t.Name], Expr: rule.Expand(rule.Unplanned(`
		$long / on ($tenantSLO) group_left (tier, owner, page) $budget > $factor
		and on ($tenantSLO)
		($bad >= $floor and $short / on ($tenantSLO) $budget > $factor`+unlessQuiet+`)`, rule.Settled(t.Short)), n)})
}

// tenantsAlerted returns the alerts on tenants that burn in some tiers, and the record that they read: a burn that
// comes back within minutes is the same alert. That of a tenant that left the registry ends at once.
func tenantsAlerted(kept *metric.Record, tiers []rule.BurnTier) []rule.Rule {
	rules := []rule.Rule{{Record: kept, Expr: rule.Expand(`
		label_replace($burning, "$burnTier", "$1", "__name__", ".+:(.+)")
		or
		label_replace(last_over_time($burning[$returning]), "$burnTier", "$1", "__name__", ".+:(.+)")
		and on ($tenantSLO, $burnTier) ALERTS{bundle="thorbis",alertname="$alert",alertstate="firing"}
		unless on ($oneTenant) $gone`, rule.Names{
		"burning":  rule.AnyOf(burningIn(tiers, metric.TenantBurning)),
		"gone":     metric.TenantGone.Name,
		"alert":    metric.TenantBurnAlert.Name,
		"burnTier": metric.LabelBurnTier, "returning": rule.Span(rule.Returning),
	})}}
	for _, t := range tiers {
		rules = append(rules, tenantBurnAlerts(kept, t)...)
	}
	return rules
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
		/ ignoring (slo) group_left ()
		((`+known(metric.TierRequestsTotals)+`) > 0)`, nil)
}
