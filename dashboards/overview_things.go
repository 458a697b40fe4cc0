package dashboards

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The states of a service by its worst check that is not a tenant's, best first.
var serviceStates = []text{
	{1, metric.StateUp, green},
	{2, metric.StateMaintenance, blue},
	{3, metric.StateUnknown, yellow},
	{4, metric.StateDown, red},
}

// serviceState has the state of each service as the number of its text.
func serviceState() string {
	var terms []string
	for _, t := range serviceStates {
		terms = append(terms, fmt.Sprintf("%d * %s", t.value, stateIs(t.words, ofServices)))
	}
	return "max by (environment, app_service) (" + strings.Join(terms, " or ") + ")"
}

// latency is the first threshold of the policy's latency objectives.
func latency(p *config.Policy) time.Duration {
	if len(p.Objectives.Latency) > 0 {
		return p.Objectives.Latency[0].Threshold.Std()
	}
	return defaultLatency
}

// servicesTable has a row for each service with all that is promised of it.
func servicesTable(p *config.Policy) panel {
	quantile := func(title, q string) column {
		return column{
			title: title, unit: units.Seconds, to: metric.TenantsDashboard, colours: atLeast(latency(p).Seconds(), yellow),
			expr: pick(metric.RequestDurationQuantile, fmt.Sprintf(`quantile=%q`, q)),
		}
	}
	least := func(r *metric.Record) string { return "min by (environment, app_service) (" + pick(r) + ")" }
	return figures(words{
		title: "Services", unit: units.Short, empty: "No service has a check or requests yet",
		about: fmt.Sprintf("Each service: the state of its worst check; durations against %s; failed requests; the rate "+
			"against the peak it is built for; the least budget left of its objectives over %s with the share of that time "+
			"that was measured; how fast it burns.", config.Duration(latency(p)), p.Objectives.Period),
		whenRed: "Down, or a budget that is spent, or a burn of 14.4 and more: open the cell. The state leads to Health, " +
			"budgets to SLOs, traffic to Tenants.",
	}, 24, 5, []key{byEnvironment, byService.leading(metric.HealthDashboard)},
		column{
			title: "State", unit: units.NoUnit, expr: serviceState(), texts: texts(serviceStates...),
			to: metric.HealthDashboard, empty: "no check yet",
		},
		quantile("p50", "0.5"), quantile("p95", "0.95"), quantile("p99", "0.99"),
		column{
			title: "Errors", unit: units.PercentUnit, to: metric.TenantsDashboard, decimals: 2,
			expr: pick(metric.SLOError["5m"], availability),
		},
		column{title: "Requests", unit: units.RequestsPerSecond, expr: pick(metric.ServiceRate), to: metric.TenantsDashboard},
		column{
			title: "Of peak", unit: units.PercentUnit, expr: pick(metric.ServiceUtilization), decimals: 1,
			colours: atLeast(0.8, yellow), to: metric.TenantsDashboard,
		},
		column{
			title: "Burn 1 h", unit: units.Short, to: metric.SLODashboard, colours: burnSteps(), decimals: 1,
			expr: "max by (environment, app_service) (" + pick(metric.SLOBurn["1h"]) + ")",
		},
		column{
			title: "Budget left", unit: units.PercentUnit, to: metric.SLODashboard, colours: budgetSteps(), decimals: 1,
			expr: least(metric.SLOBudgetLeft),
		},
		column{
			title: "Downtime left", unit: units.PercentUnit, to: metric.HealthDashboard, colours: budgetSteps(), decimals: 1,
			expr: pick(metric.ServiceBudgetLeft),
		},
		column{
			title: "Measured", unit: units.Seconds, to: metric.SLODashboard,
			expr: fmt.Sprintf("min by (environment, app_service) (%s)", pick(metric.ObservedIncrease["_period"], ofServices)),
		},
		column{
			title: "SLA month", unit: units.PercentUnit, to: metric.HealthDashboard, decimals: 3,
			expr: pick(metric.SLAUptime),
		},
	)
}

// servicesOverTime shows since when a service is not up, and whether it was before.
func servicesOverTime() panel {
	var order []string
	for _, t := range serviceStates {
		order = append(order, t.words)
	}
	return timeline(words{
		title: "Services over time", empty: "no service has a check yet",
		about:   "The state of each service by its worst own check: since when, and whether it was before.",
		whenRed: "It was down at that time; Health shows which check.",
	}, serviceState(), "{{app_service}}", order, stateColours).Height(4).Span(5).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
}

func machinesTable() panel {
	most := func(r *metric.Record) string { return "max by (environment, host) (" + inEnvironment(r) + ")" }
	return figures(words{
		title: "Machines", unit: units.Short, empty: "No machine is read yet",
		about: "Each machine: CPU and memory used, its fullest filesystem, when the first is full, and the most of the " +
			"IOPS " +
			"or throughput bought that a disk uses.",
		whenRed: "Full within hours: free space or enlarge the disk. Memory is gone: restart what leaks. See who reads and " +
			"writes on Storage.",
	}, 8, 5, []key{byEnvironment.unseen(), byHost.leading(metric.ResourcesDashboard)},
		column{
			title: "CPU", unit: units.PercentUnit, expr: fmt.Sprintf("topk(%d, %s)", rows, most(metric.HostCPUUsed)),
			decimals: whole, width: 60,
			colours: atLeast(0.9, yellow), to: metric.ResourcesDashboard,
		},
		column{
			title: "Memory", unit: units.PercentUnit, expr: most(metric.HostMemoryUsed), width: 80,
			colours: above(0.9, yellow, 0.97, red), to: metric.ResourcesDashboard,
		},
		column{
			title: "Disk", unit: units.PercentUnit, expr: most(metric.FilesystemUsed), width: 65,
			colours: above(0.9, yellow, 0.99, red), to: metric.StorageDashboard,
		},
		column{
			title: "Full in", unit: units.Seconds, to: metric.StorageDashboard, empty: "does not fill", width: 100,
			expr:    "min by (environment, host) (" + inEnvironment(metric.FilesystemFull) + ")",
			colours: below(4*3600, red, 4*86400, yellow),
		},
		column{
			title: "Of IOPS", unit: units.PercentUnit, expr: most(metric.DeviceLimitUsed), empty: "no limit", width: 80,
			colours: atLeast(0.9, yellow), to: metric.StorageDashboard,
		},
	)
}

func databasesTable() panel {
	return figures(words{
		title: "Databases", unit: units.Short, empty: "No database is asked",
		about: "Each PostgreSQL server: whether it answers, connections left, and how far a replica is behind.",
		whenRed: "Down, or no connections left: open Databases. Few connections left usually means transactions that do " +
			"not " +
			"end.",
	}, 5, 5, []key{byServer.leading(metric.DatabasesDashboard)},
		column{
			title: "Up", unit: units.NoUnit, expr: inEnvironment(metric.ServerUp), width: 60, to: metric.DatabasesDashboard,
			texts: texts(text{1, "up", green}, text{0, "down", red}),
		},
		column{
			title: "Free", unit: units.PercentUnit, expr: inEnvironment(metric.ServerConnectionsLeft),
			colours: below(0.03, red, 0.1, yellow), to: metric.DatabasesDashboard,
		},
		column{
			title: "Behind", unit: units.Seconds, expr: behind(inEnvironment), empty: "primary",
			colours: atLeast(300, yellow), to: metric.DatabasesDashboard,
		},
	)
}

func backupsTable() panel {
	return figures(words{
		title: "Backups", unit: units.Short, empty: "No backup is listed yet",
		about: "Each backup: the age of the newest point to restore to, also as a share of the recovery point objective " +
			"(RPO), and how long ago a restore last succeeded, unless the last verification or restore failed.",
		whenRed: "More would be lost in a disaster than was promised, or it cannot be restored: open Backups, see why, " +
			"make a new one.",
	}, 6, 5, []key{byBackup.leading(metric.BackupDashboard)},
		column{
			title: "Age", unit: units.Seconds, expr: inEnvironment(metric.BackupRecoveryPoint), to: metric.BackupDashboard,
		},
		column{
			title: "Of RPO", unit: units.PercentUnit, decimals: whole, colours: above(0.9, yellow, 1, red),
			to: metric.BackupDashboard,
			expr: fmt.Sprintf("%s / on (environment, backup) %s", inEnvironment(metric.BackupRecoveryPoint),
				inEnvironment(metric.BackupMaxAge)),
		},
		column{
			title: "Restored", unit: units.Seconds, empty: "never", to: metric.BackupDashboard,
			texts: texts(text{0, "test failed", red}), colours: []dashboard.Threshold{{Color: green}},
			expr: fmt.Sprintf("0 * count by (%[1]s) (%[2]s) or time() - max by (%[1]s) (%[3]s > 0)", backupsBy,
				inEnvironment(metric.BackupTestFailed),
				inEnvironment(metric.BackupProven, metric.LabelTest+`="`+metric.TestRestore+`"`)),
		},
	)
}

// checksWatched counts the checks that each location watches: none, if it was expected five minutes ago and watches
// nothing yet.
func checksWatched() string {
	return fmt.Sprintf("%[1]s or on (environment, location) 0 * (%[2]s and on (environment, location) %[2]s offset 5m)",
		inEnvironment(metric.LocationWatched), inEnvironment(metric.LocationExpected))
}

func watchersTable() panel {
	return figures(words{
		title: "Who watches", unit: units.Short, empty: "No location watches anything yet",
		about:   "Each location: how many checks it watches, and how long ago it was last expected to.",
		whenRed: "The location watches nothing: fewer locations judge outages, or none. Open Exporter and paging path.",
	}, 5, 5, []key{{label: metric.LabelLocation, title: "Location", to: metric.ExporterDashboard}},
		column{
			title: "Checks", unit: units.NoUnit, to: metric.ExporterDashboard, colours: below(0, red, 1, red),
			expr: checksWatched(),
		},
		column{
			title: "Online", unit: units.NoUnit, to: metric.ExporterDashboard,
			texts: texts(text{1, "yes", green}, text{0, "no", red}),
			expr:  fmt.Sprintf("max by (environment, location) (%s)", inEnvironment(metric.HealthReferenceUp)),
		},
	)
}
