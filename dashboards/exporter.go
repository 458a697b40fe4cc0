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
	pickedJob      = `job=~"$job"`
	pickedInstance = `instance=~"$instance"`
)

// Series that Prometheus makes of every target, and those of Prometheus and Alertmanager on themselves.
const (
	seriesUp              = "up"
	scrapeDuration        = "scrape_duration_seconds"
	scrapeSamples         = "scrape_samples_scraped"
	residentMemory        = "process_resident_memory_bytes"
	processSeconds        = "process_cpu_seconds_total"
	ruleGroupSeconds      = "prometheus_rule_group_last_duration_seconds"
	ruleGroupInterval     = "prometheus_rule_group_interval_seconds"
	ruleFailures          = "prometheus_rule_evaluation_failures_total"
	ruleMisses            = "prometheus_rule_group_iterations_missed_total"
	alertmanagersKnown    = "prometheus_notifications_alertmanagers_discovered"
	alertsNotDelivered    = "prometheus_notifications_errors_total"
	alertsDropped         = "prometheus_notifications_dropped_total"
	prometheusReload      = "prometheus_config_last_reload_successful"
	alertmanagerReload    = "alertmanager_config_last_reload_successful"
	notificationsSent     = "alertmanager_notifications_total"
	notificationsFailed   = "alertmanager_notifications_failed_total"
	notificationSeconds   = "alertmanager_notification_latency_seconds_sum"
	notificationsMeasured = "alertmanager_notification_latency_seconds_count"
)

// ourGroups matches the groups of rules of the bundle by their names behind that of their file.
const ourGroups = `rule_group=~".*;thorbis-.*"`

// onTargets selects the part of another program's series that is of the targets picked.
func onTargets(name string, matchers ...string) string {
	return name + "{" + strings.Join(append([]string{pickedJob, pickedInstance}, matchers...), ",") + "}"
}

// ofExporters selects the part of a series that is of the exporters picked.
func ofExporters(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedJob, pickedInstance}, matchers...)...)
}

const instanceLegend = "{{job}} {{instance}}"

// path shows the monitoring itself: whether an outage would be noticed, judged, and reach somebody.
func path(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.ExporterDashboard, title: "Exporter and paging path",
		about: "Would an outage be seen, judged, and reach somebody? The exporters, the locations, the rules, Prometheus " +
			"and " +
			"Alertmanager.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.CheckExpected),
			targetVariable("job", "Job", "Scrape jobs: exporters, Prometheus, Alertmanager.", seriesUp),
			targetVariable("instance", "Instance", "Targets of these jobs.", seriesUp+"{"+pickedJob+"}"),
		},
	}.builder()
	row(b, "Path of a page", pathNumbers()...)
	row(b, "Exporters and locations", exporterTable(), locationTable(), collectorTable(),
		manyLines(words{
			title: "Probes in flight and late", unit: units.Short, empty: "no exporter probes yet",
			about: "Probes that run now; and probes a second that started late because the concurrency or the per-tenant " +
				"rate was " +
				"used up.",
		}, 12, query("A", ofExporters(metric.HealthProbesInFlight), instanceLegend+" in flight"),
			query("B", fmt.Sprintf("rate(%s[$__rate_interval])", ofExporters(metric.HealthProbesDelayed)),
				instanceLegend+" late a second")).Min(0),
		manyLines(words{
			title: "Errors of collectors", unit: units.CountsPerSecond, empty: "no collector has failed",
			about: "Failed runs a second by collector and reason.",
		}, 12, query("A", fmt.Sprintf("sum by (collector, reason) (rate(%s[$__rate_interval])) > 0",
			ofExporters(metric.CollectorErrors)), "{{collector}} {{reason}}")).Min(0),
	)
	row(b, "Rules and notifications", ruleTable(), integrationTable(),
		manyLines(words{
			title: "Evaluation of rules", unit: units.PercentUnit, empty: "Prometheus is not scraped",
			about: "Time that the last evaluation of each group took, of its interval: the slowest groups. From 100 % on, " +
				"evaluations are missed.",
		}, 12, query("A", fmt.Sprintf(`topk(%d, label_replace(%s / on (job, instance, rule_group) %s, "group", "$1", `+
			`"rule_group", ".*;(?:thorbis-)?(.*)"))`, topLines, onTargets(ruleGroupSeconds, ourGroups),
			onTargets(ruleGroupInterval, ourGroups)), "{{group}}")).Min(0),
		manyLines(words{
			title: "Notifications", unit: units.CountsPerSecond, empty: "nothing was notified yet",
			about: "Notifications a second by integration.",
		}, 12, query("A", fmt.Sprintf("sum by (integration) (rate(%s[$__rate_interval])) > 0", onTargets(notificationsSent)),
			"{{integration}}"),
			query("B", fmt.Sprintf("sum by (integration) (rate(%s[$__rate_interval])) > 0", onTargets(notificationsFailed)),
				"{{integration}} failed")).Min(0),
	)
	row(b, "Cost of the monitoring",
		manyLines(words{
			title: "Scrape duration", unit: units.Seconds, empty: "nothing is scraped yet",
			about: "How long each scrape took. A scrape of ours reads memory only: a slow one means a busy machine.",
		}, 12, query("A", onTargets(scrapeDuration), instanceLegend)).Min(0),
		manyLines(words{
			title: "Samples per scrape", unit: units.Short, empty: "nothing is scraped yet",
			about: "Series that each target exposes.",
		}, 12, query("A", onTargets(scrapeSamples), instanceLegend)).Min(0),
		manyLines(words{
			title: "Memory", unit: units.BytesIEC, empty: "nothing is scraped yet",
			about: "Memory that each program holds.",
		}, 12, query("A", onTargets(residentMemory), instanceLegend)).Min(0),
		manyLines(words{
			title: "CPU", unit: units.PercentUnit, empty: "nothing is scraped twice yet",
			about: "Share of one CPU that each program uses.",
		}, 12, query("A", fmt.Sprintf("rate(%s[$__rate_interval])", onTargets(processSeconds)), instanceLegend)).Min(0),
	)
	return b
}

// targetVariable offers labels of scrape targets.
func targetVariable(name, title, description, series string) *dashboard.QueryVariableBuilder {
	return labelVariable(name, title, description, series).AllValue(".+")
}

func pathNumbers() []panel {
	yes := texts(text{0, "no", red}, text{1, "yes", green})
	return []panel{
		number(words{
			title: "Watchdog", unit: units.NoUnit, empty: "no evaluation yet",
			about: "Whether the alert that always fires does: rules are evaluated. Its receiver raises an alarm when it " +
				"stops.",
			whenRed: "No rule is evaluated: nothing pages. Look at Prometheus' log and its rule files.",
		}, 4, "clamp_max(count("+alerts(metric.LabelAlertname+`="`+metric.WatchdogAlert.Name+`"`)+"), 1)", "watchdog",
			steps(red, from(1, green))).Mappings(texts(text{1, "fires", green})),
		number(words{
			title: "Exporters up", unit: units.Short, empty: "no exporter is scraped yet",
			about:   "Exporters that could be scraped, of those that reported within the last hour.",
			whenRed: "No exporter can be scraped: nothing is measured. Look at the unit or pod and its log.",
		}, 4, fmt.Sprintf("count(%[1]s) or 0 * count(%[2]s)", ofExporters(metric.BuildInfo),
			ofExporters(metric.ExporterSeen)),
			"up", known(red, from(1, green))),
		number(words{
			title: "Checks watched", unit: units.PercentUnit, empty: "no check yet",
			about:   "Share of the checks that should exist which some location watches.",
			whenRed: "An outage of what is not watched would not page: see Exporters and locations.",
		}, 4, fmt.Sprintf("1 - (count(%s) or vector(0)) / count(%s)", inEnvironment(metric.CheckSilent),
			inEnvironment(metric.CheckExpected)), "watched", known(red, from(0.95, yellow), from(1, green))).Decimals(1),
		number(words{
			title: "Alertmanagers", unit: units.Short, empty: "Prometheus is not scraped",
			about:   "Alertmanagers that Prometheus knows: of several Prometheus, the one that knows fewest.",
			whenRed: "Alerts go nowhere: see alerting in Prometheus' configuration, and whether Alertmanager runs.",
		}, 4, fmt.Sprintf("min(%s)", onTargets(alertmanagersKnown)), "known", known(red, from(1, green))),
		number(words{
			title: "Configurations loaded", unit: units.NoUnit, empty: "nothing is scraped yet",
			about: "Whether exporters, Prometheus and Alertmanager took their newest configuration.",
			whenRed: "One refused its newest configuration and keeps the old one: its log says why; thorbis_exporter " +
				"check-config " +
				"and amtool check-config find it before.",
		}, 4, fmt.Sprintf(`min(%s or %s or %s)`, ofExporters(metric.ConfigReloadSuccessful), onTargets(prometheusReload),
			onTargets(alertmanagerReload)), "loaded", steps(grey)).Mappings(yes),
		number(words{
			title: "Problems", unit: units.Short, empty: "no evaluation of rules yet",
			about:   "Alerts on the monitoring itself that fire.",
			whenRed: "Each names its cause: the list is on Incidents and on-call, under Alerts that fire.",
		}, 4, fmt.Sprintf("count(%s) or %s", alerts(pathAlerts()), rulesLoaded()), "alerts", known(green, from(1, red))).
			DataLinks(more(metric.IncidentDashboard)),
	}
}

func exporterTable() panel {
	by := "environment, job, instance"
	return figures(words{
		title: "Exporters", unit: units.Short, empty: "No exporter is scraped yet",
		about: "Every exporter of the last hour: when it was last seen, its version, whether it took its policy and " +
			"whether " +
			"that is the policy of the rules, and what it could not save.",
		whenRed: "Not seen for minutes: look at the unit or pod. Policy refused: its log says why. State not saved: its " +
			"disk.",
	}, 16, 7, []key{
		byEnvironment,
		{label: "job", title: "Job"},
		{label: "instance", title: "Instance"},
		{label: "version", title: "Version"},
	},
		column{title: "Seen", unit: units.DateTimeFromNow, expr: "1000 * " + ofExporters(metric.ExporterSeen)},
		column{
			title: "Policy", unit: units.NoUnit, expr: ofExporters(metric.ConfigReloadSuccessful),
			texts: texts(text{1, "loaded", green}, text{0, "refused", red}),
		},
		column{
			title: "Warnings", unit: units.Short, expr: ofExporters(metric.PolicyWarnings), colours: atLeast(1, yellow),
		},
		column{
			title: "State", unit: units.NoUnit, expr: fmt.Sprintf("max by (%s) (%s)", by, ofExporters(metric.StateUnsaved)),
			texts: texts(text{0, "saved", green}, text{1, "not saved", red}),
		},
		column{
			title: "Running", unit: units.NoUnit, texts: texts(text{1, "yes", green}),
			expr: fmt.Sprintf("max by (%s, version) (%s)", by, ofExporters(metric.BuildInfo)),
		},
	)
}

func locationTable() panel {
	return figures(words{
		title: "Locations", unit: units.Short, empty: "No location watches anything yet",
		about: "Each location that should report: the checks it watches, and whether its own network and resolver work.",
		whenRed: "It watches nothing or is offline: fewer locations judge outages, and what it sees is unknown. Look at " +
			"its " +
			"network.",
	}, 8, 7, []key{byEnvironment, {label: metric.LabelLocation, title: "Location"}},
		column{
			title: "Checks", unit: units.NoUnit, colours: below(0, red, 1, red),
			expr: checksWatched(),
		},
		column{
			title: "Network", unit: units.NoUnit, texts: texts(text{1, "online", green}, text{0, "offline", red}),
			expr: fmt.Sprintf("max by (environment, location) (%s)", ofExporters(metric.HealthReferenceUp)),
		},
		column{
			title: "Resolver", unit: units.NoUnit, texts: texts(text{1, "works", green}, text{0, "fails", red}),
			expr: fmt.Sprintf("max by (environment, location) (%s)", ofExporters(metric.HealthResolverUp)),
		},
	)
}

func collectorTable() panel {
	return figures(words{
		title: "Collectors", unit: units.Short, empty: "No exporter is scraped yet",
		about:   "Each collector of each exporter: whether its last run succeeded, how long it took, and when one last did.",
		whenRed: "What it measures is stale: the exporter's log and its status page name the reason.",
	}, 24, 8, []key{
		byEnvironment,
		{label: "job", title: "Job"},
		{label: "instance", title: "Instance"},
		{label: metric.LabelCollector, title: "Collector"},
	},
		column{
			title: "Last run", unit: units.NoUnit, expr: ofExporters(metric.CollectorSuccess),
			texts: texts(text{1, "succeeded", green}, text{0, "failed", red}),
		},
		column{title: "Took", unit: units.Seconds, expr: ofExporters(metric.CollectorDuration)},
		column{
			title: "Succeeded", unit: units.DateTimeFromNow, empty: "never",
			expr: "1000 * (" + ofExporters(metric.CollectorLastSuccess) + " > 0)",
		},
		column{
			title: "Saved", unit: units.DateTimeFromNow, empty: "keeps nothing",
			expr: "1000 * (" + ofExporters(metric.StateLastSave) + " > 0)",
		},
	)
}

func ruleTable() panel {
	rate := func(name string) string {
		return fmt.Sprintf("sum by (job, instance) (increase(%s[$__rate_interval]))", onTargets(name))
	}
	return figures(words{
		title: "Prometheus", unit: units.Short, empty: "Prometheus is not scraped: add it as a target of itself",
		about:   "Each Prometheus: rules that failed and evaluations that were missed, alerts that it could not deliver.",
		whenRed: "Alerts cannot fire, come late, or are not delivered: Prometheus' log names the rule or the Alertmanager.",
	}, 15, 6, []key{{label: "job", title: "Job"}, {label: "instance", title: "Instance"}},
		column{
			title: "Rules failed", unit: units.Short, expr: rate(ruleFailures), colours: atLeast(0.5, red), decimals: whole,
		},
		column{title: "Rules missed", unit: units.Short, expr: rate(ruleMisses), colours: atLeast(0.5, red)},
		column{title: "Not delivered", unit: units.Short, expr: rate(alertsNotDelivered), colours: atLeast(0.5, red)},
		column{title: "Dropped", unit: units.Short, expr: rate(alertsDropped), colours: atLeast(0.5, red)},
		column{
			title: "Alertmanagers", unit: units.Short, colours: below(0, red, 1, red),
			expr: "max by (job, instance) (" + onTargets(alertmanagersKnown) + ")",
		},
	)
}

func integrationTable() panel {
	rate := func(name string) string {
		return fmt.Sprintf("sum by (integration) (rate(%s[$__rate_interval]))", onTargets(name))
	}
	and := func(expr string) string {
		return expr + fmt.Sprintf(" and on (integration) (sum by (integration) (increase(%s[$__range])) > 0)",
			onTargets(notificationsSent))
	}
	return figures(words{
		title: "Alertmanager's integrations", unit: units.Short, empty: "Nothing was notified yet in the range",
		about:   "Integrations that were used in the range picked: notifications, those that failed, and how long one takes.",
		whenRed: "The channel loses notifications: its token, its address or its service. Alertmanager's log has the answer.",
	}, 9, 6, []key{{label: metric.LabelIntegration, title: "Integration"}},
		column{
			title: "Sent in the range", unit: units.Short, decimals: whole,
			expr: fmt.Sprintf("sum by (integration) (increase(%s[$__range])) > 0", onTargets(notificationsSent)),
		},
		column{
			title: "Failed in the range", unit: units.Short, decimals: whole, colours: atLeast(0.5, red),
			expr: and(fmt.Sprintf("sum by (integration) (increase(%s[$__range]))", onTargets(notificationsFailed))),
		},
		column{
			title: "Takes", unit: units.Seconds, empty: "none now",
			expr: rate(notificationSeconds) + " / (" + rate(notificationsMeasured) + " > 0)",
		},
	)
}
