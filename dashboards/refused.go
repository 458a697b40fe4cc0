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

// postsRefused shows which posts the exporters' own receivers refused.
func postsRefused(width uint32, of func(selecter, ...string) string) panel {
	return lines(words{
		title: "Posts refused", unit: units.CountsPerSecond, empty: "nothing receives posts yet",
		about: "Posts a second that a receiver refused, by result; unauthorized ones carried a wrong signature.",
	}, width, query("A", fmt.Sprintf("sum by (source, result) (rate(%s[$__rate_interval]))",
		of(metric.TenantReceiverPosts, fmt.Sprintf("%s!=%q", metric.LabelResult, metric.PostAccepted))),
		"{{source}} {{result}}")).Min(0)
}
