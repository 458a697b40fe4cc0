package handbook

import "github.com/thorbis/thorbis_exporter/metric"

var team = chapter{"Team", []item{
	{
		id: "T1", text: "Operations lead: oversight, escalation",
		policy: []string{"owners.ops-lead.notify", "services[back-office].owner"},
		pages:  []string{"routing.md#who-is-notified"},
	},
	{
		id: "T2", text: "Site reliability engineers: monitoring, optimisation",
		policy: []string{"owners.sre.notify", "services[web].owner"},
		pages:  []string{"routing.md#who-is-notified"},
	},
	{
		id: "T3", text: "DevOps engineers: deployment automation, infrastructure",
		policy: []string{"owners.devops.notify", "services[api].owner"},
		pages:  []string{"routing.md#who-is-notified"},
	},
	{
		id: "T4", text: "Security operations: security monitoring, response",
		policy: []string{"owners.secops.notify", "services[sign-in].owner"},
		pages:  []string{"routing.md#who-is-notified"},
	},
	{
		id: "T5", text: "Database administrators: performance, maintenance",
		policy: []string{"owners.dba.notify", "services[database].owner"},
		pages:  []string{"routing.md#who-is-notified"},
	},
}}

const noRota = "The policy names channels. Who is on call in which week or month is kept in PagerDuty."

var onCall = chapter{"On call", []item{
	{
		id: "O1", text: "Primary, one week, escalates after 15 minutes: immediate response, first triage, communication",
		policy: []string{
			"priorities.P1.notify", "channels.pagerduty.pagerduty.escalation_policy", "escalation.P1.secondary",
		},
		series: []series{metric.IncidentWaitingSince, metric.EscalationExpected, metric.IncidentOverdue},
		alerts: []*metric.Alert{metric.UnacknowledgedAlert},
		panels: []panels{on(metric.IncidentDashboard, "Not acknowledged", "Pages in a week", "Of them at night")},
		pages:  []string{"routing.md#acknowledge", "routing.md#escalate"},
		reason: noRota,
	},
	{
		id: "O2", text: "Secondary, one week, escalates after 30 minutes: complex issues, technical decisions, coordination",
		policy: []string{"escalation.layers.secondary", "escalation.P1.manager"},
		series: []series{metric.EscalationExpected, metric.IncidentOverdue},
		alerts: []*metric.Alert{metric.UnacknowledgedAlert},
		panels: []panels{on(metric.IncidentDashboard, "Not acknowledged")},
		pages:  []string{"routing.md#escalate"},
		reason: noRota,
	},
	{
		id: "O3", text: "Manager, one month, escalates after 1 hour: business decisions, external communication, resources",
		policy: []string{"escalation.layers.manager", "escalation.P1.everyone", "escalation.layers.everyone"},
		series: []series{metric.EscalationExpected, metric.IncidentOverdue},
		alerts: []*metric.Alert{metric.UnacknowledgedAlert},
		panels: []panels{on(metric.IncidentDashboard, "Not acknowledged")},
		pages:  []string{"routing.md#escalate"},
		reason: noRota,
	},
}}

var severity = chapter{"Severity", []item{
	{
		id: "S1", text: "P1 critical: outage, security breach, data loss. Response within 15 min, escalation at once",
		policy: []string{
			"priorities.P1.respond_within", "priorities.P1.notify", "escalation.P1", "services[web].page",
		},
		series: []series{metric.IncidentsOpen, metric.IncidentAcknowledgeDuration, metric.ResponseGood},
		alerts: []*metric.Alert{
			metric.CheckDownAlert, metric.ArchivingStoppedAlert, metric.ResponseBurnAlert, metric.UnacknowledgedAlert,
		},
		panels: []panels{on(metric.IncidentDashboard, "Open incidents", "Time to acknowledge", "Answered late")},
		pages:  []string{"alerts.md"},
		reason: "Security breaches are not measured yet.",
	},
	{
		id: "S2", text: "P2 high: degraded performance, a feature fails. Response within 1 h, escalation within 30 min",
		policy: []string{"priorities.P2.respond_within", "priorities.P2.notify", "escalation.P2.secondary"},
		series: []series{metric.IncidentsOpen, metric.IncidentAcknowledgeDuration, metric.ResponseGood},
		alerts: []*metric.Alert{
			metric.SLOBurnAlert, metric.UptimeBurnAlert, metric.DiskLimitAlert, metric.ResponseBurnAlert,
			metric.UnacknowledgedAlert,
		},
		panels: []panels{on(metric.IncidentDashboard, "Open incidents", "Time to acknowledge", "Answered late")},
		pages:  []string{"alerts.md"},
	},
	{
		id: "S3", text: "P3 medium: minor bugs, non-critical features. Response within 4 h, escalation in business hours",
		policy: []string{
			"priorities.P3.respond_within", "priorities.P3.business_hours", "business_hours", "services[back-office].page",
		},
		series: []series{metric.IncidentsOpen, metric.ResponseGood},
		alerts: []*metric.Alert{metric.DiskSlowAlert, metric.CPUAlert, metric.ResponseBurnAlert},
		panels: []panels{on(metric.IncidentDashboard, "Open incidents", "Answered late")},
		pages:  []string{"alerts.md"},
	},
	{
		id: "S4", text: "P4 low: requests, documentation. Response within 1 week, escalation as needed",
		policy: []string{"priorities.P4.respond_within", "priorities.P4.notify", "channels.tickets"},
		series: []series{metric.IncidentsOpen, metric.ResponseGood},
		alerts: []*metric.Alert{metric.LeakAlert, metric.ProcedureMissedAlert},
		panels: []panels{on(metric.IncidentDashboard, "Open incidents")},
		pages:  []string{"alerts.md"},
		reason: "Requests of people are tickets elsewhere; alerts at P4 open tickets beside them.",
	},
}}

// delivered are the alerts on channels that lose notifications.
var delivered = []*metric.Alert{metric.NotificationsFailingAlert}

var channels = chapter{"Channels", []item{
	{
		id: "C1", text: "Slack #incidents-critical",
		policy: []string{"channels.incidents-critical.slack.channel", "priorities.P1.notify"},
		alerts: delivered,
		panels: []panels{on(metric.ExporterDashboard, "Alertmanager's integrations", "Notifications")},
	},
	{
		id: "C2", text: "Slack #ops-general",
		policy: []string{"channels.ops-general.slack.channel", "priorities.P3.notify"},
		alerts: delivered,
	},
	{
		id: "C3", text: "Slack #security-alerts",
		policy: []string{"channels.security-alerts.slack.channel", "owners.secops.notify"},
		alerts: delivered,
	},
	{
		id: "C4", text: "PagerDuty service thorbis-production, escalation policy critical-response",
		policy: []string{"channels.pagerduty.pagerduty.service", "channels.pagerduty.pagerduty.escalation_policy"},
		series: []series{metric.IncidentSourceUp},
		alerts: []*metric.Alert{metric.NotificationsFailingAlert, metric.EscalationBlindAlert, metric.WatchdogAlert},
		panels: []panels{on(metric.IncidentDashboard, "Sources that answer")},
		pages:  []string{"routing.md#acknowledge"},
	},
	{
		id: "C5", text: "Status page status.thorbis.com",
		alerts: []*metric.Alert{metric.CheckDownAlert, metric.SLOBurnAlert},
		pages:  []string{"reports.md#status-page"},
		reason: "What the page shows is written; a web server has to publish it.",
	},
	{
		id: "C6", text: "support@thorbis.com",
		reason: "A mailbox to which customers write: nothing here reads it, and no alert is sent to it.",
	},
	{
		id: "C7", text: "security@thorbis.com",
		policy: []string{"channels.mail-security.email.to", "owners.secops.notify"},
		alerts: delivered,
		reason: "Alerts are sent to it. What people write to it is not read.",
	},
	{
		id: "C8", text: "Vendors: Vercel premium, Supabase enterprise, Cloudflare 24/7 support",
		policy: []string{"vendors[vercel]", "vendors[supabase]", "vendors[cloudflare]"},
		series: []series{metric.VendorState},
		alerts: []*metric.Alert{metric.VendorOutageAlert},
		panels: []panels{on(metric.VendorsDashboard, "Vendors")},
		pages:  []string{"vendors.md"},
		reason: "What a vendor reports is measured. Its support is called by people.",
	},
	{
		id: "C9", text: "SMS and e-mail",
		policy: []string{"channels.sms-oncall.sns", "channels.sms-manager.sns", "channels.mail-ops.email"},
		alerts: delivered,
	},
	{
		id: "C10", text: "Microsoft Teams, e-mail lists",
		policy: []string{"channels.teams-ops.msteams", "channels.mail-ops.email", "channels.mail-dba.email"},
		alerts: delivered,
	},
}}

var tools = chapter{"Tools", []item{
	{
		id: "L1", text: "DataDog, Sentry, own dashboards",
		policy: []string{"links.grafana"},
		pages:  []string{"panels.md", "dashboards.md", "sending.md"},
		reason: "Dashboards are for Grafana. Their agents can carry the same facts; nothing is read from DataDog or Sentry.",
	},
	{
		id: "L2", text: "PagerDuty, Slack, SMS and e-mail",
		policy: []string{
			"channels.pagerduty", "channels.incidents-critical", "channels.sms-oncall", "channels.mail-ops",
		},
		pages: []string{"routing.md"},
	},
	{
		id: "L3", text: "GitHub Actions, Vercel functions, Supabase edge functions",
		policy: []string{"procedures.ping_keys"},
		series: []series{metric.ProcedurePings, metric.ProcedureRuns},
		alerts: []*metric.Alert{metric.ProcedureMissedAlert, metric.ProcedureFailedAlert},
		panels: []panels{on(metric.ProceduresDashboard, "Runs by result", "Pings by result")},
		pages:  []string{"procedures.md#by-a-ping", "tenants.md#receivers"},
		reason: "A job reports its runs by one HTTP request. Jobs that report nothing are not measured.",
	},
	{
		id: "L4", text: "Notion, GitHub wiki, runbook automation",
		pages: []string{"alerts.md", "sending.md"},
		reason: "Every alert has a runbook that people follow; none runs by itself. Reports can be made pages of Notion; " +
			"neither it nor the wiki is read.",
	},
	{
		id: "L5", text: "Slack, Teams, e-mail",
		policy: []string{"channels.ops-general", "channels.teams-ops", "channels.mail-ops"},
		pages:  []string{"routing.md"},
	},
}}
