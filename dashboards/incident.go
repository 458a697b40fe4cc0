package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// incidents shows what is open, who has it, and how people respond.
func incidents(*config.Policy) *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("Thorbis / Incidents").
		Uid(metric.IncidentDashboard).
		Description("What is open and whether somebody has taken it, how fast people respond, "+
			"and whether pages are worth getting up for.").
		Tags([]string{"thorbis", "incidents"}).
		Readonly().Timezone("browser").Refresh("1m").Time("now-7d", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(
			labelVariable(metric.LabelEnvironment, "Environment", "Where the things watched run.", metric.IncidentsOpen.Name))

	b.WithRow(dashboard.NewRowBuilder("Open")).
		WithPanel(openCount(metric.IncidentUnacknowledged, "Unacknowledged",
			"Open incidents without an acknowledgement. They escalate.", red)).
		WithPanel(openCount(metric.IncidentAcknowledged, "Acknowledged", "Open incidents with an acknowledgement.", yellow)).
		WithPanel(openCount(metric.IncidentMaintenance, "In maintenance",
			"Alerts hidden by a silence whose comment begins with maintenance. They are not incidents.", blue)).
		WithPanel(number(words{"Not notified", "Alerts that fire while an alert on their cause inhibits them, " +
			"or that began under a silence.", units.Short}, 6,
			fmt.Sprintf(`max(%s) or vector(0)`, inEnvironment(metric.IncidentsUntold)), "alerts", steps(grey))).
		WithPanel(openIncidents())

	b.WithRow(dashboard.NewRowBuilder("Response")).
		WithPanel(quantiles(metric.AcknowledgeQuantiles, "Time to acknowledge", "From the beginning of an incident to its "+
			"first acknowledgement, by priority: the median and the slowest tenth over a week.")).
		WithPanel(quantiles(metric.ResolveQuantiles, "Time to resolve",
			"From the beginning of an incident to its end, by priority: the median and the slowest tenth over a week.")).
		WithPanel(lines(words{"Answered late", "Share of a week's incidents that were acknowledged after the deadline of " +
			"the policy, or never, of those that somebody had to answer.", units.PercentUnit}, 12,
			query("A", inEnvironment(metric.ResponseLateRatio), "{{priority}}")).Min(0).Max(1)).
		WithPanel(lines(words{"How the objective was met", "A week's incidents: acknowledged in time, late, " +
			"or resolved by themselves before anybody had to.", units.Short}, 12,
			query("A", fmt.Sprintf(`sum by (%s) (%s)`, metric.LabelResult, inEnvironment(metric.ResponsesIncrease)),
				"{{result}}")).Min(0))

	b.WithRow(dashboard.NewRowBuilder("Quality of alerts")).
		WithPanel(lines(
			words{
				"Incidents a week by shift",
				"When people are notified: in business hours, from 22 to 8, or in the rest of the day.", units.Short,
			},
			8,
			query("A", fmt.Sprintf(`sum by (%s) (%s)`, metric.LabelShift, inEnvironment(metric.OpenedIncrease)), "{{shift}}"),
		).Min(0)).
		WithPanel(lines(words{"Over within five minutes", "Share of a week's resolved incidents that were over before a " +
			"person can have fixed anything. Such pages teach people to ignore pages.", units.PercentUnit}, 8,
			query("A", inEnvironment(metric.BriefRatio), "{{priority}}")).Min(0).Max(1)).
		WithPanel(lines(
			words{
				"Silences by length", "Active silences by their time from start to end, acknowledgements left out.", units.Short,
			},
			8,
			query("A", fmt.Sprintf(`max by (%s) (%s)`, metric.LabelLength, inEnvironment(metric.Silences)), "{{length}}"),
		).Min(0))

	return b.WithRow(dashboard.NewRowBuilder("Sources")).
		WithPanel(lines(words{
			"Sources that answer", "1 while an Alertmanager or PagerDuty answers some exporter that asks it.", units.Short,
		}, 12,
			query("A", fmt.Sprintf(`max by (%s) (%s)`, metric.LabelSource, inEnvironment(metric.IncidentSourceUp)),
				"{{source}}")).Min(0).Max(1)).
		WithPanel(lines(words{"Age of what is known", "Seconds since some exporter last knew what is open. " +
			"Beyond two minutes escalation goes by what fires alone.", units.Seconds}, 12,
			query("A", fmt.Sprintf(`time() - max by (%s) (%s)`, metric.LabelEnvironment, inEnvironment(metric.IncidentLastRead)),
				"{{environment}}")).Min(0))
}

func openCount(state, title, about, colour string) panel {
	return number(words{title, about, units.Short}, 6,
		fmt.Sprintf(`sum(max by (%s) (%s)) or vector(0)`, metric.LabelPriority,
			inEnvironment(metric.IncidentsOpen, fmt.Sprintf("%s=%q", metric.LabelState, state))),
		state, steps(green, from(1, colour)))
}

func openIncidents() panel {
	labels := map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelPriority: "Priority", metric.LabelAppService: "Service",
		metric.LabelSubject: "Subject",
		metric.LabelAlert:   "Alert", metric.LabelOwner: "Owner", metric.LabelIncident: "Incident",
	}
	order := []string{
		metric.LabelEnvironment, metric.LabelPriority, metric.LabelAppService, metric.LabelSubject, metric.LabelAlert,
		metric.LabelOwner, metric.LabelIncident,
	}
	return figures(words{
		"Open incidents", "What is open now, since when, and since when it has waited for somebody; " +
			"nothing there means that somebody has it. The incident is the fingerprint to silence.", units.Short,
	}, 8, labels, order,
		column{
			"A",
			"Began", units.DateTimeFromNow, fmt.Sprintf(`1000 * topk(%d, %s)`, rows, inEnvironment(metric.IncidentOpen)), nil,
		},
		column{"B", "Waits since", units.DateTimeFromNow, fmt.Sprintf(`1000 * topk(%d, %s)`, rows,
			inEnvironment(metric.IncidentWaiting)), []dashboard.Threshold{{Color: red}}},
	)
}

func quantiles(records map[string]*metric.Record, title, about string) panel {
	return lines(words{title, about, units.Seconds}, 12,
		query("A", inEnvironment(records["0.5"]), "{{priority}} median"),
		query("B", inEnvironment(records["0.9"]), "{{priority}} slowest tenth"),
	).Min(0)
}
