package metric

var fromP3 = []string{"P3", "P4"}

// Alerts on backups.
var (
	ArchivingStoppedAlert = alert(Alert{
		Name: "ThorbisWalArchivingStopped", Priorities: everyPriority, Page: true, Dashboard: BackupDashboard,
		What: "No write-ahead log of a database has been archived for 15 minutes, " +
			"and the filesystem that holds it will be full within four hours.",
		Why: "When it is full the database stops, and what is not archived can be lost with its disk.",
	})
	RecoveryPointAlert = alert(Alert{
		Name: "ThorbisRecoveryPointOld", Priorities: fromP2, Page: true, Dashboard: BackupDashboard,
		What: "According to a fresh listing, " +
			"the newest point that can be restored is older than the recovery point objective.",
		Why: "A disaster now would lose more data than the recovery point objective allows.",
	})
	WALGapAlert = alert(Alert{
		Name: "ThorbisBackupWalGap", Priorities: fromP2, Page: true, Dashboard: BackupDashboard,
		What: "Segments are missing from the archive of write-ahead logs for half an hour, " +
			"or the last verification missed some.",
		Why: "No point after the gap can be reached until a newer backup exists.",
	})
	FullsMissedAlert = alert(Alert{
		Name: "ThorbisFullBackupsMissed", Priorities: fromP2, Page: true, Dashboard: BackupDashboard,
		What: "Two expected full backups are missing in a repository, or incremental backups have no full backup below them.",
		Why:  "Chains of incrementals grow, and one damaged file spoils all of them.",
	})
	BackupMissedAlert = alert(Alert{
		Name: "ThorbisBackupMissed", Priorities: fromP3, Page: true, Dashboard: BackupDashboard,
		What: "An expected backup has been missing in a repository for more than a tenth of its interval.",
		Why:  "One run was missed; a second one breaks the recovery point objective.",
	})
	BackupUnknownAlert = alert(Alert{
		Name: "ThorbisBackupStateUnknown", Priorities: fromP2, Page: true, Dashboard: BackupDashboard,
		What: "A backup could not be listed for three intervals; more urgent after twice the recovery point objective.",
		Why:  "It is unknown whether backups exist, and no other alert on them can fire.",
	})
	VerifyFailedAlert = alert(Alert{
		Name: "ThorbisBackupVerifyFailed", Priorities: fromP2, Page: true, Dashboard: BackupDashboard,
		What: "The last verification of a backup found damage, or could not be made.",
		Why:  "A restore from it may fail.",
	})
	VerifyOverdueAlert = alert(Alert{
		Name: "ThorbisBackupVerifyOverdue", Priorities: fromP3, Page: true, Dashboard: BackupDashboard,
		What: "No verification of a backup has succeeded for longer than its interval.",
		Why:  "Damage would not be noticed.",
	})
	RestoreFailedAlert = alert(Alert{
		Name: "ThorbisRestoreTestFailed", Priorities: fromP2, Page: true, Dashboard: BackupDashboard,
		What: "The last restore test of a backup failed.",
		Why:  "The backup must be assumed to be unusable.",
	})
	RestoreOverdueAlert = alert(Alert{
		Name: "ThorbisRestoreTestOverdue", Priorities: fromP3, Page: true, Dashboard: BackupDashboard,
		What: "No restore test of a backup has succeeded for longer than its interval.",
		Why:  "Without a restore test, it is unknown whether the backup can be restored.",
	})
	RecoverySlowAlert = alert(Alert{
		Name: "ThorbisRecoveryTooSlow", Priorities: fromP3, Page: true, Dashboard: BackupDashboard,
		What: "The last restore test took longer than the recovery time objective.",
		Why:  "A real restore would miss the recovery time objective.",
	})
	RetentionAlert = alert(Alert{
		Name: "ThorbisBackupRetentionBroken", Priorities: fromP3, Page: true, Dashboard: BackupDashboard,
		What: "Fewer or more full backups are kept than the policy says, one is kept too long, or one was deleted too early.",
		Why:  "With too few backups, old states cannot be restored. Backups kept too long break the duty to delete data.",
	})
	TenantsUncoveredAlert = alert(Alert{
		Name: "ThorbisTenantsWithoutBackup", Priorities: fromP3, Page: true, Dashboard: BackupDashboard,
		What: "Tenants of the registry have no backup as recent as their tier requires.",
		Why:  "These customers would lose more data than their objective allows.",
	})
	BackupSizeAlert = alert(Alert{
		Name: "ThorbisBackupSizeOdd", Priorities: []string{"P4"}, Page: true, Dashboard: BackupDashboard,
		What: "The newest full backup is less than half or more than twice as large as those before it usually were.",
		Why:  "A backup of half a database often succeeds without an error.",
	})
)
