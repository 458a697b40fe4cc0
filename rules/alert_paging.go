package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// paging returns the alerts on the path from a rule to a person. It selects the series of Prometheus and Alertmanager
// by name only, so any job may scrape them.
func paging(p *config.Policy) Group {
	const ours = `{rule_group=~".*;thorbis-.*"}`
	g := Group{Name: "thorbis-paging", Interval: scrapeInterval, Rules: []Rule{
		single(metric.WatchdogAlert, `vector(1)`, 0, text{
			summary: "This alert always fires, so that its absence is noticed.",
			description: `Alerts get from this Prometheus through Alertmanager to whoever reads this (value {{ $value }}).
				If it stops arriving, page a person by another way: no alert gets through.`,
		}),
		single(metric.RuleFailingAlert, `increase(prometheus_rule_evaluation_failures_total`+ours+`[5m]) > 0`, patience, text{
			summary: "Prometheus fails to evaluate alerting rules.",
			description: `{{ $labels.instance }} fails to evaluate rules of {{ $labels.rule_group }}; alerts that rest on them cannot fire.
				First look: the error on Prometheus' rules page; a join that finds two partners is most often an exporter with another policy.`,
		}),
		single(metric.RuleMissedAlert, `increase(prometheus_rule_group_iterations_missed_total`+ours+`[10m]) > 0`, 2*patience, text{
			summary: "Prometheus skips evaluations of alerting rules.",
			description: `{{ $labels.instance }} skips evaluations of {{ $labels.rule_group }}; pages come late.
				First look: prometheus_rule_group_last_duration_seconds against the group's interval, then the machine's load.`,
		}),
		single(metric.NoAlertmanagerAlert, `prometheus_notifications_alertmanagers_discovered < 1`, patience, text{
			summary: "Prometheus knows no Alertmanager.",
			description: `{{ $labels.instance }} has found {{ $value }} Alertmanagers; its alerts reach nobody.
				First look: the alerting section of its configuration, then its service discovery page.`,
		}),
		single(metric.AlertsDroppedAlert, `
			increase(prometheus_notifications_errors_total[5m]) > 0
			or increase(prometheus_notifications_dropped_total[5m]) > 0`, patience, text{
			summary: "Prometheus fails to deliver alerts to an Alertmanager.",
			description: `{{ $labels.instance }} failed to deliver or dropped {{ $value | printf "%.0f" }} alerts in five minutes{{ with $labels.alertmanager }} (to {{ . }}){{ end }}; pages may be lost.
				First look: is that Alertmanager up and reachable from Prometheus, is the notification queue full.`,
		}),
		single(metric.NotificationsFailingAlert, `
			sum by (job, instance, integration) (increase(alertmanager_notifications_failed_total[5m])) > 0`, patience, text{
			summary: "Alertmanager fails to notify through an integration.",
			description: `{{ $labels.instance }} failed {{ $value | printf "%.0f" }} notifications through {{ $labels.integration }} in five minutes; people told by that channel are not.
				First look: Alertmanager's log for that receiver, then its key or URL, then the vendor's status page.`,
		}),
		single(metric.PrometheusReloadAlert, `prometheus_config_last_reload_successful == 0`, patience, text{
			summary: "Prometheus refused its new configuration.",
			description: `{{ $labels.instance }} keeps its older configuration (value {{ $value }}); new rules and targets are not in force.
				First look: promtool check config, then Prometheus' log.`,
		}),
		single(metric.AlertmanagerReloadAlert, `alertmanager_config_last_reload_successful == 0`, patience, text{
			summary: "Alertmanager refused its new configuration.",
			description: `{{ $labels.instance }} keeps its older configuration (value {{ $value }}); new routes and receivers are not in force.
				First look: amtool check-config, then Alertmanager's log.`,
		}),
		single(metric.AlertmanagerSplitAlert, `
			max_over_time(alertmanager_cluster_members[5m])
			< on (job) group_left ()
			count by (job) (max_over_time(alertmanager_cluster_members[5m]))`, 15*time.Minute, text{
			summary: "Alertmanagers of one cluster do not see each other.",
			description: `{{ $labels.instance }} sees {{ $value }} members of its cluster, fewer than there are; every page is sent twice.
				First look: --cluster.peer of each member, and whether the cluster port is open for TCP and UDP.`,
		}),
	}}
	// These series have no environment label, but routes group by it.
	for i := range g.Rules {
		g.Rules[i].Labels = map[string]string{metric.LabelEnvironment: p.Environment}
	}
	return g
}
