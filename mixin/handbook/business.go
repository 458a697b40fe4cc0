package handbook

import "github.com/thorbis/thorbis_exporter/metric"

// What no collector reads.
const (
	noBusiness = "Not measured yet: no collector reads business figures."
	noContents = "Not measured yet: no collector looks at what the platform stores."
)

var business = chapter{"Business impact", []item{
	{id: "B1", text: "Transactions per minute", reason: noBusiness},
	{id: "B2", text: "Average transaction value", reason: noBusiness},
	{
		id: "B3", text: "Revenue impact per outage",
		series: []series{metric.DownIncrease["_period"], metric.BadIncrease["_period"]},
		panels: []panels{
			on(metric.HealthDashboard, "Checks by budget left"),
			on(metric.SLODashboard, "Tenants that spent the budget"),
		},
		pages:  []string{"api.md#checks"},
		reason: "How long an outage was and whose requests failed is measured; what it cost is not measured yet.",
	},
	{
		id: "B4", text: "Active users",
		series: []series{metric.ServiceActive},
		panels: []panels{on(metric.TenantsDashboard, "Active tenants")},
		reason: "Active tenants are counted; their users are not measured yet.",
	},
	{id: "B5", text: "User satisfaction score", reason: noBusiness},
	{id: "B6", text: "Open support tickets", reason: noBusiness},
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
