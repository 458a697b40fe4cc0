package slo

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// eventBudgetText is the part of a description that shows how much of an objective's budget is left.
var eventBudgetText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,app_service=%%q,slo=%%q}" $labels.environment
	$labels.app_service $labels.slo | query }}
	Budget left: {{ . | first | value | humanizePercentage }}.{{ end }}
	{{ with printf "%s{environment=%%q,app_service=%%q,slo=%%q}" $labels.environment $labels.app_service $labels.slo |
	query }}
	At the pace of the last hour it is empty in {{ . | first | value | printf "%%.1f" }} h.{{ end }}`,
	metric.SLOBudgetLeft.Name, metric.SLOBudgetHours.Name)

// unknownText is the part of a description that shows the share of requests of unknown hosts while these are most of
// the service's.
var unknownText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,app_service=%%q}" $labels.environment
	$labels.app_service | query }}
	{{ . | first | value | humanizePercentage }} of the requests have a host that no tenant owns:
	check the registry.{{ end }}`,
	metric.UnknownMost.Name)

func sloBurnAlerts(t rule.BurnTier) []rule.Rule {
	return returning(ofTier(t, rule.ByPage(metric.SLOBurnAlert, t.Priority, t.Wait, rule.Text{
		Summary: "A service burns the budget of an objective too fast.",
		Description: fmt.Sprintf(`{{ $labels.app_service }} in {{ $labels.environment }} burns the budget of {{ $labels.slo }}
			{{ $value | printf "%%.1f" }} times as fast as allowed over %s and %s;
			more than one tenant is affected, or one with half of the traffic.
			Owner: {{ $labels.owner }}.`, t.Long, t.Short) + eventBudgetText + unknownText + `
			First look: error and slow ratio by tenant on the tenants dashboard; then what was deployed last.`,
	}, func(page string) string { return metric.SLOBurning[t.Name].Name + rule.Braces(page) + " > 0" })))
}

// tenantBurnAlerts returns the alerts on tenants that burn. They wait until the alert of their service could have
// fired. A burn that comes back within minutes is the same alert, and that of a tenant that left the registry ends at
// once.
func tenantBurnAlerts(kept *metric.Record, t rule.BurnTier) []rule.Rule {
	return ofTier(t, rule.ByPage(metric.TenantBurnAlert, t.Priority, max(t.Wait, afterWhole), rule.Text{
		Summary: "One tenant burns its budget too fast.",
		Description: fmt.Sprintf(`Tenant {{ $labels.tenant }} (tier {{ $labels.tier }}) of {{ $labels.app_service }} in
			{{ $labels.environment }} burns its budget of {{ $labels.slo }}
			{{ $value | printf "%%.1f" }} times as fast as allowed over %s and %s; its service does not.
			Owner: {{ $labels.owner }}.
			{{ with printf "%s{environment=%%q,app_service=%%q,slo=%%q,tenant=%%q}" $labels.environment $labels.app_service
			$labels.slo $labels.tenant | query }}
			Budget left: {{ . | first | value | humanizePercentage }}.{{ end }}
			First look: the tenant's dashboard; the usual cause is a broken client or integration of that
			tenant.`, t.Long, t.Short, metric.TenantBudgetLeft.Name),
	}, func(page string) string {
		matchers := []string{fmt.Sprintf("%s=%q", metric.LabelBurnTier, t.Name)}
		if page != "" {
			matchers = append(matchers, page)
		}
		return kept.Select(matchers...) + " > 0"
	}))
}

// ofTier labels the alerts of a tier.
func ofTier(t rule.BurnTier, rules []rule.Rule) []rule.Rule {
	for i := range rules {
		rules[i].Labels = map[string]string{metric.LabelBurnTier: t.Name}
	}
	return rules
}

// returning keeps alerts firing for a while, so that a burn that comes back within minutes is the same page.
func returning(rules []rule.Rule) []rule.Rule {
	for i := range rules {
		rules[i].KeepFiringFor = rule.Returning
	}
	return rules
}

// manyTenantsAlerts returns the alerts on many tenants that burn at once, and on traffic that has stopped.
func manyTenantsAlerts(p *config.Policy) rule.Group {
	n := rule.Names{
		"tiers":    metric.TierTenantsBurning.Name,
		"pool":     metric.TierPool.Name,
		"vanished": metric.TrafficVanished.Name,
		"before":   metric.SLOSteady.Name,
		"events5m": metric.EventsIncrease["5m"].Name,
		"events1h": metric.EventsIncrease["1h"].Name,
		"steady":   fmt.Sprint(steadyTraffic),
		"budget":   metric.SLOBudget.Name,
		// Requests of services that no source of the policy counts any more.
		"uncounted": metric.SLOBudget.Select(builtin, rule.Unnamed(rule.CountedServices(p))),
		"memory":    rule.Seconds(rule.LongMemory),
		"planned":   metric.Maintenance.Name,
		// Requests of unknown hosts, such as a scanner's, may stop without an alert.
		"builtin": builtin, "known": metric.TierRequestsTotals.Step.Select(rule.KnownTiers),
	}
	tierBurn := func(page string) string {
		return rule.Expand(`$tiers >= on ($tier) group_left (page) $pool`+rule.Braces(page), n)
	}
	worst := fmt.Sprintf(`{{ range printf "topk(5, %s{environment=%%q,app_service=%%q,slo=%%q})" $labels.environment
		$labels.app_service $labels.slo | query }}
		{{ .Labels.tenant }} ({{ .Value | printf "%%.0f" }} bad){{ end }}`, metric.TenantBadIncrease["5m"].Name)

	rules := []rule.Rule{
		{Record: metric.SLOSteady, Expr: rule.Expand(`
			$events1h >= $steady
			unless
			($events1h{$builtin} and on ($service) sum by ($service) (sum_over_time($known[1h])) < $steady)`, n)},
		{Record: metric.TrafficVanished, Expr: rule.Expand(`
			(($vanished > time() - $memory) or time() + 0 * $before offset 15m)
			unless $events5m > 0
			unless on ($slo) $uncounted
			unless on ($service) $planned`, n)},
	}
	rules = append(rules, returning(rule.ByPage(metric.TierBurnAlert, "P1", afterWhole, rule.Text{
		Summary: "Several tenants of one tier burn their budget at once.",
		Description: `{{ $value }} tenants of tier {{ $labels.tier }} of {{ $labels.app_service }} in
			{{ $labels.environment }} burn their budget of {{ $labels.slo }}; the policy pages for the tier from pool.tenants on.
			Owner: {{ $labels.owner }}. Worst of all tiers in the last five minutes:` + worst + `.
			First look: what those tenants share (region, shard, plan, last migration).`,
	}, tierBurn))...)
	m := rule.MassOutage{
		Level: "slo", Many: metric.ManyTenantsBurning, Urgency: metric.TenantsBurningUrgency, Own: "P2", Tier: tierBurn,
	}
	rules = append(rules, m.Record())
	rules = append(rules, m.Alerts(metric.ManyTenantsBurningAlert, afterWhole, rule.Text{
		Summary: "Many tenants of one service burn their budget at once.",
		Description: `{{ $value }} tenants of {{ $labels.app_service }} in {{ $labels.environment }} burn their budget of
			{{ $labels.slo }}: something that they share is broken. Owner: {{ $labels.owner }}.
			Alerts on single tenants of it are suppressed until five minutes after. Worst in the last five minutes:` + worst + `.
			First look: what those tenants share (a plan, a shard, a feature); the service as a whole is within its budget.`,
	}, metric.ManyTenantsBurning.Name+" > 0")...)
	rules = append(rules, rule.ByPage(metric.TrafficVanishedAlert, "P2", 2*rule.Patience, rule.Text{
		Summary: "Steady traffic has stopped, or is no longer counted.",
		Description: `No events have been counted for an objective of {{ $labels.app_service }} in {{ $labels.environment }}
			for {{ $value | humanizeDuration }}, after steady traffic;
			bad events would not page. Owner: {{ $labels.owner }}.
			First look: is the service reachable (its health checks); then the exporter that reads its logs and how far its
			sources lag.`,
	}, func(page string) string {
		return rule.Expand(`
			max by ($service, owner, page) (
				(time() - $vanished) * on ($slo) group_left (owner, page) ($budget`+rule.Braces(page)+` > bool 0)
			) > 0`, n)
	})...)
	return rule.Group{Name: "thorbis-slo-crowds", Interval: rule.WindowInterval, Rules: rules}
}
