package metric

// Objectives of fresh backups and timely responses. Their budgets page no one: other alerts report an old backup and
// late responses.
var (
	FreshnessBudget = record("environment:thorbis_backup_freshness_budget:ratio",
		"Share of the time for which a backup may be older than its recovery point objective.", environmentLevel)
	BackupJudgedTotals = eventTotal("backup", "thorbis_backup_judged_seconds",
		"Seconds for which it was known how old the newest point to restore to is", backupLevel)
	BackupOldTotals = eventTotal("backup", "thorbis_backup_old_seconds",
		"Seconds for which the newest point to restore to was older than the recovery point objective", backupLevel)
	BackupJudgedIncrease = overAt("backup:thorbis_backup_judged_seconds:increase",
		"Seconds for which it was known how old the newest point to restore to is", backupLevel, "_period")
	BackupOldIncrease = overAt("backup:thorbis_backup_old_seconds:increase",
		"Seconds for which the newest point to restore to was older than the recovery point objective", backupLevel,
		"_period")
	BackupFreshness = record("backup:thorbis_backup_freshness:ratio_period",
		"Share of the judged time of the policy's period for which the newest point to restore to was within the recovery "+
			"point objective.", backupLevel)
	BackupFreshnessCoverage = record("backup:thorbis_backup_freshness_coverage:ratio_period",
		"Share of the policy's period in which the age of the backup was known.", backupLevel)
	BackupFreshnessLeft = record("backup:thorbis_backup_freshness_budget_left:ratio",
		"Share of the budget of the policy's period for old backups that is left; negative when overspent.", backupLevel)

	ResponseBudget = record("environment:thorbis_incident_response_budget:ratio",
		"Share of the incidents that may be acknowledged late or never.", environmentLevel)
	ResponsesPeriod = record("priority_result:thorbis_incident_responses:increase_period",
		"Incidents of the policy's period, to the last full hour, by result of the response objective; "+
			"the highest count of any exporter.",
		append(priorityLevel[:2:2], LabelResult))
	ResponseGood = record("priority:thorbis_incident_response:ratio_period",
		"Share of the policy's period's incidents that were acknowledged in time, of those that needed an answer.",
		priorityLevel)
	ResponseBudgetLeft = record("priority:thorbis_incident_response_budget_left:ratio",
		"Share of the budget of the policy's period for late answers that is left; negative when overspent.", priorityLevel)
)
