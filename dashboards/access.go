package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

const accessBy = "environment, access"

// accessTable has a row for each list of accounts, however many accounts they have.
func accessTable() panel {
	owned := func(expr string) string {
		return fmt.Sprintf("(%s) * on (%s) group_left (app_service, owner) %s", expr, accessBy,
			inEnvironment(metric.AccessExpected))
	}
	count := func(m *metric.Metric, matchers ...string) string {
		return owned(fmt.Sprintf("max by (%s) (%s)", accessBy, inEnvironment(m, matchers...)))
	}
	use := func(of string) string { return fmt.Sprintf("%s=%q", metric.LabelUse, of) }
	return figures(words{
		title: "Access", unit: units.Short, empty: "No list of accounts is in the policy yet",
		about: fmt.Sprintf("Lists of accounts (at most %d), those with most accounts to review first. /api/v1/access of the "+
			"exporter has their names.", rows),
	}, 24, 7, []key{
		byEnvironment,
		{label: metric.LabelAccess, title: "Accounts of"},
		{label: metric.LabelAppService, title: "Service"},
		byOwner,
	},
		column{
			title: "To review", unit: units.Short, empty: "not known", colours: atLeast(1, yellow),
			expr: owned(fmt.Sprintf("topk(%d, max by (%s) (%s))", rows, accessBy, inEnvironment(metric.AccountsOverdue))),
		},
		column{title: "Unreviewed", unit: units.Short, empty: "not known", expr: count(metric.AccountsUnreviewed)},
		column{title: "Accounts", unit: units.Short, empty: "not known", expr: owned(fmt.Sprintf(
			"sum by (%s) (max by (%[1]s, account_kind) (%s))", accessBy, inEnvironment(metric.Accounts)))},
		column{title: "Privileged", unit: units.Short, empty: "not known", expr: count(metric.AccountsPrivileged)},
		column{title: "Unused", unit: units.Short, empty: "not known", expr: count(metric.AccountsByUse,
			use(metric.UseUnused))},
		column{title: "Never used", unit: units.Short, empty: "not known", expr: count(metric.AccountsByUse,
			use(metric.UseNever))},
		column{
			title: "One factor", unit: units.Short, empty: "not known", colours: atLeast(1, yellow),
			expr: count(metric.AccountsWithoutTwoFactors),
		},
		column{title: "No expiry", unit: units.Short, empty: "not known", expr: count(metric.AccountsWithoutExpiry)},
		column{
			title: "Oldest review", unit: units.DateTimeFromNow, empty: "never",
			expr: owned(fmt.Sprintf("1000 * min by (%s) (%s)", accessBy, inEnvironment(metric.OldestReview))),
		},
		column{
			title: "As of", unit: units.DateTimeFromNow, empty: "never",
			expr: owned(fmt.Sprintf("1000 * max by (%s) (%s)", accessBy, inEnvironment(metric.AccessListTime))),
		},
	)
}
