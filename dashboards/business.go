package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// ofTransaction selects the part of a series that is of the transactions picked.
func ofTransaction(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedTransaction}, matchers...)...)
}

const (
	transactionsBy = "environment, transaction, app_service"
	noTransaction  = "no transaction is counted yet"
	noFigure       = "no figure of this kind is known yet"
)

// business shows what customers do, and what outages cost.
func business(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.BusinessDashboard, title: "Business", from: "now-6h", refresh: "1m",
		about: "What customers do beside what is usual at this time of the week, what the open urgent incidents cost, and " +
			"the figures of the policy: active users, satisfaction, open tickets.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.TransactionExpected),
			labelVariable(metric.LabelTransaction, "Transaction", "Kinds of transactions by their configured names.",
				metric.TransactionExpected.Select(pickedEnvironment)),
		},
	}.builder()
	row(b, "Now",
		revenueMissing("Revenue missing", noTransaction, 5),
		number(words{
			title: "Transactions", unit: units.Short, empty: noTransaction,
			about: "Transactions that succeed, per minute.",
		}, 4, fmt.Sprintf("60 * sum(%s)", ofTransaction(metric.TransactionRate)), "a minute", known("text")),
		number(words{
			title: "Lowest share of usual", unit: units.PercentUnit, empty: "too few are usual yet",
			about: "The kind of transaction that is furthest below what is usual at this time of the week, over 15 minutes.",
		}, 4, fmt.Sprintf("min(%s)", ofTransaction(metric.TransactionShare)), "of usual", known("text")),
		number(words{
			title: "Open tickets", unit: units.Short, empty: noFigure, about: "Tickets of customers that are open.",
		}, 4, figureNow("sum", config.FigureOpenTickets), "open", known("text")),
		number(words{
			title: "Satisfaction", unit: units.Short, empty: noFigure,
			about: "The satisfaction of users, on the scale of the policy's query; the average of several scores.",
		}, 3, figureNow("avg", config.FigureSatisfaction), "score", known("text")).Decimals(2),
		number(words{
			title: "Active users", unit: units.Short, empty: noFigure, about: "Users that are active, as the query defines it.",
		}, 4, figureNow("sum", config.FigureActiveUsers), "users", known("text")),
		transactionTable(),
	)
	row(b, "Transactions",
		manyLines(words{
			title: "Transactions a minute beside the usual", unit: units.Short, empty: noTransaction,
			about: "Transactions that succeed, and how many are usual: the median of the same time of the last four weeks.",
		}, 12, query("A", "60 * "+ofTransaction(metric.TransactionRate), "{{transaction}}"),
			query("B", "60 * "+ofTransaction(metric.TransactionUsualRate), "{{transaction}}, usual")).Min(0),
		manyLines(words{
			title: "Value a minute", unit: units.Short, empty: noTransaction,
			about: "Value of the transactions that succeed, in the currency of the transaction.",
		}, 12, query("A", "60 * "+ofTransaction(metric.TransactionValueRate), "{{transaction}}")).Min(0),
		manyLines(words{
			title: "By result", unit: units.Short, empty: "no transaction is counted by a query yet",
			about: "Transactions a minute by result, over five minutes; other is what the policy does not list.",
		}, 12, query("A", fmt.Sprintf("60 * sum by (result) (%s)", ofTransaction(metric.TransactionResultRate)),
			"{{result}}")).Min(0),
		manyLines(words{
			title: "Revenue missing over time", unit: units.Short, empty: "no urgent incident has cost anything since",
			about: "What the open P1 and P2 incidents of a service have cost so far, in the currency of its transactions.",
		}, 12, query("A", inEnvironment(metric.ServiceImpact), "{{app_service}}, {{currency}}")).Min(0),
	)
	row(b, "Figures",
		manyLines(words{
			title: "Figures", unit: units.Short, empty: "no figure is known yet",
			about: "Each figure of the policy: the sum of its tenants and classes, of scores the average.",
		}, 12, query("A", inEnvironment(metric.FigureTotal), "{{figure}}")).Min(0),
		manyLines(words{
			title: "Open tickets by class", unit: units.Short, empty: noFigure, about: "Open tickets by the policy's classes.",
		}, 12, query("A", fmt.Sprintf(
			"sum by (figure, class) (max by (environment, figure, app_service, tenant, class) (%s))",
			inEnvironment(metric.OpenTickets)), "{{figure}}: {{class}}")).Min(0),
		manyLines(words{
			title: "Age of answers", unit: units.Seconds, empty: "no query has been answered yet",
			about: "How long ago each query was last answered.",
		}, 12, query("A", inEnvironment(metric.QueryAge), "{{query}}")).Min(0),
		manyLines(words{
			title: "Queries that failed", unit: units.CountsPerSecond, empty: "no query is in the policy yet",
			about: "Queries that failed, by reason. The status page of the exporter says what to do.",
		}, 12, query("A", fmt.Sprintf("sum by (query, reason) (rate(%s[$__rate_interval])) > 0 or "+
			"sum by (query) (rate(%[1]s[$__rate_interval]))", inEnvironment(metric.QueryFailures)),
			"{{query}} {{reason}}")).Min(0),
	)
	return b
}

// figureNow joins the figures of a kind.
func figureNow(operation, kind string) string {
	return fmt.Sprintf("%s(%s * on (environment, figure, app_service) %s)", operation, inEnvironment(metric.FigureTotal),
		inEnvironment(metric.FigureExpected, fmt.Sprintf("kind=%q", kind)))
}

func transactionTable() panel {
	owned := func(expr string) string {
		return fmt.Sprintf("(%s) * on (%s) group_left (owner) max by (%[2]s, owner) (%s)", expr, transactionsBy,
			ofTransaction(metric.TransactionExpected))
	}
	return figures(words{
		title: "Transactions by kind", unit: units.Short, empty: "No transaction is in the policy yet",
		about: "Each kind of transaction beside what is usual at this time of the week.",
	}, 24, 6, []key{
		byEnvironment,
		{label: metric.LabelTransaction, title: "Transaction"},
		{label: metric.LabelAppService, title: "Service"},
		byOwner,
	},
		column{
			title: "A minute", unit: units.Short, empty: "not known",
			expr: owned("60 * " + ofTransaction(metric.TransactionRate)),
		},
		column{
			title: "Usual", unit: units.Short, empty: "not known",
			expr: owned("60 * " + ofTransaction(metric.TransactionUsualRate)),
		},
		column{
			title: "Share", unit: units.PercentUnit, empty: "few are usual",
			expr: owned(ofTransaction(metric.TransactionShare)),
		},
		column{
			title: "Average value", unit: units.Short, empty: "not known",
			expr: owned(ofTransaction(metric.TransactionMeanValue)),
		},
		column{
			title: "Usual value", unit: units.Short, empty: "not known",
			expr: owned(ofTransaction(metric.TransactionUsualValue)),
		},
		column{
			title: "Weeks known", unit: units.Short, empty: "none",
			expr: owned(fmt.Sprintf("max by (%s) (%s)", transactionsBy, ofTransaction(metric.TransactionWeeks))),
		},
		column{
			title: "Counted", unit: units.Seconds, empty: "by Prometheus",
			expr: owned(ofTransaction(metric.TransactionFreshness)),
		},
	)
}

// revenueMissing is what outages cost, here and on the overview.
func revenueMissing(title, empty string, width uint32) *stat.PanelBuilder {
	return number(words{
		title: title, unit: units.Short, empty: empty,
		about: "What the open P1 and P2 incidents have cost so far: usual transactions less those that succeeded, by their " +
			"usual value. 0 without one.",
		whenRed: "Customers cannot buy now: the incident's page and its runbook say what to do.",
	}, width, fmt.Sprintf("sum by (currency) (%s) or 0 * sum by (currency) (%s)", inEnvironment(metric.ServiceImpact),
		inEnvironment(metric.TransactionExpected)), "{{currency}}", known(green, from(1, red)))
}

// businessNow is the cell of the overview.
func businessNow() panel {
	return revenueMissing("Cost so far", "No transaction is counted yet", 3).DataLinks(more(metric.BusinessDashboard))
}
