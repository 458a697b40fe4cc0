package rules

import (
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// maintenance records planned work on a whole service. That is a silence of the whole service whose comment begins
// with maintenance:, or a policy window over all of its checks. Ledgers leave out this time, good and bad, so neither
// objectives nor the SLA count it. While no exporter reports silences, no silence counts as planned work. plannedWork
// limits the time in a day.
func maintenance() Rule {
	return Rule{Record: metric.Maintenance, Expr: expand(`
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
		count_over_time($planned[1d]) >= $most`, names{
		"silences": metric.MaintenanceSilences.Name,
		"state":    metric.HealthCheckState.Name,
		"planned":  metric.Maintenance.Name,
		"most":     strconv.Itoa(int(plannedWork / ledgerInterval)),
	})}
}

// unplanned leaves out services that have planned work now, or had some within a window. An expression with a
// top-level or must be in parentheses.
func unplanned(expr, within string) string {
	planned := metric.Maintenance.Name
	if within != "" {
		planned = "max_over_time(" + planned + "[" + within + "])"
	}
	return strings.TrimRight(expr, " \t\n") + "\nunless on (" + levels["service"] + ") " + planned
}
