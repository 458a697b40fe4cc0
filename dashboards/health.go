package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const checkBy = "environment, app_service, check, tenant"

var checkKeys = []key{byEnvironment, byService, byCheck, byTenant}

// health shows what is up, what the objective was and what is left of it.
func health(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.HealthDashboard, title: "Health and SLA",
		about: "What is up now, how much of the availability budget is left, and what broke.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.CheckExpected), serviceVariable(metric.CheckExpected),
		},
	}.builder()
	b.WithRow(dashboard.NewRowBuilder("Now"))
	for _, state := range metric.HealthStates {
		b.WithPanel(stateCount(state))
	}
	place(b, number(words{
		title: "Tenants down", unit: units.NoUnit, empty: "no check yet",
		about:   "Tenants with a check that is down, over all services picked. The list below names them.",
		whenRed: "Open a tenant from the list. Many at once share a cause: look at the service's own checks first.",
	}, 4, tenantsDown(), "tenants", known(green, from(1, red))), openOutages(), stateOverTime(), notUp())
	row(b, "Objective", serviceUptime(p), serviceBudget(p), measured(p), emptyIn(), slaTable(p), budgetTable(p),
		burnRates(),
		recentUptime())
	row(b, "Probes", duration(p), phases(), reasons(metric.HealthCheckProbeFailures, words{
		title: "Failed probes by reason", unit: units.CountsPerSecond, empty: "no probe failed",
		about: "Failed probes a second by reason, all locations together. A single failed probe is no outage: it is " +
			"confirmed " +
			"first.",
	}), reasons(metric.HealthCheckProbeUnknowns, words{
		title: "Probes that could not be judged, by reason", unit: units.CountsPerSecond, empty: "every probe was judged",
		about: "Neither up nor down: the prober was offline, a cache answered, or the edge put a challenge in front.",
	}))
	row(b, "Certificates and domains", certificates(), domains())
	return b
}

func stateCount(state string) panel {
	about := map[string]string{
		metric.StateUp:          "Checks that are up, each tenant of a check counted.",
		metric.StateDown:        "Checks that some location sees down now, each tenant of a check counted.",
		metric.StateUnknown:     "Checks that no location can judge. Neither up nor down.",
		metric.StateMaintenance: "Checks in a maintenance window; their time counts neither as up nor as down.",
	}
	w := words{
		title: strings.ToUpper(state[:1]) + state[1:], about: about[state], unit: units.NoUnit, empty: "no check yet",
	}
	none := grey
	if state == metric.StateDown || state == metric.StateUnknown {
		none = green
	}
	t := known(none, from(1, stateColours[state]))
	if state == metric.StateDown {
		w.whenRed = "Users cannot use what is listed below. It pages after 30 s at two locations, or at the only one."
	}
	return number(w, 5, fmt.Sprintf(`sum(%s) or 0 * count(%s)`, stateIs(state), pick(metric.CheckState)), state, t)
}

// withOwner adds who owns a check and at which priority it pages.
func withOwner(expr string) string {
	return fmt.Sprintf(`(%[1]s) * on (%[2]s) group_left (tier, owner, page) (%[3]s > bool 0)`, expr, checkBy,
		pick(metric.CheckExpected))
}

func openOutages() panel {
	down := "max by (" + checkBy + ") (" + stateIs(metric.StateDown) + ")"
	paging := func(urgency int, page string) string {
		return fmt.Sprintf("%d * (%s and on (%s) %s)", urgency, down, checkBy,
			pick(metric.CheckExpected, metric.LabelPage+`="`+page+`"`))
	}
	// The most urgent, in each column the same.
	listed := fmt.Sprintf("topk(%d, %s or %s or %s or %s)", rows, paging(4, "P1"), paging(3, "P2"), paging(2, "P3"), down)
	return figures(words{
		title: "Open outages", unit: units.Short, empty: "Nothing is down",
		about: fmt.Sprintf("What is down now (at most %d), since when, who owns it, at which priority it pages, and how "+
			"many "+
			"locations hold it for an outage; none yet within its first 30 s.", rows),
		whenRed: "Follow the runbook of the page. Reason: the panels under Probes say why probes fail.",
	}, 24, 7, append(checkKeys[:4:4], byTier, byOwner, byPage),
		column{
			title: "Since", unit: units.DateTimeFromNow, empty: "a moment ago",
			expr: fmt.Sprintf(`1000 * min by (%[1]s) (%[2]s > 0) and on (%[1]s) %[3]s`, checkBy,
				pick(metric.HealthCheckOutageStart), listed),
		},
		column{
			title: "State", unit: units.NoUnit, texts: texts(text{1, metric.StateDown, red}), empty: "-", width: 80,
			expr: withOwner(listed + " > bool 0"),
		},
		column{title: "Locations", unit: units.Short, expr: pick(metric.CheckDown) + " and on (" + checkBy + ") " + listed},
	).SortBy([]cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName("Priority"),
	})
}

func stateOverTime() panel {
	var terms []string
	for i, state := range metric.HealthStates {
		terms = append(terms, fmt.Sprintf(`%d * %s`, i+1, stateIs(state, ofServices)))
	}
	return timeline(words{
		title: "Outages over time", empty: "no check yet",
		about:   "The state of each check that is not a tenant's, as the locations together saw it.",
		whenRed: "It was down at that time. Deployments, reloads and maintenance are marked by the annotations.",
	}, fmt.Sprintf(`max by (%s) (%s)`, checkBy, strings.Join(terms, " or ")), "{{app_service}} {{check}}",
		metric.HealthStates, stateColours).Span(14)
}

func notUp() panel {
	return lines(words{
		title: "Tenants not up", unit: units.Short, empty: "no check of tenants yet",
		about: "Tenants with a check that is down or that cannot be judged, by service.",
	}, 10, query("A", pick(metric.TenantsInState, metric.LabelState+`=~"down|unknown"`),
		"{{app_service}} {{state}}")).Min(0).AxisSoftMax(5).
		OverrideByRegexp(".* down", []dashboard.DynamicConfigValue{fixedColour(red)}).
		OverrideByRegexp(".* unknown", []dashboard.DynamicConfigValue{fixedColour(yellow)})
}

func serviceUptime(p *config.Policy) panel {
	objective, _ := p.Objectives.Availability.Rat().Float64()
	return bars(words{
		title: "Availability", unit: units.PercentUnit, empty: "first value within two minutes",
		about: fmt.Sprintf("Uptime over %s of each service's worst check that is not a tenant's. Objective: %s.",
			p.Objectives.Period, p.Objectives.Availability.Percent()),
		whenRed: "The objective is missed: no risky change until the budget has grown back.",
	}, pick(metric.ServiceUptime), "{{app_service}}", known(red, from(objective, green))).Decimals(3)
}

func serviceBudget(p *config.Policy) panel {
	return bars(words{
		title: "Budget left", unit: units.PercentUnit, empty: "first value within two minutes",
		about: fmt.Sprintf("Share of the permitted downtime of %s that is left, of each service's worst check. Negative: "+
			"overspent.", p.Objectives.Period),
		whenRed: "The permitted downtime is spent: stop what is risky, and see below which check spent it.",
	}, pick(metric.ServiceBudgetLeft), "{{app_service}}", known(red, from(0, yellow), from(0.25, green))).Decimals(1)
}

func measured(p *config.Policy) panel {
	return bars(words{
		title: "Measured", unit: units.Seconds, empty: "since less than two minutes",
		about: fmt.Sprintf("For how long of the last %s the least watched check of each service was judged. Availability "+
			"says nothing about the rest.", p.Objectives.Period),
	}, fmt.Sprintf(`min by (%s) (%s)`, metric.LabelAppService, pick(metric.ObservedIncrease["_period"], ofServices)),
		"{{app_service}} of "+p.Objectives.Period.String(), known(blue))
}

func emptyIn() panel {
	return bars(words{
		title: "Budget empty in", unit: units.Hours, empty: "first value within two minutes",
		about: "At the pace of the last hour, for the check of each service that gets there first and is not a tenant's. " +
			"0: nothing is left.",
		whenRed: "Less than a day is left at this pace: what flaps must be stopped today.",
	}, fmt.Sprintf(`min by (%[1]s) (%[2]s) or on (%[1]s) 0 * max by (%[1]s) (%[3]s) + %[4]d`, metric.LabelAppService,
		emptyAfter(pick(metric.BudgetHours, ofServices), pick(metric.BudgetLeft, ofServices)), pick(metric.ServiceBudgetLeft),
		never), "{{app_service}}", known(red, from(24, yellow), from(168, green))).Decimals(1).
		Mappings(texts(text{never, "nothing burns", green}))
}

// slaTable is the contract of this calendar month.
func slaTable(p *config.Policy) panel {
	return figures(words{
		title: "Contract of this month", unit: units.Short, empty: "First value within two minutes",
		about: fmt.Sprintf("Uptime of each service in this calendar month (UTC), of the time that was judged, against "+
			"%.5g %%, and what may still be down until the month ends.", 100*contract(p)),
		whenRed: "The contract is broken: inform those who speak with customers, and deploy nothing but repairs.",
	}, 24, 5, []key{byEnvironment, byService.leading(metric.SLODashboard)},
		column{title: "Up", unit: units.PercentUnit, expr: pick(metric.SLAUptime), decimals: 4},
		column{title: "Was down", unit: units.Seconds, expr: pick(metric.SLADown)},
		column{title: "May still be down", unit: units.Seconds, expr: slaLeft(), colours: below(0, red, 60, yellow)},
	)
}

func budgetTable(p *config.Policy) panel {
	ofWorst := func(r *metric.Record) string {
		return fmt.Sprintf(`%s and on (%s) bottomk(%d, %s)`, pick(r), checkBy, rows, pick(metric.BudgetLeft))
	}
	return figures(words{
		title: "Checks by budget left", unit: units.Short, empty: "First value within two minutes",
		about: fmt.Sprintf("The %d checks with the least budget left over %s: availability, what may still be down, of how "+
			"much time, how often and how long it was.", rows, p.Objectives.Period),
		whenRed: "The check has been down for longer than permitted: see when and for how long, and what it had in common.",
	}, 24, 9, checkKeys,
		column{
			title: "Budget left", unit: units.PercentUnit, colours: budgetSteps(), decimals: 1,
			expr: fmt.Sprintf(`bottomk(%d, %s)`, rows, pick(metric.BudgetLeft)),
		},
		column{title: "Availability", unit: units.PercentUnit, expr: ofWorst(metric.Uptime["_period"]), decimals: 3},
		column{title: "May still be down", unit: units.Seconds, expr: ofWorst(metric.BudgetLeftSeconds)},
		column{title: "Measured", unit: units.Seconds, expr: ofWorst(metric.ObservedIncrease["_period"])},
		column{title: "MTBF", unit: units.Seconds, expr: ofWorst(metric.MTBF), empty: "no outage"},
		column{title: "MTTR", unit: units.Seconds, expr: ofWorst(metric.MTTR), empty: "no outage"},
		column{title: "Outages", unit: units.Short, expr: ofWorst(metric.OutagesIncrease["_period"])},
	)
}

func burnRates() panel {
	var queries []*prometheus.DataqueryBuilder
	for i, window := range []string{"30m", "2h", "6h", "1d", "3d"} {
		queries = append(queries, query(letter(i), fmt.Sprintf(`max(%s)`, pick(metric.UptimeBurn[window], ofServices)),
			window))
	}
	return lines(words{
		title: "Burn rate", unit: units.Short, empty: "first value within two minutes",
		about: "How many times as fast as permitted the budget burns by outages too short to page, the worst check " +
			"that is not a tenant's over each window. 1 empties it exactly by the end of the period.",
	}, 12, queries...).Min(0).AxisSoftMax(1)
}

func recentUptime() panel {
	return lines(words{
		title: "Worst uptime", unit: units.PercentUnit, empty: "first value within two minutes",
		about: "Uptime over five minutes of each service's worst check that is not a tenant's.",
	}, 12, query("A", fmt.Sprintf(`min by (%s) (%s)`, metric.LabelAppService, pick(metric.Uptime["5m"], ofServices)),
		"{{app_service}}")).Min(0).Max(1)
}

func duration(p *config.Policy) panel {
	threshold := latency(p)
	return coloured(limited(lines(words{
		title: "Probe duration", unit: units.Seconds, empty: "no probe has succeeded yet",
		about:   fmt.Sprintf("Of successful probes, all locations together. The line is at %s.", config.Duration(threshold)),
		whenRed: "Probes are slow: Mean time by phase says whether it is the name, the connection or the server's thinking.",
	}, 12, threeQuantiles(pick, metric.HealthCheckDuration)...), threshold.Seconds()), quantileColours).Min(0)
}

func phases() panel {
	classic := metric.Metric{Name: metric.HealthCheckDuration.Name + "_bucket"}
	probes := fmt.Sprintf(`(histogram_count(sum(rate(%s[$__rate_interval]))) or sum(rate(%s[$__rate_interval])) > 0)`,
		pick(metric.HealthCheckDuration), pick(&classic, `le="+Inf"`))
	return lines(words{
		title: "Mean time by phase", unit: units.Seconds, empty: "no probe has succeeded yet",
		about: "Where successful probes spend their time: name, connection, TLS, the server's thinking, the transfer.",
	}, 12, query("A", fmt.Sprintf(`sum by (%s) (rate(%s[$__rate_interval])) / on () group_left () %s`, metric.LabelPhase,
		pick(metric.HealthCheckPhaseSeconds), probes), "{{phase}}")).
		Min(0).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).FillOpacity(40)
}

func reasons(m *metric.Metric, w words) panel {
	return lines(w, 12, query("A", fmt.Sprintf(`sum by (%s, %s) (rate(%s[$__rate_interval])) > 0`,
		metric.LabelAppService, metric.LabelReason, pick(m)), "{{app_service}} {{reason}}")).Min(0)
}
