// Package platform judges what everything else rests on: machines, exporters and the path of pages. It also records the
// constants of the policy.
package platform

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Paging judges the monitoring itself: the path from a rule to a person, and the exporters.
var Paging = rule.Subject{File: "paging.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{paging(p), exporters(p)}, nil
}}

// paging returns the alerts on the path from a rule to a person. It selects the series of Prometheus, Alertmanager and
// Thanos rulers by name only, so any job may scrape them. The windows of what Prometheus tries again are shorter than
// the alerts wait: a burst of failures that has ended does not page.
func paging(p *config.Policy) rule.Group {
	const ours = `{rule_group=~".*;thorbis-.*"}`
	g := rule.Group{Name: "thorbis-paging", Interval: rule.ScrapeInterval, Rules: []rule.Rule{
		rule.Single(metric.WatchdogAlert, `vector(1)`, 0, rule.Text{
			Summary: "This alert always fires, so that its absence is noticed.",
			Description: `This alert shows that Prometheus and Alertmanager deliver notifications (value {{ $value }}).
				If it stops arriving, page a person by another channel: no alert is delivered.`,
		}),
		// A group with a longer interval than SlowInterval may have no evaluation within three minutes. Two of its
		// evaluations must fail.
		rule.Single(metric.RuleFailingAlert, `
			increase(prometheus_rule_evaluation_failures_total`+ours+`[3m]) > 0
			or
			increase(prometheus_rule_evaluation_failures_total`+ours+`[15m]) > 1.5
			and on (job, instance, rule_group) prometheus_rule_group_interval_seconds > `+rule.Seconds(rule.SlowInterval),
			rule.Patience, rule.Text{
				Summary: "Prometheus fails to evaluate alerting rules.",
				Description: `{{ $labels.instance }} fails to evaluate rules of {{ $labels.rule_group }};
					alerts that depend on them cannot fire.
					First look: the error on Prometheus' rules page; if it is a many-to-many match, an exporter has another policy.`,
			}),
		rule.Single(metric.RuleMissedAlert, `increase(prometheus_rule_group_iterations_missed_total`+ours+`[6m]) > 0`,
			2*rule.Patience, rule.Text{
				Summary: "Prometheus skips evaluations of alerting rules.",
				Description: `{{ $labels.instance }} skips evaluations of {{ $labels.rule_group }}; alerts are late.
					First look: prometheus_rule_group_last_duration_seconds against the group's interval, then the machine's load.`,
			}),
		rule.Single(metric.NoAlertmanagerAlert,
			`prometheus_notifications_alertmanagers_discovered < 1`, rule.Patience, rule.Text{
				Summary: "Prometheus knows no Alertmanager.",
				Description: `{{ $labels.instance }} has found {{ $value }} Alertmanagers; its alerts are not delivered.
					First look: the alerting section of its configuration, then its service discovery page.`,
			}),
		rule.Single(metric.AlertsDroppedAlert, `
			increase(prometheus_notifications_errors_total[3m]) > 0
			or increase(prometheus_notifications_dropped_total[3m]) > 0
			or increase(thanos_alert_sender_errors_total[3m]) > 0
			or increase(thanos_alert_queue_alerts_dropped_total[3m]) > 0`, rule.Patience, rule.Text{
			Summary: "Prometheus fails to deliver alerts to an Alertmanager.",
			Description: `{{ $labels.instance }} failed to deliver or dropped {{ $value | printf "%.0f" }} alerts in three
				minutes{{ with $labels.alertmanager }} (to {{ . }}){{ end }}; pages may be lost.
				First look: is that Alertmanager up and reachable from Prometheus, is the notification queue full.`,
		}),
		rule.Single(metric.NotificationsFailingAlert, `
			sum by (job, instance, integration) (increase(alertmanager_notifications_failed_total[5m])) > 0`,
			rule.Patience, rule.Text{
				Summary: "Alertmanager fails to notify through an integration.",
				Description: `{{ $labels.instance }} failed {{ $value | printf "%.0f" }} notifications through
				{{ $labels.integration }} in five minutes; notifications of that channel may be lost.
				First look: Alertmanager's log for that receiver, then its key or URL, then the vendor's status page.`,
			}),
		rule.Single(metric.PrometheusReloadAlert, `
			prometheus_config_last_reload_successful == 0
			or thanos_rule_config_last_reload_successful == 0`, rule.Patience, rule.Text{
			Summary: "Prometheus refused its new configuration.",
			Description: `{{ $labels.instance }} keeps its previous configuration (value {{ $value }});
				new rules and targets are not in force.
				First look: promtool check config, then Prometheus' log.`,
		}),
		rule.Single(metric.AlertmanagerReloadAlert,
			`alertmanager_config_last_reload_successful == 0`, rule.Patience, rule.Text{
				Summary: "Alertmanager refused its new configuration.",
				Description: `{{ $labels.instance }} keeps its previous configuration (value {{ $value }});
					new routes and receivers are not in force.
					First look: amtool check-config, then Alertmanager's log.`,
			}),
		rule.Single(metric.AlertmanagerSplitAlert, `
			max_over_time(alertmanager_cluster_members[5m])
			< on (job) group_left ()
			count by (job) (max_over_time(alertmanager_cluster_members[5m]))`, 15*time.Minute, rule.Text{
			Summary: "Alertmanagers of one cluster do not see each other.",
			Description: `{{ $labels.instance }} sees {{ $value }} members of its cluster, fewer than exist;
				every notification is sent twice.
				First look: --cluster.peer of each member, and whether the cluster port is open for TCP and UDP.`,
		}),
	}}
	// These series have no environment label, but routes group by it.
	for i := range g.Rules {
		g.Rules[i].Labels = map[string]string{metric.LabelEnvironment: p.Environment}
	}
	return g
}
