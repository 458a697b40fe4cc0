package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	notRead = "no exporter has read incidents yet"
	noneEnd = "no incident has ended in a week yet"
)

// incidents shows what is open, who has it, how people respond, and what on-call costs them.
func incidents(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.IncidentDashboard, title: "Incidents and on-call", from: "now-7d",
		about: "What is open and whether somebody has taken it, how fast people respond, how often they are woken, and " +
			"whether " +
			"pages are worth getting up for.",
		variables: []cog.Builder[dashboard.VariableModel]{environmentVariable(metric.CheckExpected)},
	}.builder()
	row(b, "Open",
		openByPriority(), notAcknowledged(),
		stateOfIncidents(metric.IncidentAcknowledged, "Acknowledged", "Open incidents with an acknowledgement.", blue),
		stateOfIncidents(metric.IncidentMaintenance, "In maintenance",
			"Alerts hidden by a silence whose comment begins with maintenance. They are not incidents.", blue),
		number(words{
			title: "Not notified", unit: units.Short, empty: notRead,
			about: "Alerts that fire while an alert on their cause inhibits them, or that began under a silence.",
		}, 7, fmt.Sprintf(`max(%s)`, inEnvironment(metric.IncidentsUntold)), "alerts", steps(grey)),
		incidentTable(), firingTable(),
	)
	row(b, "Response",
		incidentQuantiles(metric.AcknowledgeQuantiles, "Time to acknowledge", "none was acknowledged in a week yet",
			"From the beginning of an incident to its first acknowledgement, by priority: the median and the slowest tenth "+
				"over a week."),
		incidentQuantiles(metric.ResolveQuantiles, "Time to resolve", noneEnd,
			"From the beginning of an incident to its end, by priority: the median and the slowest tenth over a week."),
		lines(words{
			title: "Answered late", unit: units.PercentUnit, empty: "nothing to answer in a week",
			about: "Share of a week's incidents that were acknowledged after the deadline of the policy, or never, of those " +
				"that " +
				"somebody had to answer.",
		}, 12, query("A", inEnvironment(metric.ResponseLateRatio), "{{priority}}")).Min(0).Max(1),
		coloured(lines(words{
			title: "How the objective was met", unit: units.Short, empty: notRead,
			about: "A week's incidents: acknowledged in time, late, or resolved by themselves before anybody had to.",
		}, 12, query("A", fmt.Sprintf(`round(sum by (%s) (%s))`, metric.LabelResult, inEnvironment(metric.ResponsesIncrease)),
			"{{result}}")), map[string]string{
			metric.ResponseInTime: green, metric.ResponseLate: red, metric.ResponseResolved: blue,
		}).Min(0),
	)
	row(b, "On-call", onCall()...)
	row(b, "Notifications, as the event recorders of Alertmanagers report them", delivered()...)
	row(b, "Write-ups", writeUpTable())
	row(b, "Sources",
		lines(words{
			title: "Sources that answer", unit: units.Short, empty: notRead,
			about: "1 while an Alertmanager or PagerDuty answers some exporter that asks it.",
		}, 12, query("A", fmt.Sprintf(`max by (%s) (%s)`, metric.LabelSource, inEnvironment(metric.IncidentSourceUp)),
			"{{source}}")).Min(0).Max(1),
		lines(words{
			title: "Age of what is known", unit: units.Seconds, empty: notRead,
			about: "Seconds since some exporter last knew what is open. Beyond two minutes escalation goes by what fires alone.",
		}, 12, query("A", fmt.Sprintf(`time() - max by (%s) (%s)`, metric.LabelEnvironment,
			inEnvironment(metric.IncidentLastRead)), "{{environment}}")).Min(0).AxisSoftMax(120),
	)
	return b
}

func stateOfIncidents(state, title, about, colour string) panel {
	return number(words{title: title, about: about, unit: units.Short, empty: notRead}, 4,
		fmt.Sprintf(`sum(max by (%s) (%s))`, metric.LabelPriority,
			inEnvironment(metric.IncidentsOpen, fmt.Sprintf("%s=%q", metric.LabelState, state))),
		state, known(grey, from(1, colour)))
}

func incidentTable() panel {
	return figures(words{
		title: "Incidents that are open", unit: units.Short, empty: "No incident is open",
		about: "What is open now, since when, and since when it has waited for somebody. The incident is the fingerprint " +
			"to " +
			"silence.",
		whenRed: "A P1 is open: while it waits, acknowledge it by the link of its page, then open its runbook.",
	}, 24, 8, []key{
		byEnvironment,
		byPriority,
		byService.leading(metric.HealthDashboard),
		{label: metric.LabelSubject, title: "Subject"},
		{label: metric.LabelAlert, title: "Alert"},
		byOwner,
		{label: metric.LabelIncident, title: "Incident"},
	},
		column{
			title: "Began", unit: units.DateTimeFromNow,
			expr: fmt.Sprintf(`1000 * topk(%d, %s)`, rows, openIncidents("P.+")),
		},
		column{
			title: "Waits since", unit: units.DateTimeFromNow, empty: "somebody has it",
			expr: fmt.Sprintf(`1000 * topk(%d, %s)`, rows, inEnvironment(metric.IncidentWaiting)),
		},
	).SortBy([]cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName("Priority"),
	})
}

// firingTable lists what fires by alert, those that an alert on their cause hides included.
func firingTable() panel {
	by := "environment, priority, alertname, app_service, owner"
	return figures(words{
		title: "Alerts that fire", unit: units.Short, empty: "No alert fires",
		about: "All alerts of the bundle that fire, how many of each, and since when the first; also those that an alert " +
			"on " +
			"their cause keeps from notifying.",
		whenRed: "A P1 fires: if no incident of it is open above, an alert on its cause reports it, or a silence hides it.",
	}, 24, 7, []key{
		byEnvironment,
		byPriority,
		{label: metric.LabelAlertname, title: "Alert"},
		byService, byOwner,
	},
		column{
			title: "Alerts", unit: units.Short,
			expr: fmt.Sprintf("topk(%d, count by (%s) (%s))", rows, by, alerts(priorities("P.+"))),
		},
		column{
			title: "First since", unit: units.DateTimeFromNow,
			expr: fmt.Sprintf("1000 * min by (%s) (%s and ignoring (alertstate) %s)", by,
				alertSeries("ALERTS_FOR_STATE", priorities("P.+")), alerts(priorities("P.+"))),
		},
	).SortBy([]cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName("Priority"),
	})
}

// onCall is what being on call costs: how many pages, at which times, and how many needed no action.
func onCall() []panel {
	result := func(matchers ...string) string {
		return fmt.Sprintf("sum by (priority) (%s)", inEnvironment(metric.ResponsesIncrease, matchers...))
	}
	pages := inEnvironment(metric.OpenedIncrease, priorities("P1|P2"))
	nights := inEnvironment(metric.OpenedIncrease, priorities("P1|P2"), fmt.Sprintf("%s=%q", metric.LabelShift,
		metric.ShiftSleep))
	return []panel{
		number(words{
			title: "Pages in a week", unit: units.Short, empty: notRead,
			about: "Incidents at P1 and P2 of the last seven days: those that get people up.",
		}, 6, fmt.Sprintf("sum(%s)", pages), "pages", known(green, from(14, yellow))).Decimals(0),
		number(words{
			title: "Of them at night", unit: units.Short, empty: notRead,
			about: "Those that began between 22 and 8 in the policy's time zone.",
		}, 6, fmt.Sprintf("sum(%s)", nights), "nights", known(green, from(1, yellow))).Decimals(0),
		number(words{
			title: "Needed no action", unit: units.PercentUnit, empty: noneEnd,
			about: "Share of the last week's incidents that were over before their deadline without an acknowledgement: pages " +
				"that people learn to ignore.",
		}, 6, fmt.Sprintf("sum(%s) / (sum(%s) > 0)", result(fmt.Sprintf("%s=%q", metric.LabelResult,
			metric.ResponseResolved)),
			result()), "share", known(green, from(0.3, yellow))).Decimals(0),
		number(words{
			title: "Over within five minutes", unit: units.PercentUnit, empty: "no incident was resolved in a week",
			about: "Share of a week's resolved incidents that were over before a person can have fixed anything, by priority.",
		}, 6, inEnvironment(metric.BriefRatio), "{{priority}}", known(green, from(0.3, yellow))).Decimals(0),
		lines(words{
			title: "Incidents a week by shift", unit: units.Short, empty: notRead,
			about: "When people are notified: in business hours, from 22 to 8 (sleep), or in the rest of the day (off).",
		}, 8, query("A", fmt.Sprintf(`round(sum by (%s) (%s))`, metric.LabelShift, inEnvironment(metric.OpenedIncrease)),
			"{{shift}}")).Min(0),
		coloured(lines(words{
			title: "Incidents a week by priority", unit: units.Short, empty: notRead,
			about: "How many incidents of each priority began in the seven days before.",
		}, 8, query("A", fmt.Sprintf(`round(sum by (%s) (%s))`, metric.LabelPriority, inEnvironment(metric.OpenedIncrease)),
			"{{priority}}")), priorityColours).Min(0),
		lines(words{
			title: "Silences by length", unit: units.Short, empty: notRead,
			about: "Active silences by their time from start to end, acknowledgements left out.",
		}, 8, query("A", fmt.Sprintf(`max by (%s) (%s)`, metric.LabelLength, inEnvironment(metric.Silences)), "{{length}}")).
			Min(0),
	}
}

func writeUpTable() panel {
	return figures(words{
		title: "Incidents to write up", unit: units.Short, empty: "every incident is written up, or the policy asks for none",
		about: "Incidents that are over and of which no write-up was reported to any exporter. The incident is the ID to " +
			"report it with.",
		whenRed: "It is overdue: thorbis_exporter report incident ID drafts it, thorbis_exporter write-up ID LINK reports " +
			"it.",
	}, 24, 6, []key{
		byEnvironment, byPriority, byService,
		{label: metric.LabelSubject, title: "Subject"},
		{label: metric.LabelAlert, title: "Alert"},
		byOwner,
		{label: metric.LabelIncident, title: "Incident"},
	}, column{
		title: "Due", unit: units.DateTimeFromNow,
		expr: fmt.Sprintf("1000 * topk(%d, max by (%s, %s) (%s) unless on (%s, %s) %s)", rows, metric.LabelEnvironment,
			strings.Join(metric.IncidentWriteUpDue.Labels, ", "), inEnvironment(metric.IncidentWriteUpDue),
			metric.LabelEnvironment, metric.LabelIncident, inEnvironment(metric.IncidentWriteUpWritten)),
	})
}

// delivered is what Alertmanager notified, and what it did not. Only an event recorder reports it.
func delivered() []panel {
	const noRecorder = "no event recorder has reported yet: docs/routing.md says how it does"
	pages := inEnvironment(metric.PagesIncrease, priorities("P1|P2"))
	return []panel{
		incidentQuantiles(metric.NotifyQuantiles, "Time to notify", noRecorder,
			"From the beginning of an incident to its first delivered notification, by priority: the median and the slowest "+
				"tenth over a week, the wait of the group included."),
		lines(words{
			title: "Pages a week by recipient", unit: units.Short, empty: noRecorder,
			about: "Notifications that informed of an incident at P1 or P2 for the first time, each once however many " +
				"channels it has: by the owner of what it is about, or the layer of an escalation.",
		}, 12, query("A", fmt.Sprintf("round(sum by (%s) (%s)) > 0", metric.LabelRecipient, pages), "{{recipient}}")).Min(0),
		lines(words{
			title: "Pages a week by shift", unit: units.Short, empty: noRecorder,
			about: "Pages at P1 and P2 in business hours, from 22 to 8 (sleep), and in the rest of the day (off).",
		}, 8, query("A", fmt.Sprintf("round(sum by (%s) (%s))", metric.LabelShift, pages), "{{shift}}")).Min(0),
		lines(words{
			title: "Notifications an hour by reason", unit: units.Short, empty: noRecorder,
			about: "Delivered notifications of incidents, each channel by itself. Many repeats mean incidents that stay open.",
		}, 8, query("A", fmt.Sprintf("3600 * max by (%s, %s) (rate(%s[$__rate_interval])) > 0", metric.LabelEnvironment,
			metric.LabelReason, inEnvironment(metric.IncidentNotifications)), "{{reason}}")).Min(0),
		lines(words{
			title: "Muted alerts", unit: units.Short, empty: noRecorder,
			about: "Alerts that Alertmanager did not notify in fifteen minutes, by what muted them; the exporter's page " +
				"/status names them and the silence or the alert.",
		}, 8, query("A", fmt.Sprintf("max by (%s) (%s)", metric.LabelBy, inEnvironment(metric.IncidentMuted)),
			"{{by}}")).Min(0),
	}
}

func incidentQuantiles(records map[string]*metric.Record, title, empty, about string) panel {
	return lines(words{title: title, about: about, unit: units.Seconds, empty: empty}, 12,
		query("A", inEnvironment(records["0.5"]), "{{priority}} median"),
		query("B", inEnvironment(records["0.9"]), "{{priority}} slowest tenth"),
	).Min(0)
}
