package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

// refused lists the tenants with the most requests that are answered with 4xx, hosts that no tenant owns among them as
// _unknown.
func refused(width uint32, of func(selecter, ...string) string) panel {
	counted := func(matchers ...string) string {
		return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", tenantBy, of(metric.TenantRequests, matchers...))
	}
	most := fmt.Sprintf("topk(%d, %s)", worstTenants, counted(metric.LabelCodeClass+`="4xx"`))
	return figures(words{
		title: "Tenants with the most client errors", unit: units.Short, empty: "No request is counted yet",
		about: fmt.Sprintf("The %d tenants with the most requests that are answered with 4xx at the end of the time shown, "+
			"and their share: log-ins that failed, refused and limited requests, guesses. _unknown are hosts that no tenant "+
			"owns.", worstTenants),
	}, width, 8, []key{byEnvironment, byService, byTenant},
		column{title: "4xx", unit: units.RequestsPerSecond, expr: most, decimals: 2},
		column{
			title: "Share", unit: units.PercentUnit, colours: atLeast(0.5, yellow), decimals: 1,
			expr: fmt.Sprintf("%s / (%s > 0)", most, counted()),
		},
	)
}

// refusedTenants lists the tenants whose requests were refused most in the last hour.
func refusedTenants(width uint32, of func(selecter, ...string) string) panel {
	lately := func(m *metric.Metric, matchers ...string) string {
		return fmt.Sprintf("sum by (%s) (%s)", tenantBy, of(m, matchers...))
	}
	columns := []column{{
		title: "Refused", unit: units.Short,
		expr: fmt.Sprintf("sort_desc(%s or 0 * %s)", lately(metric.TenantRefusedRequests), lately(metric.TenantFailedLogins)),
	}}
	for _, code := range metric.RefusalCodes {
		columns = append(columns, column{
			title: code, unit: units.Short,
			expr: lately(metric.TenantRefusedRequests, fmt.Sprintf("%s=%q", metric.LabelCode, code)),
		})
	}
	columns = append(columns, column{
		title: "Failed log-ins", unit: units.Short, expr: lately(metric.TenantFailedLogins),
	})
	return figures(words{
		title: "Tenants refused in the last hour", unit: units.Short,
		empty: "Nothing has been refused for an hour, or since the first value",
		about: "Requests of the last hour that were answered with 401, 403 or 429, and log-ins that failed, of the tenants " +
			"with the most. _unknown are hosts that no tenant owns. tenants.sources.login_paths says where users log in. " +
			"The hour begins anew with the exporter.",
	}, width, 8, []key{byEnvironment, byService, byTenant}, columns...)
}

// refusedShare shows which share of the requests was refused, by status.
func refusedShare(width uint32, of func(selecter, ...string) string) panel {
	return lines(words{
		title: "Refused requests", unit: units.PercentUnit, empty: "No request is counted yet",
		about: "Share of the requests of the hour before that were answered with 401, 403 or 429. " +
			"Three times the share of the day before raises an alert.",
	}, width, query("A", of(metric.RefusedShare), "{{app_service}} {{code}}")).Min(0)
}

// failedLogins shows how many log-ins failed.
func failedLogins(width uint32, of func(selecter, ...string) string) panel {
	return lines(words{
		title: "Failed log-ins", unit: units.Short, empty: "No source with login_paths is counted yet",
		about: "Log-ins of the hour before that failed, by service: client errors of the paths that " +
			"tenants.sources.login_paths names. Three times as many as the day before raise an alert.",
	}, width, query("A", of(metric.FailedLoginsIncrease), "{{app_service}}")).Min(0)
}

// postsRefused shows which posts the exporters' own receivers refused.
func postsRefused(width uint32, of func(selecter, ...string) string) panel {
	return lines(words{
		title: "Posts refused", unit: units.CountsPerSecond, empty: "nothing receives posts yet",
		about: "Posts a second that a receiver refused, by result; unauthorized ones carried a wrong signature.",
	}, width, query("A", fmt.Sprintf("sum by (source, result) (rate(%s[$__rate_interval]))",
		of(metric.TenantReceiverPosts, fmt.Sprintf("%s!=%q", metric.LabelResult, metric.PostAccepted))),
		"{{source}} {{result}}")).Min(0)
}
