package handbook

import "github.com/thorbis/thorbis_exporter/metric"

// What judges every procedure, and every task that people report when it is done.
var (
	runSeries = []series{
		metric.ProcedureState, metric.ProcedureLastSuccess, metric.ProcedureMissing, metric.ProcedureFailing,
	}
	runAlerts = []*metric.Alert{
		metric.ProcedureMissedAlert, metric.ProcedureLateAlert, metric.ProcedureFailedAlert, metric.ProcedureOverrunAlert,
	}
	runPanels = on(metric.ProceduresDashboard, "Procedures", "States over time", "Duration of the last run")

	taskSeries = []series{metric.ProcedureDueTime, metric.ProcedureLastSuccess, metric.ProcedureMissing}
	taskAlerts = []*metric.Alert{metric.ProcedureMissedAlert}
	taskPanels = on(metric.ProceduresDashboard, "Procedures")
)

var automated = chapter{"Automated procedures", []item{
	{
		id: "A1", text: "Health checks every 30 s: check endpoints, validate responses, alert on failures",
		policy: []string{"health.interval", "health.checks[web-home]", "procedures.expected[health-checks]"},
		series: []series{metric.HealthCheckState, metric.HealthCheckProbes, metric.HealthCheckProbeFailures},
		alerts: []*metric.Alert{
			metric.CheckDownAlert, metric.CheckUnknownAlert, metric.CheckSilentAlert, metric.ProcedureMissedAlert,
		},
		panels: []panels{
			on(metric.HealthDashboard, "Outages over time", "Failed probes by reason"),
			on(metric.ExporterDashboard, "Checks watched"),
		},
		pages: []string{"health.md"},
	},
	{
		id: "A2", text: "Performance optimisation, continuous: cache optimisation, query analysis, resource scaling",
		policy: []string{
			"procedures.expected[cache-optimisation]", "procedures.expected[query-analysis]",
			"procedures.expected[resource-scaling]",
		},
		series: append([]series{
			metric.ServerCacheHits, metric.QueryTime, metric.QueryMeanGrowth, metric.PostgresUnusedIndexes,
			metric.PostgresTablesToVacuum, metric.ScalingUsed, metric.ContainerMemoryUsed,
		}, runSeries...),
		alerts: append([]*metric.Alert{
			metric.QuerySlowerAlert, metric.WraparoundAlert, metric.ScalingMaximumAlert, metric.ScalingInactiveAlert,
			metric.ContainerMemoryAlert,
		}, runAlerts...),
		panels: []panels{
			on(metric.DatabasesDashboard, "Cache hits", "Temporary files", "Queries", "Mean time of queries",
				"Indexes and tables"),
			on(metric.ResourcesDashboard, "Autoscalers", "Memory of containers", "Containers at their CPU limit"),
			runPanels,
		},
		pages: []string{"procedures.md", "storage.md#statements-indexes-and-vacuum"},
	},
	{
		id: "A3", text: "Security scanning hourly: vulnerability scan, dependency check, access audit",
		policy: []string{
			"procedures.expected[vulnerability-scan]", "procedures.expected[dependency-check]",
			"procedures.expected[access-audit]", "security.scans[web-dependencies]", "security.scans[api-image]",
			"security.access[github].review_every", "security.access[database-roles].postgres.dsn_file",
		},
		series: []series{
			metric.ProcedureDueTime, metric.ScanReportState, metric.ScanReportTime, metric.Findings, metric.Accounts,
			metric.AccountsByUse, metric.AccountsOverdue, metric.OldestReview,
		},
		alerts: []*metric.Alert{
			metric.ProcedureMissedAlert, metric.ScanMissedAlert, metric.ScanFailedAlert, metric.FindingExploitedAlert,
			metric.FindingOverdueAlert, metric.AccessReviewAlert, metric.AccessUnknownAlert,
		},
		panels: []panels{runPanels, on(metric.SecurityDashboard, "Scans", "Findings", "Age of scans", "Access")},
		pages:  []string{"procedures.md", "scans.md", "access.md"},
	},
	{
		id: "A4", text: "Backup verification daily: integrity, restore testing, retention clean-up",
		policy: []string{
			"procedures.expected[backup-integrity]", "procedures.expected[restore-testing]",
			"procedures.expected[retention-clean-up]", "backups[main-db].verify.interval",
			"backups[main-db].restore_test.interval", "backups[main-db].retention",
		},
		series: []series{
			metric.BackupTested, metric.BackupProven, metric.BackupTestFailed, metric.BackupRecoveryProven,
			metric.BackupRetentionBroken,
		},
		alerts: []*metric.Alert{
			metric.VerifyFailedAlert, metric.VerifyOverdueAlert, metric.RestoreFailedAlert, metric.RestoreOverdueAlert,
			metric.RecoverySlowAlert, metric.RetentionAlert,
		},
		panels: []panels{
			on(metric.BackupDashboard, "Tests failed", "Tests overdue", "Retention broken", "Proven recovery time"),
			runPanels,
		},
		pages: []string{"backups.md#verification-and-restore-tests"},
	},
}}

var daily = chapter{"Daily checklist", []item{
	{
		id: "D1", text: "08:00 UTC: system health review, 15 min, SRE team",
		policy: []string{"procedures.expected[system-health-review]"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{
			on(metric.DailyDashboard, "08:00 System health", "Worst uptime of a day", "Outages over time",
				"Backups without proof", "Budgets that burn"),
			taskPanels,
		},
		pages: []string{"reports.md#reviews"},
	},
	{
		id: "D2", text: "09:00 UTC: performance metrics analysis, 30 min, operations lead",
		policy: []string{"procedures.expected[performance-review]"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{
			on(metric.DailyDashboard, "09:00 Performance", "Duration of 95 of 100 requests",
				"Services in a day", "Machines in a day"),
			taskPanels,
		},
		pages: []string{"reports.md#reviews"},
	},
	{
		id: "D3", text: "10:00 UTC: security event review, 20 min, security team",
		policy: []string{
			"procedures.expected[security-event-review]", "security.secrets[github-app-key]",
			"tenants.sources[web-access].login_paths",
		},
		series: append([]series{
			metric.SecretExpiry, metric.TenantRequests, metric.TenantReceiverPosts, metric.RefusedShare,
			metric.FailedLoginsIncrease, metric.TenantRefusedRequests, metric.TenantFailedLogins,
		}, taskSeries...),
		alerts: append([]*metric.Alert{
			metric.CertificateAlert, metric.DomainExpiringAlert, metric.SecretExpiringAlert, metric.UnknownHostsAlert,
			metric.RefusedRisingAlert, metric.FailedLoginsRisingAlert,
		}, taskAlerts...),
		panels: []panels{
			on(metric.DailyDashboard, "10:00 Security", "Requests of unknown hosts", "Posts refused",
				"Client errors", "Tenants refused in the last hour", "Tenants with the most client errors",
				"Certificates by expiry", "Domains by expiry", "Secrets by their end"),
			on(metric.SecurityDashboard, "Scans", "Failed scans", "Refused requests", "Failed log-ins",
				"Tenants refused in the last hour", "Tenants with the most client errors", "Posts refused",
				"Secrets by their end"),
			taskPanels,
		},
		pages: []string{"scans.md", "security.md#secrets-that-end", "tenants.md#refused-requests-and-failed-log-ins"},
	},
	{
		id: "D4", text: "16:00 UTC: incident review and documentation, 30 min, all teams",
		policy: []string{"procedures.expected[incident-review]", "write_ups.within"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{
			on(metric.DailyDashboard, "16:00 Incidents", "Incidents of a day", "Answered late in a day",
				"What was noisy"),
			taskPanels,
		},
		pages: []string{"reports.md#reviews"},
	},
}}

var weekly = chapter{"Weekly review", []item{
	{
		id: "W1", text: "Performance trends and chances",
		policy: []string{"procedures.expected[weekly-review]"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{
			on(metric.WeeklyDashboard, "Services", "Requests", "Duration of 95 of 100 requests"),
			taskPanels,
		},
		pages: []string{"reports.md#reviews"},
	},
	{
		id: "W2", text: "Capacity planning, utilisation and scaling decisions",
		policy: []string{"procedures.expected[weekly-review]"},
		series: []series{metric.FilesystemFull, metric.ServiceUtilization},
		alerts: []*metric.Alert{metric.DiskFillingAlert, metric.NearPeakAlert},
		panels: []panels{on(metric.WeeklyDashboard, "Filesystems that will be full", "Databases that grow",
			"Peaks of services", "Machines at their peak")},
		pages: []string{"reports.md#reviews"},
	},
	{
		id: "W3", text: "Post-mortems of all incidents",
		policy: []string{"procedures.expected[weekly-review]"},
		series: []series{metric.IncidentsOpened, metric.IncidentResponses},
		alerts: taskAlerts,
		panels: []panels{on(metric.WeeklyDashboard, "Incidents of the week", "Incidents a week by priority")},
		pages:  []string{"reports.md#write-up-of-an-incident"},
		reason: "A draft is written; people complete it elsewhere. Which incident lacks one is not measured yet.",
	},
	{
		id: "W4", text: "Security posture and threat updates",
		policy: []string{"procedures.expected[weekly-review]", "security.max_age.critical"},
		series: []series{metric.Findings, metric.FindingOldest},
		alerts: []*metric.Alert{metric.FindingOverdueAlert, metric.FindingExploitedAlert},
		panels: []panels{
			on(metric.SecurityDashboard, "Findings", "Age of the oldest finding", "Known to be exploited"), taskPanels,
		},
		pages:  []string{"scans.md"},
		reason: "The age of findings is measured. Threats are read of elsewhere.",
	},
	{
		id: "W5", text: "Process improvement and automation chances",
		policy: []string{"procedures.expected[weekly-review]"},
		series: []series{metric.BriefRatio, metric.OpenedIncrease},
		alerts: taskAlerts,
		panels: []panels{
			on(metric.WeeklyDashboard, "What was noisy"),
			on(metric.IncidentDashboard, "Needed no action", "Over within five minutes", "Incidents a week by shift"),
		},
		pages: []string{"reports.md#reviews"},
	},
}}

var compliance = chapter{"Compliance", []item{
	{
		id: "K1", text: "SOC 2 Type II: yearly audit and continuous monitoring",
		policy: []string{"procedures.expected[soc2-audit]", "procedures.expected[access-audit]"},
		series: []series{
			metric.Coverage, metric.BackupProven, metric.IncidentAcknowledgeDuration, metric.ProcedureRuns,
		},
		alerts: taskAlerts,
		panels: []panels{on(metric.HealthDashboard, "Measured", "Contract of this month"), taskPanels},
		pages:  []string{"reports.md#evidence-for-an-audit", "api.md#checks", "api.md#tenants"},
		reason: "Who approved a deployment is with its pull request, not in its population.",
	},
	{
		id: "K2", text: "GDPR and CCPA",
		policy: []string{"backups[main-db].retention.max_age"},
		series: []series{metric.BackupRetentionBroken},
		alerts: []*metric.Alert{metric.RetentionAlert},
		panels: []panels{on(metric.BackupDashboard, "Retention broken")},
		pages:  []string{"security.md"},
		reason: "Backups that are kept for too long are reported. Requests to access or erase data are not measured yet.",
	},
	{id: "K3", text: "HIPAA where applicable", reason: noContents},
	{id: "K4", text: "PCI DSS", reason: noContents},
}}

var documentation = chapter{"Documentation standards", []item{
	{
		id: "N1", text: "Runbooks reviewed monthly",
		policy: []string{"procedures.expected[runbook-review]"},
		series: append([]series{metric.RunbookReviewed, metric.RunbooksNeverReviewed}, taskSeries...),
		alerts: taskAlerts,
		panels: []panels{taskPanels},
		pages:  []string{"alerts.md"},
	},
	{
		id: "N2", text: "Incident documentation complete within 24 h of resolution",
		policy: []string{"write_ups.within"},
		series: []series{metric.IncidentWriteUpDue, metric.IncidentWriteUpsMissing, metric.WriteUpsOverdue},
		alerts: []*metric.Alert{metric.WriteUpOverdueAlert},
		panels: []panels{on(metric.IncidentDashboard, "Incidents to write up")},
		pages:  []string{"reports.md#write-up-of-an-incident", "procedures.md#write-ups-of-incidents"},
	},
	{
		id: "N3", text: "Operational changes documented and approved",
		series: []series{metric.PolicyInfo, metric.ConfigReloadSuccessful},
		alerts: []*metric.Alert{metric.PolicyDriftAlert, metric.PolicyReloadAlert},
		panels: []panels{on(metric.ExporterDashboard, "Configurations loaded", "Exporters")},
		reason: "Approval is given where the policy is kept, as in a pull request. " +
			"Changes to the platform are not measured yet.",
	},
	{
		id: "N4", text: "Knowledge base kept current",
		policy: []string{"procedures.expected[runbook-review]"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{taskPanels},
		reason: "That the review took place is reported. A knowledge base elsewhere is not read.",
	},
}}

var people = chapter{"People", []item{
	{
		id: "E1", text: "New members: all guides read, two weeks of shadowing, tool training, incident drill, " +
			"on-call certification before the rotation",
		policy: []string{"procedures.expected[incident-drill]", "procedures.expected[on-call-certification]"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{taskPanels},
		pages:  []string{"glossary.md", "architecture.md"},
		reason: "Guides and shadowing of a person are not measured, for they have no schedule. Certificates of all who " +
			"join the rotation are, and drills (thorbis_mixin drill) are counted.",
	},
	{
		id: "E2", text: "Existing members: monthly training, cross-training, process improvement, documentation",
		policy: []string{"procedures.expected[monthly-training]"},
		series: taskSeries,
		alerts: taskAlerts,
		panels: []panels{taskPanels},
		reason: "That the training took place is a date in a file, with who took part. What was learned is not measured.",
	},
}}

var guides = chapter{"Guides and vendors' pages", []item{
	{
		id: "G1", text: "Guides: system administration, monitoring and alerting, incident response, maintenance " +
			"procedures, performance management, backup and recovery, business continuity",
		pages: []string{
			"configuration.md", "security.md", "health.md", "alerts.md", "routing.md", "procedures.md",
			"slo.md#planned-work", "tenants.md", "storage.md", "backups.md",
		},
		reason: "Business continuity has no page: what is beyond restoring backups is not part of this product.",
	},
	{
		id: "G2", text: "status.vercel.com, status.supabase.com, cloudflare status, github status",
		policy: []string{"vendors[vercel]", "vendors[supabase]", "vendors[cloudflare]", "vendors[github]"},
		series: []series{metric.VendorState, metric.VendorIncidents, metric.VendorMaintenanceBegin, metric.VendorMonthDown},
		alerts: []*metric.Alert{metric.VendorOutageAlert, metric.VendorUnknownAlert, metric.VendorPromiseAlert},
		panels: []panels{on(metric.VendorsDashboard, "Vendors", "States", "Components")},
		pages:  []string{"vendors.md", "api.md#vendors"},
	},
}}
