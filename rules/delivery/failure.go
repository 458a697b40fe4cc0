package delivery

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// again is how long after an alert has ended another one is the same trouble.
	again = 5 * time.Minute
	// defaultWithin is how long after a deployment a page or an incident is its failure, for a policy without deliveries:
	// its rules may read another exporter's.
	defaultWithin = 30 * time.Minute
)

// noted records what became of each deployment once, when it is learned. A month of that costs a sample or two for each
// deployment. Exporters that know the same deployment name it alike.
func noted(p *config.Policy) []rule.Rule {
	users := usersAlerts()
	n := rule.Names{
		"failedAfter": held(metric.DeploymentFailed), "failure": metric.DeploymentFailureNoted.Name,
		"recovery": metric.DeploymentRecoveryNoted.Name,
		"page":     metric.AlertsBegan.Select(`app_service!=""`, `priority=~"P1|P2"`, metric.LabelAlertname+users),
		"incident": metric.IncidentOpen.Select(`app_service!=""`, `priority=~"P1|P2|P3"`, metric.LabelAlert+users),
		"pages":    metric.AlertsBegan.Select(`app_service!=""`, `priority=~"P1|P2|P3"`, metric.LabelAlertname+users),
		"troubled": metric.ServiceTroubled.Name, "lastTroubled": metric.ServiceLastTroubled.Name,
		"againS": rule.Seconds(again),
		"found": metric.DeploymentFailureNoted.Select(metric.LabelReason + `=~"` + metric.DeploymentIncident + `|` +
			metric.DeploymentPaged + `"`),
	}
	rules := []rule.Rule{
		once(metric.DeploymentNoted, `max by ($deployment) ($at)`),
		once(metric.DeploymentLeadNoted, `max by ($deployment) (`+held(metric.DeploymentLead)+`)`),
		once(metric.DeploymentReworkNoted, `
			0 * max by ($deployment) (`+held(metric.DeploymentRework)+`) + on ($deployment) max by ($deployment) ($at)`),
		{Record: metric.PageBegan, Expr: expand(`max by ($service) ($page unless $page offset 5m)`, n)},
		{Record: metric.IncidentBegan, Expr: expand(`max by ($service) ($incident unless $incident offset 5m)`, n)},
		{Record: metric.ServiceTroubled, Expr: expand(`
			group by ($service) ($pages) or group by ($service) ($incident)`, n)},
		{Record: metric.ServiceLastTroubled, Expr: expand(`
			0 * $troubled + time() or last_over_time($lastTroubled[1d] offset 1ms) > time() - 604800`, n)},
		once(metric.DeploymentFailureNoted, `
			0 * topk by ($deployment) (1, max by ($reasoned) ($failedAfter))
			+ on ($deployment) group_left () max by ($deployment) ($at)`, n),
	}
	for _, found := range []struct {
		by, reason string
		began      *metric.Record
	}{
		{config.FailedByPage, metric.DeploymentPaged, metric.PageBegan},
		{config.FailedByIncident, metric.DeploymentIncident, metric.IncidentBegan},
	} {
		within, counts := failsWithin(p, found.by)
		if !counts {
			continue
		}
		// Of the deployments before it, the newest one has failed, whenever it was learned.
		r := once(metric.DeploymentFailureNoted, `
			max by ($deployment) (max_over_time((
				topk by ($service) (1, $at @ end() < on ($service) group_left () $began)
				>= on ($service) group_left () $began - $within
			)[3h:1m]))`, rule.Names{"began": found.began.Name, "within": rule.Seconds(within)})
		r.Labels = map[string]string{metric.LabelReason: found.reason}
		rules = append(rules, r)
	}
	return append(rules, once(metric.DeploymentRecoveryNoted, `
		max by ($deployment) ($failedAfter)
		or
		(
			($lastTroubled < time() - $againS) - on ($service) group_right ()
			max by ($deployment) (last_over_time($found[7d])) >= 0
		)`, n))
}

// once records each series of an expression a single time in a month.
func once(r *metric.Record, expr string, more ...rule.Names) rule.Rule {
	return rule.Rule{Record: r, Expr: expand(`
		(
			`+indent(expr)+`
		)
		unless on ($deployment) last_over_time($self[$month])`, append(more, rule.Names{"self": r.Name})...)}
}

// usersAlerts returns a matcher's operator and value for the alerts on what users of a service see. Others, as on its
// backups, its certificates or its monitoring, are not caused by a deployment.
func usersAlerts() string {
	const prefix = "Thorbis"
	var alerts []string
	for _, a := range metric.Alerts() {
		if a.Level != "" || a.Burn {
			alerts = append(alerts, strings.TrimPrefix(a.Name, prefix))
		}
	}
	return `=~"` + prefix + `(` + strings.Join(alerts, "|") + `)"`
}

// failsWithin returns within how long after a deployment something shows that it has failed, false where the policy
// does not count it.
func failsWithin(p *config.Policy, by string) (time.Duration, bool) {
	if d := p.Delivery(); d != nil {
		return d.Failure(by)
	}
	return defaultWithin, true
}
