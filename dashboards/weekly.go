package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// weekly compares this week with the last, and says what runs out when.
func weekly(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.WeeklyDashboard, title: "Weekly review", from: "now-14d", refresh: "15m",
		about: "This week against the last, what runs out and on which day, the incidents, and what was noisy.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.CheckExpected), serviceVariable(metric.ServiceExpected),
		},
	}.builder()
	row(b, "This week against the last", weeklyServices(p)...)
	row(b, "Capacity", capacityTable(), databaseCapacity(), peakTable(), growth())
	row(b, "Incidents", weeklyIncidents(), weeklyByPriority(), noisyTable("1w", "a week"))
	return b
}

const lastWeek = " offset 1w"

func weeklyServices(p *config.Policy) []panel {
	mean := func(s, offset string) string { return "avg_over_time(" + s + "[1w]" + offset + ")" }
	change := func(s string) string { return fmt.Sprintf("%s / (%s > 0) - 1", mean(s, ""), mean(s, lastWeek)) }
	p95 := pick(metric.RequestDurationQuantile, `quantile="0.95"`)
	without := func(expr string) string { return "max by (environment, app_service) (" + expr + ")" }
	uptime := "min by (environment, app_service) (avg_over_time(" + pick(metric.Uptime["5m"], ofServices) + "[1w]%s))"
	return []panel{
		figures(words{
			title: "Services", unit: units.Short, empty: "No service has a check or requests yet",
			about: "Uptime, requests and durations of the last seven days beside those of the seven before. Where there is no " +
				"last week yet, its columns are empty.",
			whenRed: "The week's uptime was below the objective: its incidents are below, each with a post-mortem.",
		}, 24, 6, []key{byEnvironment, byService.leading(metric.SLODashboard)},
			column{
				title: "Uptime", unit: units.PercentUnit, expr: fmt.Sprintf(uptime, ""), decimals: 3,
				colours: []dashboard.Threshold{{Color: red}, from(contract(p), green)},
			},
			column{title: "Last week", unit: units.PercentUnit, expr: fmt.Sprintf(uptime, lastWeek), decimals: 3},
			column{title: "Requests", unit: units.RequestsPerSecond, expr: mean(pick(metric.ServiceRate), "")},
			column{
				title: "Change of requests", unit: units.PercentUnit, decimals: 1,
				expr: change(pick(metric.ServiceRate)),
			},
			column{
				title: "p95", unit: units.Seconds, expr: without(mean(p95, "")), colours: atLeast(latency(p).Seconds(), yellow),
			},
			column{
				title: "Change of p95", unit: units.PercentUnit, decimals: 1,
				expr: without(change(p95)), colours: atLeast(0.2, yellow),
			},
			column{
				title: "Least budget left", unit: units.PercentUnit, colours: budgetSteps(), decimals: 1,
				expr: "min by (environment, app_service) (" + pick(metric.SLOBudgetLeft) + ")",
			},
			column{
				title: "Change of budget", unit: units.PercentUnit, decimals: 1,
				expr: fmt.Sprintf("min by (environment, app_service) (%[1]s) - min by (environment, app_service) (%[1]s%[2]s)",
					pick(metric.SLOBudgetLeft), lastWeek),
			},
		),
		lines(words{
			title: "Requests", unit: units.RequestsPerSecond, empty: "no request yet",
			about: "Requests a second; dashed, a week earlier.",
		}, 12, query("A", pick(metric.ServiceRate), "{{app_service}}"),
			query("B", pick(metric.ServiceRate)+lastWeek, "{{app_service}} a week earlier")).Min(0).
			OverrideByQuery("B", objectiveLine),
		limited(lines(words{
			title: "Duration of 95 of 100 requests", unit: units.Seconds, empty: "no request with a duration yet",
			about: "The time within which 95 of 100 requests were answered; dashed, a week earlier. The line is at " +
				config.Duration(latency(p)).String() + ".",
			whenRed: "Answers became slower than promised: see since when, and what was deployed then.",
		}, 12, query("A", p95, "{{app_service}}"), query("B", p95+lastWeek, "{{app_service}} a week earlier")),
			latency(p).Seconds()).Min(0).OverrideByQuery("B", objectiveLine),
	}
}

// capacityTable says on which day a filesystem is full.
func capacityTable() panel {
	slow := inEnvironment(metric.FilesystemFullIn["3d"])
	soonest := fmt.Sprintf("bottomk(%d, %s or %s)", worstTenants, slow, inEnvironment(metric.FilesystemFull))
	return figures(words{
		title: "Filesystems that will be full", unit: units.Short, empty: "Nothing fills",
		about: fmt.Sprintf("The %d filesystems that fill first, by the low water of three days, else by the present "+
			"pace; and "+
			"the day on which each is full.", worstTenants),
		whenRed: "Full within a week: enlarge the disk or delete what can go before the next review.",
	}, 12, 7, []key{byHost.leading(metric.StorageDashboard), byMountpoint},
		column{title: "Full in", unit: units.Seconds, expr: soonest, colours: below(7*86400, red, 30*86400, yellow)},
		column{title: "Full on", unit: units.DatetimeISONotToday, expr: "1000 * (time() + (" + soonest + "))"},
		column{
			title: "Used", unit: units.PercentUnit, decimals: 1,
			expr: fmt.Sprintf("%s and on (environment, host, mountpoint) %s", inEnvironment(metric.FilesystemUsed), soonest),
		},
	)
}

func databaseCapacity() panel {
	used := func(offset string) string {
		return fmt.Sprintf("max by (environment, server) (max_over_time(%s[1w]%s))",
			inEnvironment(metric.PostgresConnections), offset)
	}
	size := fmt.Sprintf("sum by (environment, server) (max by (environment, server, database) (%s%%s))",
		inEnvironment(metric.PostgresDatabaseSize))
	return figures(words{
		title: "Databases that grow", unit: units.Short, empty: "No PostgreSQL server is asked",
		about: "The most connections of each server in the last week beside those of the week before, and how its " +
			"databases " +
			"grew.",
		whenRed: "At its peak the server used nearly all the connections it permits: add a pool or permit more.",
	}, 12, 7, []key{byServer.leading(metric.DatabasesDashboard)},
		column{
			title: "Most connections", unit: units.PercentUnit, colours: above(0.8, yellow, 0.95, red), decimals: whole,
			expr: used("") + " / max by (environment, server) (" + inEnvironment(metric.PostgresMaxConnections) + ")",
		},
		column{title: "Last week", unit: units.Short, expr: used(lastWeek)},
		column{title: "Size", unit: units.BytesIEC, expr: fmt.Sprintf(size, "")},
		column{title: "Grew by", unit: units.BytesIEC, expr: fmt.Sprintf(size, "") + " - " + fmt.Sprintf(size, lastWeek)},
	)
}

// peakTable compares the peaks of two weeks with what a service is built for. The peak is reached when it goes on
// growing as it did from one week to the next.
func peakTable() panel {
	most := "max_over_time(" + pick(metric.ServiceUtilization) + "[1w]%s)"
	now, before := fmt.Sprintf(most, ""), fmt.Sprintf(most, lastWeek)
	return figures(words{
		title: "Peaks of services", unit: units.Short, empty: "No requests yet, or no peak_capacity in the policy",
		about: "The highest rate of the last week against what the service is built for, beside the week before, and the " +
			"day " +
			"on which it is reached if it goes on growing like that.",
		whenRed: "The peak of the week was more than the service is built for: scale it out before the next one.",
	}, 12, 7, []key{byEnvironment, byService.leading(metric.TenantsDashboard)},
		column{title: "Peak", unit: units.PercentUnit, expr: now, colours: above(0.8, yellow, 1, red), decimals: whole},
		column{title: "Last week", unit: units.PercentUnit, expr: before, decimals: whole},
		column{
			title: "100 % on", unit: units.DatetimeISONotToday, empty: "does not grow",
			expr: fmt.Sprintf("1000 * (time() + 604800 * clamp_min(1 - %[1]s, 0) / (%[1]s - %[2]s > 0))", now, before),
		},
	)
}

func growth() panel {
	return manyLines(words{
		title: "Machines at their peak", unit: units.PercentUnit, empty: "no machine has been read for an hour yet",
		about: fmt.Sprintf("CPU used of the %d machines that use most, over two weeks.", topLines),
	}, 12, query("A", fmt.Sprintf("topk(%d, %s)", topLines, inEnvironment(metric.HostCPUUsed)), "{{host}}")).
		Min(0).Max(1).Height(7)
}

func weeklyIncidents() panel {
	by := "environment, priority"
	opened := "round(sum by (" + by + ") (" + inEnvironment(metric.OpenedIncrease) + "%s))"
	return figures(words{
		title: "Incidents of the week", unit: units.Short, empty: notRead,
		about: "By priority: how many began, beside the week before; how fast they were acknowledged and resolved (the " +
			"slowest " +
			"tenth); and the share that was answered late or was over within five minutes.",
		whenRed: "Every P1 has a post-mortem: what, why so late, and what prevents the next.",
	}, 14, 7, []key{byEnvironment, byPriority},
		column{title: "Began", unit: units.Short, expr: fmt.Sprintf(opened, "")},
		column{title: "Last week", unit: units.Short, expr: fmt.Sprintf(opened, lastWeek)},
		column{title: "Acknowledged in", unit: units.Seconds, expr: inEnvironment(metric.AcknowledgeQuantiles["0.9"])},
		column{title: "Resolved in", unit: units.Seconds, expr: inEnvironment(metric.ResolveQuantiles["0.9"])},
		column{
			title: "Late", unit: units.PercentUnit, expr: inEnvironment(metric.ResponseLateRatio), colours: atLeast(0.1, yellow),
		},
		column{
			title: "Brief", unit: units.PercentUnit, expr: inEnvironment(metric.BriefRatio), colours: atLeast(0.3, yellow),
		},
	)
}

func weeklyByPriority() panel {
	return coloured(lines(words{
		title: "Incidents a week by priority", unit: units.Short,
		empty: "no exporter has read incidents for an hour yet",
		about: "How many incidents of each priority began in the seven days before.",
	}, 10, query("A", fmt.Sprintf(`round(sum by (%s) (%s))`, metric.LabelPriority, inEnvironment(metric.OpenedIncrease)),
		"{{priority}}")), priorityColours).Min(0).Height(7)
}
