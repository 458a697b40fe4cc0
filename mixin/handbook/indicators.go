package handbook

import "github.com/thorbis/thorbis_exporter/metric"

var principles = chapter{"Principles", []item{
	{
		id: "P1", text: "Zero-downtime deployments",
		policy: []string{"health.checks[web-home]", "delivery"},
		series: []series{
			metric.HealthCheckOutages, metric.HealthCheckDownSeconds, metric.DeploymentBadAfter, metric.DeploymentDownAfter,
		},
		alerts: []*metric.Alert{metric.CheckDownAlert, metric.SLOBurnAlert, metric.DeploymentBurningAlert},
		panels: []panels{on(metric.HealthDashboard, "Outages over time"), on(metric.DeliveryDashboard, "Deployments")},
		pages:  []string{"delivery.md#what-users-saw"},
	},
	{
		id: "P2", text: "Proactive monitoring: found and resolved before users are hit",
		policy: []string{"objectives.availability", "objectives.period"},
		series: []series{metric.BudgetLeft, metric.SLOBudgetHours, metric.FilesystemFull, metric.CertificateLeft},
		alerts: []*metric.Alert{
			metric.UptimeBurnAlert, metric.SLOBurnAlert, metric.DiskFillingAlert, metric.NearPeakAlert,
			metric.CertificateAlert, metric.DomainExpiringAlert, metric.LeakAlert,
		},
		panels: []panels{
			on(metric.OverviewDashboard, "Services", "Machines"),
			on(metric.WeeklyDashboard, "Filesystems that will be full", "Peaks of services"),
		},
		pages: []string{"slo.md#budget-and-burn"},
	},
	{
		id: "P3", text: "Automated recovery, minimal manual intervention",
		policy: []string{"procedures.expected[resource-scaling]"},
		series: []series{metric.ScalingUsed, metric.ProcedureMissing},
		alerts: []*metric.Alert{metric.ScalingInactiveAlert, metric.ScalingMaximumAlert, metric.ProcedureMissedAlert},
		panels: []panels{on(metric.ResourcesDashboard, "Autoscalers")},
		reason: "Nothing here repairs the platform. Recovery by other programs is watched: that it runs, and that it can.",
	},
	{
		id: "P4", text: "Performance first: answers under 300 ms",
		policy: []string{"objectives.latency"},
		series: []series{metric.ServiceSlowRequests, metric.RequestDurationQuantile, metric.SLOBudgetLeft},
		alerts: []*metric.Alert{metric.SLOBurnAlert, metric.TenantBurnAlert},
		panels: []panels{
			on(metric.SLODashboard, "Objectives", "Budget left by objective"),
			on(metric.TenantsDashboard, "Duration"),
		},
	},
}}

var multiTenant = chapter{"Multi-tenant", []item{
	{
		id: "M1", text: "Tenant isolation: operations of one tenant apart from another's",
		policy: []string{"tenants.registry", "tenants.host"},
		series: []series{metric.TenantShare, metric.TenantError["5m"]},
		alerts: []*metric.Alert{metric.NoisyNeighbourAlert, metric.TenantBurnAlert, metric.TenantDownAlert},
		panels: []panels{
			on(metric.TenantsDashboard, "Share of the traffic", "Failed requests by tenant"),
			on(metric.SLODashboard, "Tenants that spent the budget"),
		},
		reason: "Whether the data of tenants is kept apart is not measured yet.",
	},
	{
		id: "M2", text: "Per-tenant metrics and alerts",
		policy: []string{
			"tenants.sources[web-access]", "health.checks[tenant-home].per_tenant",
			"tiers.enterprise.tenant_page", "tiers.standard.availability",
		},
		series: []series{
			metric.TenantRequests, metric.TenantRequestDuration, metric.TenantBudgetLeft, metric.CheckState,
		},
		alerts: []*metric.Alert{
			metric.TenantDownAlert, metric.TenantBurnAlert, metric.TierDownAlert, metric.TierBurnAlert,
			metric.TenantsSilentAlert,
		},
		panels: []panels{on(metric.TenantDashboard, "States", "Availability", "By class of status", "Duration")},
		pages:  []string{"tenants.md", "api.md#tenants"},
	},
	{
		id: "M3", text: "Scales with the number of tenants",
		policy: []string{"tenants.limit"},
		series: []series{metric.TenantTracked, metric.TenantLimit, metric.TenantSeries, metric.TenantTroubledWaiting},
		alerts: []*metric.Alert{
			metric.TenantLimitAlert, metric.ManyTenantsDownAlert, metric.ManyTenantsBurningAlert,
		},
		pages: []string{"tenants.md#the-limit", "benchmarks.md#tenants"},
	},
	{
		id: "M4", text: "Backup and recovery per tenant",
		policy: []string{"backups[tenant-exports].per_tenant.max_age", "backups[tenant-exports].restore_test.interval"},
		series: []series{metric.BackupTenantsUncovered, metric.BackupUncovered},
		alerts: []*metric.Alert{metric.TenantsUncoveredAlert, metric.RestoreFailedAlert, metric.RestoreOverdueAlert},
		panels: []panels{
			on(metric.BackupDashboard, "Tenants without a backup"),
			on(metric.TenantDashboard, "Backups of the tenant"),
		},
		pages:  []string{"backups.md#backups-of-every-tenant"},
		reason: "A restore test proves one backup at a time, not that of every tenant.",
	},
}}

var availability = chapter{"System health: availability", []item{
	{
		id: "H1", text: "Target 99.99 %",
		policy: []string{"objectives.availability", "services[back-office].availability", "sla.availability"},
		series: []series{metric.PolicyErrorBudget, metric.ServiceErrorBudget, metric.SLAObjective},
		alerts: []*metric.Alert{metric.UptimeBurnAlert, metric.SLOBurnAlert},
		panels: []panels{on(metric.HealthDashboard, "Availability", "Budget left", "Contract of this month")},
		pages:  []string{"slo.md", "reports.md#contract-of-a-month"},
	},
	{
		id: "H2", text: "Current %",
		series: []series{metric.ServiceUptime, metric.Uptime["_period"], metric.SLAUptime, metric.SLOGood},
		panels: []panels{
			on(metric.OverviewDashboard, "SLA this month"),
			on(metric.HealthDashboard, "Availability", "Worst uptime"),
		},
		pages: []string{"api.md#checks"},
	},
	{
		id: "H3", text: "Open incidents that affect availability",
		series: []series{metric.IncidentOpen, metric.CheckDown},
		alerts: []*metric.Alert{metric.CheckDownAlert, metric.ManyTenantsDownAlert},
		panels: []panels{
			on(metric.OverviewDashboard, "What is wrong"),
			on(metric.HealthDashboard, "Open outages"),
			on(metric.IncidentDashboard, "Incidents that are open"),
		},
	},
	{
		id: "H4", text: "MTBF in hours",
		series: []series{metric.MTBF},
		panels: []panels{on(metric.HealthDashboard, "Checks by budget left")},
	},
}}

var responseTime = chapter{"System health: response time", []item{
	{
		id: "H5", text: "Target 300 ms",
		policy: []string{"objectives.latency"},
		series: []series{metric.SLOBudget, metric.SLOGood},
		alerts: []*metric.Alert{metric.SLOBurnAlert},
		panels: []panels{on(metric.SLODashboard, "Good events", "Objectives")},
	},
	percentile("H6", "p50"), percentile("H7", "p95"), percentile("H8", "p99"),
}}

// percentile is an item that one series and one panel show with all the others.
func percentile(id, text string) item {
	return item{
		id: id, text: text,
		policy: []string{"tenants.sources[web-access]"},
		series: []series{metric.RequestDurationQuantile, metric.ServiceRequestDuration},
		panels: []panels{on(metric.TenantsDashboard, "Duration"), on(metric.OverviewDashboard, "Services")},
	}
}

var throughput = chapter{"System health: throughput", []item{
	{
		id: "H9", text: "Requests per second",
		policy: []string{"tenants.sources[web-access]"},
		series: []series{metric.ServiceRequests, metric.ServiceRate, metric.ServiceClassRate},
		alerts: []*metric.Alert{metric.TrafficVanishedAlert},
		panels: []panels{on(metric.TenantsDashboard, "Throughput", "Requests by class", "Throughput over time")},
	},
	{
		id: "H10", text: "Peak capacity",
		policy: []string{"services[web].peak_capacity"},
		series: []series{metric.ServiceExpectedPeak},
		panels: []panels{
			on(metric.TenantsDashboard, "Throughput over time"),
			on(metric.WeeklyDashboard, "Peaks of services"),
		},
	},
	{
		id: "H11", text: "Current utilisation",
		policy: []string{"services[web].peak_capacity"},
		series: []series{metric.ServiceUtilization},
		alerts: []*metric.Alert{metric.NearPeakAlert},
		panels: []panels{on(metric.TenantsDashboard, "Of the expected peak")},
	},
}}

var processor = chapter{"System health: CPU", []item{
	{
		id: "H12", text: "Utilisation %",
		series: []series{metric.HostCPUSeconds, metric.HostCPUUsed},
		alerts: []*metric.Alert{metric.CPUAlert},
		panels: []panels{on(metric.ResourcesDashboard, "Busiest", "CPU used")},
		pages:  []string{"storage.md#the-machine"},
	},
	{
		id: "H13", text: "Available capacity",
		series: []series{metric.HostCores, metric.HostThrottled},
		alerts: []*metric.Alert{metric.CPUAlert},
		panels: []panels{
			on(metric.ResourcesDashboard, "Machines by what they have left", "Container throttled"),
			on(metric.WeeklyDashboard, "Machines at their peak"),
		},
	},
	{
		id: "H14", text: "Auto-scaling active",
		series: []series{metric.ScalingUsed},
		alerts: []*metric.Alert{metric.ScalingInactiveAlert, metric.ScalingMaximumAlert},
		panels: []panels{on(metric.ResourcesDashboard, "Scaling", "Autoscalers")},
		reason: "Of Kubernetes alone, as kube-state-metrics exports it. That of Vercel and Supabase is not measured yet.",
	},
}}

var memory = chapter{"System health: memory", []item{
	{
		id: "H15", text: "Utilisation",
		series: []series{metric.HostMemory, metric.HostMemoryUsed},
		alerts: []*metric.Alert{metric.MemoryAlert, metric.OOMAlert},
		panels: []panels{on(metric.ResourcesDashboard, "Machines by what they have left", "Swap used")},
	},
	{
		id: "H16", text: "Available",
		series: []series{metric.HostMemoryLeft},
		alerts: []*metric.Alert{metric.MemoryAlert},
		panels: []panels{on(metric.ResourcesDashboard, "Least memory left", "Memory available")},
	},
	{
		id: "H17", text: "Leak detection",
		policy: []string{"host.processes[node].match"},
		series: []series{metric.HostProcessResident, metric.ProcessLow},
		alerts: []*metric.Alert{metric.LeakAlert},
		panels: []panels{on(metric.ResourcesDashboard, "Memory of named programs")},
	},
}}

var disks = chapter{"System health: storage", []item{
	{
		id: "H18", text: "Utilisation %",
		series: []series{metric.FilesystemUsed, metric.FilesystemFull, metric.FilesystemInodesLeft},
		alerts: []*metric.Alert{metric.DiskFillingAlert, metric.DiskFullAlert, metric.InodesAlert},
		panels: []panels{on(metric.StorageDashboard, "Fullest filesystem", "First full in", "Filesystems")},
		pages:  []string{"storage.md#when-a-disk-is-full"},
	},
	{
		id: "H19", text: "Current IOPS",
		policy: []string{"storage.limits"},
		series: []series{metric.DeviceOperations, metric.DeviceLimit, metric.DeviceLimitUsed},
		alerts: []*metric.Alert{metric.DiskLimitAlert},
		panels: []panels{on(metric.StorageDashboard, "IOPS against those bought", "Limit used", "Disks")},
		pages:  []string{"storage.md#what-was-bought"},
	},
	{
		id: "H20", text: "Latency",
		policy: []string{"storage.latency.read", "storage.latency.write"},
		series: []series{metric.DeviceLatency, metric.DeviceLatencyRatio, metric.CanaryDuration},
		alerts: []*metric.Alert{metric.DiskSlowAlert, metric.DiskLimitAlert},
		panels: []panels{on(metric.StorageDashboard, "Latency", "Queue", "Canary")},
	},
}}
