package metric

// LabelCanary is the policy's name of a storage canary.
const LabelCanary = "canary"

// OperationSync is a canary's fsync, a value of LabelOperation beside read and write.
const OperationSync = "sync"

// ResultSkipped is a run that was left out because the disk had no space or no operations to spare.
const ResultSkipped = "skipped"

// CanaryResults and CanaryOperations list the values.
var (
	CanaryResults    = []string{ResultSuccess, ResultFailure, ResultSkipped}
	CanaryOperations = []string{OperationWrite, OperationSync, OperationRead}
)

// The storage canary.
var (
	CanaryRuns = define(Metric{
		Name: "thorbis_storage_canary_runs_total", Type: Counter, Across: Replica,
		Help:   "Rounds of writing, syncing, reading back and comparing a small file, by result.",
		Labels: []string{LabelHost, LabelCanary, LabelResult},
	})
	CanaryCorruptions = define(Metric{
		Name: "thorbis_storage_canary_corruptions_total", Type: Counter, Across: Replica,
		Help:   "Rounds that read back something else than they wrote. They count as failures too.",
		Labels: []string{LabelHost, LabelCanary},
	})
	CanaryDuration = define(Metric{
		Name: "thorbis_storage_canary_duration_seconds", Type: Histogram, Unit: "seconds", Across: Replica,
		Help:   "How long the canary's operations took.",
		Labels: []string{LabelHost, LabelCanary, LabelOperation},
	})
)

// Alerts of the canary.
var (
	CorruptionAlert = alert(Alert{
		Name: "ThorbisStorageCorruption", Priorities: []string{"P2"}, Dashboard: StorageDashboard,
		What: "A canary has read back something else than it wrote, within the last hour.",
		Why:  "The disk, or what lies between, spoils data without saying so.",
	})
	CanaryFailingAlert = alert(Alert{
		Name: "ThorbisStorageCanaryFailing", Priorities: []string{"P3"}, Dashboard: StorageDashboard,
		What: "A canary has failed at least twice and never succeeded for fifteen minutes.",
		Why:  "Files cannot be written to that disk, or not read back.",
	})
)
