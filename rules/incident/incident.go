// Package incident judges incidents: which are unacknowledged, and how people respond.
package incident

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var exprNames = rule.Names{
	"read":           metric.IncidentsRead.Name,
	"lastRead":       metric.IncidentLastRead.Name,
	"firing":         metric.AlertsFiring.Name,
	"firingSince":    metric.AlertsBegan.Name,
	"known":          metric.AlertsKnown.Name,
	"open":           metric.IncidentOpen.Name,
	"openSince":      metric.IncidentOpenSince.Name,
	"waiting":        metric.IncidentWaiting.Name,
	"waitingSince":   metric.IncidentWaitingSince.Name,
	"acknowledged":   metric.IncidentAcknowledgedNow.Name,
	"unlistedSince":  metric.IncidentsNotListedWaiting.Name,
	"unlisted":       metric.IncidentUnlisted.Name,
	"assumed":        metric.IncidentAssumed.Name,
	"expected":       metric.EscalationExpected.Name,
	"overdue":        metric.IncidentOverdue.Name,
	"pending":        metric.IncidentPending.Name,
	"writeUpDue":     metric.IncidentWriteUpDue.Name,
	"writeUpWritten": metric.IncidentWriteUpWritten.Name,
	"writeUps":       metric.WriteUpsOverdue.Name,
	"responses":      metric.ResponsesIncrease.Name,
	"late":           metric.ResponseLateRatio.Name,
	"silences":       metric.Silences.Name,

	"incident": rule.Join(metric.LabelEnvironment, metric.LabelIncident, metric.LabelAlert, metric.LabelAppService,
		metric.LabelSubject, metric.LabelPriority, metric.LabelOwner),
	"same":     rule.Join(metric.LabelEnvironment, metric.LabelIncident),
	"kind":     rule.Join(metric.LabelEnvironment, metric.LabelAlert, metric.LabelAppService, metric.LabelPriority),
	"priority": rule.Join(metric.LabelEnvironment, metric.LabelPriority),
	"began":    `ALERTS_FOR_STATE{bundle="thorbis",alertname!~"` + escalationAlertNames() + `"}`,
	"fires":    `ALERTS{bundle="thorbis",alertname!~"` + escalationAlertNames() + `",alertstate="firing"}`,
	"stale":    rule.Seconds(readStale),
	"grace":    rule.Span(blindGrace),
	"lateMax":  lateShare,
	"lateMin":  lateCount,
}

// Thresholds of incidents.
const (
	// readStale is the maximum age of the facts on incidents. blindGrace is how long these may be missing before
	// escalation continues without them: a restart is no fault.
	readStale  = 2 * time.Minute
	blindGrace = 5 * time.Minute
	// More than lateShare of the week's incidents, and at least lateCount of them, must be answered late. lateCount
	// stands for three incidents, because increase() extrapolates.
	lateShare = "0.1"
	lateCount = "2.5"
)

// Subject judges incidents: which wait for an acknowledgement, and how people respond.
var Subject = rule.Subject{File: "incident.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{escalate(p), responses(p)}, nil
}}

func escalationAlertNames() string {
	var list []string
	for _, a := range metric.EscalationAlerts() {
		list = append(list, a.Name)
	}
	return strings.Join(list, "|")
}

// Ladders writes the delay of each escalation layer as a constant series. The series must outlive every exporter:
// escalation must not stop when the exporters are gone.
func Ladders(p *config.Policy) []rule.Group {
	var rules []rule.Rule
	for _, priority := range config.Priorities {
		for _, layer := range config.Layers {
			if after := p.Escalation.Ladder(priority).After(layer); after > 0 {
				rules = append(rules, rule.Rule{
					Record: metric.EscalationExpected, Expr: "vector(" + rule.Seconds(after) + ")", Labels: map[string]string{
						metric.LabelEnvironment: p.Environment, metric.LabelPriority: priority, metric.LabelLayer: layer,
					},
				})
			}
		}
	}
	groups := rule.Split("thorbis-escalation", rules)
	for i := range groups {
		groups[i].Interval = rule.ScrapeInterval
	}
	return groups
}

// escalate returns the rules that notify the next layer of unacknowledged incidents. Exporters report which incidents
// are open. While none can, an open incident stays open until its alert stops firing. After blindGrace, every firing
// alert without a known incident counts as unacknowledged: escalation fails open.
func escalate(*config.Policy) rule.Group {
	n := exprNames
	rules := []rule.Rule{
		{Record: metric.IncidentsRead, Expr: rule.Expand(`max by (environment) ($lastRead) > time() - $stale`, n)},
		{Record: metric.AlertsBegan, Expr: rule.Expand(`$began and ignoring (alertstate) $fires`, n)},
		{Record: metric.AlertsFiring, Expr: rule.Expand(`
			min by ($kind) (label_replace($firingSince, "alert", "$1", "alertname", "(.+)"))`, n)},
		// An exporter lists an alert within two minutes of its firing.
		{Record: metric.AlertsKnown, Expr: rule.Expand(`
			$firingSince and ignoring (alertstate) $fires offset 2m and on (environment) $read
			or
			$known and $firingSince unless on (environment) $read`, n)},
		{Record: metric.IncidentOpen, Expr: rule.Expand(`
			max by ($incident) ($openSince)
			or on ($same)
			(
				$open
				and on ($kind) $firing
				unless on (environment) $read
			)`, n)},
		{Record: metric.IncidentWaiting, Expr: rule.Expand(`
			max by ($incident) ($waitingSince unless on ($same) $acknowledged == 1)
			or on ($same)
			(
				$waiting
				and on ($kind) $firing
				unless on (environment) $read
			)`, n)},
		{Record: metric.IncidentUnlisted, Expr: rule.Expand(`
			min by ($priority) ($unlistedSince)
			or on ($priority)
			(
				$unlisted
				and on ($priority) $firing
				unless on (environment) $read
			)`, n)},
		// An alert without a service gets its own name as subject: its real subject is not known here.
		{Record: metric.IncidentAssumed, Expr: rule.Expand(`
			label_replace(label_replace(
				min by ($kind) (label_replace($firingSince unless $known, "alert", "$1", "alertname", "(.+)"))
				or
				$firing unless on ($kind) $open,
				"subject", "$1", "alert", "(.+)"), "subject", "", "app_service", ".+"
			)
			and on ($priority) $expected
			unless on (environment) last_over_time($read[$grace])`, n)},
		// The incident is renamed for the alerts: see metric.LabelFingerprint.
		{Record: metric.IncidentPending, Expr: rule.Expand(`
			label_replace(label_replace(
				$waiting or $assumed or $unlisted,
				"fingerprint", "$1", "incident", "(.+)"), "incident", "", "", ""
			)`, n)},
		{Record: metric.IncidentOverdue, Expr: rule.Expand(overdue(), n)},
	}
	for _, priority := range config.Priorities {
		rules = append(rules, rule.Rule{
			Alert: metric.UnacknowledgedAlert, Priority: priority,
			Expr: rule.Expand(`$overdue{priority="`+priority+`"} > 0`, n),
			Annotations: rule.Text{
				Summary: "An incident is unacknowledged.",
				Description: `{{ with $labels.alert }}{{ . }}{{ else }}An incident beyond the list of
					200{{ end }}{{ with $labels.app_service }} of {{ . }}{{ end }}{{ with $labels.subject }}{{ if ne . $labels.alert }}
					of {{ . }}{{ end }}{{ end }} in {{ $labels.environment }} is unacknowledged after {{ $value | humanizeDuration }};
					escalated to {{ $labels.layer }}. Owner: {{ or $labels.owner "unknown" }}.
					{{ if $labels.fingerprint }}First look: the page of {{ $labels.alert }} itself;
					an acknowledgement here or there stops the escalation.{{ else if not $labels.alert }}First look:
					all open alerts on Alertmanager's page; acknowledge what you can, and the list advances.{{ else }}First look:
					the page of {{ $labels.alert }}. No exporter can read acknowledgements (ThorbisEscalationBlind):
					stop this escalation with the Acknowledge link, which silences the escalation itself.{{ end }}`,
			}.Annotations(),
		})
	}
	rules = append(rules, rule.Single(metric.EscalationBlindAlert, rule.Expand(
		`group by (environment) ($expected) unless on (environment) $read`, n), blindGrace, rule.Text{
		Summary: "No exporter can report which incidents are acknowledged.",
		Description: `For five minutes no exporter in {{ $labels.environment }} has read an Alertmanager's alerts and
			silences.
			Acknowledgements are ignored, and escalation continues for every alert that fires (value {{ $value }}).
			First look: is an exporter with the incident collector up, is thorbis_incident_source_up 1, are there errors in its
			log.`,
	}))
	return rule.Group{Name: "thorbis-incident", Interval: rule.ScrapeInterval, Rules: rules}
}

// overdue returns a branch for each layer, because PromQL joins many incidents with one layer at a time.
func overdue() string {
	var branches []string
	for _, layer := range config.Layers {
		branches = append(branches,
			`time() - $pending >= on ($priority) group_left (layer) $expected{layer="`+layer+`"}`)
	}
	return strings.Join(branches, "\nor\n")
}

// responses returns the records and alerts on how people respond over a week. Exporters count the same incidents, so
// the highest count is right.
func responses(p *config.Policy) rule.Group {
	n := exprNames
	by := func(m *metric.Metric, suffix, labels string) string {
		return `max by (environment, ` + labels + `) (increase(` + m.Name + suffix + `[1w]))`
	}
	rules := []rule.Rule{
		{Record: metric.ResponsesIncrease, Expr: by(metric.IncidentResponses, "", "priority, result")},
		{Record: metric.ResponseLateRatio, Expr: rule.Expand(`
			$responses{result="late"}
			/ ignoring (result)
			(sum without (result) ($responses{result=~"in_time|late"}) > 0)`, n)},
		{Record: metric.BriefRatio, Expr: by(metric.IncidentsBrief, "", "priority") +
			"\n/ (" + by(metric.IncidentResolveDuration, "_count", "priority") + " > 0)"},
		{Record: metric.OpenedIncrease, Expr: by(metric.IncidentsOpened, "", "priority, shift")},
		{Record: metric.PagesIncrease, Expr: by(metric.IncidentPages, "", "priority, recipient, shift")},
		quantile(metric.NotifyQuantiles["0.5"], "0.5", metric.IncidentNotifyDuration),
		quantile(metric.NotifyQuantiles["0.9"], "0.9", metric.IncidentNotifyDuration),
		quantile(metric.AcknowledgeQuantiles["0.5"], "0.5", metric.IncidentAcknowledgeDuration),
		quantile(metric.AcknowledgeQuantiles["0.9"], "0.9", metric.IncidentAcknowledgeDuration),
		quantile(metric.ResolveQuantiles["0.5"], "0.5", metric.IncidentResolveDuration),
		quantile(metric.ResolveQuantiles["0.9"], "0.9", metric.IncidentResolveDuration),
		rule.Single(metric.ResponseBurnAlert, rule.Expand(`
			label_replace(
				$late > $lateMax and on ($priority) $responses{result="late"} >= $lateMin,
				"page", "$1", "priority", "(.+)"
			)`, n), blindGrace, rule.Text{
			Summary: "Incidents are answered too late.",
			Description: `{{ $value | humanizePercentage }} of the week's {{ $labels.page }} incidents in
				{{ $labels.environment }} that needed an answer were acknowledged late or never.
				First look: which shifts and which alerts, on the Incidents dashboard; then whether the engineers on call receive
				the pages.`,
		}),
		rule.Single(metric.EndlessSilenceAlert, rule.Expand(`max by (environment) ($silences{length="endless"}) > 0`, n),
			rule.LongMemory, rule.Text{
				Summary: "A silence lasts longer than 31 days.",
				Description: `{{ $value }} silence(s) in {{ $labels.environment }} last longer than 31 days;
					the alerts that they match are not delivered.
					First look: amtool silence query lists them with their end; fix or delete the alert instead,
					or silence it for a week.`,
			}),
	}
	if p.WriteUps() != nil {
		rules = append(rules, writeUps()...)
	}
	return rule.Group{Name: "thorbis-incident-quality", Interval: rule.WindowInterval, Rules: append(rules, answers(p)...)}
}

// writeUps judges by all exporters: a write-up that was reported to one of them is enough.
func writeUps() []rule.Rule {
	n := exprNames
	alerts := rule.ByPage(metric.WriteUpOverdueAlert, "P4", 0, rule.Text{
		Summary: "Incidents are overdue for their write-up.",
		Description: `{{ $value }} incident(s) of {{ or $labels.owner "the platform" }} in {{ $labels.environment }} ended and
			were not written up in time.
			First look: the Incidents dashboard lists them, as does /api/v1/incidents of the exporter; thorbis_exporter report
			incident drafts one. Report it with thorbis_exporter write-up ID LINK.`,
	}, func(string) string { return rule.Expand("$writeUps > 0", n) })
	return append([]rule.Rule{{Record: metric.WriteUpsOverdue, Expr: rule.Expand(`
		count by (environment, owner) (
			time() - max by (environment, incident, owner) ($writeUpDue) > 0
			unless on (environment, incident) last_over_time($writeUpWritten[1h])
		)`, n)}}, rule.Lasting(alerts)...)
}

// quantile records a quantile over a week. It records nothing instead of NaN.
func quantile(r *metric.Record, q string, histogram *metric.Metric) rule.Rule {
	return rule.Rule{Record: r, Expr: "histogram_quantile(" + q + ", max by (environment, priority, " +
		"le) (increase(" + histogram.Name + "_bucket[1w]))) >= 0"}
}
