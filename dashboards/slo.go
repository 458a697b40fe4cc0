package dashboards

import (
	"fmt"
	"maps"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const pickedSLO = metric.LabelSLO + `=~"$slo"`

var (
	sloColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelAppService: "Service", metric.LabelSLO: "Objective",
	}
	sloOrder = []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO}
	sloBy    = strings.Join(sloOrder, ", ")
)

const sloLegend = "{{app_service}} {{slo}}"

// objectives shows the objectives on events, what is left of it and who spends it.
func objectives(p *config.Policy) *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("Thorbis / Objectives").
		Uid(metric.SLODashboard).
		Description("How much of each objective's budget is left, how fast it burns, and by whom.").
		Tags([]string{"thorbis", "slo"}).
		Readonly().Timezone("browser").Refresh("1m").Time("now-6h", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(labelVariable(metric.LabelEnvironment, "Environment", "Where the services run.", metric.SLOBudget.Name)).
		WithVariable(labelVariable(metric.LabelAppService, "Service", "What has objectives and an owner of its own.",
			metric.SLOBudget.Select(pickedEnvironment))).
		WithVariable(labelVariable(metric.LabelSLO, "Objective", "The objective of the service.",
			metric.SLOBudget.Select(pickedEnvironment, pickedService)))

	period := p.Objectives.Period
	b.WithRow(dashboard.NewRowBuilder("Objectives on events")).
		WithPanel(bars(words{
			"Good events", fmt.Sprintf("Share of good events over %s, late ones included.", period), units.PercentUnit,
		}, pick(metric.SLOGood, pickedSLO), sloLegend, steps(blue)).Decimals(3)).
		WithPanel(bars(words{
			"Budget left by objective",
			fmt.Sprintf("Share of the bad events that %s permits which is left. Negative: overspent.", period),
			units.PercentUnit,
		}, pick(metric.SLOBudgetLeft, pickedSLO), sloLegend, steps(red, from(0, yellow), from(0.25, green))).Decimals(1)).
		WithPanel(bars(words{
			"Budget empty after", "At the pace of the last hour. 0: nothing is left.", units.Hours,
		}, emptyAfter(pick(metric.SLOBudgetHours, pickedSLO), pick(metric.SLOBudgetLeft, pickedSLO)), sloLegend,
			steps(green, from(0, red), from(24, yellow), from(168, green))).Decimals(1).NoValue("nothing burns")).
		WithPanel(bars(words{
			"Measured", fmt.Sprintf("Share of %s in which events were counted at all.", period), units.PercentUnit,
		}, pick(metric.SLOCoverage, pickedSLO), sloLegend, steps(yellow, from(0.99, green))).Decimals(1)).
		WithPanel(objectiveTable(period)).
		WithPanel(tierTable(period))

	b.WithRow(dashboard.NewRowBuilder("Objectives on time")).
		WithPanel(bars(words{
			"Fresh backups", fmt.Sprintf("Share of %s for which each backup was as young as its objective requires, "+
				"of the time for which its age was known.", period), units.PercentUnit,
		}, inEnvironment(metric.BackupFreshness), "{{backup}}", steps(blue)).Decimals(3)).
		WithPanel(bars(words{
			"Budget left for stale backups",
			"Share of the time that the objective permits a backup to be too old which is left. Negative: overspent.",
			units.PercentUnit,
		}, inEnvironment(metric.BackupFreshnessLeft), "{{backup}}", steps(red, from(0, yellow), from(0.25, green))).
			Decimals(1)).
		WithPanel(bars(words{
			"Answered in time", fmt.Sprintf("Share of %s's incidents that somebody acknowledged before the deadline of their "+
				"priority, of those that had to be.", period), units.PercentUnit,
		}, inEnvironment(metric.ResponseGood), "{{priority}}", steps(blue)).Decimals(1).NoValue("nothing to answer")).
		WithPanel(bars(words{
			"Budget left for late answers",
			"Share of the late answers that the objective permits which is left. Negative: overspent.", units.PercentUnit,
		}, inEnvironment(metric.ResponseBudgetLeft), "{{priority}}", budgetLeft()).Decimals(1).NoValue("nothing to answer"))

	b.WithRow(dashboard.NewRowBuilder("Burn")).
		WithPanel(sloBurnRates()).
		WithPanel(lines(words{
			"Bad events", "Share of bad events over five minutes.", units.PercentUnit,
		}, 12, query("A", pick(metric.SLOError["5m"], pickedSLO), sloLegend)).Min(0)).
		WithPanel(lines(words{
			"Events", "Events a second, good and bad.", units.CountsPerSecond,
		}, 12, query("A", fmt.Sprintf("%s / 300", pick(metric.EventsIncrease["5m"], pickedSLO)), sloLegend)).Min(0)).
		WithPanel(lines(words{
			"Bad events of tiers", "Share of bad requests over an hour of the tenants of each tier together.", units.PercentUnit,
		}, 12, query("A", pick(metric.TierError["1h"], pickedSLO), sloLegend+" {{tier}}")).Min(0))

	return b.WithRow(dashboard.NewRowBuilder("Who burns")).
		WithPanel(lines(words{
			"Tenants that burn", "Tenants that burn budget at any pace. From fifty on, one alert replaces theirs.", units.Short,
		}, 24, query("A", "sum by ("+sloBy+") ("+pick(metric.TenantsBurning, pickedSLO)+") or 0 * "+
			pick(metric.EventsIncrease["5m"], pickedSLO), sloLegend)).Min(0)).
		WithPanel(burningTenants())
}

// bars are figures under each other, one for each series, a quarter of the width.
func bars(w words, expr, legend string, t *dashboard.ThresholdsConfigBuilder) *stat.PanelBuilder {
	return number(w, 6, expr, legend, t).Height(6).Orientation(common.VizOrientationHorizontal)
}

func objectiveTable(period config.Duration) panel {
	of := func(r *metric.Record) string { return pick(r, pickedSLO) }
	return figures(words{
		"Objectives", fmt.Sprintf("The objective, what happened over %s, and how fast the budget burns now.", period),
		units.Short,
	}, 8, sloColumns, sloOrder,
		column{
			"A", "Budget left", units.PercentUnit, of(metric.SLOBudgetLeft),
			[]dashboard.Threshold{{Color: red}, from(0, yellow), from(0.25, green)},
		},
		column{"B", "Permitted", units.PercentUnit, "max by (" + sloBy + ") (" + of(metric.SLOBudget) + ")", nil},
		column{"C", "Bad", units.PercentUnit, of(metric.SLOError["_period"]), nil},
		column{"D", "May still be bad", units.Short, of(metric.SLOBudgetLeftEvents), nil},
		column{
			"E", "Burn 1 h", units.Short, of(metric.SLOBurn["1h"]),
			[]dashboard.Threshold{{Color: green}, from(1, yellow), from(14.4, red)},
		},
		column{
			"F", "Burn 3 d", units.Short, of(metric.SLOBurn["3d"]), []dashboard.Threshold{{Color: green}, from(1, yellow)},
		},
	)
}

func sloBurnRates() panel {
	var queries []*prometheus.DataqueryBuilder
	for i, window := range []string{"5m", "1h", "6h", "1d", "3d"} {
		queries = append(queries,
			query(string(rune('A'+i)), fmt.Sprintf(`max(%s)`, pick(metric.SLOBurn[window], pickedSLO)), window))
	}
	return lines(words{
		"Burn rate", "How many times as fast as permitted the worst objective burns, its worst tenant left out unless that " +
			"carries half of the traffic. 1 empties the budget exactly by the end of the period.", units.Short,
	}, 12, queries...).Min(0)
}

func burningTenants() panel {
	labels := map[string]string{metric.LabelTenant: "Tenant"}
	maps.Copy(labels, sloColumns)
	order := append(sloOrder[:3:3], metric.LabelTenant)
	by := strings.Join(order, ", ")
	bad := fmt.Sprintf("topk(%d, %s)", rows, pick(metric.TenantBadIncrease["1h"], pickedSLO))
	ofThem := func(expr string) string { return expr + " and on (" + by + ") " + bad }
	return figures(words{
		"Tenants with bad events", fmt.Sprintf("The %d tenants with the most bad requests in the last hour.", rows),
		units.Short,
	}, 10, labels, order,
		column{"A", "Bad 1 h", units.Short, bad, nil},
		column{"B", "Share", units.PercentUnit, ofThem(pick(metric.TenantError["1h"], pickedSLO)), nil},
		column{
			"C", "Budget left", units.PercentUnit, ofThem(pick(metric.TenantBudgetLeft, pickedSLO)),
			[]dashboard.Threshold{{Color: red}, from(0, yellow), from(0.25, green)},
		},
		column{
			"D", "Measured", units.PercentUnit, ofThem(pick(metric.TenantCoverage, pickedSLO)),
			[]dashboard.Threshold{{Color: yellow}, from(0.99, green)},
		},
		column{
			"E", "Empty after", units.Hours,
			ofThem("(" + emptyAfter(pick(metric.TenantBudgetHours, pickedSLO), pick(metric.TenantBudgetLeft, pickedSLO)) + ")"),
			[]dashboard.Threshold{{Color: red}, from(24, yellow), from(168, green)},
		},
	)
}

func tierTable(period config.Duration) panel {
	labels := map[string]string{metric.LabelTier: "Tier"}
	maps.Copy(labels, sloColumns)
	of := func(r *metric.Record) string { return pick(r, pickedSLO) }
	return figures(words{
		"Tiers", fmt.Sprintf("What is left of the budget of each tier's tenants together over %s, "+
			"and how fast they burn it. A tier without bad requests has all of it.", period), units.Short,
	}, 8, labels, append(sloOrder[:3:3], metric.LabelTier),
		column{
			"A", "Budget left", units.PercentUnit, of(metric.TierBudgetLeft),
			[]dashboard.Threshold{{Color: red}, from(0, yellow), from(0.25, green)},
		},
		column{
			"B", "Measured", units.PercentUnit, of(metric.TierCoverage),
			[]dashboard.Threshold{{Color: yellow}, from(0.99, green)},
		},
		column{
			"C", "Burn 1 h", units.Short, of(metric.TierBurn["1h"]),
			[]dashboard.Threshold{{Color: green}, from(1, yellow), from(14.4, red)},
		},
		column{
			"D", "Burn 1 d", units.Short, of(metric.TierBurn["1d"]), []dashboard.Threshold{{Color: green}, from(1, yellow)},
		},
		column{
			"E", "Empty after", units.Hours, emptyAfter(of(metric.TierBudgetHours), of(metric.TierBudgetLeft)),
			[]dashboard.Threshold{{Color: red}, from(24, yellow), from(168, green)},
		},
	)
}
