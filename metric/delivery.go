package metric

import "slices"

// LabelDeployment names a deployment: the beginning of its commit, and its id where a commit is deployed again.
const LabelDeployment = "deployment"

// LabelPullRequest is the number of the pull request that a deployment brought to production, empty if unknown.
const LabelPullRequest = "pull_request"

// LabelCommit is the beginning of a commit's hash.
const LabelCommit = "commit"

// LabelWorkflow is the file name of a workflow of GitHub Actions, as the policy lists it.
const LabelWorkflow = "workflow"

// What became of a deployment: values of LabelResult.
const (
	DeploymentSuccess   = "success"   // it went live
	DeploymentFailure   = "failure"   // it was not built or not deployed; not a change that failed
	DeploymentCancelled = "cancelled" // somebody or something stopped it before it went live
)

// DeploymentResults is the closed set.
var DeploymentResults = []string{DeploymentSuccess, DeploymentFailure, DeploymentCancelled}

// Why a deployment that was live has failed: values of LabelReason.
const (
	DeploymentRolledBack = "rollback" // an earlier one took its place
	DeploymentHotfixed   = "hotfix"   // a hotfix followed it
	DeploymentIncident   = "incident" // an incident of its service began after it
	DeploymentPaged      = "page"     // an alert on its service that pages began after it
)

// DeploymentFailureReasons lists those that the exporter finds; the others are found by rules.
var DeploymentFailureReasons = []string{DeploymentRolledBack, DeploymentHotfixed}

// DeploymentReworkKinds lists the values of LabelKind of an unplanned deployment.
var DeploymentReworkKinds = []string{DeploymentHotfixed, DeploymentRolledBack}

// DeliverySourceKinds lists the kinds of sources, values of LabelSource of received events.
var DeliverySourceKinds = []string{"github", "vercel", "events"}

// What became of a received event: values of LabelResult.
const (
	DeliveryAccepted     = "accepted"
	DeliveryDuplicate    = "duplicate"    // it was delivered before
	DeliveryIgnored      = "ignored"      // it concerns nothing that the policy names
	DeliveryUnauthorized = "unauthorized" // its signature or its key is missing or wrong
	DeliveryTooLarge     = "too_large"
	DeliveryInvalid      = "invalid"     // it cannot be read
	DeliveryUnavailable  = "unavailable" // it could not be saved, or too many came at once
)

// DeliveryEventResults is the closed set.
var DeliveryEventResults = []string{
	DeliveryAccepted, DeliveryDuplicate, DeliveryIgnored, DeliveryUnauthorized, DeliveryTooLarge, DeliveryInvalid,
	DeliveryUnavailable,
}

var (
	deploymentLabel      = []string{LabelAppService}
	deploymentNamedLabel = []string{LabelAppService, LabelDeployment}
)

// Deployments of services to the environment of the policy. Kept across restarts. Those that were live before their
// source was first read are not counted.
var (
	Deployments = define(Metric{
		Name: "thorbis_deployments_total", Type: Counter, Across: Replica,
		Help: "Deployments by result: success went live, failure and cancelled never did. One that several sources " +
			"report is one.",
		Labels: []string{LabelAppService, LabelResult},
	})
	DeploymentFailures = define(Metric{
		Name: "thorbis_deployment_failures_total", Type: Counter, Across: Replica,
		Help: "Deployments that were live and have failed, each once and when that was learned, by what showed it first: a " +
			"rollback or a hotfix. Those that incidents and pages show are found by rules.",
		Labels: []string{LabelAppService, LabelReason},
	})
	DeploymentReworks = define(Metric{
		Name: "thorbis_deployment_reworks_total", Type: Counter, Across: Replica,
		Help:   "Unplanned deployments: hotfixes, and deployments of an earlier commit.",
		Labels: []string{LabelAppService, LabelKind},
	})
	DeploymentLeadTime = define(Metric{
		Name: "thorbis_deployment_lead_time_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help:   "Time from the commit to its first deployment that went live, where the time of the commit is known.",
		Labels: deploymentLabel,
	})
	DeploymentRecovery = define(Metric{
		Name: "thorbis_deployment_recovery_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help:   "Time from when a deployment that failed went live to its rollback or its hotfix.",
		Labels: deploymentLabel,
	})
	DeploymentLast = define(Metric{
		Name: "thorbis_deployment_last_info", Type: Info, Across: Replica,
		Help:   "1 for the deployment of the service that is live now.",
		Labels: []string{LabelAppService, LabelDeployment, LabelCommit, LabelPullRequest},
	})
	DeploymentLastLive = define(Metric{
		Name: "thorbis_deployment_last_live_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which a deployment of the service last went live.", Labels: deploymentLabel,
	})
)

// Deployments one by one, for two hours or for as long as the policy lets a page or an incident follow them, after
// something was learned of one. At most twenty of a service at once.
var (
	DeploymentLive = define(Metric{
		Name: "thorbis_deployment_live_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the deployment went live.",
		Labels: []string{LabelAppService, LabelDeployment, LabelPullRequest},
	})
	DeploymentLead = define(Metric{
		Name: "thorbis_deployment_commit_age_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "How old the commit of the deployment was when it went live; absent if that is unknown.",
		Labels: deploymentNamedLabel,
	})
	DeploymentFailed = define(Metric{
		Name: "thorbis_deployment_failed_after_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Seconds from when the deployment went live to the rollback or hotfix by which it has failed.",
		Labels: []string{LabelAppService, LabelDeployment, LabelReason},
	})
	DeploymentRework = define(Metric{
		Name: "thorbis_deployment_rework", Type: Gauge, Across: Replica,
		Help:   "1 for an unplanned deployment: a hotfix, or a deployment of an earlier commit.",
		Labels: deploymentNamedLabel,
	})
)

// How deployments are read.
var (
	DeliveryEvents = define(Metric{
		Name: "thorbis_delivery_events_total", Type: Counter, Across: Sum,
		Help:   "Events that were posted, by kind of source and by what became of them.",
		Labels: []string{LabelSource, LabelResult},
	})
	DeliveryInfo = define(Metric{
		Name: "thorbis_delivery_info", Type: Info, Across: Replica, Expected: true,
		Help:   "A service whose deployments are measured, with its owner and the priority at which it pages.",
		Labels: []string{LabelAppService, LabelOwner, LabelPage},
	})
)

// Why a source did not answer, besides ReadReasons: values of LabelReason. A source whose limit of requests is reached
// may answer 403 as well as 429.
const (
	DeliveryUnauthorizedAnswer = "unauthorized" // 401 or 403: the token is wrong, or may not read it
	DeliveryCredentials        = "credentials"  // the token cannot be read here
	DeliveryUnsaved            = "unsaved"      // what it answered could not be saved
)

// DeliveryReasons is the closed set.
var DeliveryReasons = slices.Concat(ReadReasons, []string{
	DeliveryUnauthorizedAnswer, DeliveryCredentials, DeliveryUnsaved,
})

var deliverySourceLabel = []string{LabelAppService, LabelSource}

// Sources that are polled. They begin at 0 with the process.
var (
	DeliverySourcePolls = define(Metric{
		Name: "thorbis_delivery_source_polls_total", Type: Counter, Across: Sum,
		Help: "Rounds in which a source was polled, by result.", Labels: append(deliverySourceLabel[:2:2], LabelResult),
	})
	DeliverySourceFailures = define(Metric{
		Name: "thorbis_delivery_source_failures_total", Type: Counter, Across: Sum,
		Help: "Rounds that failed, by reason.", Labels: append(deliverySourceLabel[:2:2], LabelReason),
	})
	DeliverySourceSuccess = define(Metric{
		Name: "thorbis_delivery_source_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the source last answered this exporter. Absent until it has.",
		Labels: deliverySourceLabel,
	})
	DeliverySourceRefused = define(Metric{
		Name: "thorbis_delivery_source_refused", Type: Gauge, Across: Replica,
		Help:   "1 while the last round failed because the token is wrong, may not read the project, or cannot be read.",
		Labels: deliverySourceLabel,
	})
	DeliverySourceInterval = define(Metric{
		Name: "thorbis_delivery_source_expected_interval_seconds",
		Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "How often the source is polled.", Labels: deliverySourceLabel,
	})
)

// What became of a run of a workflow: values of LabelResult.
const (
	RunSuccess   = "success"
	RunFailure   = "failure" // it failed, timed out or could not start
	RunCancelled = "cancelled"
)

// RunResults is the closed set.
var RunResults = []string{RunSuccess, RunFailure, RunCancelled}

var workflowLabel = []string{LabelAppService, LabelSource, LabelWorkflow}

// Runs of workflows of GitHub Actions on the branch that the policy names. Kept across restarts.
var (
	WorkflowRuns = define(Metric{
		Name: "thorbis_workflow_runs_total", Type: Counter, Across: Replica,
		Help: "Runs that ended, each attempt by itself, by result.", Labels: append(workflowLabel[:3:3], LabelResult),
	})
	WorkflowRunDuration = define(Metric{
		Name: "thorbis_workflow_run_duration_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help: "How long runs took that ended.", Labels: workflowLabel,
	})
	WorkflowFailing = define(Metric{
		Name: "thorbis_workflow_failing", Type: Gauge, Across: Replica,
		Help:   "1 while the newest run that ended and was not cancelled has failed. Absent until one has ended.",
		Labels: workflowLabel,
	})
	WorkflowRunningSince = define(Metric{
		Name: "thorbis_workflow_oldest_run_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the oldest run in progress has begun. Absent while none is.",
		Labels: workflowLabel,
	})
	WorkflowExpectedMaxRuntime = define(Metric{
		Name: "thorbis_workflow_expected_max_runtime_seconds",
		Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "How long a run may take. Absent where it has no limit.", Labels: workflowLabel,
	})
)

func init() {
	documentNoAlert("How often and how fast it is delivered: figures for people, and no targets.", Deployments,
		DeploymentFailures, DeploymentReworks, DeploymentLeadTime, DeploymentRecovery, DeploymentLast, DeploymentLead,
		DeploymentFailed, DeploymentRework)
	documentNoAlert("How polling fares, by reason; a source that refuses or is silent has alerts.", DeliverySourcePolls,
		DeliverySourceFailures)
}
