package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// ofBackup selects the part of a series that is of the backups picked.
func ofBackup(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedBackup}, matchers...)...)
}

const (
	backupsBy    = "environment, backup"
	repositoryBy = "environment, backup, repository"
	noBackup     = "no backup is listed yet"
	allTenants   = metric.LabelTenant + `=""`
)

// backups shows which backups there are, whether they can be believed, and what is wrong with them.
func backups(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.BackupDashboard, title: "Backups", from: "now-7d", refresh: "5m",
		about: "Which backups exist, how old they are against the objective, and when they were last proven.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.BackupExpected),
			labelVariable(metric.LabelBackup, "Backup", "Backups by their configured names.",
				metric.BackupExpected.Select(pickedEnvironment)),
		},
	}.builder()
	row(b, "Now",
		backupCount("Cannot be listed", "Backups that could not be listed for three of their intervals: neither good nor "+
			"bad, "+
			"unknown.", "", metric.BackupStale, yellow),
		backupCount("Runs missed", "Backups that ought to exist in a repository and do not.", "", metric.BackupMissed,
			yellow),
		backupCount("Fulls missed", "Backups of which two full ones ought to exist in a repository and do not.",
			"Without a full backup the others are worth little: make one now, and see why the last two failed.",
			metric.BackupFullsMissed, red),
		backupCount("Tests failed", "Verifications and restore tests that failed when last made.",
			"It cannot be restored from, or not as it should: read the result file, and make a new backup now.",
			metric.BackupTestFailed, red),
		backupCount("Tests overdue", "Verifications and restore tests that have not succeeded within their interval.", "",
			metric.BackupTestOverdue, yellow),
		backupCount("Retention broken", "Kept too few, too many, too long, or deleted too early.", "",
			metric.BackupRetentionBroken, yellow),
		backupTable(), repositoryTable(),
	)
	row(b, "Age and size",
		lines(words{
			title: "Age of the recovery point", unit: units.Seconds, empty: noBackup,
			about: "How much would be lost by a disaster at that moment: age of the newest point to which can be restored, " +
				"the " +
				"best repository counting; dashed, the objective.",
		}, 12, query("A", ofBackup(metric.BackupRecoveryPoint), "{{backup}}"),
			query("B", ofBackup(metric.BackupMaxAge), "{{backup}} objective")).Min(0).OverrideByQuery("B", objectiveLine),
		lines(words{
			title: "Age of the newest full backup", unit: units.Seconds, empty: "no full backup yet",
			about: "By repository; snapshots count as full. Saw teeth: it falls with every backup.",
		}, 12, query("A", ofBackup(metric.BackupAge, `kind="full"`), "{{backup}} {{repository}}")).Min(0),
		manyLines(words{
			title: "Size of the newest backup", unit: units.BytesIEC, empty: "no size is reported yet",
			about: "What a restore would write, by kind and repository.",
		}, 12, query("A", fmt.Sprintf("max by (%s, kind) (%s)", repositoryBy, ofBackup(metric.BackupLastSize, allTenants)),
			"{{backup}} {{repository}} {{kind}}")).Min(0),
		manyLines(words{
			title: "Duration of the newest backup", unit: units.Seconds, empty: "no program reports it",
			about: "From start to end, by kind and repository, where the program reports it.",
		}, 12, query("A", fmt.Sprintf("max by (%s, kind) (%s)", repositoryBy, ofBackup(metric.BackupLastDuration,
			allTenants)),
			"{{backup}} {{repository}} {{kind}}")).Min(0),
	)
	row(b, "Proof and listings",
		lines(words{
			title: "Proven recovery time", unit: units.Seconds, empty: "no restore test has succeeded yet",
			about: "How long the last restore test that succeeded took until the data could be used; dashed, the objective.",
		}, 12, query("A", ofBackup(metric.BackupRecoveryProven), "{{backup}}"),
			query("B", ofBackup(metric.BackupRecovery), "{{backup}} objective")).Min(0).OverrideByQuery("B", objectiveLine),
		lines(words{
			title: "Failed listings by reason", unit: units.CountsPerSecond, empty: noBackup,
			about: "Listings a second that failed. What was known before stays in place meanwhile.",
		}, 12, query("A", fmt.Sprintf("sum by (backup, reason) (rate(%[1]s[$__rate_interval])) > 0 or "+
			"sum by (backup) (rate(%[1]s[$__rate_interval]))", ofBackup(metric.BackupListingFailures)),
			"{{backup}} {{reason}}")).Min(0),
		lines(words{
			title: "Tenants without a backup", unit: units.Short, empty: "no backup of tenants is listed yet",
			about: "Tenants of the registry without a backup as young as their tier demands.",
		}, 12, query("A", ofBackup(metric.BackupUncovered), "{{backup}}")).Min(0),
		manyLines(words{
			title: "Backups retained", unit: units.Short, empty: noBackup,
			about: "Good backups in the repository, by kind.",
		}, 12, query("A", fmt.Sprintf("max by (%s, kind) (%s)", repositoryBy, ofBackup(metric.BackupRetained, allTenants)),
			"{{backup}} {{repository}} {{kind}}")).Min(0),
	)
	return b
}

func backupCount(title, about, whenRed string, r *metric.Record, colour string) panel {
	return number(words{title: title, about: about, whenRed: whenRed, unit: units.Short, empty: noBackup}, 4,
		fmt.Sprintf("count(%s) or 0 * count(%s)", ofBackup(r), ofBackup(metric.BackupExpected)), title,
		known(green, from(1, colour)))
}

func backupTable() panel {
	since := func(test string) string {
		return fmt.Sprintf("1000 * max by (%s) (%s > 0)", backupsBy,
			ofBackup(metric.BackupProven, fmt.Sprintf("test=%q", test)))
	}
	return figures(words{
		title: "Backups", unit: units.Short, empty: "No backup is listed yet",
		about:   "What exists of each backup, against the objective.",
		whenRed: "A disaster now would lose more than was promised, or the archive of the log has a hole: make a backup now.",
	}, 24, 6, []key{byEnvironment, byBackup},
		column{title: "Recovery point", unit: units.Seconds, expr: ofBackup(metric.BackupRecoveryPoint), empty: "none"},
		column{title: "RPO", unit: units.Seconds, expr: ofBackup(metric.BackupMaxAge)},
		column{
			title: "Of RPO", unit: units.PercentUnit, colours: above(0.9, yellow, 1, red), decimals: whole,
			expr: fmt.Sprintf("%s / on (%s) %s", ofBackup(metric.BackupRecoveryPoint), backupsBy, ofBackup(metric.BackupMaxAge)),
		},
		column{
			title: "Last listed", unit: units.DateTimeFromNow, empty: "never",
			expr: fmt.Sprintf("1000 * min by (%s) (%s > 0)", backupsBy, ofBackup(metric.BackupListed)),
		},
		column{title: "Last verified", unit: units.DateTimeFromNow, expr: since(metric.TestVerify), empty: "never"},
		column{title: "Last restored", unit: units.DateTimeFromNow, expr: since(metric.TestRestore), empty: "never"},
		column{
			title: "Tests", unit: units.NoUnit, empty: "none yet",
			texts: texts(text{0, "passed", green}, text{1, "failed", red}),
			expr: fmt.Sprintf("(count by (%[1]s) (%[2]s) > bool 0) or 0 * max by (%[1]s) (%[3]s > 0)", backupsBy,
				ofBackup(metric.BackupTestFailed), ofBackup(metric.BackupProven)),
		},
		column{title: "Recovery time", unit: units.Seconds, expr: ofBackup(metric.BackupRecoveryProven), empty: "not proven"},
		column{
			title: "Segments missing", unit: units.Short, expr: ofBackup(metric.BackupMissingSegments), colours: atLeast(1, red),
			empty: "no archive",
		},
	)
}

func repositoryTable() panel {
	largest := func(r selecter, matchers ...string) string {
		return fmt.Sprintf("max by (%s) (%s)", repositoryBy, ofBackup(r, matchers...))
	}
	return figures(words{
		title: "Repositories", unit: units.Short, empty: "No backup is listed yet",
		about: "The newest backups in each repository. A stale copy elsewhere shows here first.",
	}, 24, 6, []key{byEnvironment, byBackup, byRepository},
		column{title: "Newest", unit: units.Seconds, expr: largest(metric.BackupAge, `kind="any"`), empty: "none"},
		column{title: "Newest full", unit: units.Seconds, expr: largest(metric.BackupAge, `kind="full"`), empty: "none"},
		column{title: "Kept", unit: units.Short, expr: fmt.Sprintf("sum by (%s) (max by (%s, kind) (%s))", repositoryBy,
			repositoryBy, ofBackup(metric.BackupRetained, allTenants))},
		column{
			title: "Stored", unit: units.BytesIEC, expr: largest(metric.BackupLastStored, allTenants), empty: "not reported",
		},
		column{
			title: "Full against earlier", unit: units.PercentUnit, expr: largest(metric.BackupSizeChange), empty: "too few",
			decimals: whole,
		},
	)
}
