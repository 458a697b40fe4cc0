package metric

// Labels of the levels at which backups are recorded.
var (
	backupLevel           = []string{LabelEnvironment, LabelBackup}
	backupOwnedLevel      = append(backupLevel[:2:2], LabelAppService, LabelOwner, LabelPage)
	backupKindLevel       = append(backupLevel[:2:2], LabelKind)
	backupTestLevel       = append(backupLevel[:2:2], LabelTest)
	backupRepositoryLevel = append(backupLevel[:2:2], LabelRepository)
	backupOfKindLevel     = append(backupRepositoryLevel[:3:3], LabelKind)
)

// What is expected of backups: the right sides of joins. Each outlives the exporters that state it.
var (
	BackupExpected = record("backup:thorbis_backup:expected",
		"Unix time at which an exporter last reported that the backup is configured. Outlives that exporter by an hour, "+
			"by a day if none of the environment is left.",
		backupOwnedLevel)
	BackupRefresh = record("backup:thorbis_backup_listing_interval:expected_seconds", "How often the backup is listed.",
		backupLevel)
	BackupInterval = record("backup_kind:thorbis_backup_interval:expected_seconds",
		"How often a backup of the kind is made.", backupKindLevel)
	BackupMaxAge = record("backup:thorbis_backup_recovery_point:expected_seconds", "Recovery point objective.",
		backupLevel)
	BackupRecovery = record("backup:thorbis_backup_recovery_time:expected_seconds", "Recovery time objective.",
		backupLevel)
	BackupTestEvery = record("backup_test:thorbis_backup_test_interval:expected_seconds", "How often a test succeeds.",
		backupTestLevel)
	BackupWALDisk = record("backup:thorbis_backup_wal_disk:expected",
		"1 for the filesystem that fills while a database cannot archive its logs.",
		append(backupLevel[:2:2], LabelHost, LabelMountpoint))
	BackupKeepMin    = record("backup:thorbis_backup_retained:expected_min", "Full backups kept at least.", backupLevel)
	BackupKeepMax    = record("backup:thorbis_backup_retained:expected_max", "Full backups kept at most.", backupLevel)
	BackupKeepMinAge = record("backup:thorbis_backup_retention:expected_min_seconds",
		"How long a backup is kept at least.", backupLevel)
	BackupKeepMaxAge = record("backup:thorbis_backup_retention:expected_max_seconds", "How long a backup is kept at most.",
		backupLevel)
)

// Facts on backups. The last value of an exporter holds for fifteen minutes.
var (
	BackupListed = record("backup_repository:thorbis_backup_listing:timestamp_seconds",
		"Unix time at which the repository was last listed successfully; of a backup never listed, "+
			"when it was first expected, without a repository.", backupRepositoryLevel)
	BackupFresh = record("backup_repository:thorbis_backup_listing:fresh",
		"Seconds since the repository was last listed successfully, where that is recent enough to judge by it.",
		backupRepositoryLevel)
	BackupStale = record("backup:thorbis_backup_listing:stale_seconds",
		"Seconds since the backup was last listed successfully, where that is too long ago to judge by it.", backupOwnedLevel)
	BackupLost = record("backup:thorbis_backup_listing:lost_seconds",
		"The same, where it is more than twice the recovery point objective.", backupOwnedLevel)
	BackupNewest = record("backup_kind:thorbis_backup_last_success:timestamp_seconds",
		"Unix time of the newest good backup of the kind in the repository; for wal, of the newest segment. "+
			"Of all tenants together.", backupOfKindLevel)
	BackupAge = record("backup_kind:thorbis_backup_age:seconds",
		"How old the newest good backup was when the repository was last listed; kind is full (snapshots included) or any.",
		backupOfKindLevel)
	BackupRecoveryPoint = record("backup:thorbis_backup_recovery_point:age_seconds",
		"Age of the newest point that can be restored when the backup was last listed, in the best repository.", backupLevel)
	BackupMissed = record("backup_kind:thorbis_backup_missed:age_seconds",
		"Age of the newest good backup, where a run is overdue.", backupOfKindLevel)
	BackupFullsMissed = record("backup_kind:thorbis_backup_fulls_missed:age_seconds",
		"Age of the newest full backup, where two are overdue, or where there is none under incremental ones.",
		backupOfKindLevel)
	BackupWALStopped = record("backup_repository:thorbis_backup_wal_stopped:age_seconds",
		"Age of the newest archived segment when last listed, where none has come for a quarter of an hour.",
		backupRepositoryLevel)
	BackupWALDiskFull = record("backup:thorbis_backup_wal_disk:full_seconds",
		"Seconds until the filesystem is full that holds the logs of a database of which no segment is archived, "+
			"in one repository at least.", backupLevel)
	BackupMissingSegments = record("backup:thorbis_backup_wal_missing:segments",
		"Segments missing from the archive, by the last listing or the last verification.", backupLevel)
	BackupRetentionBroken = record("backup_repository:thorbis_backup_retention:broken",
		"What breaks the retention, by reason: too_few and too_many backups, "+
			"the age in seconds of one kept too_long or deleted_early.",
		append(backupRepositoryLevel[:3:3], LabelReason))
	BackupUncovered = record("backup:thorbis_backup_tenants_uncovered:count",
		"Tenants of the registry without a backup as recent as their tier requires.", backupLevel)
	BackupSizeChange = record("backup_kind:thorbis_backup_size_change:ratio",
		"Size of the newest full backup, divided by the median of those before it.", backupOfKindLevel)
	BackupTested = record("backup_test:thorbis_backup_test:last_run_timestamp_seconds",
		"Unix time of the last verification or restore test.", backupTestLevel)
	BackupProven = record("backup_test:thorbis_backup_test:last_success_timestamp_seconds",
		"Unix time of the last one that succeeded, 0 if none did.", backupTestLevel)
	BackupTestFailed = record("backup_test:thorbis_backup_test:failed_seconds",
		"Seconds since the last success, where the last test failed.", backupTestLevel)
	BackupTestOverdue = record("backup_test:thorbis_backup_test:overdue_seconds",
		"Seconds since the last success, where that is too long.", backupTestLevel)
	BackupRecoveryProven = record("backup:thorbis_backup_recovery_time:proven_seconds",
		"How long the last restore test that succeeded took to restore.", backupLevel)
)
