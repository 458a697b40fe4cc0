package delivery

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// times is how many times as fast bad events or seconds down must come after a deployment as before it.
	times = 3
	// leastDown is how many seconds down count.
	leastDown = 30
)

// besideEach records the deployments of services, and beside each what users saw before and after it. Only the newest
// of a service is compared: what follows the next one is the next one's.
//
// A deployment is learned after it is live, so each evaluation compares anew: a subquery reads the totals of the
// minutes around the time that is known now.
func besideEach(p *config.Policy) []rule.Rule {
	// around returns by how much a total grew in the steps of a subquery that a condition on the newest
	// deployment permits.
	around := func(total, within, over string) string {
		window := expand(`($total + on ($service) group_left (deployment) 0 * ($newest @ end() $within))[$over:30s]`,
			rule.Names{"total": total, "within": within, "over": over})
		return "max_over_time(" + window + ") - min_over_time(" + window + ")"
	}
	before := func(total string) string { return around(total, ">= time() <= time() + $beside", "36m") }
	// The last step before the deployment is the first after it, so that nothing is between them.
	after := func(total string) string { return around(total, "<= time() + 30 >= time() - $beside", "21m") }
	bad := metric.BadTotals.Total.Name
	down := metric.CheckDownTotal.Name
	n := rule.Names{
		"badBefore": metric.DeploymentBadBefore.Name, "badAfter": metric.DeploymentBadAfter.Name,
		"downBefore": metric.DeploymentDownBefore.Name, "downAfter": metric.DeploymentDownAfter.Name,
		"trouble": metric.DeploymentTrouble.Name, "rose": metric.DeploymentRose.Name,
		"burning": metric.DeploymentBurning.Name, "floor": metric.SLOFloor.Name,
		"burn":  metric.SLOBurn["5m"].Name,
		"fast":  rule.RequestTiers[0].Factor(p.Objectives.Period.Std()),
		"down":  metric.DownTotals.Increase.Select(`tenant=""`),
		"times": number(times), "least": number(leastDown),
		"compared": metric.DeploymentCompared.Name, "troubled": metric.DeploymentTroubled.Name, "uptime": metric.SLOUptime,
	}
	return []rule.Rule{
		{Record: metric.DeliveryExpected, Expr: expand(`
			0 * topk by ($service) (1, max by ($ownedService) (` + rule.Urgencies(held(metric.DeliveryInfo)) + `)) + 1`)},
		{Record: metric.DeploymentAt, Expr: expand(`
			topk by ($deployment) (1, max by ($numbered) ($known))
			or on ($deployment)
			max by ($numbered) ($live)`, rule.Names{
			"known": held(metric.DeploymentLive, metric.LabelPullRequest+`!=""`),
		})},
		{Record: metric.DeploymentNewest, Expr: expand(`
			topk by ($service) (1, max by ($deployment) ($at > time() - $watched))`)},
		{Record: metric.DeploymentBadBefore, Expr: before(bad)},
		{Record: metric.DeploymentBadAfter, Expr: after(bad)},
		{Record: metric.CheckDownTotal, Expr: metric.DownTotals.Total.Select(`tenant=""`) + " or 0 * " +
			metric.ObservedTotals.Total.Select(`tenant=""`)},
		{Record: metric.DeploymentDownBefore, Expr: "max by (" + names["deployment"] + ") (" + before(down) + ")"},
		{Record: metric.DeploymentDownAfter, Expr: "max by (" + names["deployment"] + ") (" + after(down) + ")"},
		{Record: metric.DeploymentTrouble, Expr: expand(`
			0 * ($burn > $fast or label_replace(max by ($service) ($down) > 0, "slo", "$uptime", "", "")) + 1`, n)},
		{Record: metric.DeploymentCompared, Expr: expand(`
			clamp_max(time() - max by ($service) ($newest) + 30, $beside)`)},
		{Record: metric.DeploymentTroubled, Expr: expand(`
			max_over_time((
				$trouble + on ($service) group_left (deployment) 0 * ($newest @ end() >= time() <= time() + 300)
			)[26m:30s])`, n)},
		{Record: metric.DeploymentRose, Expr: expand(`
			group by ($deploymentSLO) (
				$badAfter >= on ($slo) group_left () $floor
				unless $badAfter / on ($service) group_left () $compared <= $badBefore * $times / $beside
			)
			unless $troubled`, n)},
		{
			Record: metric.DeploymentRose, Labels: map[string]string{metric.LabelSLO: metric.SLOUptime},
			Expr: expand(`
			group by ($deployment) (
				$downAfter >= $least
				unless $downAfter / on ($service) group_left () $compared <= $downBefore * $times / $beside
			)
			unless on ($deployment) $troubled{slo="$uptime"}`, n),
		},
		{Record: metric.DeploymentBurning, Expr: expand(`
			(
				last_over_time($burning[2m] offset 1ms)
				or
				$rose * on ($deployment) group_left () (time() - $newest <= $beside)
			)
			and on ($slo) $trouble
			unless on ($service) $planned`, n)},
	}
}

// deployed names the deployment of an alert in its description.
var deployed = fmt.Sprintf(`{{ $labels.deployment }}{{ range printf
	"%s{environment=%%q,app_service=%%q,deployment=%%q,pull_request!=\"\"}" $labels.environment $labels.app_service
	$labels.deployment | query }} (#{{ .Labels.pull_request }}){{ end }}`, metric.DeploymentAt.Name)

// besideText is what the objective counted before and after a deployment.
var besideText = fmt.Sprintf(`{{ range printf
	"%s{environment=%%q,app_service=%%q,deployment=%%q,slo=%%q}" $labels.environment $labels.app_service
	$labels.deployment $labels.slo | query }} Bad events since then: {{ .Value }}.{{ end }}{{ range printf
	"%s{environment=%%q,app_service=%%q,deployment=%%q,slo=%%q}" $labels.environment $labels.app_service
	$labels.deployment $labels.slo | query }} In the 15 minutes before: {{ .Value }}.{{ end }}`,
	metric.DeploymentBadAfter.Name, metric.DeploymentBadBefore.Name)

func burningAlerts() []rule.Rule {
	rules := rule.ByPage(metric.DeploymentBurningAlert, "P2", 0, rule.Text{
		Summary: "A service burns its budget since it was deployed.",
		Description: `{{ $labels.app_service }} in {{ $labels.environment }} burns the budget of {{ $labels.slo }} too fast.
			` + deployed + ` was deployed {{ $value | humanizeDuration }} before that began.` + besideText + `
			Owner: {{ or $labels.owner "unknown" }}.
			First look: roll the deployment back, then find out why; the dashboard Delivery shows what users saw before and
			after it.`,
	}, func(page string) string {
		return expand(`$burning * on ($service) group_left (owner, page) $expected`+rule.Braces(page), rule.Names{
			"burning": metric.DeploymentBurning.Name,
		})
	})
	for i := range rules {
		rules[i].KeepFiringFor = rule.Returning
	}
	return rules
}
