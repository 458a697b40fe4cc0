package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// TenantUID is the address of the dashboard on one tenant.
const TenantUID = "thorbis-tenant"

const pickedTenant = metric.LabelTenant + `=~"$tenant"`

// tenant shows one tenant. Its own raw series are few, so they are read as they are.
func tenant(p *config.Policy) *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("Thorbis / Tenant").
		Uid(TenantUID).
		Description("One tenant: its requests, errors, durations, and what is left of its budget.").
		Tags([]string{"thorbis", "tenants"}).
		Readonly().Timezone("browser").Refresh("1m").Time("now-6h", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(
			labelVariable(metric.LabelEnvironment, "Environment", "Where the services run.", metric.ServiceRate.Name)).
		WithVariable(labelVariable(metric.LabelAppService, "Service", "What has objectives and an owner of its own.",
			metric.ServiceRate.Select(pickedEnvironment))).
		WithVariable(dashboard.NewQueryVariableBuilder(metric.LabelTenant).
			Label("Tenant").Description(
			"Whose requests are shown. The rest, " + metric.TenantOther + " and " + metric.TenantUnknown + ", can be typed.").
			Datasource(datasource).
			Query(dashboard.StringOrMap{String: new(
				fmt.Sprintf("label_values(%s, %s)", pick(metric.TenantRate, metric.LabelTenant+`!~"_.*"`), metric.LabelTenant))}).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortAlphabeticalAsc))

	of := func(s selecter, matchers ...string) string {
		return pick(s, append([]string{pickedTenant}, matchers...)...)
	}
	rate := func(by string, m *metric.Metric, matchers ...string) string {
		return fmt.Sprintf("sum%s (rate(%s[$__rate_interval]))", by, of(m, matchers...))
	}
	period := p.Objectives.Period
	b.WithRow(dashboard.NewRowBuilder("Objective")).
		WithPanel(number(words{"Requests", "Requests a second over five minutes.", units.RequestsPerSecond},
			6, of(metric.TenantRate), "{{app_service}}", steps(blue))).
		WithPanel(number(words{"Tier", "The tier by which the tenant is judged.", units.Short},
			6, fmt.Sprintf("count by (%s) (%s)", metric.LabelTier, metric.TenantTier.Select(pickedEnvironment, pickedTenant)),
			"{{tier}}", steps(blue)).TextMode(common.BigValueTextModeName).NoValue("in no registry")).
		WithPanel(number(words{
			"Budget left for the tenant", fmt.Sprintf("Share of the bad requests that %s permits which is left. "+
				"All of it while the tenant had no bad one.", period), units.PercentUnit,
		}, 6, of(metric.TenantBudgetLeft), "{{app_service}} {{slo}}", budgetLeft()).Decimals(1).
			Orientation(common.VizOrientationHorizontal).NoValue("all of it")).
		WithPanel(number(words{"Bad requests in a day", "Failed or slow requests in the last day.", units.Short},
			6, of(metric.TenantBadIncrease["1d"]), "{{app_service}} {{slo}}", steps(green, from(10, yellow))).
			Orientation(common.VizOrientationHorizontal).NoValue("none")).
		WithPanel(number(
			words{"Budget of the tenant empty after", "At the pace of the last hour. 0: nothing is left.", units.Hours},
			12, emptyAfter(of(metric.TenantBudgetHours), of(metric.TenantBudgetLeft)), "{{app_service}} {{slo}}",
			steps(green, from(0, red), from(24, yellow), from(168, green)),
		).Decimals(1).Orientation(common.VizOrientationHorizontal).NoValue("nothing burns")).
		WithPanel(number(words{"Measured", fmt.Sprintf("Share of %s in which the requests of the tenant's services were "+
			"counted at all.", period), units.PercentUnit},
			12, fmt.Sprintf("%s and on (%s, %s) %s", pick(metric.SLOCoverage), metric.LabelEnvironment, metric.LabelAppService,
				of(metric.TenantRate)), "{{app_service}} {{slo}}", steps(yellow, from(0.99, green))).Decimals(1).
			Orientation(common.VizOrientationHorizontal).NoValue("nothing yet"))

	requests := rate("", metric.TenantRequests)
	b.WithRow(dashboard.NewRowBuilder("Requests")).
		WithPanel(lines(words{"By class of status", "Requests a second by class of their status.", units.RequestsPerSecond},
			12, query("A", rate(" by ("+metric.LabelCodeClass+")", metric.TenantRequests)+" > 0", "{{code_class}}")).Min(0)).
		WithPanel(lines(words{"Errors", "Share of requests that failed.", units.PercentUnit},
			12, query("A", rate("", metric.TenantRequests, serverErrors)+" / "+requests, "errors")).Min(0)).
		WithPanel(lines(words{"Slow answers", "Share of requests that took longer than each threshold of the policy, " +
			"in seconds.", units.PercentUnit},
			12, query("A", rate(" by ("+metric.LabelThreshold+")", metric.TenantSlowRequests)+" / on () group_left () "+requests,
				"> {{threshold}} s")).Min(0)).
		WithPanel(
			lines(words{"Duration", "The time within which half, 95 and 99 of 100 requests were answered.", units.Seconds},
				12, tenantQuantiles(of)...).Min(0)).
		WithPanel(lines(words{"Bytes sent", "Bytes of the answers, a second.", units.BytesPerSecondIEC},
			12, query("A", rate("", metric.TenantResponseBytes), "bytes")).Min(0)).
		WithPanel(lines(words{"Counted too late to page", "Requests a second whose event came too late to page; " +
			"they count in budgets.", units.RequestsPerSecond},
			12, query("A", rate("", metric.TenantLateRequests), "late")).Min(0))
	return b
}

const serverErrors = metric.LabelCodeClass + `="5xx"`

// tenantQuantiles reads native histograms where Prometheus stores them, classic buckets where it does not.
func tenantQuantiles(of func(selecter, ...string) string) []*prometheus.DataqueryBuilder {
	classic := metric.Metric{Name: metric.TenantRequestDuration.Name + "_bucket"}
	var queries []*prometheus.DataqueryBuilder
	for i, q := range []string{"50", "95", "99"} {
		queries = append(queries, query(string(rune('A'+i)), fmt.Sprintf(
			`histogram_quantile(0.%[1]s, sum(rate(%[2]s[$__rate_interval]))) or histogram_quantile(0.%[1]s, `+
				`sum by (le) (rate(%[3]s[$__rate_interval])))`,
			q, of(metric.TenantRequestDuration), of(&classic)), "p"+q))
	}
	return queries
}
