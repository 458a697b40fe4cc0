package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// freshness judges the objective of fresh backups by time. It relates the seconds for which the newest point to
// restore to was too old to those for which it was known. Totals carry it through gaps, as for health.
func freshness(p *config.Policy) Group {
	over := p.Objectives.Period.Std()
	n := names{
		"point": metric.BackupRecoveryPoint.Name, "maxAge": metric.BackupMaxAge.Name, "fresh": metric.BackupFresh.Name,
		"step": seconds(windowInterval), "period": seconds(over),
		"judged": metric.BackupJudgedIncrease[period].Name, "old": metric.BackupOldIncrease[period].Name,
		"budget": metric.FreshnessBudget.Name,
	}
	rules := []Rule{
		{Record: metric.BackupJudgedLedger.Step, Expr: expand(`
			$step * ($point >= bool on ($backup) (0 * $maxAge))
			and on ($backup) $fresh`, n)},
		{Record: metric.BackupOldLedger.Step, Expr: expand(`
			$step * ($point > bool on ($backup) $maxAge)
			and on ($backup) $fresh`, n)},
	}
	for _, l := range []metric.EventLedger{metric.BackupJudgedLedger, metric.BackupOldLedger} {
		rules = append(rules, Rule{Record: l.Total, Expr: eventTotal(l, "backup", "", "backup", metric.BackupExpected.Name)}, eventHourly(l))
	}
	rules = append(rules, eventWindows(p, metric.BackupJudgedLedger, metric.BackupJudgedIncrease)...)
	rules = append(rules, eventWindows(p, metric.BackupOldLedger, metric.BackupOldIncrease)...)
	rules = append(rules,
		Rule{Record: metric.BackupFreshness, Expr: expand(`1 - $old / ($judged > 0)`, n)},
		Rule{Record: metric.BackupFreshnessCoverage, Expr: expand(`clamp_max($judged / $period, 1)`, n)},
		Rule{Record: metric.BackupFreshnessLeft, Expr: expand(`1 - $old / ($judged > 0) / on (environment) group_left () $budget`, n)},
	)
	return Group{Name: "thorbis-backup-freshness", Interval: windowInterval, Rules: rules}
}

// answers judges the objective of timely responses by incidents. Exporters count the same incidents at slightly
// different moments, so no ledger can add them up. A resolution of an hour keeps a month of them cheap.
func answers(p *config.Policy) []Rule {
	n := names{
		"counted": metric.IncidentResponses.Name, "over": span(p.Objectives.Period.Std()), "hour": span(time.Hour),
		"responses": metric.ResponsesPeriod.Name, "good": metric.ResponseGood.Name, "budget": metric.ResponseBudget.Name,
	}
	return []Rule{
		{Record: metric.ResponsesPeriod, Expr: expand(`max by (environment, priority, result) (increase($counted[$over:$hour]))`, n)},
		{Record: metric.ResponseGood, Expr: expand(`
			$responses{result="in_time"}
			/ ignoring (result)
			(sum without (result) ($responses{result=~"in_time|late"}) > 0)`, n)},
		{Record: metric.ResponseBudgetLeft, Expr: expand(`1 - (1 - $good) / on (environment) group_left () $budget`, n)},
	}
}
