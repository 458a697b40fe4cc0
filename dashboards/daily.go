package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// daily is the checklist of a day: a row for each review, at its hour.
func daily(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.DailyDashboard, title: "Daily review", from: "now-24h", refresh: "5m",
		about: "The reviews of a day, from the top: 08:00 system health, 09:00 performance, 10:00 security, 16:00 " +
			"incidents " +
			"(UTC). Each looks at the last 24 hours.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.CheckExpected), serviceVariable(metric.ServiceExpected),
		},
	}.builder()
	row(b, "08:00 System health", dailyHealth(p)...)
	row(b, "09:00 Performance", dailyPerformance(p)...)
	row(b, "10:00 Security", dailySecurity()...)
	row(b, "16:00 Incidents", dailyIncidents()...)
	return b
}

func dailyHealth(p *config.Policy) []panel {
	objective, _ := p.Objectives.Availability.Rat().Float64()
	return []panel{
		number(words{
			title: "Worst uptime of a day", unit: units.PercentUnit, empty: "first value within two minutes",
			about: "Uptime over a day of the worst check that is not a tenant's, of the time that was judged.",
		}, 5, fmt.Sprintf("min(%s)", pick(metric.Uptime["1d"], ofServices)), "worst", known(yellow, from(objective, green))).
			Decimals(3),
		number(words{
			title: "Tenants that were down", unit: units.NoUnit, empty: "no check of tenants yet",
			about: "Tenants with a check that was down at some time in the last day.",
		}, 5, fmt.Sprintf(`count(group by (environment, tenant) (%s > 0)) or 0 * count(%s)`,
			pick(metric.DownIncrease["1d"], ofTenants), pick(metric.CheckState, ofTenants)), "tenants",
			known(green, from(1, yellow))),
		number(words{
			title: "Checks that cannot be judged", unit: units.Short, empty: "no check yet",
			about: "Checks that are unknown now: an outage of them would not page.",
		}, 5, fmt.Sprintf("sum(%s) or 0 * count(%s)", stateIs(metric.StateUnknown), pick(metric.CheckState)), "unknown",
			known(green, from(1, yellow))),
		number(words{
			title: "Backups without proof", unit: units.Short, empty: noBackup,
			about: "Verifications and restore tests that failed or are overdue.",
		}, 5, fmt.Sprintf("count(%s or %s) or 0 * count(%s)", inEnvironment(metric.BackupTestFailed),
			inEnvironment(metric.BackupTestOverdue), inEnvironment(metric.BackupExpected)), "tests",
			known(green, from(1, yellow))).DataLinks(more(metric.BackupDashboard)),
		number(words{
			title: "Budgets that burn", unit: units.Short, empty: "no event yet",
			about: "Objectives that burn faster than 1 over three days: their budget will not last.",
		}, 4, fmt.Sprintf("count(%[1]s > 1) or 0 * count(%[1]s)", pick(metric.SLOBurn["3d"])), "objectives",
			known(green, from(1, yellow))).DataLinks(more(metric.SLODashboard)),
		stateOverTime(), notUp(),
		figures(words{
			title: "Checks that were down", unit: units.Short, empty: "Nothing was down in a day",
			about: fmt.Sprintf("The %d checks that were down for longest in the last day.", worstTenants),
		}, 24, 6, checkKeys,
			column{
				title: "Was down", unit: units.Seconds,
				expr: fmt.Sprintf("topk(%d, %s > 0)", worstTenants, pick(metric.DownIncrease["1d"])),
			},
			column{
				title: "Uptime", unit: units.PercentUnit, decimals: 3,
				expr: fmt.Sprintf("%s and on (%s) topk(%d, %s > 0)", pick(metric.Uptime["1d"]), checkBy, worstTenants,
					pick(metric.DownIncrease["1d"])),
			},
		),
	}
}

func dailyPerformance(p *config.Policy) []panel {
	p95 := pick(metric.RequestDurationQuantile, `quantile="0.95"`)
	return []panel{
		limited(lines(words{
			title: "Duration of 95 of 100 requests", unit: units.Seconds, empty: "no request with a duration yet",
			about: "The time within which 95 of 100 requests were answered; dashed, a day earlier. The line is at " +
				config.Duration(latency(p)).String() + ".",
			whenRed: "Answers are slower than promised: compare with the day before, then see Tenants.",
		}, 12, query("A", p95, "{{app_service}}"), query("B", p95+" offset 1d", "{{app_service}} a day earlier")),
			latency(p).Seconds()).Min(0).OverrideByQuery("B", objectiveLine),
		lines(words{
			title: "Requests", unit: units.RequestsPerSecond, empty: "no request yet",
			about: "Requests a second; dashed, a day earlier.",
		}, 12, query("A", pick(metric.ServiceRate), "{{app_service}}"),
			query("B", pick(metric.ServiceRate)+" offset 1d", "{{app_service}} a day earlier")).Min(0).
			OverrideByQuery("B", objectiveLine),
		figures(words{
			title: "Services in a day", unit: units.Short, empty: "No service has requests yet",
			about: "Failed and slow requests of a day against what is permitted, and how fast that burnt the " +
				"budget.",
		}, 12, 7, []key{byEnvironment, byService.leading(metric.SLODashboard), byObjective},
			column{title: "Bad", unit: units.PercentUnit, expr: pick(metric.SLOError["1d"]), decimals: 3},
			column{
				title: "Permitted", unit: units.PercentUnit, expr: "max by (" + sloBy + ") (" + pick(metric.SLOBudget) + ")",
			},
			column{
				title: "Burn 1 d", unit: units.Short, expr: pick(metric.SLOBurn["1d"]), colours: atLeast(1, yellow), decimals: 1,
			},
		),
		figures(words{
			title: "Machines in a day", unit: units.Short, empty: "No machine is read yet",
			about: "The most of its CPU, memory and IOPS that each machine used in the last day. One that had nothing left at " +
				"its peak needs more, or less that runs on it; an alert says so where it lasts.",
		}, 12, 7, []key{byHost.leading(metric.ResourcesDashboard)},
			column{
				title: "CPU", unit: units.PercentUnit, colours: atLeast(0.9, yellow), decimals: whole,
				expr: fmt.Sprintf("topk(%d, max by (environment, host) (max_over_time(%s[1d])))", worstTenants,
					inEnvironment(metric.HostCPUUsed)),
			},
			column{
				title: "Memory", unit: units.PercentUnit, colours: atLeast(0.9, yellow), decimals: whole,
				expr: fmt.Sprintf("max by (environment, host) (max_over_time(%s[1d]))", inEnvironment(metric.HostMemoryUsed)),
			},
			column{
				title: "IOPS", unit: units.PercentUnit, colours: atLeast(0.9, yellow), empty: "no limit", decimals: whole,
				expr: fmt.Sprintf("max by (environment, host) (max_over_time(%s[1d]))", inEnvironment(metric.DeviceLimitUsed)),
			},
		),
		figures(words{
			title: "Tenants with the most bad requests of a day", unit: units.Short, empty: "No request has failed or was slow",
			about: fmt.Sprintf("The %d tenants with the most failed or slow requests in the last day.", worstTenants),
		}, 24, 6, []key{byEnvironment, byService, byObjective, byTenant},
			column{
				title: "Bad", unit: units.Short,
				expr: fmt.Sprintf("topk(%d, %s)", worstTenants, pick(metric.TenantBadIncrease["1d"])),
			},
			column{
				title: "Share", unit: units.PercentUnit, decimals: 2,
				expr: fmt.Sprintf("%s and on (%s, tenant) topk(%d, %s)", pick(metric.TenantError["1d"]), sloBy, worstTenants,
					pick(metric.TenantBadIncrease["1d"])),
			},
		),
	}
}

// dailySecurity shows what a security review asks for.
func dailySecurity() []panel {
	return []panel{
		lines(words{
			title: "Requests of unknown hosts", unit: units.PercentUnit, empty: "no request yet",
			about: "Share of requests whose host no tenant owns: scans, or a tenant that the registry misses.",
		}, 8, query("A", "sum by (environment, app_service) ("+pick(metric.UnknownHostShare)+" or 0 * "+
			pick(metric.ServiceRate)+")", "{{app_service}}")).Min(0).
			AxisSoftMax(0.05),
		postsRefused(8, pick),
		coloured(lines(words{
			title: "Client errors", unit: units.RequestsPerSecond, empty: "no request yet",
			about: "Requests a second that were answered with 4xx: a rise may be somebody who guesses names or passwords.",
		}, 8, query("A", fmt.Sprintf(`sum by (code_class) (%s)`, pick(metric.ServiceClassRate,
			metric.LabelCodeClass+`="4xx"`)),
			"{{code_class}}")), codeClassColours).Min(0),
		refusedTenants(12, pick), refused(12, pick), certificates(), domains(), secretTable(),
	}
}

func dailyIncidents() []panel {
	opened := func(matchers ...string) string {
		return fmt.Sprintf("sum by (environment, priority) (max by (environment, priority, shift) (increase(%s[1d])))",
			inEnvironment(metric.IncidentsOpened, matchers...))
	}
	return []panel{
		number(words{
			title: "Incidents of a day", unit: units.Short, empty: notRead,
			about: "Incidents that began in the last day, by priority. Each P1 and P2 is documented within 24 hours.",
		}, 8, "sum by (priority) ("+opened()+")", "{{priority}}", known(blue)).Decimals(0).
			Orientation(common.VizOrientationVertical).
			Text(common.NewVizTextDisplayOptionsBuilder().TitleSize(14).ValueSize(30)),
		notAcknowledged(),
		number(words{
			title: "Answered late in a day", unit: units.Short, empty: notRead,
			about: "Incidents of the last day that no one acknowledged before the deadline of their priority.",
		}, 6, fmt.Sprintf("sum(max by (environment, priority) (increase(%s[1d])))",
			inEnvironment(metric.IncidentResponses, fmt.Sprintf("%s=%q", metric.LabelResult, metric.ResponseLate))), "late",
			known(green, from(0.5, yellow))).Decimals(0),
		number(words{
			title: "Over by themselves", unit: units.Short, empty: notRead,
			about: "Incidents of the last day that resolved before anybody had to answer.",
		}, 6, fmt.Sprintf("sum(max by (environment, priority) (increase(%s[1d])))",
			inEnvironment(metric.IncidentResponses, fmt.Sprintf("%s=%q", metric.LabelResult, metric.ResponseResolved))),
			"resolved",
			known(green, from(3, yellow))).Decimals(0),
		incidentTable(), noisyTable("1d", "a day"),
	}
}

// noisyTable lists the alerts that fired for longest in a window.
func noisyTable(window, name string) panel {
	by := "environment, alertname, priority, app_service"
	fired := fmt.Sprintf("topk(%d, 60 * count_over_time((group by (%s) (%s))[%s:1m]))", worstTenants, by,
		alerts(priorities("P.+")), window)
	return figures(words{
		title: "What was noisy", unit: units.Short, empty: "No alert fired in " + name,
		about: fmt.Sprintf("The %d alerts that fired for longest in %s, and how often they began. What fires long or often "+
			"without anybody doing anything needs a better threshold or a repair.", worstTenants, name),
		whenRed: "It paged at P1: whatever fires here often or briefly wakes people for nothing.",
	}, 24, 7, []key{
		byEnvironment,
		{label: metric.LabelAlertname, title: "Alert"},
		byPriority,
		byService,
	},
		column{title: "Fired for", unit: units.Seconds, expr: fired},
		column{
			title: "Began", unit: units.Short,
			expr: fmt.Sprintf("1 + max by (%[1]s) (changes(%[2]s[%[3]s])) and on (%[1]s) %[4]s", by,
				alertSeries("ALERTS_FOR_STATE", priorities("P.+")), window, fired),
		},
	)
}
