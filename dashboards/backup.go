package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// pickBackup selects the part of a series that the viewer picked.
func pickBackup(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, metric.LabelBackup + `=~"$backup"`}, matchers...)...)
}

var (
	backupBy      = strings.Join([]string{metric.LabelEnvironment, metric.LabelBackup}, ", ")
	backupColumns = map[string]string{metric.LabelEnvironment: "Environment", metric.LabelBackup: "Backup"}
	backupOrder   = []string{metric.LabelEnvironment, metric.LabelBackup}

	repositoryBy      = backupBy + ", " + metric.LabelRepository
	repositoryColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelBackup: "Backup", metric.LabelRepository: "Repository",
	}
	repositoryOrder = append(backupOrder[:2:2], metric.LabelRepository)
)

// backup shows which backups there are, whether they can be believed, and what is wrong with them.
func backup(*config.Policy) *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("Thorbis / Backups").
		Uid(metric.BackupDashboard).
		Description("Which backups exist, how old they are against the objective, and when they were last proven.").
		Tags([]string{"thorbis", "backup"}).
		Readonly().Timezone("browser").Refresh("5m").Time("now-7d", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(
			labelVariable(metric.LabelEnvironment, "Environment", "Where the things backed up run.", metric.BackupExpected.Name),
		).
		WithVariable(labelVariable(metric.LabelBackup, "Backup", "Backups by their configured names.",
			metric.BackupExpected.Select(pickedEnvironment)))

	b.WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(backupCount("Cannot be listed", "Backups that could not be listed for three of their intervals: "+
			"neither good nor bad, unknown.", metric.BackupStale, yellow)).
		WithPanel(
			backupCount("Runs missed", "Backups that ought to exist in a repository and do not.", metric.BackupMissed, yellow)).
		WithPanel(backupCount("Fulls missed", "Backups of which two full ones ought to exist in a repository and do not.",
			metric.BackupFullsMissed, red)).
		WithPanel(backupCount("Tests failed", "Verifications and restore tests that failed when last made.",
			metric.BackupTestFailed, red)).
		WithPanel(backupCount("Tests overdue",
			"Verifications and restore tests that have not succeeded within their interval.", metric.BackupTestOverdue, yellow)).
		WithPanel(backupCount("Retention broken", "Kept too few, too many, too long, or deleted too early.",
			metric.BackupRetentionBroken, yellow)).
		WithPanel(backupTable()).WithPanel(repositoryTable())

	b.WithRow(dashboard.NewRowBuilder("Age and size")).
		WithPanel(lines(words{
			"Age of the recovery point", "How much would be lost by a disaster at that moment: " +
				"age of the newest point to which can be restored, the best repository counting.", units.Seconds,
		}, 12, query("A", pickBackup(metric.BackupRecoveryPoint), "{{backup}}"),
			query("B", pickBackup(metric.BackupMaxAge), "{{backup}} objective")).Min(0)).
		WithPanel(lines(words{
			"Age of the newest full backup", "By repository; snapshots count as full. Saw teeth: it falls with every backup.",
			units.Seconds,
		}, 12, query("A", pickBackup(metric.BackupAge, `kind="full"`), "{{backup}} {{repository}}")).Min(0)).
		WithPanel(lines(words{
			"Size of the newest backup", "What a restore would write, by kind and repository.", units.BytesIEC,
		}, 12, query("A", fmt.Sprintf("max by (%s, kind) (%s)", repositoryBy, pickBackup(metric.BackupLastSize, `tenant=""`)),
			"{{backup}} {{repository}} {{kind}}")).Min(0)).
		WithPanel(lines(words{
			"Duration of the newest backup", "From start to end, by kind and repository, where the program reports it.",
			units.Seconds,
		}, 12, query("A",
			fmt.Sprintf("max by (%s, kind) (%s)", repositoryBy, pickBackup(metric.BackupLastDuration, `tenant=""`)),
			"{{backup}} {{repository}} {{kind}}")).Min(0))

	return b.WithRow(dashboard.NewRowBuilder("Proof and listings")).
		WithPanel(lines(words{
			"Proven recovery time",
			"How long the last restore test that succeeded took until the data could be used, beside the objective.",
			units.Seconds,
		}, 12, query("A", pickBackup(metric.BackupRecoveryProven), "{{backup}}"),
			query("B", pickBackup(metric.BackupRecovery), "{{backup}} objective")).Min(0)).
		WithPanel(lines(words{
			"Failed listings by reason", "Listings a second that failed. What was known before stays in place meanwhile.",
			units.CountsPerSecond,
		}, 12, query("A",
			fmt.Sprintf("sum by (backup, reason) (rate(%s[$__rate_interval]))", pickBackup(metric.BackupListingFailures)),
			"{{backup}} {{reason}}")).Min(0)).
		WithPanel(lines(words{
			"Tenants without a backup", "Tenants of the registry without a backup as young as their tier demands.", units.Short,
		}, 12, query("A", pickBackup(metric.BackupUncovered), "{{backup}}")).Min(0)).
		WithPanel(lines(words{
			"Backups retained", "Good backups in the repository, by kind.", units.Short,
		}, 12, query("A", fmt.Sprintf("max by (%s, kind) (%s)", repositoryBy, pickBackup(metric.BackupRetained, `tenant=""`)),
			"{{backup}} {{repository}} {{kind}}")).Min(0))
}

func backupCount(title, about string, r *metric.Record, colour string) panel {
	return number(words{title, about, units.Short}, 4, fmt.Sprintf("count(%s) or vector(0)", pickBackup(r)), title,
		steps(green, from(1, colour)))
}

func backupTable() panel {
	since := func(r *metric.Record, test string) string {
		return fmt.Sprintf("time() - max by (%s) (%s)", backupBy, pickBackup(r, fmt.Sprintf("test=%q", test)))
	}
	return figures(words{
		"Backups", "What exists of each backup, against the objective. Decades mean never.", units.Short,
	}, 8, backupColumns, backupOrder,
		column{"A", "Recovery point", units.Seconds, pickBackup(metric.BackupRecoveryPoint), nil},
		column{"B", "Objective", units.Seconds, pickBackup(metric.BackupMaxAge), nil},
		column{
			"C", "Last listed", units.Seconds,
			fmt.Sprintf("time() - min by (%s) (%s)", backupBy, pickBackup(metric.BackupListed)), nil,
		},
		column{"D", "Last verified", units.Seconds, since(metric.BackupProven, metric.TestVerify), nil},
		column{"E", "Last restored", units.Seconds, since(metric.BackupProven, metric.TestRestore), nil},
		column{"F", "Recovery time", units.Seconds, pickBackup(metric.BackupRecoveryProven), nil},
		column{
			"G", "Segments missing", units.Short, pickBackup(metric.BackupMissingSegments),
			[]dashboard.Threshold{{Color: green}, from(1, red)},
		},
	)
}

func repositoryTable() panel {
	return figures(words{
		"Repositories", "The newest backups in each repository. A stale copy elsewhere shows here first.", units.Short,
	}, 8, repositoryColumns, repositoryOrder,
		column{
			"A", "Newest", units.Seconds,
			fmt.Sprintf("max by (%s) (%s)", repositoryBy, pickBackup(metric.BackupAge, `kind="any"`)), nil,
		},
		column{
			"B", "Newest full", units.Seconds,
			fmt.Sprintf("max by (%s) (%s)", repositoryBy, pickBackup(metric.BackupAge, `kind="full"`)), nil,
		},
		column{"C", "Kept", units.Short, fmt.Sprintf("sum by (%s) (max by (%s, kind) (%s))", repositoryBy, repositoryBy,
			pickBackup(metric.BackupRetained, `tenant=""`)), nil},
		column{
			"D", "Stored", units.BytesIEC,
			fmt.Sprintf("max by (%s) (%s)", repositoryBy, pickBackup(metric.BackupLastStored, `tenant=""`)), nil,
		},
		column{
			"E", "Full against earlier", units.PercentUnit,
			fmt.Sprintf("max by (%s) (%s)", repositoryBy, pickBackup(metric.BackupSizeChange)), nil,
		},
	)
}
