package metric

// Kinds of backups, values of LabelKind. Only the rules know KindAny: whichever is the newest.
const (
	KindFull         = "full"         // needs no other to be restored
	KindDifferential = "differential" // needs its full
	KindIncremental  = "incremental"  // needs the one before it
	KindSnapshot     = "snapshot"     // stored by difference, restored like a full
	KindWAL          = "wal"          // the archive of write-ahead logs, not a backup of its own
	KindAny          = "any"
)

// BackupKinds are the kinds that backups have.
var BackupKinds = []string{KindFull, KindDifferential, KindIncremental, KindSnapshot, KindWAL}

// States of a repository as its backup program reports them, values of LabelState.
const (
	RepositoryOK         = "ok"
	RepositoryEmpty      = "empty"      // readable, but without a completed backup
	RepositoryMissing    = "missing"    // the repository, or the requested part of it, does not exist
	RepositoryMismatch   = "mismatch"   // it holds backups of another database
	RepositoryUnreadable = "unreadable" // it could not be read
)

// RepositoryStates is the state set in the order shown to people.
var RepositoryStates = []string{
	RepositoryOK, RepositoryEmpty, RepositoryMissing, RepositoryMismatch, RepositoryUnreadable,
}

// Tests that prove a backup, values of LabelTest.
const (
	TestVerify  = "verify"
	TestRestore = "restore"
)

// BackupTests lists them.
var BackupTests = []string{TestVerify, TestRestore}

// Why a listing failed: values of LabelReason.
const (
	ListingTimeout    = "timeout"   // it took longer than the policy's timeout
	ListingTooLarge   = "too_large" // it was larger than it may be
	ListingMalformed  = "malformed" // it could not be understood: half a document, another format
	ListingExit       = "exit"      // the program ended with an error of its own
	ListingMissing    = "missing"   // no such program, file or directory
	ListingPermission = "permission"
	ListingAuth       = "auth"    // the service refused the credentials
	ListingNetwork    = "network" // the service could not be reached, or was too busy
	ListingOther      = "other"
)

// ListingReasons is the closed set.
var ListingReasons = []string{
	ListingTimeout, ListingTooLarge, ListingMalformed, ListingExit, ListingMissing,
	ListingPermission, ListingAuth, ListingNetwork, ListingOther,
}

var (
	backupLabels     = []string{LabelBackup, LabelKind, LabelRepository, LabelTenant}
	repositoryLabels = []string{LabelBackup, LabelRepository}
	backupLabel      = []string{LabelBackup}
	testLabels       = []string{LabelBackup, LabelTest}
)

func backupGauge(name, unit, help string, labels []string) *Metric {
	return define(Metric{Name: name, Type: Gauge, Unit: unit, Across: Replica, Help: help, Labels: labels})
}

func backupExpected(name, unit, help string, labels []string) *Metric {
	return define(Metric{Name: name, Type: Gauge, Unit: unit, Across: Replica, Expected: true, Help: help, Labels: labels})
}

// Backups as last listed. While listing fails, the facts of the last successful listing remain; its timestamp shows
// their age. Tenant is empty except for the worst tenants of a backup that is per tenant.
var (
	BackupLastSuccess = backupGauge("thorbis_backup_last_success_timestamp_seconds", "seconds",
		"Unix time at which the newest good backup of the kind ended; for wal, at which the newest segment was archived. "+
			"0 if there is none.", backupLabels)
	BackupLastDuration = backupGauge("thorbis_backup_last_duration_seconds", "seconds",
		"How long the newest good backup took. Absent where the program does not say.", backupLabels)
	BackupLastSize = backupGauge("thorbis_backup_last_size_bytes", "bytes",
		"What a restore of the newest good backup would write. Absent where the program does not say.", backupLabels)
	BackupLastCopied = backupGauge("thorbis_backup_last_copied_bytes", "bytes",
		"What the newest good backup read from its source and sent. Absent where the program does not say.", backupLabels)
	BackupLastStored = backupGauge("thorbis_backup_last_stored_bytes", "bytes",
		"What the newest good backup and all that it builds on take in the repository. "+
			"Absent where the program does not say.", backupLabels)
	BackupLastAdded = backupGauge("thorbis_backup_last_added_bytes", "bytes",
		"What the newest good backup added to the repository. Absent where the program does not say.", backupLabels)
	BackupLastPosition = backupGauge("thorbis_backup_last_position_bytes", "bytes",
		"Log position (LSN) from which the newest good backup is consistent.", backupLabels)
	BackupEarlierSize = backupGauge("thorbis_backup_earlier_size_bytes", "bytes",
		"Median size of up to ten good backups before the newest, also of those deleted since. Absent with fewer than three.",
		backupLabels)
	BackupRetained = backupGauge("thorbis_backup_retained", "",
		"Good backups in the repository.", backupLabels)
	BackupOldest = backupGauge("thorbis_backup_oldest_timestamp_seconds", "seconds",
		"Unix time at which the oldest backup in the repository ended, good or not. Absent without any.", backupLabels)
	BackupFlawed = backupGauge("thorbis_backup_flawed", "",
		"Backups in the repository that ended but hold errors that their program noticed, such as page checksums.",
		backupLabels)
	BackupLastFailure = backupGauge("thorbis_backup_last_failure_timestamp_seconds", "seconds",
		"Unix time of the newest failed or incomplete backup that the program lists; 0 if it lists none. "+
			"Most programs list none ever.", backupLabels)

	BackupRepositoryState = define(Metric{
		Name: "thorbis_backup_repository_state", Type: StateSet, Across: Replica,
		Help:   "State of the repository as its program reports it: 1 for the current state.",
		Labels: append(repositoryLabels[:2:2], LabelState),
	})
	BackupRunning = backupGauge("thorbis_backup_running", "",
		"1 while the program says that a backup is being made, where it says so.", repositoryLabels)
	BackupRunningBytes = backupGauge("thorbis_backup_running_bytes", "bytes",
		"What the running backup has done so far. Absent unless one is running and the program reports it.", repositoryLabels)
	BackupRunningSize = backupGauge("thorbis_backup_running_size_bytes", "bytes",
		"What the running backup has to do. Absent unless one is running and the program reports it.", repositoryLabels)
	BackupRestoring = backupGauge("thorbis_backup_restoring", "",
		"1 while the program says that a restore is running on its host, where it says so.", repositoryLabels)
	BackupRemovedAge = backupGauge("thorbis_backup_removed_age_seconds", "seconds",
		"Age at which the youngest of the backups that vanished within the last seven days vanished. Absent if none did.",
		repositoryLabels)

	BackupWALOldest = backupGauge("thorbis_backup_wal_oldest_position_bytes", "bytes",
		"Log position at which the oldest archived segment begins.", repositoryLabels)
	BackupWALNewest = backupGauge("thorbis_backup_wal_newest_position_bytes", "bytes",
		"Log position at which the newest archived segment ends.", repositoryLabels)
	BackupWALTimeline = backupGauge("thorbis_backup_wal_timeline", "",
		"Timeline of the newest archived segment.", repositoryLabels)
	BackupWALMissing = backupGauge("thorbis_backup_wal_missing_segments", "",
		"Segments missing from the part of the archive that the listing looks at. The verification looks at all of it.",
		repositoryLabels)
)

// The listing itself, so that "cannot see" never reads as "no backup".
var (
	BackupListingLastSuccess = backupGauge("thorbis_backup_listing_last_success_timestamp_seconds", "seconds",
		"Unix time at which the repository was last listed successfully; what is exposed of it is as of then. "+
			"0 if it never was.", repositoryLabels)
	BackupListingDuration = backupGauge("thorbis_backup_listing_duration_seconds", "seconds",
		"How long the last listing took, whether it succeeded or not.", backupLabel)
	BackupListingFailures = define(Metric{
		Name: "thorbis_backup_listing_failures_total", Type: Counter, Across: Sum,
		Help:   "Listings that failed, by reason. What was known before stays exposed.",
		Labels: append(backupLabel[:1:1], LabelReason),
	})
	BackupListings = define(Metric{
		Name: "thorbis_backup_listings_total", Type: Counter, Across: Sum,
		Help:   "Listings finished, whether they succeeded or not.",
		Labels: backupLabel,
	})
)

// What verifications and restore tests found, read from their result files.
var (
	BackupTestLastRun = backupGauge("thorbis_backup_test_last_run_timestamp_seconds", "seconds",
		"Unix time at which the last verification or restore test ended, whatever its result. 0 if there was none.",
		testLabels)
	BackupTestLastSuccess = backupGauge("thorbis_backup_test_last_success_timestamp_seconds", "seconds",
		"Unix time at which one last succeeded. 0 if none did.", testLabels)
	BackupTestSuccess = backupGauge("thorbis_backup_test_success", "",
		"1 if the last one succeeded, 0 if it failed. Absent if there was none.", testLabels)
	BackupTestDuration = backupGauge("thorbis_backup_test_duration_seconds", "seconds",
		"How long the last one that succeeded took: for a restore test, the recovery time that is proven.", testLabels)
	BackupTestRead = backupGauge("thorbis_backup_test_read_bytes", "bytes",
		"What the last one read or restored. Absent where that is not known.", testLabels)
	BackupTestChecks = backupGauge("thorbis_backup_test_checks", "",
		"Checks that the last one made.", testLabels)
	BackupTestFailedChecks = backupGauge("thorbis_backup_test_failed_checks", "",
		"Checks of the last one that failed.", testLabels)
	BackupTestRows = backupGauge("thorbis_backup_test_rows", "",
		"Rows that the last restore test counted. Absent where it counted none.", testLabels)
	BackupTestWALMissing = backupGauge("thorbis_backup_test_wal_missing_segments", "",
		"Segments that the last verification missed between the oldest needed and the newest. Absent without an archive.",
		testLabels)
)

// Backups of every tenant. The permitted age depends on the tenant's tier. A series for each tenant would be too many,
// so the exporter counts tenants where it lists backups.
var (
	BackupTenants = backupGauge("thorbis_backup_tenants", "",
		"Tenants of the registry by tier, that should have a backup.", []string{LabelBackup, LabelTier})
	BackupTenantsUncovered = backupGauge("thorbis_backup_tenants_uncovered", "",
		"Tenants of the registry whose newest good backup is older than their tier permits, or that have none.",
		[]string{LabelBackup, LabelTier})
	BackupTenantsUnknown = backupGauge("thorbis_backup_tenants_unregistered", "",
		"Tenants that have backups and are not in the registry: offboarded, and perhaps to be deleted.", backupLabel)
)

// What the policy expects, exposed by every exporter that has the backup collector, whether it can list or not.
var (
	BackupInfo = define(Metric{
		Name: "thorbis_backup_info", Type: Info, Across: Replica, Expected: true,
		Help: "A configured backup: the program that makes it, the service it belongs to, " +
			"the owner who is notified and the priority at which it pages.",
		Labels: []string{LabelBackup, LabelProgram, LabelAppService, LabelOwner, LabelPage},
	})
	BackupExpectedRefresh = backupExpected("thorbis_backup_expected_listing_interval_seconds", "seconds",
		"How often the backup is configured to be listed.", backupLabel)
	BackupExpectedInterval = backupExpected("thorbis_backup_expected_interval_seconds", "seconds",
		"How often a backup of the kind should be made; any stands for the newest of any kind.",
		[]string{LabelBackup, LabelKind})
	BackupExpectedWALDisk = define(Metric{
		Name: "thorbis_backup_expected_wal_disk_info", Type: Info, Across: Replica, Expected: true,
		Help:   "The filesystem that fills while the database cannot archive its logs, as the series of storage name it.",
		Labels: []string{LabelBackup, LabelHost, LabelMountpoint},
	})
	BackupExpectedMaxAge = backupExpected("thorbis_backup_expected_max_age_seconds", "seconds",
		"Recovery point objective: how old the newest point may be to which can be restored.", backupLabel)
	BackupExpectedRetainedMin = backupExpected("thorbis_backup_expected_retained_min", "",
		"Minimum number of full backups.", backupLabel)
	BackupExpectedRetainedMax = backupExpected("thorbis_backup_expected_retained_max", "",
		"Maximum number of full backups.", backupLabel)
	BackupExpectedAgeMin = backupExpected("thorbis_backup_expected_retention_min_seconds", "seconds",
		"Minimum time for which a backup must be kept.", backupLabel)
	BackupExpectedAgeMax = backupExpected("thorbis_backup_expected_retention_max_seconds", "seconds",
		"How long a backup may be kept at most.", backupLabel)
	BackupExpectedTestInterval = backupExpected("thorbis_backup_expected_test_interval_seconds", "seconds",
		"How often a verification or restore test should succeed.", testLabels)
	BackupExpectedRecovery = backupExpected("thorbis_backup_expected_recovery_seconds", "seconds",
		"Recovery time objective: how long a restore may take.", backupLabel)
)
