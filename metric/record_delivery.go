package metric

// Figures of delivery, values of LabelFigure.
const (
	FigureFrequency    = "frequency"
	FigureLeadTime     = "lead_time"
	FigureFailRate     = "fail_rate"
	FigureReworkRate   = "rework_rate"
	FigureRecoveryTime = "recovery_time"
)

// SLOUptime is the LabelSLO of a deployment after which a check was down.
const SLOUptime = "uptime"

// Labels of the levels at which deployments are recorded.
var (
	deploymentLevel       = []string{LabelEnvironment, LabelAppService, LabelDeployment}
	deploymentSLOLevel    = append(deploymentLevel[:3:3], LabelSLO)
	deploymentReasonLevel = append(deploymentLevel[:3:3], LabelReason)
	serviceQuantileLevel  = append(serviceLevel[:2:2], "quantile")
	serviceFigureLevel    = append(serviceLevel[:2:2], LabelFigure)
	deliverySourceLevel   = append(serviceLevel[:2:2], LabelSource)
	workflowLevel         = append(deliverySourceLevel[:3:3], LabelWorkflow)
)

// Single deployments, and what users saw before and after each.
var (
	DeliveryExpected = record("app_service:thorbis_delivery:expected",
		"1 for each service whose deployments are measured, with its owner and the priority at which it pages.",
		append(serviceLevel[:2:2], LabelOwner, LabelPage))
	DeploymentAt = record("deployment:thorbis_deployment_live:timestamp_seconds",
		"Unix time at which the deployment went live, for about two hours after something was learned of it.",
		append(deploymentLevel[:3:3], LabelPullRequest))
	DeploymentNewest = record("app_service:thorbis_deployment_newest:timestamp_seconds",
		"Unix time at which the service's newest deployment went live, for twenty minutes.", deploymentLevel)
	DeploymentBadBefore = record("deployment_slo:thorbis_deployment_bad:before15m",
		"Bad events of the service in the 15 minutes before the deployment, by objective.", deploymentSLOLevel)
	DeploymentBadAfter = record("deployment_slo:thorbis_deployment_bad:after15m",
		"Bad events of the service in the 15 minutes after the deployment, or until the next one, by objective.",
		deploymentSLOLevel)
	CheckDownTotal = record("check:thorbis_deployment_down_seconds:total",
		"Seconds for which a service's own check was down since the records began, 0 before its first outage.", checkLevel)
	DeploymentDownBefore = record("deployment:thorbis_deployment_down_seconds:before15m",
		"Seconds for which the worst check of the service was down in the 15 minutes before the deployment.",
		deploymentLevel)
	DeploymentDownAfter = record("deployment:thorbis_deployment_down_seconds:after15m",
		"Seconds for which the worst check of the service was down in the 15 minutes after the deployment, "+
			"or until the next one.", deploymentLevel)
	DeploymentCompared = record("app_service:thorbis_deployment_newest:compared_seconds",
		"Seconds of the 15 minutes after the service's newest deployment that are over.", serviceLevel)
	DeploymentTrouble = record("app_service_slo:thorbis_deployment_trouble:now",
		"1 while the budget of an objective burns at the pace of the fast tier over five minutes, "+
			"or a check was down in them.", sloLevel)
	DeploymentTroubled = record("deployment_slo:thorbis_deployment_trouble:before5m",
		"1 where that was so in the five minutes before the deployment: it is not the cause.", deploymentSLOLevel)
	DeploymentRose = record("deployment_slo:thorbis_deployment_trouble:rose",
		"1 where bad events or seconds down came more than three times as fast after the deployment as before it, "+
			"and more than a few.", deploymentSLOLevel)
	DeploymentBurning = record("deployment_slo:thorbis_deployment_burning:after_seconds",
		"Seconds after the deployment at which the budget of an objective began to burn, while it does.", deploymentSLOLevel)
)

// What became of deployments. Each is written once, when it is learned, and read over thirty days.
var (
	PageBegan = record("app_service:thorbis_page:began",
		"Unix time at which the newest alert of P1 or P2 on what users of the service see began, for five minutes.",
		serviceLevel)
	IncidentBegan = record("app_service:thorbis_incident:began",
		"Unix time at which the newest incident of P1 to P3 on what users of the service see began, for five minutes.",
		serviceLevel)
	ServiceTroubled = record("app_service:thorbis_incident:now",
		"1 while an alert of P1 to P3 on what users of the service see fires, or an incident of one is open.",
		serviceLevel)
	ServiceLastTroubled = record("app_service:thorbis_incident:last_timestamp_seconds",
		"Unix time at which that was last so, for a week.",
		serviceLevel)
	DeploymentNoted = record("deployment:thorbis_deployment:noted",
		"Unix time at which a deployment went live.", deploymentLevel)
	DeploymentFailureNoted = record("deployment_reason:thorbis_deployment_failed:noted",
		"Unix time at which a deployment went live that has failed, by what showed it first.", deploymentReasonLevel)
	DeploymentReworkNoted = record("deployment:thorbis_deployment_rework:noted",
		"Unix time at which an unplanned deployment went live.", deploymentLevel)
	DeploymentLeadNoted = record("deployment:thorbis_deployment_lead_time:noted_seconds",
		"How old the commit of a deployment was when it went live.", deploymentLevel)
	DeploymentRecoveryNoted = record("deployment:thorbis_deployment_recovery:noted_seconds",
		"Seconds from when a deployment that failed went live to its rollback or hotfix, or to the end of the alerts that "+
			"showed it.", deploymentLevel)
)

// The five figures of DORA, each over the deployments that went live in the last thirty days.
var (
	DeploymentsSince = record("app_service:thorbis_deployments:since_seconds",
		"Unix time since which deployments of the service are recorded.", serviceLevel)
	DeploymentsIncrease = record("app_service:thorbis_deployments:increase30d",
		"Deployments that went live in the last 30 days.", serviceLevel)
	DeploymentFrequency = record("app_service:thorbis_deployments:per_day30d",
		"Deployments that went live a day, over the last 30 days or since they are recorded.", serviceLevel)
	DeploymentFailuresIncrease = record("app_service_reason:thorbis_deployment_failures:increase30d",
		"Those of them that have failed, each once, by what showed it first.",
		append(serviceLevel[:2:2], LabelReason))
	DeploymentFailRatio = record("app_service:thorbis_deployment_failures:ratio30d",
		"Share of them that have failed: change fail rate.", serviceLevel)
	DeploymentReworkRatio = record("app_service:thorbis_deployment_reworks:ratio30d",
		"Share of them that were unplanned: deployment rework rate.", serviceLevel)
	DeploymentLeadQuantile = record("app_service:thorbis_deployment_lead_time_seconds:quantile30d",
		"Change lead time of half (quantile 0.5) and of nine tenths (0.9) of them.", serviceQuantileLevel)
	DeploymentRecoveryQuantile = record("app_service:thorbis_deployment_recovery_seconds:quantile30d",
		"Recovery time of half (quantile 0.5) and of nine tenths (0.9) of those that failed.", serviceQuantileLevel)
	DeliveryTrend = record("app_service_figure:thorbis_delivery:trend30d",
		"The figure of the last 30 days beside that of the 30 days before, once both are recorded whole: 1.2 is a fifth "+
			"more. Of times, the median.", serviceFigureLevel)
)

// Sources of deployments and workflows.
var (
	DeliverySourceSilent = record("app_service_source:thorbis_delivery_source:silent",
		"1 for a source that has not answered any exporter for an hour, or for three intervals, for whatever reason.",
		deliverySourceLevel)
	DeploymentsMissing = record("app_service:thorbis_deployments:missing_seconds",
		"Seconds since the last deployment of a service that was deployed often, where they are a week or more and "+
			"three times as long as usual.", serviceLevel)
	WorkflowUsual = record("workflow:thorbis_workflow_run_seconds:p90_30d",
		"Runtime that a tenth of the workflow's runs of thirty days exceeded, where five or more ended.", workflowLevel)
	WorkflowRunning = record("workflow:thorbis_workflow_running:seconds",
		"Age of the workflow's oldest run in progress.", workflowLevel)
)

// Alerts on deployments.
var (
	DeploymentBurningAlert = alert(Alert{
		Name:       "ThorbisDeploymentBurning",
		Priorities: fromP2, Page: true, Level: LevelService, Burn: true, Dashboard: DeliveryDashboard,
		What: "Within 15 minutes after a deployment of a service the budget of an objective burns at the pace of the fast " +
			"tier over five minutes, or a check was down for 30 s, and three times as much as in the 15 minutes before.",
		Why: "The deployment is the likely cause: roll it back before the budget is spent.",
	})
	DeliverySourceRefusedAlert = alert(Alert{
		Name: "ThorbisDeliverySourceRefused", Priorities: fromP3, Page: true, Dashboard: DeliveryDashboard,
		What: "A source of deployments has refused its token for ten minutes, or does not show the project to it; or most " +
			"of the posts of a kind of source have a wrong signature or key.",
		Why: "Deployments are not seen, so that no alert names the one that caused it.",
	})
	DeliverySourceSilentAlert = alert(Alert{
		Name: "ThorbisDeliverySourceSilent", Priorities: []string{"P4"}, Page: true, Dashboard: DeliveryDashboard,
		What: "A source of deployments has not answered for an hour, or a service that is deployed often has had no " +
			"deployment for a week and three times as long as usual.",
		Why: "Deployments may not be seen, so that no alert names the one that caused it.",
	})
	WorkflowFailingAlert = alert(Alert{
		Name: "ThorbisWorkflowFailing", Priorities: []string{"P4"}, Page: true, Dashboard: DeliveryDashboard,
		What: "Every run of a workflow has failed for two hours, three or more of them.",
		Why:  "Nothing can be delivered through it, not even a hotfix.",
	})
	WorkflowRunningTooLongAlert = alert(Alert{
		Name: "ThorbisWorkflowRunningTooLong", Priorities: []string{"P4"}, Page: true, Dashboard: DeliveryDashboard,
		What: "A run of a workflow takes longer than its limit, or ten minutes and three times as long as nine tenths of " +
			"its runs of thirty days.",
		Why: "It hangs, or holds up whatever is to be delivered next.",
	})
)
