package metric

import (
	"slices"
	"strings"
)

// Alert declares one alert: everything about it that does not depend on a policy.
type Alert struct {
	Name string
	// Priorities that its rules can have, most urgent first; none for the alert that always fires.
	Priorities []string
	// Owner is the owner label where the policy names no owner.
	Owner string
	// What states the condition and Why its impact, a sentence each.
	What, Why string
	// Page marks an alert whose series carry the owner of the thing concerned, and its page where rules are picked by it.
	Page bool
	// Level is the scope of the problem: an alert of a wider level inhibits those of narrower levels. It is empty for
	// an alert that neither inhibits nor is inhibited by its level. Burn marks alerts on budget consumption, as
	// opposed to current state.
	Level Level
	Burn  bool
	// Dashboard is the uid of the dashboard that shows what it is about, HealthDashboard if empty.
	Dashboard string
}

// Level is the scope of the problem that an alert reports.
type Level string

// The levels, the widest first.
const (
	LevelService     Level = "service"
	LevelManyTenants Level = "many tenants"
	LevelTier        Level = "tier"
	LevelTenant      Level = "tenant"
)

// Levels lists them, the widest first.
var Levels = []Level{LevelService, LevelManyTenants, LevelTier, LevelTenant}

var alerts []*Alert

func alert(a Alert) *Alert {
	if a.Dashboard == "" {
		a.Dashboard = HealthDashboard
	}
	if a.Owner == "" {
		a.Owner = OwnerPlatform
	}
	alerts = append(alerts, &a)
	return &a
}

// Alerts returns every declared alert sorted by name.
func Alerts() []*Alert {
	all := slices.Clone(alerts)
	slices.SortFunc(all, func(a, b *Alert) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Values of LabelBundle and LabelOwner that the rules set themselves.
const (
	BundleThorbis = "thorbis"
	OwnerPlatform = "platform"
)

// Severities maps a priority to the severity label that mixtool and third-party dashboards read.
var Severities = map[string]string{"P1": "critical", "P2": "critical", "P3": "warning", "P4": "info", "": "info"}

var (
	everyPriority = []string{"P1", "P2", "P3", "P4"}
	fromP2        = []string{"P2", "P3", "P4"}
)

// Alerts on health checks, their uptime budgets and their certificates.
var (
	CheckDownAlert = alert(Alert{
		Name: "ThorbisCheckDown", Priorities: everyPriority, Page: true, Level: LevelService,
		What: "A health check has been down for 30 s at two locations at the same time, " +
			"or at the only location that can judge it.",
		Why: "Users cannot use the service now.",
	})
	TenantDownAlert = alert(Alert{
		Name: "ThorbisTenantDown", Priorities: everyPriority, Page: true, Level: LevelTenant,
		What: "A health check of one tenant has been down for 30 s by the same quorum; below P1 a minute longer.",
		Why:  "One customer cannot use the service now.",
	})
	ManyTenantsDownAlert = alert(Alert{
		Name: "ThorbisManyTenantsDown", Priorities: everyPriority, Page: true, Level: LevelManyTenants,
		What: "Fifty or more tenants of one service are down at once.",
		Why:  "What they share is broken; one page instead of one per tenant.",
	})
	TierDownAlert = alert(Alert{
		Name: "ThorbisTierDown", Priorities: everyPriority, Page: true, Level: LevelTier,
		What: "At least as many tenants of one tier are down at once as the policy's pool.tenants says.",
		Why:  "The objective of the whole tier is at risk, not that of one customer.",
	})
	UptimeBurnAlert = alert(Alert{
		Name: "ThorbisUptimeBurn", Priorities: fromP2, Page: true, Burn: true,
		What: "Outages too short to page have burnt the uptime budget over two windows at once.",
		Why:  "Flapping and slow leaks break the objective without a single long outage.",
	})
	CertificateAlert = alert(Alert{
		Name: "ThorbisCertificateExpiring", Priorities: fromP2, Page: true,
		What: "A certificate that a check relies on expires within 14 days or a sixth of its life, " +
			"within 3 days or a twelfth for the more urgent one.",
		Why: "At that moment every client refuses the service.",
	})
)

// Alerts on the monitoring itself: checks, locations, exporters and their policy.
var (
	EnvironmentUnwatchedAlert = alert(Alert{
		Name: "ThorbisEnvironmentUnwatched", Priorities: everyPriority, Dashboard: ExporterDashboard,
		What: "No location has measured any check of any service for ten minutes, " +
			"as when the only exporter or all of them are down.",
		Why: "An outage of any service would not page. One page is sent, at the priority of the most urgent service.",
	})
	ServiceUnwatchedAlert = alert(Alert{
		Name: "ThorbisServiceUnwatched", Priorities: everyPriority, Page: true, Dashboard: ExporterDashboard,
		What: "No location has measured any check of a service for ten minutes, though other services are watched.",
		Why:  "An outage of the service would not page.",
	})
	CheckSilentAlert = alert(Alert{
		Name: "ThorbisCheckSilent", Priorities: fromP2, Page: true, Dashboard: ExporterDashboard,
		What: "A check that should exist has made no progress anywhere for ten minutes, though its service is watched.",
		Why:  "An outage of its target would not page.",
	})
	CheckUnknownAlert = alert(Alert{
		Name: "ThorbisCheckUnknown", Priorities: fromP2, Page: true, Dashboard: ExporterDashboard,
		What: "No location could judge a check for fifteen minutes.",
		Why:  "Unknown is neither up nor down; an outage would not page.",
	})
	LocationSilentAlert = alert(Alert{
		Name: "ThorbisLocationSilent", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "A location that should report has measured nothing for ten minutes.",
		Why:  "Fewer locations judge outages. If only one is left, it decides alone.",
	})
	ProberOfflineAlert = alert(Alert{
		Name: "ThorbisProberOffline", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "All reference targets of a location, or all reference names, have failed for five minutes.",
		Why:  "The location's own network or resolver is gone; what it probes is unknown.",
	})
	ReferenceDeadAlert = alert(Alert{
		Name: "ThorbisReferenceDead", Priorities: []string{"P4"}, Dashboard: ExporterDashboard,
		What: "A reference target of a location has not answered for ten minutes, though checks have.",
		Why:  "If the last one is gone, a network failure of the location looks like an outage of everything.",
	})
	ExporterDownAlert = alert(Alert{
		Name: "ThorbisExporterDown", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "An exporter that reported within the last hour cannot be scraped, or the last one of its job is gone.",
		Why: "Fewer exporters measure. If it was the last one, " +
			"ThorbisEnvironmentUnwatched or ThorbisServiceUnwatched pages.",
	})
	CollectorFailingAlert = alert(Alert{
		Name: "ThorbisCollectorFailing", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "Every run of a collector has failed for fifteen minutes.",
		Why:  "Its measurements are stale.",
	})
	StateNotSavedAlert = alert(Alert{
		Name: "ThorbisStateNotSaved", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "A collector has not saved its state for five minutes.",
		Why: "A restart loses everything since the last save. Counters of checks continue; " +
			"all others stop until it saves again.",
	})
	LabelConflictAlert = alert(Alert{
		Name: "ThorbisScrapeLabelConflict", Priorities: []string{"P2", "P3"}, Dashboard: ExporterDashboard,
		What: "For five minutes, a scrape job has replaced labels of the exporter's series; P2 if it is the environment.",
		Why: "Rules do not find the series that they judge, or judge them under another name. " +
			"If the environment is replaced, no outage pages.",
	})
	PolicyReloadAlert = alert(Alert{
		Name: "ThorbisPolicyReloadFailed", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "An exporter refused a new policy and keeps the old one.",
		Why:  "The latest change of the policy is not in force.",
	})
	PolicyDriftAlert = alert(Alert{
		Name: "ThorbisPolicyDrift", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "An exporter runs another policy than the one the rules were generated from, for half an hour.",
		Why:  "Measurements are judged by other objectives, and exporters may disagree with each other.",
	})
)

// Alerts on the path of a notification: Prometheus, Alertmanager and its integrations.
var (
	WatchdogAlert = alert(Alert{
		Name: "ThorbisWatchdog", Dashboard: ExporterDashboard,
		What: "Always fires.",
		Why:  "Its receiver must raise an alarm when it stops: then no alert is delivered.",
	})
	RuleFailingAlert = alert(Alert{
		Name: "ThorbisRuleEvaluationFailing", Priorities: []string{"P2"}, Dashboard: ExporterDashboard,
		What: "Prometheus could not evaluate a rule of this bundle for five minutes.",
		Why:  "The alerts that depend on it cannot fire.",
	})
	RuleMissedAlert = alert(Alert{
		Name: "ThorbisRuleEvaluationMissed", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "Prometheus skipped evaluations of a group of this bundle for ten minutes.",
		Why:  "It is too slow or overloaded; pages come late.",
	})
	NoAlertmanagerAlert = alert(Alert{
		Name: "ThorbisNoAlertmanager", Priorities: []string{"P2"}, Dashboard: ExporterDashboard,
		What: "A Prometheus has known no Alertmanager for five minutes.",
		Why:  "Its alerts are not delivered.",
	})
	AlertsDroppedAlert = alert(Alert{
		Name: "ThorbisAlertsNotDelivered", Priorities: []string{"P2"}, Dashboard: ExporterDashboard,
		What: "A Prometheus has failed to deliver alerts to an Alertmanager, or dropped them, for five minutes.",
		Why:  "Pages may be lost.",
	})
	NotificationsFailingAlert = alert(Alert{
		Name: "ThorbisNotificationsFailing", Priorities: []string{"P2"}, Dashboard: ExporterDashboard,
		What: "An Alertmanager has failed to notify through an integration for five minutes.",
		Why:  "Notifications of that channel may be lost.",
	})
	PrometheusReloadAlert = alert(Alert{
		Name: "ThorbisPrometheusReloadFailed", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "A Prometheus refused its new configuration and keeps the old one.",
		Why:  "New rules and targets are not in force.",
	})
	AlertmanagerReloadAlert = alert(Alert{
		Name: "ThorbisAlertmanagerReloadFailed", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "An Alertmanager refused its new configuration and keeps the old one.",
		Why:  "New routes and receivers are not in force.",
	})
	AlertmanagerSplitAlert = alert(Alert{
		Name: "ThorbisAlertmanagerClusterSplit", Priorities: []string{"P3"}, Dashboard: ExporterDashboard,
		What: "An Alertmanager has seen fewer members of its cluster than there are for fifteen minutes.",
		Why:  "Members that do not see each other send every page twice.",
	})
)
