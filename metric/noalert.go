package metric

// noAlert maps metrics that no alert reads to the reason.
var noAlert = map[*Metric]string{}

// documentNoAlert records why no alert reads the metrics.
func documentNoAlert(reason string, metrics ...*Metric) {
	for _, m := range metrics {
		noAlert[m] = reason
	}
}

// NoAlert returns the reason why no alert reads the series, empty if one does.
func (m *Metric) NoAlert() string { return noAlert[m] }

func init() {
	documentNoAlert("Its trend is for people to look at; the age of the last success pages.",
		BackupLastDuration, BackupLastCopied, BackupLastStored, BackupLastAdded, BackupLastPosition, BackupLastFailure)
	documentNoAlert("Current progress; a run that never ends shows in the age of the last success.",
		BackupRunning, BackupRunningBytes, BackupRunningSize, BackupRestoring)
	documentNoAlert("How far the archive reaches; its gaps and its age page.", BackupWALOldest, BackupWALNewest,
		BackupWALTimeline)
	documentNoAlert("Health of the listing; backups that have not been listed page.",
		BackupListingDuration, BackupListings, BackupListingFailures, BackupRepositoryState)
	documentNoAlert("A remark of the backup program; verification and restore tests page for what is wrong.", BackupFlawed)
	documentNoAlert("Detail of a test; its result and its age page.",
		BackupTestSuccess, BackupTestChecks, BackupTestFailedChecks, BackupTestRead, BackupTestRows)
	documentNoAlert("Counts for people; a tenant without a backup pages.", BackupTenants, BackupTenantsUnknown)

	documentNoAlert("Why and how long; a collector whose every run fails pages.", CollectorDuration, CollectorErrors,
		CollectorLastSuccess)
	documentNoAlert("When; a failed reload pages.", ConfigReloadTimestamp)
	documentNoAlert("Warnings are read when the policy is written.", PolicyWarnings)
	documentNoAlert("How often, and what is shown meanwhile; state that is not saved pages.", StateSaves, StateUnsaved)

	documentNoAlert("For dashboards: latency of probes is no objective; requests have objectives.", HealthCheckDuration,
		HealthCheckPhaseSeconds)
	documentNoAlert("Single probes are not judged: outages and the time they last are.",
		HealthCheckProbes, HealthCheckProbeFailures, HealthCheckProbeUnknowns, HealthCheckOutages)
	documentNoAlert("A fact of the policy.", HealthCheckExpectedInterval, StorageDeviceInfo, StorageExpectedBurstIOPS,
		StorageExpectedBurstThroughput)
	documentNoAlert("How busy the prober is; checks that make no progress page.", HealthProbesDelayed,
		HealthProbesInFlight)

	documentNoAlert("Statistics on responses; unacknowledged incidents page by themselves.",
		IncidentAcknowledgeDuration, IncidentDrills, IncidentResolveDuration, IncidentsBrief, IncidentsNotListed,
		IncidentsOpen,
		IncidentsOpened,
		IncidentsUntold)
	documentNoAlert("Of every write-up; one that is overdue has an alert.", IncidentWriteUpsMissing)
	documentNoAlert("Of each runbook; that the review of all is overdue has the alerts of procedures.", RunbookReviewed,
		RunbooksNeverReviewed)
	documentNoAlert("Who did it; that it was not done has alerts.", ProcedureDoneBy)
	documentNoAlert("What an event recorder adds to polling; incidents page, escalate and count without it.",
		IncidentEventRejects, IncidentEvents, IncidentLastEvent, IncidentMuted, IncidentNotifications, IncidentNotifyDuration,
		IncidentPages)
	documentNoAlert("One source of several; blindness to incidents pages.", IncidentSourceUp)

	documentNoAlert("For dashboards: saturation shows in operations and bytes against what was bought.",
		StorageBusySeconds, StorageInFlight, StorageWeightedSeconds)
	documentNoAlert(
		"Why a machine is slow, for dashboards; its utilisation, its memory and its processes' growth have alerts.",
		HostContainerThrottled, HostLoad, HostPressure, HostProcesses, HostSwapFree, HostSwapTotal)
	documentNoAlert("For dashboards; a canary that fails or reads back something else has alerts.", CanaryDuration)
	documentNoAlert("Space that only the superuser may use; what others may use pages.", StorageFilesystemFree)
	documentNoAlert("Counted so that totals are honest; devices beyond the limit are no fault.", StorageOverflow,
		StorageLimitRequests)

	documentNoAlert("For dashboards: how busy the server is; exhausted or stuck resources page.",
		PostgresReadSeconds, PostgresWriteSeconds, PostgresCheckpoints, PostgresCheckpointSeconds, PostgresBuffersWritten,
		PostgresBlocksHit, PostgresBlocksRead, PostgresDatabaseSize, PostgresDeadlocks,
		PostgresIOBytes, PostgresIOOperations, PostgresIOSeconds, PostgresTempBytes, PostgresTransactions, PostgresWALBytes)
	documentNoAlert("For people to look at; a query that gets slower has an alert.",
		PostgresStatementRows, PostgresStatementBlocksHit, PostgresStatementBlocksRead)
	documentNoAlert("How complete the statistics of statements are.", PostgresStatements, PostgresStatementEvictions)
	documentNoAlert("Work for a calm hour: dead rows and indexes cost space and time, never at once.",
		PostgresUnusedIndexes, PostgresUnusedIndexBytes, PostgresStatisticsReset, PostgresTablesToVacuum,
		PostgresOldestVacuum)
	documentNoAlert("What the server is; a replica or an archive that falls behind pages.",
		PostgresRecovery, PostgresReplicaBehind, PostgresReplicas, PostgresStarted, PostgresVersion,
		PostgresWALArchived, PostgresWALArchiving, PostgresWALLastArchived)

	documentNoAlert("Turnover is normal; a limit that is near pages.", TenantAdmitted, TenantDemoted)
	documentNoAlert("Which tenants have series; where many are in trouble, their service pages.", TenantSeries,
		TenantTroubledWaiting)
	documentNoAlert("Late events count in budgets, and are too late to page.", ServiceLateRequests, TenantLateRequests)
	documentNoAlert("A check of the exporter on itself, which logs what it finds.", ServiceRequestsOff)
	documentNoAlert("For reports; a disk on which nothing can be saved pages.", TenantHistoryBytes, TenantHistoryDates,
		TenantHistoryErrors)
	documentNoAlert("Whose requests they are; services whose share rises have an alert.", TenantRefusedRequests,
		TenantFailedLogins)
	documentNoAlert("Our own probes are judged as health checks.", TenantProbeRequests)
	documentNoAlert("Why and how many; a registry that is not read pages.", TenantRegistryErrors)
	documentNoAlert("Percentiles are for dashboards; objectives count slow requests.", ServiceRequestDuration,
		TenantRequestDuration)
	documentNoAlert("For dashboards; objectives read the windows of tenants.", TenantSlowRequests)
	documentNoAlert("Volume is for capacity and bills.", TenantResponseBytes)
	documentNoAlert("Detail of a source; one that stops, lags or refuses pages.", TenantSourceErrors, TenantSourceIgnored,
		TenantSourceLastRead)
	documentNoAlert("How many; a stream that lags, misses messages or leaves out partitions pages.", TenantStreamUncounted,
		TenantStreamMissed, TenantStreamPartitions)
	documentNoAlert(
		"A mistake in a log format, to be noticed when it is set up: the requests count, and their latency is unknown.",
		TenantSourceUnreadableDurations)
}
