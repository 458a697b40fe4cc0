package health

import (
	"strconv"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// maintenance records planned work on a whole service. That is a silence of the whole service whose comment begins
// with maintenance:, or a policy window over all of its checks. Totals leave out this time, good and bad, so neither
// objectives nor the SLA count it. While no exporter reports silences, no silence counts as planned work. plannedWork
// limits the time in a day.
func maintenance() rule.Rule {
	return rule.Rule{Record: metric.Maintenance, Expr: rule.Expand(`
		(
			group by ($service) (last_over_time($silences{app_service!=""}[5m]) > 0)
			or on ($service)
			(
				group by ($service) ($state{state="maintenance",tenant=""} == 1)
				unless on ($service)
				$state{state!="maintenance",tenant=""} == 1
			)
		)
		unless on ($service)
		count_over_time($planned[1d]) >= $most`, rule.Names{
		"silences": metric.MaintenanceSilences.Name,
		"state":    metric.HealthCheckState.Name,
		"planned":  metric.Maintenance.Name,
		"most":     strconv.Itoa(int(plannedWork / rule.TotalsInterval)),
	})}
}
