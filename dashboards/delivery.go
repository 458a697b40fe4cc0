package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	servicesBy    = "environment, app_service"
	deploymentsBy = "environment, app_service, deployment"
	workflowsBy   = "environment, app_service, source, workflow"
	noDelivery    = "no deployments are measured yet"
	noDeployment  = "no deployment in this time, or none known yet"
	noWorkflow    = "no workflow of the policy is known yet"
)

var (
	deploymentKeys = []key{
		byEnvironment, byService.leading(metric.SLODashboard), {label: metric.LabelDeployment, title: "Deployment"},
	}
	workflowKeys = []key{
		byEnvironment, byService,
		{label: metric.LabelSource, title: "Source"},
		{label: metric.LabelWorkflow, title: "Workflow"},
	}
	// failureReasons are what shows that a deployment has failed, in the order of their numbers.
	failureReasons = []string{
		metric.DeploymentRolledBack, metric.DeploymentHotfixed, metric.DeploymentIncident, metric.DeploymentPaged,
	}
)

// delivery shows how often and how fast services are deployed, what became of it, and what users saw.
func delivery(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.DeliveryDashboard, title: "Delivery", from: "now-7d", refresh: "1m",
		about: "How often each service is deployed, how old its changes are then, which deployments fail, and what users " +
			"saw before and after each. Compare a service with itself: the figures are no targets.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.DeliveryExpected), serviceVariable(metric.DeliveryExpected),
		},
	}.builder()
	row(b, "Thirty days", deliveryTable(), trendTable(),
		lines(words{
			title: "Change lead time", unit: units.Seconds, empty: "the time of no commit is known yet",
			about: "From the commit to its first time live, of half and of nine tenths of the deployments of thirty days.",
		}, 8, query("A", pick(metric.DeploymentLeadQuantile), "{{app_service}} {{quantile}}")).Min(0),
		lines(words{
			title: "Failed and unplanned", unit: units.PercentUnit, empty: noDeployment,
			about: "Share of the deployments of thirty days that have failed, and that were unplanned: hotfixes and earlier " +
				"commits.",
		}, 8, query("A", pick(metric.DeploymentFailRatio), "{{app_service}} failed"),
			query("B", pick(metric.DeploymentReworkRatio), "{{app_service}} unplanned")).Min(0),
		lines(words{
			title: "Failed deployments by reason", unit: units.Short, empty: "no deployment has failed yet",
			about: "Deployments of thirty days that have failed, by what showed it first.",
		}, 8, query("A", pick(metric.DeploymentFailuresIncrease), "{{app_service}} {{reason}}")).Min(0),
	)
	row(b, "Single deployments", deploymentTable())
	row(b, "Workflows and sources", workflowTable(),
		coloured(lines(words{
			title: "Runs of workflows by result", unit: units.Short, empty: noWorkflow,
			about: "Runs that ended at that time, by result.",
		}, 12, query("A", fmt.Sprintf("sum by (result) (max by (%s, result) (increase(%s[$__rate_interval])))",
			workflowsBy, pick(metric.WorkflowRuns)), "{{result}}")).Min(0), map[string]string{
			metric.RunSuccess: green, metric.RunFailure: red, metric.RunCancelled: grey,
		}),
		deliverySourceTable(),
		coloured(lines(words{
			title: "Posts by result", unit: units.CountsPerSecond, empty: noDelivery,
			about: "Webhooks and events that were posted. Unauthorized ones have a wrong signature or key.",
		}, 12, query("A", fmt.Sprintf("sum by (result) (rate(%s[$__rate_interval]))",
			inEnvironment(metric.DeliveryEvents)), "{{result}}")).Min(0), map[string]string{
			metric.DeliveryAccepted: green, metric.DeliveryUnauthorized: red, metric.DeliveryUnavailable: red,
			metric.DeliveryInvalid: orange, metric.DeliveryTooLarge: orange, metric.DeliveryIgnored: grey,
		}),
	)
	return b
}

// ownedDelivery gives the figures of services the owner of each.
func ownedDelivery(expr string) string {
	return fmt.Sprintf("(%s) * on (%s) group_left (owner) %s", expr, servicesBy, pick(metric.DeliveryExpected))
}

func deliveryTable() panel {
	quantile := func(r *metric.Record, q string) string {
		return ownedDelivery(fmt.Sprintf("max by (%s) (%s)", servicesBy, pick(r, fmt.Sprintf("quantile=%q", q))))
	}
	return figures(words{
		title: "Services", unit: units.Short, empty: noDelivery,
		about: "The five figures of each service over thirty days, for itself: deployment frequency, change lead time, " +
			"change fail rate, deployment rework rate and failed deployment recovery time.",
	}, 24, 6, []key{byEnvironment, byService.leading(metric.SLODashboard), byOwner},
		column{
			title: "Last deployment", unit: units.DateTimeFromNow,
			expr: ownedDelivery(fmt.Sprintf("1000 * max by (%s) (%s)", servicesBy, pick(metric.DeploymentLastLive))),
		},
		column{
			title: "Deployments a day", unit: units.Short, decimals: 1, expr: ownedDelivery(pick(metric.DeploymentFrequency)),
		},
		column{title: "Lead time of half", unit: units.Seconds, expr: quantile(metric.DeploymentLeadQuantile, "0.5")},
		column{title: "Of nine tenths", unit: units.Seconds, expr: quantile(metric.DeploymentLeadQuantile, "0.9")},
		column{title: "Failed", unit: units.PercentUnit, expr: ownedDelivery(pick(metric.DeploymentFailRatio))},
		column{title: "Unplanned", unit: units.PercentUnit, expr: ownedDelivery(pick(metric.DeploymentReworkRatio))},
		column{
			title: "Recovery of half", unit: units.Seconds, empty: "none failed",
			expr: quantile(metric.DeploymentRecoveryQuantile, "0.5"),
		},
	)
}

// trendTable compares the figures of a service with its own.
func trendTable() panel {
	var columns []column
	for _, f := range []struct{ figure, title string }{
		{metric.FigureFrequency, "Deployments"},
		{metric.FigureLeadTime, "Lead time"},
		{metric.FigureFailRate, "Failed"},
		{metric.FigureReworkRate, "Unplanned"},
		{metric.FigureRecoveryTime, "Recovery time"},
	} {
		columns = append(columns, column{
			title: f.title, unit: units.PercentUnit, empty: "no baseline yet",
			expr: fmt.Sprintf("max by (%s) (%s) - 1", servicesBy,
				pick(metric.DeliveryTrend, fmt.Sprintf("figure=%q", f.figure))),
		})
	}
	return figures(words{
		title: "Beside the thirty days before", unit: units.PercentUnit, empty: "no service has been measured for sixty days",
		about: "By how much each figure differs from the same figure thirty days ago: 20 % is a fifth more.",
	}, 24, 5, []key{byEnvironment, byService}, columns...)
}

// deploymentTable shows the deployments of the dashboard's time, the newest first.
func deploymentTable() panel {
	inRange := func(r *metric.Record, matchers ...string) string {
		return fmt.Sprintf("max by (%s) (last_over_time(%s[$__range]))", deploymentsBy, pick(r, matchers...))
	}
	var failed []string
	var reasons []text
	for i, reason := range failureReasons {
		failed = append(failed, fmt.Sprintf("0 * %s + %d",
			inRange(metric.DeploymentFailureNoted, fmt.Sprintf("reason=%q", reason)), i+1))
		reasons = append(reasons, text{i + 1, reason, orange})
	}
	worst := func(r *metric.Record) string {
		return fmt.Sprintf("max by (%s) (last_over_time(%s[$__range]))", deploymentsBy, pick(r))
	}
	return figures(words{
		title: "Deployments", unit: units.Short, empty: noDeployment,
		about: fmt.Sprintf("The newest deployments (at most %d) of the time that is shown: what became of each, and what "+
			"users saw in the 15 minutes before and after it, by the objective with the most bad events.", rows),
	}, 24, 10, deploymentKeys,
		column{
			title: "Live", unit: units.DatetimeISONotToday,
			expr: fmt.Sprintf("topk(%d, 1000 * %s)", rows, inRange(metric.DeploymentNoted)),
		},
		column{title: "Lead time", unit: units.Seconds, empty: "unknown", expr: inRange(metric.DeploymentLeadNoted)},
		column{title: "Failed by", unit: units.NoUnit, texts: texts(reasons...), expr: strings.Join(failed, " or ")},
		column{title: "Recovered after", unit: units.Seconds, expr: inRange(metric.DeploymentRecoveryNoted)},
		column{title: "Bad before", unit: units.Short, decimals: whole, expr: worst(metric.DeploymentBadBefore)},
		column{title: "Bad after", unit: units.Short, decimals: whole, expr: worst(metric.DeploymentBadAfter)},
		column{title: "Down before", unit: units.Seconds, expr: worst(metric.DeploymentDownBefore)},
		column{title: "Down after", unit: units.Seconds, expr: worst(metric.DeploymentDownAfter)},
	)
}

func workflowTable() panel {
	most := func(m *metric.Metric) string { return fmt.Sprintf("max by (%s) (%s)", workflowsBy, pick(m)) }
	return figures(words{
		title: "Workflows", unit: units.Short, empty: noWorkflow,
		about: "The workflows of GitHub Actions that the policy names, on its branch: whether the newest run failed, how " +
			"long one is in progress, how long nine tenths of the runs of thirty days took, and how many ended in the time " +
			"that is shown.",
		whenRed: "Nothing is delivered through it. Read the log of its newest run.",
	}, 12, 8, workflowKeys,
		column{
			title: "Newest run", unit: units.NoUnit, texts: texts(text{0, "succeeded", green}, text{1, "failed", red}),
			empty: "none ended", expr: most(metric.WorkflowFailing),
		},
		column{title: "In progress for", unit: units.Seconds, empty: "no run", expr: pick(metric.WorkflowRunning)},
		column{title: "Usually", unit: units.Seconds, empty: "too few runs", expr: pick(metric.WorkflowUsual)},
		column{title: "Limit", unit: units.Seconds, empty: "none", expr: most(metric.WorkflowExpectedMaxRuntime)},
		column{
			title: "Runs", unit: units.Short, decimals: whole,
			expr: fmt.Sprintf("sum by (%s) (max by (%[1]s, result) (increase(%s[$__range])))", workflowsBy,
				pick(metric.WorkflowRuns)),
		},
	)
}

// deliverySourceTable shows whether the sources that are polled answer.
func deliverySourceTable() panel {
	by := servicesBy + ", source"
	return figures(words{
		title: "Sources", unit: units.Short, empty: "no source is polled yet",
		about:   "The sources of deployments that are polled: when each answered last, and whether it refuses its token.",
		whenRed: "Its deployments are not learned. The exporter's log has the reason.",
	}, 12, 8, []key{byEnvironment, byService, {label: metric.LabelSource, title: "Source"}},
		column{
			title: "Answered", unit: units.DateTimeFromNow, empty: "never",
			expr: fmt.Sprintf("1000 * max by (%s) (%s)", by, pick(metric.DeliverySourceSuccess)),
		},
		column{
			title: "Token", unit: units.NoUnit, texts: texts(text{0, "accepted", green}, text{1, "refused", red}),
			expr: fmt.Sprintf("max by (%s) (%s)", by, pick(metric.DeliverySourceRefused)),
		},
		column{
			title: "Asked every", unit: units.Seconds,
			expr: fmt.Sprintf("max by (%s) (%s)", by, pick(metric.DeliverySourceInterval)),
		},
	)
}

// deploymentsNow is the cell of the overview: what of each service is live, and since when.
func deploymentsNow() panel {
	return figures(words{
		title: "Deployments", unit: units.Short, empty: "No deployments are measured yet",
		about: "The newest deployment of each service, and the share of those of thirty days that have failed.",
	}, 6, 4, []key{byService.leading(metric.DeliveryDashboard)},
		column{
			title: "Live", unit: units.DateTimeFromNow, empty: "none yet", to: metric.DeliveryDashboard,
			expr: fmt.Sprintf("topk(%d, 1000 * max by (app_service) (%s))", rows, pick(metric.DeploymentLastLive)),
		},
		column{
			title: "Failed", unit: units.PercentUnit, empty: "-", to: metric.DeliveryDashboard,
			expr: fmt.Sprintf("max by (app_service) (%s)", pick(metric.DeploymentFailRatio)),
		},
	)
}
