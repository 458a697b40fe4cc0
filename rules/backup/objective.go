package backup

import (
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// freshness judges the objective of fresh backups by time. It relates the seconds for which the newest point to
// restore to was too old to those for which it was known. Totals carry it through gaps, as for health.
func freshness(p *config.Policy) rule.Group {
	over := p.Objectives.Period.Std()
	n := rule.Names{
		"point": metric.BackupRecoveryPoint.Name, "maxAge": metric.BackupMaxAge.Name, "fresh": metric.BackupFresh.Name,
		"step": rule.Seconds(rule.WindowInterval), "period": rule.Seconds(over),
		"judged": metric.BackupJudgedIncrease[rule.Period].Name, "old": metric.BackupOldIncrease[rule.Period].Name,
		"budget": metric.FreshnessBudget.Name,
	}
	rules := []rule.Rule{
		{Record: metric.BackupJudgedTotals.Step, Expr: rule.Expand(`
			$step * ($point >= bool on ($backup) (0 * $maxAge))
			and on ($backup) $fresh`, n)},
		{Record: metric.BackupOldTotals.Step, Expr: rule.Expand(`
			$step * ($point > bool on ($backup) $maxAge)
			and on ($backup) $fresh`, n)},
	}
	for _, l := range []metric.EventTotal{metric.BackupJudgedTotals, metric.BackupOldTotals} {
		rules = append(rules,
			rule.Rule{Record: l.Total, Expr: rule.EventTotal(l, "backup", "", "backup", metric.BackupExpected.Name)},
			rule.EventHourly(l))
	}
	rules = append(rules, rule.EventWindows(p, metric.BackupJudgedTotals, metric.BackupJudgedIncrease)...)
	rules = append(rules, rule.EventWindows(p, metric.BackupOldTotals, metric.BackupOldIncrease)...)
	rules = append(rules,
		rule.Rule{Record: metric.BackupFreshness, Expr: rule.Expand(`1 - $old / ($judged > 0)`, n)},
		rule.Rule{Record: metric.BackupFreshnessCoverage, Expr: rule.Expand(`clamp_max($judged / $period, 1)`, n)},
		rule.Rule{
			Record: metric.BackupFreshnessLeft, // of the whole period: an hour says little of a month
			Expr: rule.Expand(`
				(1 - $old / $period / on (environment) group_left () $budget) and on ($backup) $judged > 0`, n),
		},
	)
	return rule.Group{Name: "thorbis-backup-freshness", Interval: rule.WindowInterval, Rules: rules}
}
