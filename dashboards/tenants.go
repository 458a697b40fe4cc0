package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// topTenants bounds the table of tenants.
const topTenants = 50

const (
	tenantBy = "environment, app_service, tenant"
	sourceBy = "environment, app_service, source"
)

// tenants shows the traffic of all tenants, who sends it, and what counts it.
func tenants(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.TenantsDashboard, title: "Tenants",
		about: "Throughput, errors and durations of each service, who causes them, and whether they are counted well.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.TenantSourceInfo),
			serviceVariable(metric.TenantSourceInfo),
		},
	}.builder()
	row(b, "Now",
		number(words{
			title: "Throughput", unit: units.RequestsPerSecond, empty: "no request yet",
			about: "Requests a second over five minutes.",
		}, 4, pick(metric.ServiceRate), "{{app_service}}", known(blue)),
		number(words{
			title: "Of the expected peak", unit: units.PercentUnit, empty: "no requests yet, or no peak in the policy",
			about:   "Requests a second over what the policy says the service is built for.",
			whenRed: "The service carries more than it was built for: scale it out, or find who sends it under Busiest tenants.",
		}, 4, pick(metric.ServiceUtilization), "{{app_service}}", known(green, from(0.8, yellow), from(1, red))).Decimals(0),
		number(words{
			title: "Active tenants", unit: units.NoUnit, empty: "no request yet",
			about: "Tenants with a request in the last five minutes.",
		}, 4, pick(metric.ServiceActive), "{{app_service}}", known(blue)),
		number(words{
			title: "Tenants down", unit: units.NoUnit, empty: "no check of tenants yet",
			about:   "Tenants with a check that is down, over all services picked.",
			whenRed: "The dashboard Health lists them under Open outages.",
		}, 4, tenantsDown(), "tenants", known(green, from(1, red))).DataLinks(more(metric.HealthDashboard)),
		number(words{
			title: "Silent tenants", unit: units.NoUnit, empty: "no request yet",
			about: "Tenants that sent requests at this hour in each of the last four weeks and none in the last one.",
		}, 4, fmt.Sprintf("count(%s) or 0 * count(%s)", pick(metric.TenantSilent), pick(metric.ServiceRate)), "tenants",
			known(green, from(1, yellow))),
		number(words{
			title: "Unknown hosts", unit: units.PercentUnit, empty: "no request yet",
			about: "Share of requests whose host no tenant owns.",
			whenRed: "The registry misses tenants or a domain, or somebody scans: their requests are in no tenant's " +
				"objective. " +
				"Read the log for the hosts.",
		}, 4, pick(metric.UnknownHostShare)+" or 0 * "+pick(metric.ServiceRate), "{{app_service}}",
			known(green, from(0.05, yellow), from(0.5, red))).Decimals(1),
	)
	row(b, "Services",
		coloured(lines(words{
			title: "Requests by class", unit: units.RequestsPerSecond, empty: "no request yet",
			about: "Requests a second by class of their status, over all services picked.",
		}, 12, query("A", fmt.Sprintf("sum by (%s) (%s) > 0", metric.LabelCodeClass, pick(metric.ServiceClassRate)),
			"{{code_class}}")), codeClassColours).Min(0),
		lines(words{
			title: "Errors and slow answers", unit: units.PercentUnit, empty: "no minutes of requests are measured yet",
			about: "Share of requests that failed, and of those slower than each threshold of the policy.",
		}, 12, query("A", pick(metric.SLOError["5m"], metric.LabelSLO+`=~"`+metric.SLOAvailability+`|`+
			metric.SLOLatencyPrefix+`.*"`), sloLegend)).Min(0).AxisSoftMax(0.01),
		limited(lines(words{
			title: "Duration", unit: units.Seconds, empty: "no request with a duration yet",
			about: "The time within which half, 95 and 99 of 100 requests were answered. The line is at " +
				config.Duration(latency(p)).String() + ".",
			whenRed: "Answers are slower than promised: Slowest tenants says whether all of them or a few.",
		}, 12, recordedQuantiles(pick)...),
			latency(p).Seconds()).Min(0),
		lines(words{
			title: "Throughput over time", unit: units.RequestsPerSecond, empty: "no request yet",
			about: "Requests a second of each service, and the peak it is built for.",
		}, 12, query("A", pick(metric.ServiceRate), "{{app_service}}")).Min(0),
	)
	row(b, "Who", tenantTable(), worstTable(),
		manyLines(words{
			title: "Share of the traffic", unit: units.PercentUnit, empty: "no tenant sends a twentieth yet",
			about: "Share of their service's requests, of the tenants that send a twentieth or more.",
		}, 12, query("A", pick(metric.TenantShare), "{{app_service}} {{tenant}}")).Min(0).Max(1),
		manyLines(words{
			title: "Failed requests by tenant", unit: units.Short, empty: "no request yet",
			about: fmt.Sprintf("Failed requests in five minutes of the %d tenants that had most.", topLines),
		}, 12, query("A", fmt.Sprintf("topk(%d, max by (%s) (%s)) or 0 * topk(1, %s)", topLines, tenantBy,
			pick(metric.TenantBadIncrease["5m"], availability), pick(metric.TenantRate)), "{{tenant}}")).Min(0),
	)
	row(b, "Sources", sourceTable(),
		manyLines(words{
			title: "Records read", unit: units.CountsPerSecond, empty: "no source is read yet",
			about: "Lines or records a second of each source.",
		}, 12, query("A", fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", sourceBy, pick(metric.TenantSourceLines)),
			"{{app_service}} {{source}}")).Min(0),
		manyLines(words{
			title: "Records refused", unit: units.CountsPerSecond, empty: "no source is read yet",
			about: "Records a second that could not be read, by reason.",
		}, 12, query("A", fmt.Sprintf("sum by (%s, %s) (rate(%s[$__rate_interval]))", metric.LabelSource,
			metric.LabelReason, pick(metric.TenantSourceRejects)), "{{source}} {{reason}}")).Min(0),
	)
	return b
}

func tenantTable() panel {
	top := fmt.Sprintf("topk(%d, %s)", topTenants, pick(metric.TenantRate))
	ofThem := func(expr string) string { return expr + " and on (" + tenantBy + ") " + top }
	without := func(expr string) string { return "sum by (" + tenantBy + ") (" + expr + ")" }
	return figures(words{
		title: "Busiest tenants", unit: units.Short, empty: "No tenant has sent requests yet",
		about: fmt.Sprintf("The %d tenants with the most requests. A tenant's name leads to its own dashboard.", topTenants),
		whenRed: "Its requests fail or its budget is spent: open the tenant. A large share beside a slow service is a " +
			"noisy " +
			"neighbour.",
	}, 14, 10, []key{byEnvironment, byService, byTenant},
		column{title: "Requests", unit: units.RequestsPerSecond, expr: top},
		column{
			title: "Share", unit: units.PercentUnit, expr: ofThem(pick(metric.TenantShare)), decimals: 1, empty: "under 5%",
		},
		column{
			title: "Errors 5 min", unit: units.Short, colours: atLeast(10, yellow), empty: "0",
			expr: ofThem(without(pick(metric.TenantBadIncrease["5m"], availability))),
		},
		column{
			title: "Errors 1 d", unit: units.Short, empty: "0",
			expr: ofThem(without(atLeastLately(pick(metric.TenantBadIncrease["1d"], availability),
				pick(metric.TenantBadIncrease["5m"], availability)))),
		},
		column{
			title: "Budget left", unit: units.PercentUnit, colours: budgetSteps(), empty: "all", decimals: 1,
			expr: ofThem(without(pick(metric.TenantBudgetLeft, availability))),
		},
	)
}

// worstTable are the tenants whose requests fail or are slow now.
func worstTable() panel {
	bad := fmt.Sprintf("topk(%d, max by (%s, slo) (%s))", topTenants, tenantBy, pick(metric.TenantBadIncrease["5m"]))
	return figures(words{
		title: "Slowest and failing tenants", unit: units.Short, empty: "No request has failed or was slow",
		about: fmt.Sprintf("The %d tenants with the most requests in five minutes that failed (availability) or were slower "+
			"than a threshold (latency).", topTenants),
		whenRed: "The tenant's requests burn its budget 14.4 times as fast as permitted: open the tenant. If all of a " +
			"service are here, it is the service.",
	}, 10, 10, []key{byTenant, byObjective},
		column{title: "Bad 5 min", unit: units.Short, expr: bad},
		column{
			title: "Share", unit: units.PercentUnit, decimals: 1,
			expr: fmt.Sprintf("max by (%[1]s, slo) (%[2]s) and on (%[1]s, slo) %[3]s", tenantBy,
				pick(metric.TenantError["5m"]), bad),
		},
		column{
			title: "Burn", unit: units.Short, colours: burnSteps(), decimals: 1,
			expr: fmt.Sprintf("%s and on (%s, slo) %s", tenantBurn(pick), tenantBy, bad),
		},
	)
}

func sourceTable() panel {
	return figures(words{
		title: "Sources of request logs", unit: units.Short, empty: "No source of requests is read yet",
		about: "How far each source is behind, how old its newest request is, and when it was last read.",
		whenRed: "The log cannot be opened: its requests are in no objective meanwhile. The exporter's status page shows " +
			"the " +
			"error.",
	}, 24, 6, []key{byEnvironment, byService, {label: metric.LabelSource, title: "Source"}},
		column{
			title: "Readable", unit: units.NoUnit, texts: texts(text{1, "yes", green}, text{0, "no", red}),
			expr: fmt.Sprintf("min by (%s) (%s)", sourceBy, pick(metric.TenantSourceUp)),
		},
		column{
			title: "Behind", unit: units.BytesIEC, expr: fmt.Sprintf("max by (%s) (%s)", sourceBy, pick(metric.TenantSourceLag)),
		},
		column{
			title: "Newest request", unit: units.DateTimeFromNow, empty: "none yet",
			expr: fmt.Sprintf("1000 * max by (%s) (%s > 0)", sourceBy, pick(metric.TenantSourceNewestEvent)),
		},
		column{
			title: "Last read", unit: units.DateTimeFromNow, empty: "never",
			expr: fmt.Sprintf("1000 * max by (%s) (%s > 0)", sourceBy, pick(metric.TenantSourceLastRead)),
		},
	)
}
