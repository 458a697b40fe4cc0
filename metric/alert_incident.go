package metric

// Alerts on how people respond.
var (
	UnacknowledgedAlert = alert(Alert{
		Name: "ThorbisUnacknowledgedIncident", Priorities: everyPriority, Page: true, Dashboard: IncidentDashboard,
		What: "Nobody has acknowledged an incident within the time that the policy's escalation gives the layer before.",
		Why:  "Whoever was told first is not reacting; the next layer is told.",
	})
	EscalationBlindAlert = alert(Alert{
		Name: "ThorbisEscalationBlind", Priorities: []string{"P2"}, Dashboard: IncidentDashboard,
		What: "For five minutes no exporter has been able to tell which incidents are open and acknowledged.",
		Why:  "Acknowledgements are not seen, so that escalation goes on by what fires alone.",
	})
	ResponseBurnAlert = alert(Alert{
		Name: "ThorbisResponseTimeMissed", Priorities: []string{"P3"}, Dashboard: IncidentDashboard,
		What: "More than one in ten incidents of a priority, and at least three, were answered late within a week.",
		Why:  "The promise to respond is not kept, whatever the systems do.",
	})
	EndlessSilenceAlert = alert(Alert{
		Name: "ThorbisEndlessSilence", Priorities: []string{"P4"}, Dashboard: IncidentDashboard,
		What: "For a day, a silence has been in force that lasts longer than 31 days.",
		Why:  "Nobody remembers it when what it hides breaks for real.",
	})
)

// EscalationAlerts lists the alerts that are no incidents: escalation would otherwise escalate its own alerts.
func EscalationAlerts() []*Alert {
	return []*Alert{UnacknowledgedAlert, EscalationBlindAlert, WatchdogAlert}
}
