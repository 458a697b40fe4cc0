package health

import (
	"fmt"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// budgetText is the part of a description that shows how much of the check's budget is left.
var budgetText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,app_service=%%q,check=%%q,tenant=%%q}"
	$labels.environment $labels.app_service $labels.check $labels.tenant | query }}
	Budget left: {{ . | first | value | humanizeDuration }}.{{ end }}
	{{ with printf "%s{environment=%%q,app_service=%%q,check=%%q,tenant=%%q}" $labels.environment $labels.app_service
	$labels.check $labels.tenant | query }}
	At this pace it is empty in {{ . | first | value | printf "%%.1f" }} h.{{ end }}`,
	metric.BudgetLeftSeconds.Name, metric.BudgetHours.Name)

func checkDownAlerts() []rule.Rule {
	return rule.ByPage(metric.CheckDownAlert, "P1", 0, rule.Text{
		Summary: "A health check is down.",
		Description: `{{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }} is down as seen from
			{{ $value }} location(s);
			every user of {{ $labels.app_service }} is affected. Owner: {{ $labels.owner }}.` + budgetText + `
			First look: the reason on the dashboard, or run thorbis_exporter probe {{ $labels.check }};
			then what was deployed last.`,
	}, func(page string) string {
		return rule.Expand(`$owned{tenant="",`+page+`} > 0`, rule.Names{"owned": metric.CheckDownOwned.Name})
	})
}

func tenantDownAlerts() []rule.Rule {
	return afterItsPage(rule.ByPage(metric.TenantDownAlert, "P1", 0, rule.Text{
		Summary: "A health check of one tenant is down.",
		Description: `{{ $labels.check }} of tenant {{ $labels.tenant }} (tier {{ $labels.tier }}) of
			{{ $labels.app_service }} in {{ $labels.environment }}
			is down as seen from {{ $value }} location(s); other tenants have alerts of their own.
			Owner: {{ $labels.owner }}.` + budgetText + `
			First look: the reason on the dashboard; then the tenant's domain, certificate and last change.`,
	}, func(page string) string {
		return metric.CheckDownOwned.Select(`tenant!=""`, page) + " > 0"
	}))
}

// serviceLead is the longest delay between the detection of a tenant's outage and of its service's: a probe interval,
// a scrape and an evaluation.
const serviceLead = time.Minute

// afterItsPage delays the alerts on tenants and tiers, so that the page of their service can hide them. Otherwise an
// outage of everything is reported twice. Alerts at P1 are not delayed, because they are in the same page as the
// service's.
func afterItsPage(rules []rule.Rule) []rule.Rule {
	for i := range rules {
		if rules[i].Priority != "P1" {
			rules[i].For = serviceLead
		}
	}
	return rules
}

// tierDown returns an expression for the tiers with at least as many tenants down as their pool requires. page is a
// matcher of the pool.
func tierDown(page string) string {
	return rule.Expand(`$tiers >= on ($tier) group_left (page) $pool`+rule.Braces(page), rule.Names{
		"tiers": metric.TierTenantsDown.Name, "pool": metric.TierPool.Name,
	})
}

// tierTenantsDown counts the tenants of each tier that are down.
func tierTenantsDown() rule.Rule {
	return rule.Rule{Record: metric.TierTenantsDown, Expr: owned("$serviceTier", "owner",
		`count by ($serviceTier) (group by ($serviceTier, tenant) ($owned_down{tenant!=""}))`)}
}

// manyTenantsAlerts returns the alerts on many tenants of a service or tier that are down: one page for one cause.
func manyTenantsAlerts() rule.Group {
	m := rule.MassOutage{
		Level: "service", Many: metric.ManyTenantsDown, Urgency: metric.TenantsDownUrgency, Own: "P1", Tier: tierDown,
	}
	many := m.Alerts(metric.ManyTenantsDownAlert, 0, rule.Text{
		Summary: "Many tenants of one service are down at once.",
		Description: `{{ $value }} tenants of {{ $labels.app_service }} in {{ $labels.environment }} are down:
			something that they share is broken.
			Owner: {{ $labels.owner }}. Alerts on single tenants of this service are suppressed until five minutes after.
			First look: the service's own checks, its last deployment, the edge and the database.`,
	}, rule.Expand(`$tenants >= $many`, stateNames))
	tier := rule.ByPage(metric.TierDownAlert, "P1", 0, rule.Text{
		Summary: "Several tenants of one tier are down at once.",
		Description: `{{ $value }} tenants of tier {{ $labels.tier }} of {{ $labels.app_service }} in
			{{ $labels.environment }} are down; the policy pages for the tier from pool.tenants on.
			Owner: {{ $labels.owner }}.
			First look: what those tenants share (region, shard, plan, last migration); the dashboard lists them.`,
	}, tierDown)
	return rule.Group{
		Name: "thorbis-health-crowds", Interval: rule.ScrapeInterval,
		Rules: slices.Concat([]rule.Rule{tierTenantsDown(), m.Record()}, many, afterItsPage(tier)),
	}
}
