package incident

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// answers judges the objective of timely responses by incidents. Exporters count the same incidents at slightly
// different moments, so no total can add them up. A resolution of an hour keeps a month of them cheap.
func answers(p *config.Policy) []rule.Rule {
	n := rule.Names{
		"counted": metric.IncidentResponses.Name, "over": rule.Span(p.Objectives.Period.Std()), "hour": rule.Span(time.Hour),
		"responses": metric.ResponsesPeriod.Name, "good": metric.ResponseGood.Name, "budget": metric.ResponseBudget.Name,
	}
	return []rule.Rule{
		{
			Record: metric.ResponsesPeriod,
			Expr:   rule.Expand(`max by (environment, priority, result) (increase($counted[$over:$hour]))`, n),
		},
		{Record: metric.ResponseGood, Expr: rule.Expand(`
			$responses{result="in_time"}
			/ ignoring (result)
			(sum without (result) ($responses{result=~"in_time|late"}) > 0)`, n)},
		{Record: metric.ResponseBudgetLeft, Expr: rule.Expand(`1 - (1 - $good) / on (environment) group_left () $budget`, n)},
	}
}
