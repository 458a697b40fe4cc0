package rules

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// eventBudgetText is the part of a description that shows how much of an objective's budget is left.
var eventBudgetText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,app_service=%%q,slo=%%q}" $labels.environment $labels.app_service $labels.slo | query }}
	Budget left: {{ . | first | value | humanizePercentage }}.{{ end }}
	{{ with printf "%s{environment=%%q,app_service=%%q,slo=%%q}" $labels.environment $labels.app_service $labels.slo | query }}
	At the pace of the last hour it is empty in {{ . | first | value | printf "%%.1f" }} h.{{ end }}`,
	metric.SLOBudgetLeft.Name, metric.SLOBudgetHours.Name)

// unknownText is the part of a description that shows the share of requests of unknown hosts while these are most of
// the service's.
var unknownText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,app_service=%%q}" $labels.environment $labels.app_service | query }}
	{{ . | first | value | humanizePercentage }} of the requests have a host that no tenant owns: is the registry right?{{ end }}`,
	metric.UnknownMost.Name)

func sloBurnAlerts(t burnTier) []Rule {
	return ofTier(t, byPage(metric.SLOBurnAlert, t.priority, t.wait, text{
		summary: "A service burns the budget of an objective too fast.",
		description: fmt.Sprintf(`{{ $labels.app_service }} in {{ $labels.environment }} burns the budget of {{ $labels.slo }} {{ $value | printf "%%.1f" }} times as fast as allowed over %s and %s;
			more than one tenant is hit, or one that carries half of the traffic. Owner: {{ $labels.owner }}.`, t.long, t.short) + eventBudgetText + unknownText + `
			First look: error and slow ratio by tenant on the tenants dashboard; then what was deployed last.`,
	}, func(page string) string { return metric.SLOBurning[t.name].Name + braces(page) + " > 0" }))
}

// tenantBurnAlerts returns the alerts on tenants that burn. They wait until the alert of their service could have
// fired.
func tenantBurnAlerts(t burnTier) []Rule {
	return ofTier(t, byPage(metric.TenantBurnAlert, t.priority, max(t.wait, afterWhole), text{
		summary: "One tenant burns its budget too fast.",
		description: fmt.Sprintf(`Tenant {{ $labels.tenant }} (tier {{ $labels.tier }}) of {{ $labels.app_service }} in {{ $labels.environment }} burns its budget of {{ $labels.slo }}
			{{ $value | printf "%%.1f" }} times as fast as allowed over %s and %s; its service does not. Owner: {{ $labels.owner }}.
			{{ with printf "%s{environment=%%q,app_service=%%q,slo=%%q,tenant=%%q}" $labels.environment $labels.app_service $labels.slo $labels.tenant | query }}
			Budget left: {{ . | first | value | humanizePercentage }}.{{ end }}
			First look: the tenant's dashboard; one broken client or integration of theirs is the most frequent cause.`, t.long, t.short, metric.TenantBudgetLeft.Name),
	}, func(page string) string { return metric.TenantBurning[t.name].Name + braces(page) + " > 0" }))
}

// burningUpTo returns the names of the records of services that burn at a tier's pace or faster.
func burningUpTo(t burnTier) []string {
	var all []string
	for _, r := range requestTiers {
		all = append(all, metric.SLOBurning[r.name].Name)
		if r.name == t.name {
			break
		}
	}
	return all
}

func ofTier(t burnTier, rules []Rule) []Rule {
	for i := range rules {
		rules[i].Labels = map[string]string{metric.LabelBurnTier: t.name}
	}
	return rules
}

// sloCrowds returns the alerts on many tenants that burn at once, and on traffic that has stopped.
func sloCrowds(p *config.Policy) Group {
	n := names{
		"tiers":    metric.TierTenantsBurning.Name,
		"pool":     metric.TierPool.Name,
		"vanished": metric.TrafficVanished.Name,
		"events5m": metric.EventsIncrease["5m"].Name,
		"events1h": metric.EventsIncrease["1h"].Name,
		"steady":   fmt.Sprint(steadyTraffic),
		"budget":   metric.SLOBudget.Name,
		// Requests of services that no source of the policy counts any more.
		"uncounted": metric.SLOBudget.Select(builtin, unnamed(countedServices(p))),
		"memory":    seconds(longMemory),
		"planned":   metric.Maintenance.Name,
		// Requests of unknown hosts, such as a scanner's, may stop without an alert.
		"builtin": builtin, "known": metric.KnownRequests.Name,
	}
	tierBurn := func(page string) string {
		return expand(`$tiers >= on ($tier) group_left (page) $pool`+braces(page), n)
	}
	worst := fmt.Sprintf(`{{ range printf "topk(5, %s{environment=%%q,app_service=%%q,slo=%%q})" $labels.environment $labels.app_service $labels.slo | query }}
		{{ .Labels.tenant }} ({{ .Value | printf "%%.0f" }} bad){{ end }}`, metric.TenantBadIncrease["5m"].Name)

	rules := []Rule{{Record: metric.TrafficVanished, Expr: expand(`
		(
			($vanished > time() - $memory)
			or on ($slo)
			time() + 0 * (
				$events1h offset 15m >= $steady
				unless on ($slo)
				($events1h{$builtin} offset 15m and on ($service) sum_over_time($known[1h] offset 15m) < $steady)
			)
		)
		unless on ($slo) $events5m > 0
		unless on ($slo) $uncounted
		unless on ($service) $planned`, n)}}
	rules = append(rules, byPage(metric.TierBurnAlert, "P1", afterWhole, text{
		summary: "Several tenants of one tier burn their budget at once.",
		description: `{{ $value }} tenants of tier {{ $labels.tier }} of {{ $labels.app_service }} in {{ $labels.environment }} burn their budget of {{ $labels.slo }}, as many as the policy's pool allows for one page.
			Owner: {{ $labels.owner }}. Worst in the last five minutes:` + worst + `
			First look: what those tenants share (region, shard, plan, last migration).`,
	}, tierBurn)...)
	c := manyTenants{"slo", metric.TenantsBurningStorm, metric.TenantsBurningUrgency, "P2", tierBurn}
	rules = append(rules, c.record())
	rules = append(rules, c.alerts(metric.ManyTenantsBurningAlert, afterWhole, text{
		summary: "Many tenants of one service burn their budget at once.",
		description: `{{ $value }} tenants of {{ $labels.app_service }} in {{ $labels.environment }} burn their budget of {{ $labels.slo }}: what they share is broken, not one of them. Owner: {{ $labels.owner }}.
			No alerts for single tenants of it until five minutes after. Worst in the last five minutes:` + worst + `
			First look: what those tenants share (a plan, a shard, a feature); the service as a whole is within its budget.`,
	}, metric.TenantsBurningStorm.Name+" > 0")...)
	rules = append(rules, byPage(metric.TrafficVanishedAlert, "P2", 2*patience, text{
		summary: "Steady traffic has stopped, or nobody counts it.",
		description: `Nothing has been counted for an objective of {{ $labels.app_service }} in {{ $labels.environment }} for {{ $value | humanizeDuration }}, though events came steadily before;
			bad ones would page nobody. Owner: {{ $labels.owner }}.
			First look: is the service reachable (its health checks); then the exporter that reads its logs and how far its sources lag.`,
	}, func(page string) string {
		return expand(`
			max by ($service, owner, page) (
				(time() - $vanished) * on ($slo) group_left (owner, page) ($budget`+braces(page)+` > bool 0)
			) > 0`, n)
	})...)
	return Group{Name: "thorbis-slo-crowds", Interval: windowInterval, Rules: rules}
}
