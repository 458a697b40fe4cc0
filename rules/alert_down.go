package rules

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// budgetText tells in a description how much of the check's budget is left.
var budgetText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,app_service=%%q,check=%%q,tenant=%%q}" $labels.environment $labels.app_service $labels.check $labels.tenant | query }}
	Budget left: {{ . | first | value | humanizeDuration }}.{{ end }}
	{{ with printf "%s{environment=%%q,app_service=%%q,check=%%q,tenant=%%q}" $labels.environment $labels.app_service $labels.check $labels.tenant | query }}
	At this pace it is empty in {{ . | first | value | printf "%%.1f" }} h.{{ end }}`,
	metric.BudgetLeftSeconds.Name, metric.BudgetHours.Name)

func checkDownAlerts() []Rule {
	return byPage(metric.CheckDownAlert, "P1", 0, text{
		summary: "A health check is down.",
		description: `{{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }} is down as seen from {{ $value }} location(s);
			every user of {{ $labels.app_service }} is hit. Owner: {{ $labels.owner }}.` + budgetText + `
			First look: the reason on the dashboard, or run thorbis_exporter probe {{ $labels.check }}; then what was deployed last.`,
	}, func(page string) string {
		return expand(`$owned{tenant="",`+page+`} > 0`, names{"owned": metric.CheckDownOwned.Name})
	})
}

func tenantDownAlerts() []Rule {
	return afterItsPage(byPage(metric.TenantDownAlert, "P1", 0, text{
		summary: "A health check of one tenant is down.",
		description: `{{ $labels.check }} of tenant {{ $labels.tenant }} (tier {{ $labels.tier }}) of {{ $labels.app_service }} in {{ $labels.environment }}
			is down as seen from {{ $value }} location(s); other tenants are told of separately. Owner: {{ $labels.owner }}.` + budgetText + `
			First look: the reason on the dashboard; then the tenant's domain, certificate and last change.`,
	}, func(page string) string {
		return expand(`$owned{tenant!="",`+page+`} > 0 unless on ($service) $storm `+afterService, names{
			"owned": metric.CheckDownOwned.Name, "storm": metric.TenantsStorm.Name, "owned_down": metric.CheckDownOwned.Name,
		})
	}))
}

// serviceLead is by how much the service's own check may be found down later than a tenant of it: a probe's interval, a scrape
// and an evaluation.
const serviceLead = time.Minute

// afterItsPage lets the alerts of tenants and tiers wait for the page of their service, which would hide them, for else an outage
// of everything is told of twice: as a tenant's and as the service's. What pages at P1 does not wait, for it is in the same page.
func afterItsPage(rules []Rule) []Rule {
	for i := range rules {
		if rules[i].Priority != "P1" {
			rules[i].For = serviceLead
		}
	}
	return rules
}

// afterService keeps the alerts of tenants quiet while the service's own P1 check is down and for 5 minutes
// after: tenants are probed less often, so they come back later than their service, when no inhibition
// holds any more. Only P1, because nothing can be more urgent than the page that already went out.
const afterService = `unless on ($service) (max_over_time($owned_down{tenant="",page="P1"}[5m]) > 0)`

// crowdAlerts page once for what many tenants have in common.
func crowdAlerts() Group {
	many := byPage(metric.ManyTenantsDownAlert, "P1", 0, text{
		summary: "Many tenants of one service are down at once.",
		description: `{{ $value }} tenants of {{ $labels.app_service }} in {{ $labels.environment }} are down: what they share is broken, not one of them.
			Owner: {{ $labels.owner }}. No pages for single tenants of this service until five minutes after.
			First look: the service's own checks, its last deployment, the edge and the database.`,
	}, func(page string) string {
		return expand(`($tenants{`+page+`} >= $crowd) `+afterService, stateNames)
	})
	for i := range many {
		many[i].KeepFiringFor = 5 * time.Minute
	}
	tier := byPage(metric.TierDownAlert, "P1", 0, text{
		summary: "Several tenants of one tier are down at once.",
		description: `{{ $value }} tenants of tier {{ $labels.tier }} of {{ $labels.app_service }} in {{ $labels.environment }} are down, as many as the policy's pool allows for one page.
			Owner: {{ $labels.owner }}.
			First look: what those tenants share (region, shard, plan, last migration); the dashboard lists them.`,
	}, func(page string) string {
		return expand(`($tiers >= on ($tier) group_left (page) $pool{`+page+`}) `+afterService, names{
			"tiers": metric.TierTenantsDown.Name, "pool": metric.TierPool.Name, "owned_down": metric.CheckDownOwned.Name,
		})
	})
	return Group{Name: "thorbis-health-crowds", Interval: scrapeInterval, Rules: append(many, afterItsPage(tier)...)}
}
