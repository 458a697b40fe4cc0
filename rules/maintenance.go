package rules

import (
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// maintenance records planned work on a whole service: somebody silenced all of it with a comment that begins with
// maintenance:, or a window of the policy holds all of its checks. Ledgers leave out what happens meanwhile, good and
// bad, so that neither objectives nor the contract count it. If nobody can tell of silences, nothing is planned.
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

// unplanned leaves out services while planned work goes on, or did within a window. A top-level or of the expression
// must stand in brackets.
func unplanned(expr, within string) string {
	planned := metric.Maintenance.Name
	if within != "" {
		planned = "max_over_time(" + planned + "[" + within + "])"
	}
	return strings.TrimRight(expr, " \t\n") + "\nunless on (" + levels["service"] + ") " + planned
}
