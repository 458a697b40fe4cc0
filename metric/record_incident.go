package metric

// Labels of the levels at which incidents are recorded.
var (
	priorityLevel      = []string{LabelEnvironment, LabelPriority}
	priorityLayerLevel = append(priorityLevel[:2:2], LabelLayer)
	incidentLevel      = []string{
		LabelEnvironment, LabelIncident, LabelAlert, LabelAppService, LabelSubject, LabelPriority, LabelOwner,
	}
	incidentLayerLevel = []string{
		LabelEnvironment, LabelFingerprint, LabelAlert, LabelAppService, LabelSubject, LabelPriority, LabelOwner, LabelLayer,
	}
)

// Open incidents and whom they reach.
var (
	EscalationExpected = record("priority_layer:thorbis_escalation_expected:seconds",
		"Seconds after the beginning of an unacknowledged incident at which the policy notifies the layer.",
		priorityLayerLevel)
	IncidentsRead = record("environment:thorbis_incidents:read",
		"Unix time at which some exporter last knew which incidents are open, while that is less than two minutes ago.",
		environmentLevel)
	AlertsBegan = record("alert:thorbis_incident_firing:since",
		"Unix time at which an alert of the bundle began that fires in this Prometheus, with all labels of the alert.", nil)
	AlertsFiring = record("alert:thorbis_incident:firing",
		"Unix time at which an alert of the bundle began to fire in this Prometheus. "+
			"Escalation uses it while no exporter can report incidents.",
		[]string{LabelEnvironment, LabelAlert, LabelAppService, LabelPriority})
	AlertsKnown = record("alert:thorbis_incident_known:since",
		"Unix time at which an alert of the bundle began that fired while an exporter could report incidents, "+
			"with all labels of the alert. An alert that began later is in no exporter's list.",
		nil)
	IncidentOpen = record("incident:thorbis_incident_open:since",
		"Unix time at which an incident began that is open. Outlives the exporter that reported it while its alert fires.",
		incidentLevel)
	IncidentWaiting = record("incident:thorbis_incident_waiting:since",
		"Unix time since which an open incident has waited for an acknowledgement. "+
			"Outlives the exporter like the incident itself.", incidentLevel)
	IncidentUnlisted = record("priority:thorbis_incident_unlisted:since",
		"Unix time since which an incident has waited that is beyond the exporters' lists. "+
			"Outlives the exporter while alerts of the priority fire.", priorityLevel)
	IncidentAssumed = record("alert:thorbis_incident_assumed:since",
		"Unix time at which an alert began to fire that has no known incident because no exporter can report it.",
		[]string{LabelEnvironment, LabelAlert, LabelAppService, LabelSubject, LabelPriority})
	IncidentPending = record("incident:thorbis_incident_pending:since",
		"Unix time since which an incident has waited: one that is open, assumed or beyond the exporters' lists. Its "+
			"fingerprint has the name that it has in alerts.",
		incidentLayerLevel[:7:7])
	IncidentOverdue = record("incident_layer:thorbis_incident_overdue:seconds",
		"Age in seconds of an unacknowledged incident whose deadline for the layer has passed.", incidentLayerLevel)
)

// How people respond.
var (
	ResponsesIncrease = record("priority_result:thorbis_incident_responses:increase1w",
		"Incidents of the last week by result of the response objective; the highest count of any exporter.",
		append(priorityLevel[:2:2], LabelResult))
	ResponseLateRatio = record("priority:thorbis_incident_late:ratio1w",
		"Share of the last week's incidents that were answered late, of those that needed an answer.", priorityLevel)
	WriteUpsOverdue = record("owner:thorbis_incident_write_ups_overdue:count",
		"Incidents that are over and overdue for their write-up, of which none was reported to any exporter.",
		[]string{LabelEnvironment, LabelOwner})
	BriefRatio = record("priority:thorbis_incident_brief:ratio1w",
		"Share of the last week's resolved incidents that were over within five minutes.", priorityLevel)
	OpenedIncrease = record("priority_shift:thorbis_incidents_opened:increase1w",
		"Incidents of the last week by the shift in which they began.", append(priorityLevel[:2:2], LabelShift))

	PagesIncrease = record("priority_recipient_shift:thorbis_incident_pages:increase1w",
		"Pages of the last week by whom they notified and in which shift, where an event recorder reports them; the highest "+
			"count of any exporter.", append(priorityLevel[:2:2], LabelRecipient, LabelShift))
	NotifyQuantiles      = incidentQuantiles("notify", "time to the first notification")
	AcknowledgeQuantiles = incidentQuantiles("acknowledge", "time to acknowledge")
	ResolveQuantiles     = incidentQuantiles("resolve", "time to resolve")
)

// incidentQuantiles are the median and the slowest tenth of a time, by quantile.
func incidentQuantiles(name, what string) map[string]*Record {
	return map[string]*Record{
		"0.5": record("priority:thorbis_incident_"+name+"_seconds:p50_1w",
			"Median "+what+" of the last week's incidents in seconds; absent without any.", priorityLevel),
		"0.9": record("priority:thorbis_incident_"+name+"_seconds:p90_1w",
			"The "+what+" that a tenth of the last week's incidents exceeded, in seconds; absent without any.", priorityLevel),
	}
}
