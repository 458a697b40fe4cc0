package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	sloBy     = "environment, app_service, slo"
	sloLegend = "{{app_service}} {{slo}}"
)

func ofSLO(r *metric.Record) string { return pick(r, pickedSLO) }

// objectives shows the objectives on events, what is left of their budgets, how fast it burns, and who spent it.
func objectives(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.SLODashboard, title: "SLOs",
		about: "How much of each objective's budget is left, how fast it burns, and who spent it.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.SLOBudget), serviceVariable(metric.SLOBudget),
			labelVariable(metric.LabelSLO, "Objective", "The objective of the service.",
				metric.SLOBudget.Select(pickedEnvironment, pickedService)),
		},
	}.builder()
	period := p.Objectives.Period
	row(b, "Objectives on events",
		bars(words{
			title: "Good events", unit: units.PercentUnit, empty: "no event yet",
			about: fmt.Sprintf("Share of good events over %s, late ones included.", period),
		}, ofSLO(metric.SLOGood), sloLegend, known(blue)).Decimals(3),
		bars(words{
			title: "Budget left by objective", unit: units.PercentUnit, empty: "no event yet",
			about: fmt.Sprintf("Share of the bad events that %s permits which is left. Negative: overspent.", period),
			whenRed: "The budget is spent: stop what is risky (deployments, migrations) until it has grown back, and see " +
				"below " +
				"who spent it.",
		}, ofSLO(metric.SLOBudgetLeft), sloLegend, known(red, from(0, yellow), from(0.25, green))).Decimals(1),
		bars(words{
			title: "Budget empty after", unit: units.Hours, empty: "no event yet",
			about:   "At the pace of the last hour. 0: nothing is left.",
			whenRed: "Hours are left: find what fails by Bad events and Who spent it, and take it back.",
		}, emptyOrNever(ofSLO(metric.SLOBudgetHours), ofSLO(metric.SLOBudgetLeft)), sloLegend,
			known(red, from(24, yellow), from(168, green))).Decimals(1).
			Mappings(texts(text{never, "nothing burns", green})),
		bars(words{
			title: fmt.Sprintf("Measured of %s", period), unit: units.Seconds, empty: "since less than two minutes",
			about: fmt.Sprintf("For how long of the last %s events were counted at all. A young budget says little.", period),
		}, eventsMeasured(ofSLO), sloLegend, known(blue)),
		objectiveTable(period),
	)
	row(b, "Burn", belowTarget(), sloBurnRates(),
		lines(words{
			title: "Events", unit: units.CountsPerSecond, empty: "no event yet",
			about: "Events a second, good and bad: how much traffic a burn costs.",
		}, 12, query("A", fmt.Sprintf("%s / on (%s) clamp_max(%s >= 60, 300)", ofSLO(metric.EventsIncrease["5m"]), sloBy,
			ofSLO(metric.SeenTotals.Total)), sloLegend)).Min(0),
		lines(words{
			title: "Bad events", unit: units.PercentUnit, empty: "no event yet",
			about: "Share of bad events over five minutes.",
		}, 12, query("A", ofSLO(metric.SLOError["5m"]), sloLegend)).Min(0).AxisSoftMax(0.01),
		lines(words{
			title: "Bad events of tiers", unit: units.PercentUnit, empty: "no request of a tier yet",
			about: "Share of bad requests over an hour of the tenants of each tier together.",
		}, 12, query("A", ofSLO(metric.TierError["1h"]), sloLegend+" {{tier}}")).Min(0).AxisSoftMax(0.01),
	)
	row(b, "Who spent it", tierTable(period), spenders(period),
		lines(words{
			title: "Tenants that burn", unit: units.Short, empty: "no event yet",
			about: "Tenants that burn budget at any pace. From fifty on, one alert replaces theirs.",
		}, 24, query("A", "sum by ("+sloBy+") ("+ofSLO(metric.TenantsBurning)+") or 0 * "+
			ofSLO(metric.EventsIncrease["5m"]), sloLegend)).Min(0),
	)
	row(b, "Objectives on time", timeObjectives(period)...)
	return b
}

// eventsMeasured is for how long events were counted of the period. That is recorded every two minutes, so that in the
// first hour the total is read, which is as young as the events.
func eventsMeasured(of func(*metric.Record) string) string {
	return of(metric.SeenTotals.Total) + " < 3600 or " + of(metric.SeenIncrease["_period"])
}

// emptyAfter is when a budget is empty: at once if nothing of it is left, which the record leaves out as it does one
// that nothing burns.
func emptyAfter(hours, left string) string { return hours + " or 0 * (" + left + " <= 0)" }

// emptyOrNever distinguishes a budget that nothing burns from one that is not known yet.
func emptyOrNever(hours, left string) string {
	return fmt.Sprintf("%s or %d * (%s > bool 0)", hours, never, left)
}

// emptyAfterColumn is a column of that.
func emptyAfterColumn(hours, left string, of func(string) string) column {
	return column{
		title: "Empty after", unit: units.Hours, decimals: 1, colours: below(24, red, 168, yellow),
		texts: texts(text{never, "nothing burns", green}),
		expr:  of("(" + emptyOrNever(hours, left) + ")"),
	}
}

func objectiveTable(period config.Duration) panel {
	return figures(words{
		title: "Objectives", unit: units.Short, empty: "No service has requests or objectives of its own yet",
		about: fmt.Sprintf("Each objective: what it permits, what happened over %s, of how much of that time, and how "+
			"fast the "+
			"budget burns now.", period),
		whenRed: "A burn of 14.4 empties the budget of 30 d in two days: find what fails by Bad events and Who spent it.",
	}, 24, 7, []key{byEnvironment, byService.leading(metric.TenantsDashboard), byObjective},
		column{
			title: "Budget left", unit: units.PercentUnit, expr: ofSLO(metric.SLOBudgetLeft), colours: budgetSteps(),
			decimals: 1,
		},
		column{title: "May still be bad", unit: units.Short, expr: ofSLO(metric.SLOBudgetLeftEvents)},
		column{title: "Measured", unit: units.Seconds, expr: eventsMeasured(ofSLO)},
		column{
			title: "Permitted", unit: units.PercentUnit, expr: "max by (" + sloBy + ") (" + ofSLO(metric.SLOBudget) + ")",
		},
		column{title: "Bad", unit: units.PercentUnit, expr: ofSLO(metric.SLOError["_period"])},
		column{title: "Burn 5 min", unit: units.Short, expr: ofSLO(metric.SLOBurn["5m"]), colours: burnSteps(), decimals: 1},
		column{title: "Burn 1 h", unit: units.Short, expr: ofSLO(metric.SLOBurn["1h"]), colours: burnSteps(), decimals: 1},
		column{
			title: "Burn 3 d", unit: units.Short, expr: ofSLO(metric.SLOBurn["3d"]), colours: atLeast(1, yellow), decimals: 1,
		},
	)
}

// belowTarget shows when each objective was missed: a burn above 1 over five minutes.
func belowTarget() panel {
	burn := "max by (" + sloBy + ") (" + ofSLO(metric.SLOBurn["5m"]) + ")"
	return timeline(words{
		title: "Time below target", empty: "no event yet",
		about: "Whether each objective was met over the five minutes before. Red: the budget burnt 14.4 times as fast as " +
			"permitted, or faster.",
		whenRed: "Users were hit at these times. Switch on the annotations: an outage, a deployment or a reload that " +
			"begins " +
			"with the red is the first suspect.",
	}, fmt.Sprintf("1 + (%[1]s > bool 1) + (%[1]s >= bool 14.4)", burn), sloLegend,
		[]string{"on target", "below target", "far below target"},
		map[string]string{"on target": green, "below target": yellow, "far below target": red}).Height(5)
}

func sloBurnRates() panel {
	var queries []*prometheus.DataqueryBuilder
	for i, window := range []string{"5m", "1h", "6h", "1d", "3d"} {
		queries = append(queries,
			query(letter(i), fmt.Sprintf(`max(%s)`, ofSLO(metric.SLOBurn[window])), window))
	}
	return lines(words{
		title: "Burn rate", unit: units.Short, empty: "no event yet",
		about: "How many times as fast as permitted the worst objective burns, its worst tenant left out unless that " +
			"carries half of the traffic. 1 empties the budget exactly by the end of the period.",
	}, 12, queries...).Min(0).AxisSoftMax(1)
}

func tierTable(period config.Duration) panel {
	return figures(words{
		title: "Tiers", unit: units.Short, empty: "No request of a tier yet",
		about: fmt.Sprintf("What is left of the budget of each tier's tenants together over %s, and how fast they burn "+
			"it. A "+
			"tier without bad requests has all of it.", period),
		whenRed: "A whole tier is hit: look for what its tenants share. The tenants below it say who most.",
	}, 24, 7, []key{byEnvironment, byService, byObjective, byTier},
		column{
			title: "Budget left", unit: units.PercentUnit, expr: ofSLO(metric.TierBudgetLeft), colours: budgetSteps(),
			decimals: 1,
		},
		column{
			title: "Measured", unit: units.PercentUnit, expr: ofSLO(metric.TierCoverage), colours: measuredSteps(),
			decimals: 2,
		},
		column{title: "Burn 1 h", unit: units.Short, expr: ofSLO(metric.TierBurn["1h"]), colours: burnSteps(), decimals: 1},
		column{
			title: "Burn 1 d", unit: units.Short, expr: ofSLO(metric.TierBurn["1d"]), colours: atLeast(1, yellow), decimals: 1,
		},
		emptyAfterColumn(ofSLO(metric.TierBudgetHours), ofSLO(metric.TierBudgetLeft), func(e string) string { return e }),
	)
}

// atLeastLately counts over a long window what a short one has already: the longer a window, the later it is recorded.
func atLeastLately(long, short string) string {
	return fmt.Sprintf("(%[1]s >= %[2]s or %[2]s or %[1]s)", long, short)
}

// spenders are the tenants that spent most of the budget.
func spenders(period config.Duration) panel {
	by := sloBy + ", tenant"
	bad := fmt.Sprintf("topk(%d, %s)", rows, atLeastLately(ofSLO(metric.TenantBadIncrease["_period"]),
		ofSLO(metric.TenantBadIncrease["1h"])))
	ofThem := func(expr string) string { return expr + " and on (" + by + ") " + bad }
	return figures(words{
		title: "Tenants that spent the budget", unit: units.Short, empty: "No tenant has had bad requests",
		about: fmt.Sprintf("The %d tenants with the most bad requests over %s, and their share of all bad events.", rows,
			period),
		whenRed: "The budget of that tenant is spent or will be within a day: open the tenant. If one tenant spent most of " +
			"the service's budget, its client or its data is the first suspect.",
	}, 24, 9, []key{byEnvironment, byService, byObjective, byTenant},
		column{title: "Bad", unit: units.Short, expr: bad},
		column{
			title: "Of all bad", unit: units.PercentUnit, decimals: 1,
			expr: fmt.Sprintf("clamp_max((%[1]s) / on (%[2]s) group_left () ((sum by (%[2]s) (%[3]s) > %[4]s or %[4]s) > 0), 1)",
				bad, sloBy,
				ofSLO(metric.TenantBadIncrease["_period"]), ofSLO(metric.BadIncrease["_period"])),
		},
		column{title: "Bad 1 h", unit: units.Short, expr: ofThem(ofSLO(metric.TenantBadIncrease["1h"]))},
		column{title: "Share bad 1 h", unit: units.PercentUnit, expr: ofThem(ofSLO(metric.TenantError["1h"]))},
		column{
			title: "Budget left", unit: units.PercentUnit, expr: ofThem(ofSLO(metric.TenantBudgetLeft)), colours: budgetSteps(),
			decimals: 1,
		},
		column{
			title: "Measured", unit: units.PercentUnit, expr: ofThem(ofSLO(metric.TenantCoverage)), colours: measuredSteps(),
			decimals: 2,
		},
		emptyAfterColumn(ofSLO(metric.TenantBudgetHours), ofSLO(metric.TenantBudgetLeft), ofThem),
	)
}

// timeObjectives are those that no request belongs to: fresh backups and timely answers.
func timeObjectives(period config.Duration) []panel {
	return []panel{
		bars(words{
			title: "Fresh backups", unit: units.PercentUnit, empty: "no backup judged yet",
			about: fmt.Sprintf("Share of %s for which each backup was as young as its objective requires, of the time for "+
				"which "+
				"its age was known.", period),
		}, inEnvironment(metric.BackupFreshness), "{{backup}}", known(blue)).Decimals(3),
		bars(words{
			title: "Budget left for stale backups", unit: units.PercentUnit, empty: "no backup judged yet",
			about:   "Share of the time that the objective permits a backup to be too old which is left. Negative: overspent.",
			whenRed: "Backups were too old for too long: open Backups and see which runs were missed, and why.",
		}, inEnvironment(metric.BackupFreshnessLeft), "{{backup}}", known(red, from(0, yellow), from(0.25,
			green))).Decimals(1),
		bars(words{
			title: "Answered in time", unit: units.PercentUnit, empty: "nothing to answer",
			about: fmt.Sprintf("Share of %s's incidents that somebody acknowledged before the deadline of their priority, of "+
				"those that had to be.", period),
		}, inEnvironment(metric.ResponseGood), "{{priority}}", known(blue)).Decimals(1),
		bars(words{
			title: "Budget left for late answers", unit: units.PercentUnit, empty: "nothing to answer",
			about:   "Share of the late answers that the objective permits which is left. Negative: overspent.",
			whenRed: "People are paged too often, at bad times, or not at all: see Incidents and on-call.",
		}, inEnvironment(metric.ResponseBudgetLeft), "{{priority}}", known(red, from(0, yellow), from(0.25,
			green))).Decimals(1),
	}
}
