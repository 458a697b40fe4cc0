package review

import (
	"fmt"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// sharedTables are the sections of daily and weekly reviews: what was promised, who was hit,
// and what is unproven.
func sharedTables() []*table {
	return []*table{
		{
			key: "services", title: "Services", none: "No service has requests that are counted.",
			labels: []string{metric.LabelAppService},
			columns: []column{
				{
					key: "uptime", title: "Worst uptime", kind: attained, compared: true,
					// Of all of the time together: an average of shares counts an outage that has just ended hardly at all.
					expr: fmt.Sprintf("min by (app_service) (1 - (increase(%[1]s[$span]) or 0 * increase(%[2]s[$span])) "+
						"/ (increase(%[2]s[$span]) > 0))",
						metric.DownTotals.Total.Select("$env", `tenant=""`), metric.ObservedTotals.Total.Select("$env", `tenant=""`)),
				},
				{
					key: "requests", title: "Requests a second", compared: true,
					expr: fmt.Sprintf("sum by (app_service) (avg_over_time(%s[$span]))", metric.ServiceRate.Select("$env")),
				},
			},
			least: true,
		},
		{
			key: "objectives", title: "Objectives", none: "No objective has events yet.",
			labels: []string{metric.LabelAppService, metric.LabelSLO},
			columns: []column{
				{
					key: "left", title: "Budget left", kind: share, compared: true,
					expr: fmt.Sprintf("min by (app_service, slo) (%s)", metric.SLOBudgetLeft.Select("$env")),
				},
				{
					key: "bad", title: "Bad in a day", kind: share,
					expr: fmt.Sprintf("max by (app_service, slo) (%s)", metric.SLOError["1d"].Select("$env")),
				},
			},
			least: true,
		},
		{
			key: "down", title: "Checks that were down", none: "No check was down.",
			labels: []string{metric.LabelAppService, metric.LabelCheck, metric.LabelTenant},
			columns: []column{
				{
					key: "down", title: "Down", kind: length, compared: true,
					expr: fmt.Sprintf("sum by (app_service, check, tenant) (increase(%s[$span])) > 0.5",
						metric.DownTotals.Total.Select("$env")),
				},
			},
		},
		{
			key: "tenants", title: "Tenants with the most bad requests", none: "No tenant had bad requests.",
			labels: []string{metric.LabelAppService, metric.LabelTenant},
			columns: []column{
				{
					key: "failed", title: "Failed requests", compared: true,
					expr: fmt.Sprintf(`topk(20, round(sum by (app_service, tenant) (increase(%s[$span]))) > 0)`,
						metric.TenantRequests.Select("$env", `code_class="5xx"`)),
				},
			},
		},
		{
			key: "backups", title: "Backups", none: "No exporter lists a backup.",
			labels: []string{metric.LabelBackup},
			columns: []column{
				{
					key: "age", title: "Newest point to restore to", kind: length, compared: true,
					expr: fmt.Sprintf("max by (backup) (%s)", metric.BackupRecoveryPoint.Select("$env")),
				},
				{
					key: "unproven", title: "Tests failed or overdue since", kind: length,
					expr: fmt.Sprintf("max by (backup) (%s or %s)", metric.BackupTestFailed.Select("$env"),
						metric.BackupTestOverdue.Select("$env")),
				},
			},
		},
		{
			key: "deployments", title: "Deployments", none: "No deployment is known.",
			labels: []string{metric.LabelAppService},
			columns: []column{
				{
					key: "live", title: "Went live", compared: true,
					expr: fmt.Sprintf("count by (app_service) (last_over_time(%s[$span]))", metric.DeploymentNoted.Select("$env")),
				},
				{
					key: "failed", title: "Failed", compared: true,
					expr: fmt.Sprintf("count by (app_service) (last_over_time(%s[$span]))",
						metric.DeploymentFailureNoted.Select("$env")),
				},
				{
					key: "rate", title: "Failed of 30 days", kind: share, compared: true,
					expr: fmt.Sprintf("max by (app_service) (%s)", metric.DeploymentFailRatio.Select("$env")),
				},
				{
					key: "lead", title: "Lead time of half", kind: length, compared: true,
					expr: fmt.Sprintf("max by (app_service) (%s)", metric.DeploymentLeadQuantile.Select("$env", `quantile="0.5"`)),
				},
			},
		},
		{
			key: "vendors", title: "Vendors that were down", none: "No vendor reports an outage this month.",
			labels: []string{metric.LabelVendor},
			columns: []column{
				{
					key: "month", title: "Down this month", kind: length,
					expr: fmt.Sprintf("max by (vendor) (%s) > 0", metric.VendorMonthDown.Select("$env")),
				},
				{
					key: "down", title: "Down", kind: length, compared: true,
					expr: fmt.Sprintf("max by (vendor) (sum without (state) (increase(%s[$span]))) > 0.5",
						metric.VendorStateSeconds.Select("$env",
							metric.LabelState+`=~"`+strings.Join(metric.VendorOutages, "|")+`"`)),
				},
				{
					key: "promise", title: "May be down this month", kind: length,
					expr: fmt.Sprintf("max by (vendor) (%s) and on (vendor) (max by (vendor) (%s) > 0)",
						metric.VendorExpectedMonthDown.Select("$env"), metric.VendorMonthDown.Select("$env")),
				},
			},
		},
		{
			key: "procedures", title: "Procedures that failed or were missed", none: "None failed, and none was missed.",
			labels: []string{metric.LabelProcedure},
			columns: []column{
				{
					key: "failures", title: "Failures", compared: true,
					expr: fmt.Sprintf(`round(sum by (procedure) (increase(%s[$span]))) > 0`,
						metric.ProcedureRuns.Select("$env", `result!="success"`)),
				},
			},
		},
	}
}

// capacityTables are what a platform can run out of: its peaks beside its limits.
func capacityTables() []*table {
	peak := func(by, expr string) string { return fmt.Sprintf("max by (%s) (max_over_time(%s[$span]))", by, expr) }
	return []*table{
		{
			key: "service_peaks", title: "Services: peak of requests", none: "No service has a peak_capacity in the policy.",
			labels: []string{metric.LabelAppService},
			columns: []column{
				{
					key: "utilisation", title: "Peak of capacity", kind: share, compared: true,
					expr: peak("app_service", metric.ServiceUtilization.Select("$env")),
				},
				{
					key: "peak", title: "Peak, requests a second",
					expr: peak("app_service", metric.ServiceRate.Select("$env")),
				},
				{
					key: "limit", title: "Limit, requests a second",
					expr: fmt.Sprintf("max by (app_service) (%s)", metric.ServiceExpectedPeak.Select("$env")),
				},
			},
		},
		{
			key: "filesystems", title: "Filesystems", none: "No filesystem is read.",
			labels: []string{metric.LabelHost, metric.LabelMountpoint},
			columns: []column{
				{
					key: "used", title: "Used", kind: share, compared: true,
					expr: fmt.Sprintf("max by (host, mountpoint) (%s)", metric.FilesystemUsed.Select("$env")),
				},
				{
					key: "size", title: "Size", kind: bytes,
					expr: fmt.Sprintf("max by (host, mountpoint) (%s)", metric.FilesystemSize.Select("$env")),
				},
			},
		},
		{
			key: "disks", title: "Disks: peak of operations", none: "The policy has no limit of a disk.",
			labels: []string{metric.LabelHost, metric.LabelDevice, metric.LabelLimit},
			columns: []column{{
				key: "used", title: "Peak of limit", kind: share, compared: true,
				expr: peak("host, device, limit", metric.DeviceLimitUsed.Select("$env")),
			}},
		},
		{
			key: "machines", title: "Machines", none: "No machine is read.", labels: []string{metric.LabelHost},
			columns: []column{
				{
					key: "cpu", title: "Peak of CPU", kind: share, compared: true,
					expr: peak("host", metric.HostCPUUsed.Select("$env")),
				},
				{
					key: "memory", title: "Peak of memory", kind: share, compared: true,
					expr: peak("host", metric.HostMemoryUsed.Select("$env")),
				},
			},
		},
		{
			key: "databases", title: "Databases", none: "No database is read.",
			labels: []string{metric.LabelServer, metric.LabelDatabase},
			columns: []column{{
				key: "size", title: "Size", kind: bytes, compared: true,
				expr: fmt.Sprintf("max by (server, database) (%s)", metric.PostgresDatabaseSize.Select("$env")),
			}},
		},
		{
			key: "connections", title: "Connections of databases", none: "No database is read.",
			labels: []string{metric.LabelServer},
			columns: []column{{
				key: "used", title: "Peak of limit", kind: share, compared: true,
				expr: fmt.Sprintf("1 - min by (server) (min_over_time(%s[$span]))",
					metric.ServerConnectionsLeft.Select("$env")),
			}},
		},
		{
			key: "tenant_peaks", title: "Tenants with the most requests", none: "No requests of tenants are counted.",
			labels: []string{metric.LabelAppService, metric.LabelTenant},
			columns: []column{
				{
					key: "peak", title: "Peak, requests a second", compared: true,
					expr: fmt.Sprintf("topk(20, max by (app_service, tenant) (max_over_time(%s[$span])))",
						metric.TenantRate.Select("$env", `tenant!~"_.*"`)),
				},
				{
					key: "share", title: "Share of the service now", kind: share,
					expr: fmt.Sprintf("max by (app_service, tenant) (%s)", metric.TenantShare.Select("$env")),
				},
			},
		},
	}
}
