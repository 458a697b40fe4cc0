package metric

// LabelProcedure is the name of a procedure in the policy.
const LabelProcedure = "procedure"

// LabelRunbook is the name of a runbook's file, without .md.
const LabelRunbook = "runbook"

// LabelPerson is a person of the policy.
const LabelPerson = "person"

// States of a procedure: values of LabelState. Exactly one is 1, the first that applies from the end of the list.
const (
	ProcedureNew         = "new"         // no run has been reported, and none is due yet
	ProcedureUp          = "up"          // the last run that was due has succeeded
	ProcedureDue         = "due"         // a run is due, and its grace is not over
	ProcedureRunning     = "running"     // a run is in progress, within its limit
	ProcedureLate        = "late"        // a run has begun in time, and has not succeeded in time
	ProcedureMissed      = "missed"      // no run has begun within the grace after it was due
	ProcedureOverrun     = "overrun"     // a run takes longer than it may
	ProcedureFailed      = "failed"      // the last run that ended has failed
	ProcedureMaintenance = "maintenance" // a maintenance window is open
)

// ProcedureStates is the closed set.
var ProcedureStates = []string{
	ProcedureNew, ProcedureUp, ProcedureDue, ProcedureRunning, ProcedureLate, ProcedureMissed, ProcedureOverrun,
	ProcedureFailed, ProcedureMaintenance,
}

// ProcedureUnfinished is the result of a run that has begun and whose end was never reported, because another one took
// its place.
const ProcedureUnfinished = "unfinished"

// ProcedureResults lists the values of LabelResult of a run.
var ProcedureResults = []string{ResultSuccess, ResultFailure, ProcedureUnfinished}

// What became of a ping: values of LabelResult.
const (
	PingAccepted    = "accepted"
	PingIgnored     = "ignored"      // it was not posted, and only posts count
	PingRefused     = "refused"      // its key or its name is unknown
	PingInvalid     = "invalid"      // its address or its run id cannot be read
	PingRateLimited = "rate_limited" // there were too many of one procedure
	PingUnavailable = "unavailable"  // it could not be saved
)

// PingResults is the closed set.
var PingResults = []string{
	PingAccepted, PingIgnored, PingRefused, PingInvalid, PingRateLimited, PingUnavailable,
}

var (
	procedureLabel      = []string{LabelProcedure}
	procedureOwnedLabel = []string{LabelProcedure, LabelAppService, LabelOwner, LabelPage}
)

// Runs of procedures as they were reported. Kept across restarts. What was never reported has no series.
var (
	ProcedureLastStart = define(Metric{
		Name: "thorbis_procedure_last_start_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the newest run has begun, where starts are reported.", Labels: procedureLabel,
	})
	ProcedureLastSuccess = define(Metric{
		Name: "thorbis_procedure_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which a run last ended successfully.", Labels: procedureLabel,
	})
	ProcedureDoneBy = define(Metric{
		Name: "thorbis_procedure_last_done_by_info", Type: Gauge, Across: Replica,
		Help:   "1, labelled with the person who reported the last success of a task.",
		Labels: []string{LabelProcedure, LabelPerson},
	})
	RunbookReviewed = define(Metric{
		Name: "thorbis_runbook_reviewed_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Unix time of the day on which a runbook was last reviewed, by the front matter of the file.",
		Labels: []string{LabelProcedure, LabelRunbook},
	})
	RunbooksNeverReviewed = define(Metric{
		Name: "thorbis_runbooks_never_reviewed", Type: Gauge, Across: Replica,
		Help: "Runbooks whose front matter has no date of review.", Labels: procedureLabel,
	})
	ProcedureLastFailure = define(Metric{
		Name: "thorbis_procedure_last_failure_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which a run last failed.", Labels: procedureLabel,
	})
	ProcedureLastDuration = define(Metric{
		Name: "thorbis_procedure_last_duration_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "How long the last run took that ended and whose start or duration was reported.", Labels: procedureLabel,
	})
	ProcedureOldestRun = define(Metric{
		Name: "thorbis_procedure_oldest_run_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time at which the run in progress last reported, its start or that it is alive; of several, " +
			"of the one that has been silent for the longest. Absent while none is in progress.", Labels: procedureLabel,
	})
	ProcedureRunsInProgress = define(Metric{
		Name: "thorbis_procedure_runs_in_progress", Type: Gauge, Across: Replica,
		Help: "Runs whose start was reported to this exporter, and not their end.", Labels: procedureLabel,
	})
	ProcedureRuns = define(Metric{
		Name: "thorbis_procedure_runs_total", Type: Counter, Across: Sum,
		Help: "Runs that were reported to this exporter, by result. Unfinished is a run whose start was reported, and " +
			"never its end before the next one began.", Labels: []string{LabelProcedure, LabelResult},
	})
	ProcedureRunDuration = define(Metric{
		Name: "thorbis_procedure_run_duration_seconds", Type: Histogram, Unit: "seconds", Across: Sum,
		Help: "How long runs took that ended and whose start or duration was reported.", Labels: procedureLabel,
	})
	ProcedureWatchedSince = define(Metric{
		Name: "thorbis_procedure_watched_since_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help: "Unix time since when this exporter can be informed of runs: that of its start, or of the policy " +
			"that added the procedure.", Labels: procedureLabel,
	})
	ProcedureOverdue = define(Metric{
		Name: "thorbis_procedure_overdue_seconds", Type: Gauge, Unit: "seconds", Across: Replica,
		Help:   "Seconds since a run that has not succeeded yet was due, the grace included; 0 while none is due.",
		Labels: procedureLabel,
	})
	ProcedureState = define(Metric{
		Name: "thorbis_procedure_state", Type: StateSet, Across: Replica,
		Help:   "1 for the state of the procedure as this exporter sees it, 0 for the others.",
		Labels: []string{LabelProcedure, LabelState},
	})
)

// How runs are reported.
var (
	ProcedurePings = define(Metric{
		Name: "thorbis_procedure_pings_total", Type: Counter, Across: Sum,
		Help: "Pings that were received, by result.", Labels: []string{LabelResult},
	})
	ProcedureFiles = define(Metric{
		Name: "thorbis_procedure_result_files_total", Type: Counter, Across: Sum,
		Help: "Files that report runs and were read, by result.", Labels: []string{LabelResult},
	})
)

// What is expected, exported for every procedure from the start.
var (
	ProcedureInfo = define(Metric{
		Name: "thorbis_procedure_info", Type: Info, Across: Replica, Expected: true,
		Help: "A procedure whose runs are expected: the service that it belongs to, " +
			"the owner who is notified and the priority at which it pages.", Labels: procedureOwnedLabel,
	})
	ProcedureDueTime = define(Metric{
		Name: "thorbis_procedure_due_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "Unix time at which the next run is due by the schedule, or was, if none has succeeded since. It follows " +
			"from the last success, else from when the schedule was first seen.", Labels: procedureLabel,
	})
	ProcedureExpectedGrace = define(Metric{
		Name: "thorbis_procedure_expected_grace_seconds", Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "How late a run may begin, or end where its start is not reported.", Labels: procedureLabel,
	})
	ProcedureExpectedMaxRuntime = define(Metric{
		Name: "thorbis_procedure_expected_max_runtime_seconds",
		Type: Gauge, Unit: "seconds", Across: Replica, Expected: true,
		Help: "How long a run may take. Absent where it has no limit.", Labels: procedureLabel,
	})
)

// Labels of the levels at which procedures are recorded.
var (
	procedureLevel      = []string{LabelEnvironment, LabelProcedure}
	procedureOwnedLevel = append(procedureLevel[:2:2], LabelAppService, LabelOwner, LabelPage)
)

// Records on procedures. One series a procedure: of several exporters, the newest report counts.
var (
	ProcedureExpected = record("procedure:thorbis_procedure:expected",
		"1 for each procedure, with the most urgent priority at which an exporter says that it pages.", procedureOwnedLevel)
	ProcedureSuccess = record("procedure:thorbis_procedure_last_success:timestamp_seconds",
		"Unix time of the newest success that an exporter has reported.", procedureLevel)
	ProcedureFailure = record("procedure:thorbis_procedure_last_failure:timestamp_seconds",
		"Unix time of the newest failure that an exporter has reported.", procedureLevel)
	ProcedureEnd = record("procedure:thorbis_procedure_last_end:timestamp_seconds",
		"Unix time of the newest end of a run, success or failure.", procedureLevel)
	ProcedureDueBy = record("procedure:thorbis_procedure_due:timestamp_seconds",
		"Unix time at which the next run is due, as the exporter with the newest success has it.", procedureLevel)
	ProcedureWatched = record("procedure:thorbis_procedure:watched",
		"1 for a procedure of which an exporter was informed of runs for at least its grace, or five minutes where that "+
			"is less: what came due while none was there is given so long to be reported.", procedureLevel)
	ProcedureJudged = record("procedure:thorbis_procedure:judged",
		"1 for each procedure without planned work, with its owner and page.", procedureOwnedLevel)
	ProcedureRunSeen = record("instance_procedure:thorbis_procedure_run:seen",
		"Unix time at which the run in progress last reported, as an exporter knows it, also while that restarts.",
		append(procedureLevel[:2:2], "job", "instance"))
	ProcedureBegun = record("procedure:thorbis_procedure_begun:timestamp_seconds",
		"Unix time at which the newest run began, if none has succeeded since.", procedureLevel)
	ProcedureSilent = record("procedure:thorbis_procedure_run:silent_seconds",
		"Seconds since the run in progress last reported; without runs whose end another exporter has seen.",
		procedureLevel)
	ProcedureFailing = record("procedure:thorbis_procedure:failed",
		"1 for a procedure whose last run has failed, with its owner and page.", procedureOwnedLevel)
	ProcedureOverrunning = record("procedure:thorbis_procedure:overrun_seconds",
		"Seconds for which a run has been silent that takes longer than it may, with its owner and page. "+
			"Without those that fail.", procedureOwnedLevel)
	ProcedureMissing = record("procedure:thorbis_procedure:missed_seconds",
		"Seconds since a run was due that had not begun when its grace was over, with its owner and page. Kept until it "+
			"has succeeded. Without those that fail or overrun.", procedureOwnedLevel)
	ProcedureAllowed = record("procedure:thorbis_procedure_allowed:seconds",
		"How long after it is due a procedure may take to succeed: its grace, and its maximum runtime where it has one.",
		procedureLevel)
	ProcedureLagging = record("procedure:thorbis_procedure:late_seconds",
		"Seconds since a run was due that has begun in time and has not succeeded within grace and maximum runtime, with "+
			"its owner and page. Without those that fail, overrun or are missed.", procedureOwnedLevel)
)

// Alerts on procedures. At most one of them fires for a procedure.
var (
	ProcedureMissedAlert = alert(Alert{
		Name: "ThorbisProcedureMissed", Priorities: everyPriority, Page: true, Dashboard: ProceduresDashboard,
		What: "No run of a procedure has begun, or succeeded where starts are not reported, within the grace after it was " +
			"due.",
		Why: "What it does has not been done; its scheduler or its machine may be down.",
	})
	ProcedureLateAlert = alert(Alert{
		Name: "ThorbisProcedureLate", Priorities: everyPriority, Page: true, Dashboard: ProceduresDashboard,
		What: "A run of a procedure has begun in time, and has not succeeded within its grace and its maximum runtime.",
		Why:  "What it does is not done yet; it may have been ended without a report.",
	})
	ProcedureFailedAlert = alert(Alert{
		Name: "ThorbisProcedureFailed", Priorities: everyPriority, Page: true, Dashboard: ProceduresDashboard,
		What: "The last run of a procedure has failed.",
		Why:  "What it does has not been done.",
	})
	ProcedureOverrunAlert = alert(Alert{
		Name: "ThorbisProcedureRunningTooLong", Priorities: everyPriority, Page: true, Dashboard: ProceduresDashboard,
		What: "A run of a procedure has neither ended nor reported that it is alive for its maximum runtime.",
		Why:  "It may hang, and hold up the next run and what depends on it.",
	})
)

func init() {
	documentNoAlert("For dashboards: what is missed, late, failed or too long pages.",
		ProcedureLastDuration, ProcedureRunDuration, ProcedureRuns, ProcedureOverdue)
	documentNoAlert("How runs are reported; a run that is not reported is missed.", ProcedurePings, ProcedureFiles)
}
