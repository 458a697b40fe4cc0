package delivery

import (
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// figures records the five figures of DORA. They are exact: a deployment counts by when it went live, whenever it was
// learned what became of it.
func figures() []rule.Rule {
	n := rule.Names{
		"counted":  `(last_over_time(` + metric.DeploymentNoted.Name + `[$month]) > time() - $monthS)`,
		"failed":   `(last_over_time(` + metric.DeploymentFailureNoted.Name + `[$month]) > time() - $monthS)`,
		"reworked": `(last_over_time(` + metric.DeploymentReworkNoted.Name + `[$month]) > time() - $monthS)`,
		"all":      metric.DeploymentsIncrease.Name, "failures": metric.DeploymentFailuresIncrease.Name,
		"since": metric.DeploymentsSince.Name,
	}
	rules := []rule.Rule{
		{Record: metric.DeploymentsSince, Expr: expand(`
			min by ($service) (last_over_time($since[3d] offset 1ms) or on ($service) 0 * $expected + time())
			and on ($service) $expected`, n)},
		{Record: metric.DeploymentsIncrease, Expr: expand(`
			count by ($service) (group by ($deployment) ($counted)) or 0 * max by ($service) ($expected)`, n)},
		{Record: metric.DeploymentFrequency, Expr: expand(`
			$all / on ($service) clamp((time() - $since) / 86400, 1, $monthS / 86400)`, n)},
		{Record: metric.DeploymentFailuresIncrease, Expr: expand(`
			count by ($serviceReason) (group by ($reasoned) ($failed))`, n)},
		{Record: metric.DeploymentFailRatio, Expr: expand(`
			(sum by ($service) ($failures) or 0 * $all) / ($all > 0)`, n)},
		{Record: metric.DeploymentReworkRatio, Expr: expand(`
			(count by ($service) (group by ($deployment) ($reworked)) or 0 * $all) / ($all > 0)`, n)},
	}
	for _, f := range []struct{ figure, learned *metric.Record }{
		{metric.DeploymentLeadQuantile, metric.DeploymentLeadNoted},
		{metric.DeploymentRecoveryQuantile, metric.DeploymentRecoveryNoted},
	} {
		for _, quantile := range []string{"0.5", "0.9"} {
			rules = append(rules, rule.Rule{
				Record: f.figure, Labels: map[string]string{"quantile": quantile},
				Expr: expand(`
					quantile by ($service) (`+quantile+`,
						max by ($deployment) (last_over_time($learned[$month])) and on ($deployment) $counted
					)`, n, rule.Names{"learned": f.learned.Name}),
			})
		}
	}
	half := `quantile="0.5"`
	for _, t := range []struct{ figure, now string }{
		{metric.FigureFrequency, metric.DeploymentsIncrease.Name},
		{metric.FigureLeadTime, metric.DeploymentLeadQuantile.Select(half)},
		{metric.FigureFailRate, metric.DeploymentFailRatio.Name},
		{metric.FigureReworkRate, metric.DeploymentReworkRatio.Name},
		{metric.FigureRecoveryTime, metric.DeploymentRecoveryQuantile.Select(half)},
	} {
		rules = append(rules, rule.Rule{
			Record: metric.DeliveryTrend, Labels: map[string]string{metric.LabelFigure: t.figure},
			Expr: expand(`
				max by ($service) ($now) / max by ($service) ($now offset $month > 0)
				and on ($service) $since <= time() - 2 * $monthS`, n, rule.Names{"now": t.now}),
		})
	}
	return rules
}
