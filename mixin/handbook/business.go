package handbook

import "github.com/thorbis/thorbis_exporter/metric"

// noContents is what no collector reads.
const noContents = "Not measured yet: no collector looks at what the platform stores."

var business = chapter{"Business impact", []item{
	{
		id: "B1", text: "Transactions per minute",
		policy: []string{"business.transactions[orders]"},
		series: []series{metric.Transactions, metric.TransactionRate, metric.TransactionUsualRate, metric.TransactionShare},
		alerts: []*metric.Alert{metric.TransactionsDroppedAlert, metric.BusinessQueryFailingAlert},
		panels: []panels{on(metric.BusinessDashboard, "Transactions", "Transactions a minute beside the usual")},
		pages:  []string{"business.md#transactions"},
	},
	{
		id: "B2", text: "Average transaction value",
		policy: []string{"business.transactions[orders]"},
		series: []series{metric.TransactionValue, metric.TransactionMeanValue},
		panels: []panels{on(metric.BusinessDashboard, "Transactions by kind", "Value a minute")},
		pages:  []string{"business.md#transactions"},
	},
	{
		id: "B3", text: "Revenue impact per outage",
		policy: []string{"business.transactions[orders]"},
		series: []series{metric.IncidentImpact, metric.ServiceImpact},
		panels: []panels{
			on(metric.BusinessDashboard, "Revenue missing", "Revenue missing over time"),
			on(metric.OverviewDashboard, "Cost so far"),
			on(metric.SLODashboard, "Tenants that spent the budget"),
		},
		pages: []string{"business.md#revenue-impact"},
	},
	{
		id: "B4", text: "Active users",
		policy: []string{"business.figures[active-users]"},
		series: []series{metric.ActiveUsers, metric.ServiceActive},
		alerts: []*metric.Alert{metric.FigureUnexpectedAlert},
		panels: []panels{
			on(metric.BusinessDashboard, "Active users"), on(metric.TenantsDashboard, "Active tenants"),
		},
		pages: []string{"business.md#figures"},
	},
	{
		id: "B5", text: "User satisfaction score",
		policy: []string{"business.figures[satisfaction]"},
		series: []series{metric.SatisfactionScore, metric.FigureDay},
		alerts: []*metric.Alert{metric.SatisfactionFallingAlert},
		panels: []panels{on(metric.BusinessDashboard, "Satisfaction")},
		pages:  []string{"business.md#figures"},
	},
	{
		id: "B6", text: "Open support tickets",
		policy: []string{"business.figures[support-tickets]"},
		series: []series{metric.OpenTickets},
		alerts: []*metric.Alert{metric.TicketsRisingAlert},
		panels: []panels{on(metric.BusinessDashboard, "Open tickets", "Open tickets by class")},
		pages:  []string{"business.md#figures"},
	},
	{
		id: "B7", text: "Deployment frequency",
		policy: []string{"delivery"},
		series: []series{metric.Deployments, metric.DeploymentFrequency},
		panels: []panels{on(metric.DeliveryDashboard, "Services", "Deployments")},
		pages:  []string{"delivery.md"},
	},
	{
		id: "B8", text: "Lead time: hours from commit to production",
		policy: []string{"delivery"},
		series: []series{metric.DeploymentLeadTime, metric.DeploymentLeadQuantile},
		panels: []panels{on(metric.DeliveryDashboard, "Services", "Change lead time")},
		pages:  []string{"delivery.md"},
	},
	{
		id: "B9", text: "Change failure rate: % of deployments that cause issues",
		policy: []string{"delivery"},
		series: []series{metric.DeploymentFailures, metric.DeploymentFailRatio, metric.DeploymentFailuresIncrease},
		alerts: []*metric.Alert{metric.DeploymentBurningAlert},
		panels: []panels{on(metric.DeliveryDashboard, "Failed and unplanned", "Failed deployments by reason")},
		pages:  []string{"delivery.md#when-a-deployment-has-failed"},
	},
	{
		id: "B10", text: "Mean time to recover, in minutes",
		series: []series{metric.IncidentResolveDuration, metric.MTTR},
		panels: []panels{
			on(metric.IncidentDashboard, "Time to resolve"),
			on(metric.HealthDashboard, "Checks by budget left"),
			on(metric.WeeklyDashboard, "Incidents of the week"),
		},
	},
}}
