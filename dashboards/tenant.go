package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// tenantVariable offers all tenants that have a check or requests. The overflow of tenants without series of their own
// can be typed.
func tenantVariable() *dashboard.QueryVariableBuilder {
	series := fmt.Sprintf(`{__name__=~"%s|%s",%s,%s!~"_.*|"}`, metric.TenantRate.Name, metric.CheckExpected.Name,
		pickedEnvironment, metric.LabelTenant)
	return dashboard.NewQueryVariableBuilder(metric.LabelTenant).
		Label("Tenant").Description("Whose figures are shown. The rest, " + metric.TenantOther + " and " +
		metric.TenantUnknown + ", can be typed.").
		Datasource(datasource).
		Query(dashboard.StringOrMap{String: new(fmt.Sprintf("label_values(%s, %s)", series, metric.LabelTenant))}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc)
}

// ofTenant selects the part of a series that is of the tenant picked.
func ofTenant(s selecter, matchers ...string) string {
	return pick(s, append([]string{pickedTenant}, matchers...)...)
}

// tenant shows everything about one tenant, on a page that can be printed. Its own raw series are few, so they are read
// as they are.
func tenant(p *config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.TenantDashboard, title: "Tenant",
		about: "One tenant: what is down, its requests, errors and durations, what is left of its budgets, its backups and " +
			"certificates. For a report, print it at a width of 1280.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.CheckExpected), serviceVariable(metric.CheckExpected), tenantVariable(),
		},
	}.builder()
	period := p.Objectives.Period
	row(b, "Now",
		number(words{
			title: "Tier", unit: units.Short, empty: "in no registry yet", about: "The tier by which the tenant is judged.",
		}, 4, fmt.Sprintf("count by (%s) (%s)", metric.LabelTier, inEnvironment(metric.TenantTier, pickedTenant)),
			"{{tier}}", known(blue)).TextMode(common.BigValueTextModeName),
		number(words{
			title: "Checks down", unit: units.Short, empty: "no check of its own yet",
			about:   "Checks of the tenant that are down.",
			whenRed: "The tenant cannot use the service: States below says since when. Health says who else.",
		}, 4, fmt.Sprintf("count(%s) or 0 * count(%s)", stateIs(metric.StateDown, pickedTenant),
			pick(metric.CheckState, pickedTenant)), "checks", known(green, from(1, red))).
			DataLinks(more(metric.HealthDashboard)),
		number(words{
			title: "Requests", unit: units.RequestsPerSecond, empty: "none yet in five minutes",
			about: "Requests a second over five minutes.",
		}, 4, ofTenant(metric.TenantRate), "{{app_service}}", known(blue)),
		number(words{
			title: "Bad in five minutes", unit: units.Short, empty: "none",
			about: "Requests in five minutes that failed (availability) or were slower than a threshold (latency).",
		}, 4, ofTenant(metric.TenantBadIncrease["5m"]), "{{slo}}", known(blue)).
			Orientation(common.VizOrientationHorizontal),
		number(words{
			title: "Burn in five minutes", unit: units.Short, empty: "nothing burns",
			about: "How many times as fast as permitted the tenant's requests failed or were slow in five minutes. 1 empties " +
				"its budget exactly by the end of the period.",
			whenRed: "More of its requests fail or are slow now than were ever permitted: the graphs below say which.",
		}, 4, tenantBurn(ofTenant), "{{slo}}", steps(green, from(1, yellow), from(14.4, red))).Decimals(1).
			Orientation(common.VizOrientationHorizontal),
		number(words{
			title: "Alerts", unit: units.Short, empty: "no evaluation of rules yet",
			about:   "Alerts that fire and name this tenant. While its service is down, the service's alert stands for them.",
			whenRed: "Each has a runbook. Incidents and on-call says whether somebody has it.",
		}, 4, fmt.Sprintf("count(%s) or %s", alerts(priorities("P.+"), pickedTenant), rulesLoaded()), "alerts",
			known(green, from(1, red))).DataLinks(more(metric.IncidentDashboard)),
		tenantStates(),
	)
	row(b, "Objective",
		bars(words{
			title: "Availability", unit: units.PercentUnit, empty: "no check of its own yet",
			about: fmt.Sprintf("Uptime of each of its checks over %s, of the time that was judged.", period),
		}, ofTenant(metric.Uptime["_period"]), "{{check}}", known(blue)).Decimals(3),
		bars(words{
			title: "Budget left for the tenant", unit: units.PercentUnit, empty: "all of it",
			about: fmt.Sprintf("Share of the bad requests that %s permits which is left. All of it while the tenant had no bad "+
				"one.", period),
			whenRed: "More of its requests were bad than promised: it may ask why. The graphs below say when.",
		}, ofTenant(metric.TenantBudgetLeft), "{{app_service}} {{slo}}", budgetLeft()).Decimals(1),
		bars(words{
			title: "Budget of the tenant empty after", unit: units.Hours, empty: "nothing burns",
			about:   "At the pace of the last hour. 0: nothing is left.",
			whenRed: "Within a day the promise to this tenant is broken.",
		}, emptyAfter(ofTenant(metric.TenantBudgetHours), ofTenant(metric.TenantBudgetLeft)), "{{app_service}} {{slo}}",
			steps(green, from(Lowest, red), from(24, yellow), from(168, green))).Decimals(1),
		bars(words{
			title: fmt.Sprintf("Measured of %s", period), unit: units.Seconds, empty: "since less than two minutes",
			about: fmt.Sprintf("For how long of the last %s exporters have counted the requests of the tenant's services. What "+
				"was not counted has spent nothing of the budgets.", period),
		}, tenantMeasured(period), "{{app_service}}", known(blue)),
	)
	row(b, "Requests", tenantRequests()...)
	row(b, "Backups, certificates, checks", tenantBackups(), tenantChecks(period))
	return b
}

// budgetLeft colours what is left of a budget. The first colour is also that of a panel without data, which here means
// that nothing is wrong.
func budgetLeft() *dashboard.ThresholdsConfigBuilder {
	return steps(green, from(Lowest, red), from(0, yellow), from(0.25, green))
}

// tenantMeasured is for how many seconds of the period the requests of the tenant's services were counted.
func tenantMeasured(period config.Duration) string {
	return fmt.Sprintf("max by (environment, app_service) (%s) * %.0f and on (environment, app_service) (%s or %s)",
		pick(metric.TenantWindowCounted, fmt.Sprintf("%s=%q", metric.LabelWindow, metric.WindowPeriod)),
		period.Std().Seconds(), ofTenant(metric.TenantRate), ofTenant(metric.CheckExpected))
}

func tenantStates() panel {
	var terms []string
	for i, state := range metric.HealthStates {
		terms = append(terms, fmt.Sprintf(`%d * %s`, i+1, stateIs(state, pickedTenant)))
	}
	return timeline(words{
		title: "States", empty: "no check of its own yet",
		about:   "The state of each check of the tenant, as the locations together saw it.",
		whenRed: "It was down at that time.",
	}, fmt.Sprintf(`max by (%s) (%s)`, checkBy, strings.Join(terms, " or ")), "{{app_service}} {{check}}",
		metric.HealthStates, stateColours).Height(5)
}

func tenantRequests() []panel {
	rate := func(by string, m *metric.Metric, matchers ...string) string {
		return fmt.Sprintf("sum%s (rate(%s[$__rate_interval]))", by, ofTenant(m, matchers...))
	}
	requests := rate("", metric.TenantRequests)
	const none = "no request yet"
	return []panel{
		coloured(lines(words{
			title: "By class of status", unit: units.RequestsPerSecond, empty: none,
			about: "Requests a second by class of their status.",
		}, 12, query("A", rate(" by ("+metric.LabelCodeClass+")", metric.TenantRequests)+" > 0", "{{code_class}}")),
			codeClassColours).Min(0),
		lines(words{
			title: "Errors and slow answers", unit: units.PercentUnit, empty: none,
			about: "Share of requests that failed, and of those that took longer than each threshold of the policy, in seconds.",
		}, 12, query("A", rate("", metric.TenantRequests, serverErrors)+" / "+requests, "errors"),
			query("B", rate(" by ("+metric.LabelThreshold+")", metric.TenantSlowRequests)+" / on () group_left () "+requests,
				"> {{threshold}} s")).Min(0).AxisSoftMax(0.01).OverrideByName("errors",
			[]dashboard.DynamicConfigValue{fixedColour(red)}),
		coloured(lines(words{
			title: "Duration", unit: units.Seconds, empty: "no request with a duration yet",
			about: "The time within which half, 95 and 99 of 100 requests were answered.",
		}, 12, threeQuantiles(ofTenant, metric.TenantRequestDuration)...), quantileColours).Min(0),
		lines(words{
			title: "Bytes sent", unit: units.BytesPerSecondIEC, empty: none, about: "Bytes of the answers, a second.",
		}, 6, query("A", rate("", metric.TenantResponseBytes), "bytes")).Min(0),
		lines(words{
			title: "Counted too late to page", unit: units.RequestsPerSecond, empty: none,
			about: "Requests a second whose event came too late to page; they count in budgets.",
		}, 6, query("A", rate("", metric.TenantLateRequests), "late")).Min(0),
	}
}

const serverErrors = metric.LabelCodeClass + `="5xx"`

func tenantBackups() panel {
	by := "environment, backup, repository, kind"
	return figures(words{
		title: "Backups of the tenant", unit: units.Short, empty: "Not among the tenants whose backups are listed",
		about: "The newest backup of the tenant's own data, by kind and repository. Exporters list the tenants whose " +
			"backups are the oldest.",
	}, 12, 6, []key{byEnvironment, byBackup.leading(metric.BackupDashboard), byRepository, {
		label: metric.LabelKind,
		title: "Kind",
	}},
		column{
			title: "Made", unit: units.DateTimeFromNow, empty: "never",
			expr: fmt.Sprintf("1000 * max by (%s) (%s > 0)", by, inEnvironment(metric.BackupLastSuccess, pickedTenant)),
		},
		column{
			title: "Kept", unit: units.Short,
			expr: fmt.Sprintf("max by (%s) (%s)", by, inEnvironment(metric.BackupRetained, pickedTenant)),
		},
		column{
			title: "Size", unit: units.BytesIEC,
			expr: fmt.Sprintf("max by (%s) (%s)", by, inEnvironment(metric.BackupLastSize, pickedTenant)),
		},
	)
}

func tenantChecks(period config.Duration) panel {
	return figures(words{
		title: "Checks of the tenant", unit: units.Short, empty: "No check of its own yet",
		about: fmt.Sprintf("Each check over %s: what may still be down, how often and how long it was, and when its "+
			"certificate expires.", period),
		whenRed: "The permitted downtime is spent, or the certificate expires within days: see Health.",
	}, 12, 6, []key{byService.leading(metric.HealthDashboard), byCheck},
		column{
			title: "May still be down", unit: units.Seconds, expr: ofTenant(metric.BudgetLeftSeconds), colours: below(0, red,
				60, yellow),
		},
		column{title: "Outages", unit: units.Short, expr: ofTenant(metric.OutagesIncrease["_period"])},
		column{title: "MTTR", unit: units.Seconds, expr: ofTenant(metric.MTTR), empty: "no outage"},
		column{
			title: "Certificate", unit: units.Seconds, empty: "none", colours: below(3*86400, red, 14*86400, yellow),
			expr: fmt.Sprintf("min by (%s) (%s) - time()", checkBy, ofTenant(metric.HealthCheckCertificateExpiry)),
		},
	)
}
