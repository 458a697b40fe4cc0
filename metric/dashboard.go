package metric

// The uids of the dashboards. They are part of addresses that people and alerts keep, so they never change.
const (
	OverviewDashboard   = "thorbis-overview"
	SLODashboard        = "thorbis-slo"
	HealthDashboard     = "thorbis-health"
	TenantsDashboard    = "thorbis-tenants"
	TenantDashboard     = "thorbis-tenant"
	StorageDashboard    = "thorbis-storage"
	DatabasesDashboard  = "thorbis-databases"
	ResourcesDashboard  = "thorbis-resources"
	BackupDashboard     = "thorbis-backup"
	ProceduresDashboard = "thorbis-procedures"
	DeliveryDashboard   = "thorbis-delivery"
	VendorsDashboard    = "thorbis-vendors"
	SecurityDashboard   = "thorbis-security"
	BusinessDashboard   = "thorbis-business"
	IncidentDashboard   = "thorbis-incidents"
	ExporterDashboard   = "thorbis-exporter"
	DailyDashboard      = "thorbis-daily"
	WeeklyDashboard     = "thorbis-weekly"
)

// Dashboards lists them all.
var Dashboards = []string{
	OverviewDashboard, SLODashboard, HealthDashboard, TenantsDashboard, TenantDashboard, StorageDashboard,
	DatabasesDashboard, ResourcesDashboard, BackupDashboard, ProceduresDashboard, DeliveryDashboard, VendorsDashboard,
	SecurityDashboard, BusinessDashboard,
	IncidentDashboard, ExporterDashboard, DailyDashboard, WeeklyDashboard,
}
