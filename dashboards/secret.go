package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

// secretTable shows when secrets end.
func secretTable() panel {
	const by = "environment, secret"
	owned := func(expr string) string {
		return fmt.Sprintf(`%s * on (%s) group_left (app_service, owner, page) %s`, expr, by,
			inEnvironment(metric.SecretExpected))
	}
	soonest := fmt.Sprintf(`bottomk(%d, %s)`, rows, inEnvironment(metric.SecretLeft))
	return figures(words{
		title: "Secrets by their end", unit: units.Short, empty: "No secret of security.secrets is known yet",
		about: fmt.Sprintf("The %d keys, tokens and passwords of the policy that end first, by their names.", rows),
		whenRed: "Make a new one where it was issued, let both be accepted for a while, then write the new date in the " +
			"policy.",
	}, 24, 6, []key{
		byEnvironment, {label: metric.LabelSecret, title: "Secret"}, byService, byOwner, byPage,
	},
		column{
			title: "Ends in", unit: units.Seconds, expr: owned(soonest), colours: below(7*86400, red, 30*86400, yellow),
		},
		column{
			title: "Replace before", unit: units.Seconds,
			expr: owned(fmt.Sprintf(`(max by (%[1]s) (%[2]s) and on (%[1]s) %[3]s)`, by,
				inEnvironment(metric.SecretExpectedWarning), soonest)),
		},
	)
}
