package metric

// The exporter on itself.
var (
	CollectorSuccess = define(Metric{
		Name: "thorbis_collector_success", Type: Gauge, Across: Sum,
		Help:   "1 if the collector's last run succeeded.",
		Labels: []string{LabelCollector},
	})
	CollectorDuration = define(Metric{
		Name: "thorbis_collector_duration_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help:   "How long the collector's last run took.",
		Labels: []string{LabelCollector},
	})
	CollectorLastSuccess = define(Metric{
		Name: "thorbis_collector_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help:   "Unix time at which the collector last succeeded, 0 if it never did.",
		Labels: []string{LabelCollector},
	})
	CollectorErrors = define(Metric{
		Name: "thorbis_collector_errors_total", Type: Counter, Across: Sum,
		Help:   "Failed runs of the collector by reason.",
		Labels: []string{LabelCollector, LabelReason},
	})
	PolicyInfo = define(Metric{
		Name: "thorbis_policy_info", Type: Info, Across: Sum, Expected: true,
		Help:   "The policy in force: SHA-256 of its meaning, the same in the exporter and in the rules generated from it.",
		Labels: []string{LabelSHA256},
	})
	ConfigReloadSuccessful = define(Metric{
		Name: "thorbis_config_last_reload_successful", Type: Gauge, Across: Sum,
		Help: "1 if the last attempt to load the policy succeeded; 0 means that the older policy is still in force.",
	})
	ConfigReloadTimestamp = define(Metric{
		Name: "thorbis_config_last_reload_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help: "Unix time of the last successful load of the policy.",
	})
	PolicyWarnings = define(Metric{
		Name: "thorbis_policy_warnings", Type: Gauge, Across: Sum,
		Help: "Warnings that the policy in force raises; the status page lists them.",
	})
	StateSaves = define(Metric{
		Name: "thorbis_state_saves_total", Type: Counter, Across: Sum,
		Help:   "Saves of a collector's state to the storage path, by result.",
		Labels: []string{LabelCollector, LabelResult},
	})
	StateLastSave = define(Metric{
		Name: "thorbis_state_last_save_timestamp_seconds", Type: Gauge, Unit: "seconds", Across: Sum,
		Help:   "Unix time up to which a collector's persistent counters are saved.",
		Labels: []string{LabelCollector},
	})
	StateUnsaved = define(Metric{
		Name: "thorbis_state_unsaved", Type: Gauge, Across: Sum,
		Help: "1 while a collector cannot save, because the disk hangs, is full or was emptied: counters of checks go on, " +
			"and a restart begins them at 0; those of tenants stand still.",
		Labels: []string{LabelCollector},
	})
	BuildInfo = define(Metric{
		Name: "thorbis_exporter_build_info", Type: Info, Across: Sum,
		Help:   "A constant 1, labelled with the version the exporter was built from.",
		Labels: []string{"version", "revision", "branch", "goversion", "goos", "goarch", "tags"},
	})
)
