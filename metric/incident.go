package metric

// States of an open incident, values of LabelState.
const (
	IncidentUnacknowledged = "unacknowledged"
	IncidentAcknowledged   = "acknowledged"
	IncidentMaintenance    = StateMaintenance
)

// IncidentStates lists every value.
var IncidentStates = []string{IncidentUnacknowledged, IncidentAcknowledged, IncidentMaintenance}

// Outcomes of the response objective, values of LabelResult.
const (
	ResponseInTime   = "in_time"  // acknowledged before the deadline
	ResponseLate     = "late"     // counted at the deadline, even if acknowledged later
	ResponseResolved = "resolved" // over before the deadline, without an acknowledgement
)

// Responses lists every value.
var Responses = []string{ResponseInTime, ResponseLate, ResponseResolved}

// Shifts by the policy's business hours and their time zone, values of LabelShift.
const (
	ShiftBusiness = "business"
	ShiftSleep    = "sleep" // 22:00 to 08:00 outside business hours
	ShiftOff      = "off"   // the rest
)

// Shifts lists every value.
var Shifts = []string{ShiftBusiness, ShiftOff, ShiftSleep}

// Lengths of silences from start to end, values of LabelLength.
const (
	LengthDay     = "day"   // up to a day
	LengthWeek    = "week"  // up to a week
	LengthMonth   = "month" // up to 31 days
	LengthEndless = "endless"
)

// Lengths lists every value, shortest first.
var Lengths = []string{LengthDay, LengthWeek, LengthMonth, LengthEndless}

// By what an alert is muted, values of LabelBy.
const (
	MutedBySilence     = "silence"
	MutedByMaintenance = StateMaintenance
	MutedByInhibition  = "inhibition"
)

// MutedBy lists every value.
var MutedBy = []string{MutedByInhibition, MutedByMaintenance, MutedBySilence}

// Why events of an Alertmanager were not taken, values of LabelReason.
const (
	EventUnauthorized = "unauthorized"
	EventTooLarge     = "too_large"
	EventUnreadable   = "unreadable"
	EventUnavailable  = "unavailable" // not now; it is sent again
)

// EventRejections lists every value.
var EventRejections = []string{EventUnauthorized, EventTooLarge, EventUnreadable, EventUnavailable}

// AlertOther stands for an alert of the bundle that this exporter's version does not know.
const AlertOther = "other"

// Incidents as reported by the Alertmanagers and PagerDuty. Only label values that the exporter knows from its policy
// or its catalogue are exported.
var (
	IncidentOpenSince = define(Metric{
		Name: "thorbis_incident_open_since_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which an open incident began for which a notification was sent. " +
			"The incident is the alert's fingerprint. Their number is bounded; the rest is counted.",
		Labels: []string{LabelIncident, LabelAlert, LabelAppService, LabelSubject, LabelPriority, LabelOwner},
	})
	IncidentWaitingSince = define(Metric{
		Name: "thorbis_incident_waiting_since_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time since which an open incident has waited for an acknowledgement: its beginning, " +
			"or the end of the last acknowledgement. Absent while it is acknowledged.",
		Labels: []string{LabelIncident, LabelAlert, LabelAppService, LabelSubject, LabelPriority, LabelOwner},
	})
	IncidentAcknowledgedNow = define(Metric{
		Name: "thorbis_incident_acknowledged", Type: Gauge, Across: Replica,
		Help: "1 if the open incident is acknowledged: by a silence of its escalation or of the alert itself, " +
			"or in PagerDuty, made after the incident began.",
		Labels: []string{LabelIncident},
	})
	IncidentsOpen = define(Metric{
		Name: "thorbis_incidents_open", Type: Gauge, Across: Replica,
		Help:   "Open incidents by priority and state, those beyond the bound included.",
		Labels: []string{LabelPriority, LabelState},
	})
	IncidentsNotListed = define(Metric{
		Name: "thorbis_incidents_not_listed", Type: Gauge, Across: Replica,
		Help: "Open incidents beyond the bound, which have no series of their own. Unacknowledged ones come first, " +
			"the most urgent and oldest before the rest.",
	})
	IncidentsNotListedWaiting = define(Metric{
		Name: "thorbis_incidents_not_listed_waiting_since_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time since which an incident beyond the bound has waited for an acknowledgement: " +
			"the one that has waited longest. Absent while none does.",
		Labels: []string{LabelPriority},
	})
	IncidentsUntold = define(Metric{
		Name: "thorbis_incidents_untold", Type: Gauge, Across: Replica,
		Help: "Alerts that fire without a notification, " +
			"because another alert reports the cause or a silence existed before them. They are not incidents.",
	})
	IncidentsOpened = define(Metric{
		Name: "thorbis_incidents_opened_total", Type: Counter, Across: Replica,
		Help:   "Incidents for which a notification was sent, by priority and by the shift in which they began.",
		Labels: []string{LabelPriority, LabelShift},
	})
	IncidentResponses = define(Metric{
		Name: "thorbis_incident_responses_total", Type: Counter, Across: Replica,
		Help: "Incidents by result of the response objective: acknowledged in time, late (counted at the deadline), " +
			"or resolved by themselves before it.",
		Labels: []string{LabelPriority, LabelResult},
	})
	IncidentDrills = define(Metric{
		Name: "thorbis_incident_drills_total", Type: Counter, Across: Replica,
		Help:   "Alerts of drills by result of the response objective. The other counters of incidents leave drills out.",
		Labels: []string{LabelPriority, LabelResult},
	})
	IncidentsBrief = define(Metric{
		Name: "thorbis_incidents_brief_total", Type: Counter, Across: Replica,
		Help:   "Incidents that resolved within five minutes, before a human could have fixed them.",
		Labels: []string{LabelPriority},
	})
	IncidentAcknowledgeDuration = define(Metric{
		Name: "thorbis_incident_acknowledge_duration_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help:   "Time from the beginning of an incident to its first acknowledgement.",
		Labels: []string{LabelPriority},
	})
	IncidentResolveDuration = define(Metric{
		Name: "thorbis_incident_resolve_duration_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help:   "Time from the beginning of an incident to its end.",
		Labels: []string{LabelPriority},
	})
	IncidentNotifyDuration = define(Metric{
		Name: "thorbis_incident_notify_duration_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help: "Time from the beginning of an incident to its first delivered notification, " +
			"as the event recorder of an Alertmanager reports it.",
		Labels: []string{LabelPriority},
	})
	IncidentPages = define(Metric{
		Name: "thorbis_incident_pages_total", Type: Counter, Across: Replica,
		Help: "Delivered notifications that informed of an incident for the first time, each once however many channels " +
			"it has: by the most urgent priority in it, the recipient (that incident's owner, or the layer of an " +
			"escalation) and the shift.",
		Labels: []string{LabelPriority, LabelRecipient, LabelShift},
	})
	IncidentNotifications = define(Metric{
		Name: "thorbis_incident_notifications_total", Type: Counter, Across: Replica,
		Help: "Notifications of incidents that Alertmanager delivered, each channel by itself, by the reason why they " +
			"were sent.",
		Labels: []string{LabelReason},
	})
	IncidentMuted = define(Metric{
		Name: "thorbis_incident_muted_alerts", Type: Gauge, Across: Replica,
		Help: "Alerts that Alertmanager muted in the last fifteen minutes, by what: a silence, one for maintenance, or the " +
			"inhibition by another alert.",
		Labels: []string{LabelBy},
	})
	IncidentEvents = define(Metric{
		Name: "thorbis_incident_events_total", Type: Counter, Across: Replica,
		Help: "Events of Alertmanagers' recorders that were applied, each once however often it is delivered, by the kind " +
			"that the event recorder gives them.",
		Labels: []string{LabelKind},
	})
	IncidentEventRejects = define(Metric{
		Name: "thorbis_incident_event_rejects_total", Type: Counter, Across: Sum,
		Help:   "Posts and lines of Alertmanagers' event recorders that were not taken. What is unavailable is sent again.",
		Labels: []string{LabelReason},
	})
	IncidentLastEvent = define(Metric{
		Name: "thorbis_incident_last_event_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time of the newest event of an Alertmanager's recorder; absent before the first.",
	})
	IncidentWriteUpDue = define(Metric{
		Name: "thorbis_incident_write_up_due_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time until which an incident that is over is to be written up, while this exporter knows of no " +
			"write-up. Their number is bounded, the oldest first.",
		Labels: []string{LabelIncident, LabelAlert, LabelAppService, LabelSubject, LabelPriority, LabelOwner},
	})
	IncidentWriteUpWritten = define(Metric{
		Name: "thorbis_incident_write_up_written_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time at which the write-up of an incident was reported to this exporter, of the last 31 days.",
		Labels: []string{LabelIncident},
	})
	IncidentWriteUpsMissing = define(Metric{
		Name: "thorbis_incident_write_ups_missing", Type: Gauge, Across: Replica,
		Help:   "Incidents that are over and that no write-up was reported of to this exporter.",
		Labels: []string{LabelPriority},
	})
	IncidentLastRead = define(Metric{
		Name: "thorbis_incident_last_read_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which an Alertmanager last reported open alerts and silences; absent before the first time. " +
			"While it is old, the other series on incidents are stale.",
	})
	IncidentSourceUp = define(Metric{
		Name: "thorbis_incident_source_up", Type: Gauge, Across: Sum,
		Help:   "1 if an Alertmanager or PagerDuty answered when it was last asked; the source is its name in the policy.",
		Labels: []string{LabelSource},
	})
	Silences = define(Metric{
		Name: "thorbis_silences", Type: Gauge, Across: Replica,
		Help: "Active silences by their length from start to end: up to a day, a week, 31 days, or endless. " +
			"Acknowledgements are left out.",
		Labels: []string{LabelLength},
	})
	MaintenanceSilences = define(Metric{
		Name: "thorbis_maintenance_silences", Type: Gauge, Across: Replica,
		Help: "Active silences whose comment begins with maintenance:, by the service that they cover whole; " +
			"empty for all others.",
		Labels: []string{LabelAppService},
	})
)
