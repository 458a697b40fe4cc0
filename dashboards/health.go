package dashboards

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// HealthUID is the address of the dashboard to which every alert links.
const HealthUID = "thorbis-health"

// defaultLatency is the line drawn where the policy has no latency objective.
const defaultLatency = 300 * time.Millisecond

var (
	stateColours = map[string]string{
		metric.StateUp: green, metric.StateDown: red, metric.StateUnknown: yellow, metric.StateMaintenance: blue,
	}
	checkColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelAppService: "Service",
		metric.LabelCheck: "Check", metric.LabelTenant: "Tenant",
	}
	checkOrder = []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant}
	checkBy    = strings.Join(checkOrder, ", ")
)

// rows bounds tables, which show one row for each tenant of a check.
const rows = 200

// health shows what is up, what the objective was and what is left of it.
func health(p *config.Policy) *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("Thorbis / Health and SLA").
		Uid(HealthUID).
		Description("What is up now, how much of the availability budget is left, and what broke.").
		Tags([]string{"thorbis", "sla"}).
		Readonly().Timezone("browser").Refresh("1m").Time("now-6h", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(
			labelVariable(metric.LabelEnvironment, "Environment", "Where the things watched run.", metric.CheckExpected.Name)).
		WithVariable(labelVariable(metric.LabelAppService, "Service", "What has objectives and an owner of its own.",
			metric.CheckExpected.Select(pickedEnvironment)))

	b.WithRow(dashboard.NewRowBuilder("Now"))
	for _, state := range metric.HealthStates {
		b.WithPanel(stateCount(state))
	}
	b.WithPanel(tenantsDown()).WithPanel(openOutages()).WithPanel(outagesOverTime())

	b.WithRow(dashboard.NewRowBuilder("Objective")).
		WithPanel(serviceUptime(p)).WithPanel(serviceBudget(p)).WithPanel(coverage(p)).WithPanel(emptyIn()).
		WithPanel(budgetTable(p)).WithPanel(burnRates()).WithPanel(recentUptime())

	b.WithRow(dashboard.NewRowBuilder("Probes")).
		WithPanel(duration(p)).WithPanel(phases()).WithPanel(reasons(metric.HealthCheckProbeFailures, words{
		title: "Failed probes by reason", unit: units.CountsPerSecond,
		description: "Failed probes a second by reason, all locations together. A single failed probe is no outage: " +
			"it is confirmed first.",
	})).WithPanel(reasons(metric.HealthCheckProbeUnknowns, words{
		title: "Probes that could not be judged, by reason", unit: units.CountsPerSecond,
		description: "Neither up nor down: the prober was offline, a cache answered, or the edge put a challenge in front.",
	}))

	return domains(b.WithRow(dashboard.NewRowBuilder("Certificates")).WithPanel(certificates()))
}

func stateCount(state string) *stat.PanelBuilder {
	bad := map[string]string{
		metric.StateUp: green, metric.StateDown: red, metric.StateUnknown: yellow, metric.StateMaintenance: blue,
	}
	about := map[string]string{
		metric.StateUp:          "Checks that are up, each tenant of a check counted.",
		metric.StateDown:        "Checks that two locations, or the only one with an opinion, see down.",
		metric.StateUnknown:     "Checks that no location can judge. Neither up nor down.",
		metric.StateMaintenance: "Checks in a maintenance window; their time counts neither as up nor as down.",
	}
	base := grey
	if state == metric.StateUp {
		base = red
	}
	expr := fmt.Sprintf(`sum(%s) or vector(0)`, pick(metric.CheckState, fmt.Sprintf("%s=%q", metric.LabelState, state)))
	return number(words{strings.ToUpper(state[:1]) + state[1:], about[state], units.Short}, 5, expr, state,
		steps(base, from(1, bad[state])))
}

func tenantsDown() *stat.PanelBuilder {
	return number(words{"Tenants down", "Tenants with a check that is down, over all services picked.", units.Short},
		4, fmt.Sprintf(`sum(%s) or vector(0)`, pick(metric.TenantsDown)), "tenants", steps(green, from(1, red)))
}

func openOutages() panel {
	labels := map[string]string{metric.LabelTier: "Tier", metric.LabelOwner: "Owner", metric.LabelPage: "Page"}
	maps.Copy(labels, checkColumns)
	order := append(checkOrder[:4:4], metric.LabelTier, metric.LabelOwner, metric.LabelPage)
	return figures(words{
		"Open outages", "What is down now, since when, who owns it and at which priority it pages.", units.Short,
	}, 7, labels, order,
		column{"A", "Locations", units.Short, fmt.Sprintf(`topk(%d, %s > 0)`, rows, pick(metric.CheckDownOwned)), nil},
		column{"B", "Since", units.DateTimeFromNow, fmt.Sprintf(`1000 * min by (%s) (%s > 0) and on (%s) %s > 0`,
			checkBy, pick(metric.HealthCheckOutageStart), checkBy, pick(metric.CheckDownOwned)), nil},
	)
}

func outagesOverTime() panel {
	var terms []string
	for i, state := range metric.HealthStates {
		terms = append(terms, fmt.Sprintf(`%d * %s`, i+1,
			pick(metric.CheckState, fmt.Sprintf("%s=%q", metric.LabelState, state), metric.LabelTenant+`=""`)))
	}
	return timeline(words{
		"Outages over time", "The state of each check that is not a tenant's, as the locations together saw it.",
		units.NoUnit,
	}, fmt.Sprintf(`max by (%s) (%s)`, checkBy, strings.Join(terms, " or ")), "{{app_service}} {{check}}",
		metric.HealthStates, stateColours)
}

func serviceUptime(p *config.Policy) *stat.PanelBuilder {
	objective, _ := p.Objectives.Availability.Rat().Float64()
	return number(words{
		"Availability",
		fmt.Sprintf("Uptime over %s of each service's worst check that is not a tenant's. Objective: %s.",
			p.Objectives.Period, p.Objectives.Availability.Percent()),
		units.PercentUnit,
	}, 6, pick(metric.ServiceUptime), "{{app_service}}", steps(red, from(objective, green))).Decimals(3)
}

func serviceBudget(p *config.Policy) *stat.PanelBuilder {
	return number(words{
		"Budget left",
		fmt.Sprintf("Share of the permitted downtime of %s that is left, of each service's worst check. Negative: overspent.",
			p.Objectives.Period),
		units.PercentUnit,
	}, 6, pick(metric.ServiceBudgetLeft), "{{app_service}}", steps(red, from(0, yellow), from(0.25, green))).Decimals(1)
}

func coverage(p *config.Policy) *stat.PanelBuilder {
	return number(words{
		"Coverage",
		fmt.Sprintf("Share of %s in which the worst covered check was judged. Availability says nothing about the rest; "+
			"a check watched for less time than that is not covered yet.", p.Objectives.Period),
		units.PercentUnit,
	}, 6, fmt.Sprintf(`min by (%s) (%s)`, metric.LabelAppService, pick(metric.Coverage)), "{{app_service}}",
		steps(yellow, from(0.99, green))).Decimals(1)
}

// never stands for a budget that nothing burns, in hours: an absent value would be shown in the colour of the
// worst.
const never = 1e6

func emptyIn() *stat.PanelBuilder {
	quiet := dashboard.ValueMapping{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: map[string]dashboard.ValueMappingResult{
			strconv.Itoa(never): {Text: new("nothing burns"), Color: new(green)},
		},
	}}
	return number(words{
		"Budget empty in", "At the pace of the last hour, for the check that gets there first. 0: nothing is left.",
		units.Hours,
	}, 6, fmt.Sprintf(`min by (%[1]s) (%[2]s) or on (%[1]s) 0 * max by (%[1]s) (%[3]s) + %[4]d`, metric.LabelAppService,
		emptyAfter(pick(metric.BudgetHours), pick(metric.BudgetLeft)), pick(metric.ServiceBudgetLeft),
		int(never)), "{{app_service}}",
		steps(red, from(24, yellow), from(168, green))).Decimals(1).Mappings([]dashboard.ValueMapping{quiet})
}

func budgetTable(p *config.Policy) panel {
	return figures(words{
		"Checks by budget left",
		fmt.Sprintf("The %d checks with the least budget left over %s: availability, what may still be down, "+
			"how often and how long it was.", rows, p.Objectives.Period),
		units.Short,
	}, 9, checkColumns, checkOrder,
		column{
			"A", "Budget left", units.PercentUnit, fmt.Sprintf(`bottomk(%d, %s)`, rows, pick(metric.BudgetLeft)),
			[]dashboard.Threshold{{Color: red}, from(0, yellow), from(0.25, green)},
		},
		column{"B", "Availability", units.PercentUnit, ofWorst(metric.Uptime["_period"]), nil},
		column{"C", "May still be down", units.Seconds, ofWorst(metric.BudgetLeftSeconds), nil},
		column{"D", "Coverage", units.PercentUnit, ofWorst(metric.Coverage), nil},
		column{"E", "MTBF", units.Seconds, ofWorst(metric.MTBF), nil},
		column{"F", "MTTR", units.Seconds, ofWorst(metric.MTTR), nil},
		column{"G", "Outages", units.Short, ofWorst(metric.OutagesIncrease["_period"]), nil},
	)
}

// ofWorst restricts a series to the checks that the table shows.
func ofWorst(r *metric.Record) string {
	return fmt.Sprintf(`%s and on (%s) bottomk(%d, %s)`, pick(r), checkBy, rows, pick(metric.BudgetLeft))
}

func burnRates() *timeseries.PanelBuilder {
	var queries []*prometheus.DataqueryBuilder
	for i, window := range []string{"30m", "2h", "6h", "1d", "3d"} {
		queries = append(queries, query(string(rune('A'+i)), fmt.Sprintf(`max(%s)`, pick(metric.UptimeBurn[window])), window))
	}
	return lines(words{
		"Burn rate", "How many times as fast as permitted the budget burns by outages too short to page, " +
			"the worst check over each window. 1 empties it exactly by the end of the period.", units.Short,
	}, 12, queries...)
}

func recentUptime() *timeseries.PanelBuilder {
	return lines(words{
		"Worst uptime", "Uptime over five minutes of the worst check of each service.", units.PercentUnit,
	}, 12, query("A", fmt.Sprintf(`min by (%s) (%s)`, metric.LabelAppService, pick(metric.Uptime["5m"])),
		"{{app_service}}")).Max(1)
}

func duration(p *config.Policy) *timeseries.PanelBuilder {
	threshold := defaultLatency
	if len(p.Objectives.Latency) > 0 {
		threshold = p.Objectives.Latency[0].Threshold.Std()
	}
	var queries []*prometheus.DataqueryBuilder
	classic := metric.Metric{Name: metric.HealthCheckDuration.Name + "_bucket"}
	for i, q := range []string{"50", "95", "99"} {
		// Native histograms where Prometheus stores them, classic buckets where it does not.
		queries = append(queries, query(string(rune('A'+i)), fmt.Sprintf(
			`histogram_quantile(0.%[1]s, sum(rate(%[2]s[$__rate_interval]))) or histogram_quantile(0.%[1]s, `+
				`sum by (le) (rate(%[3]s[$__rate_interval])))`,
			q, pick(metric.HealthCheckDuration), pick(&classic)), "p"+q))
	}
	return lines(words{
		"Probe duration", fmt.Sprintf("Of successful probes, all locations together. The line is at %s.",
			config.Duration(threshold)), units.Seconds,
	}, 12, queries...).
		Thresholds(steps(green, from(threshold.Seconds(), red))).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)).
		Min(0)
}

func phases() *timeseries.PanelBuilder {
	success := fmt.Sprintf("%s=%q", metric.LabelResult, metric.ResultSuccess)
	return lines(words{
		"Mean time by phase",
		"Where successful probes spend their time: name, connection, TLS, the server's thinking, the transfer.",
		units.Seconds,
	}, 12, query("A",
		fmt.Sprintf(`sum by (%s) (rate(%s[$__rate_interval])) / on () group_left () (sum(rate(%s[$__rate_interval])) > 0)`,
			metric.LabelPhase, pick(metric.HealthCheckPhaseSeconds), pick(metric.HealthCheckProbes, success)), "{{phase}}"))
}

func reasons(m *metric.Metric, w words) *timeseries.PanelBuilder {
	return lines(w, 12, query("A", fmt.Sprintf(`sum by (%s, %s) (rate(%s[$__rate_interval])) > 0`,
		metric.LabelAppService, metric.LabelReason, pick(m)), "{{app_service}} {{reason}}")).Min(0)
}

func certificates() panel {
	return figures(words{
		"Certificates by expiry", fmt.Sprintf("The %d certificates that expire first. "+
			"An alert fires when less is left than what it should be renewed by.", rows), units.Short,
	}, 8, checkColumns, checkOrder,
		column{
			"A", "Expires in", units.Seconds,
			fmt.Sprintf(`bottomk(%d, min by (%s) (%s) - time())`, rows, checkBy, pick(metric.HealthCheckCertificateExpiry)),
			[]dashboard.Threshold{{Color: red}, from(3*86400, yellow), from(14*86400, green)},
		},
		column{
			"B", "Renew before", units.Seconds,
			fmt.Sprintf(`max by (%s) (%s)`, checkBy, pick(metric.HealthCheckExpectedCertificateWarning)), nil,
		},
	)
}
