package metric

// Alerts on how people respond.
var (
	UnacknowledgedAlert = alert(Alert{
		Name: "ThorbisUnacknowledgedIncident", Priorities: everyPriority, Page: true, Dashboard: IncidentDashboard,
		What: "An incident is unacknowledged after the time that the policy's escalation allows the previous layer.",
		Why:  "The first responders have not reacted; the next layer is notified.",
	})
	EscalationBlindAlert = alert(Alert{
		Name: "ThorbisEscalationBlind", Priorities: []string{"P2"}, Dashboard: IncidentDashboard,
		What: "For five minutes, no exporter has been able to report which incidents are open and acknowledged.",
		Why:  "Acknowledgements are ignored: escalation continues for every alert that fires.",
	})
	ResponseBurnAlert = alert(Alert{
		Name: "ThorbisResponseTimeMissed", Priorities: []string{"P3"}, Dashboard: IncidentDashboard,
		What: "More than one in ten incidents of a priority, and at least three, were answered late within a week.",
		Why:  "The objective of timely responses is missed, even if all systems work.",
	})
	WriteUpOverdueAlert = alert(Alert{
		Name: "ThorbisWriteUpOverdue", Priorities: []string{"P4"}, Page: true, Dashboard: IncidentDashboard,
		What: "An incident that is over has not been written up within the time of the policy.",
		Why:  "What is not written down while it is remembered is not learned from, and happens again.",
	})
	EndlessSilenceAlert = alert(Alert{
		Name: "ThorbisEndlessSilence", Priorities: []string{"P4"}, Dashboard: IncidentDashboard,
		What: "For a day, a silence has been in force that lasts longer than 31 days.",
		Why:  "It is forgotten when the alert that it hides fires for a real problem.",
	})
)

// EscalationAlerts lists the alerts that are no incidents: escalation would otherwise escalate its own alerts.
func EscalationAlerts() []*Alert {
	return []*Alert{UnacknowledgedAlert, EscalationBlindAlert, WatchdogAlert}
}
