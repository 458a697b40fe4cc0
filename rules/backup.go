package rules

import (
	"maps"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var backupNames = names{
	"backup":     join(metric.LabelEnvironment, metric.LabelBackup),
	"backupKind": join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelKind),
	"backupTest": join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelTest),
	"backupRepo": join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelRepository),
	"ofKind":     join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelRepository, metric.LabelKind),
	"backupOwn":  join(metric.LabelAppService, metric.LabelOwner, metric.LabelPage),
	"owned":      join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelAppService, metric.LabelOwner, metric.LabelPage),
	"tiers":      join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelTier),

	"info":     metric.BackupInfo.Name,
	"expected": metric.BackupExpected.Name,
	"listed":   metric.BackupListed.Name,
	"fresh":    metric.BackupFresh.Name,
	"stale":    metric.BackupStale.Name,
	"lost":     metric.BackupLost.Name,
	"newest":   metric.BackupNewest.Name,
	"age":      metric.BackupAge.Name,
	"point":    metric.BackupRecoveryPoint.Name,
	"missed":   metric.BackupMissed.Name,
	"fulls":    metric.BackupFullsMissed.Name,
	"stopped":  metric.BackupWALStopped.Name,
	"walDisk":  metric.BackupWALDisk.Name,
	"walFull":  metric.BackupWALDiskFull.Name,
	"full":     metric.FilesystemFull.Name,
	"gap":      metric.BackupMissingSegments.Name,
	"broken":   metric.BackupRetentionBroken.Name,
	"change":   metric.BackupSizeChange.Name,
	"tested":   metric.BackupTested.Name,
	"proven":   metric.BackupProven.Name,
	"failed":   metric.BackupTestFailed.Name,
	"overdue":  metric.BackupTestOverdue.Name,
	"recovery": metric.BackupRecoveryProven.Name,
	"tenants":  metric.BackupUncovered.Name,

	"refresh":    metric.BackupRefresh.Name,
	"interval":   metric.BackupInterval.Name,
	"maxAge":     metric.BackupMaxAge.Name,
	"wanted":     metric.BackupRecovery.Name,
	"every":      metric.BackupTestEvery.Name,
	"keepMin":    metric.BackupKeepMin.Name,
	"keepMax":    metric.BackupKeepMax.Name,
	"keepMinAge": metric.BackupKeepMinAge.Name,
	"keepMaxAge": metric.BackupKeepMaxAge.Name,

	"quarter":    seconds(walPatience),
	"hold":       span(backupHold),
	"memory":     seconds(memory),
	"longMemory": seconds(longMemory),
	"restorable": `kind=~"full|snapshot"`,
}

// backups returns the groups on backups. Facts are those of the last successful listing. Where it is not fresh, only
// its age is judged.
func backups(p *config.Policy) []Group {
	return []Group{backupExpectations(p), backupFacts(), backupKept(), backupAgeAlerts(), backupProofAlerts()}
}

// backupExpectations records the expected backups, and keeps them while no exporter states them.
func backupExpectations(p *config.Policy) Group {
	n := maps.Clone(backupNames)
	n["named"] = namedBackups(p)
	rules := []Rule{
		{Record: metric.BackupExpected, Expr: expand(`
			time() + 0 * topk by ($backup) (1, max by ($owned) (
				`+urgencies(metric.BackupInfo.Select)+`
			))
			or on ($backup)
			($expected{$named} > time() - $memory)
			or on ($backup)
			(($expected{$named} > time() - $longMemory) unless on (environment) group by (environment) ($info))`, n)},
	}
	// A value that left the policy must not remain, so it is kept only while no exporter states the backup.
	for _, e := range []struct {
		record *metric.Record
		said   *metric.Metric
		level  string
	}{
		{metric.BackupRefresh, metric.BackupExpectedRefresh, "$backup"},
		{metric.BackupInterval, metric.BackupExpectedInterval, "$backupKind"},
		{metric.BackupMaxAge, metric.BackupExpectedMaxAge, "$backup"},
		{metric.BackupRecovery, metric.BackupExpectedRecovery, "$backup"},
		{metric.BackupTestEvery, metric.BackupExpectedTestInterval, "$backupTest"},
		{metric.BackupWALDisk, metric.BackupExpectedWALDisk, "$backup, host, mountpoint"},
		{metric.BackupKeepMin, metric.BackupExpectedRetainedMin, "$backup"},
		{metric.BackupKeepMax, metric.BackupExpectedRetainedMax, "$backup"},
		{metric.BackupKeepMinAge, metric.BackupExpectedAgeMin, "$backup"},
		{metric.BackupKeepMaxAge, metric.BackupExpectedAgeMax, "$backup"},
	} {
		rules = append(rules, Rule{Record: e.record, Expr: expand(expand(`
			max by (`+e.level+`) ($said)
			or
			(`+e.record.Name+` and on ($backup) ($expected unless on ($backup) $info))`,
			names{"said": e.said.Name}), n)})
	}
	return Group{Name: "thorbis-backup-expected", Interval: windowInterval, Rules: rules}
}

// backupFacts joins what is measured with what is expected.
func backupFacts() Group {
	return Group{Name: "thorbis-backup-facts", Interval: windowInterval, Rules: []Rule{
		backupFact(metric.BackupListed, `
			`+latestBackup("$backupRepo", metric.BackupListingLastSuccess)+`
			or on ($backup)
			($listed and on ($backup) $expected)
			or on ($backup)
			(time() + 0 * max by ($backup) ($expected))`),
		backupFact(metric.BackupFresh, `
			(time() - $listed) <= on ($backup) group_left () (3 * $refresh + 300)`),
		backupFact(metric.BackupStale, `
			max by ($backup) ((time() - $listed) > on ($backup) group_left () (3 * $refresh + 300))
			* on ($backup) group_left ($backupOwn) ($expected > bool 0)`),
		// What has never been listed at all is not known to be lost.
		backupFact(metric.BackupLost, `($stale < 1e9) > on ($backup) group_left () (2 * $maxAge)`),
		backupFact(metric.BackupNewest, latestBackup("$ofKind", metric.BackupLastSuccess, `tenant=""`)),
		ofKind(backupFact(metric.BackupAge, `$listed - on ($backupRepo) max by ($backupRepo) ($newest{kind!="wal"})`), metric.KindAny),
		ofKind(backupFact(metric.BackupAge, `$listed - on ($backupRepo) max by ($backupRepo) ($newest{$restorable})`), metric.KindFull),
		backupFact(metric.BackupRecoveryPoint, `min by ($backup) ($listed - on ($backupRepo) max by ($backupRepo) ($newest))`),
		// Incremental backups alone restore nothing, even if the policy sets no interval for full ones.
		backupFact(metric.BackupFullsMissed, `
			(
				$age{kind="full"} > on ($backup, kind) group_left () (2.1 * $interval)
				or
				$age{kind="full"}
				and on ($backupRepo) max by ($backupRepo) ($newest{$restorable}) == 0
				and on ($backupRepo) max by ($backupRepo) (`+latestBackup("$ofKind", metric.BackupRetained, `kind=~"differential|incremental"`, `tenant=""`)+`) > 0
			)
			and on ($backupRepo) $fresh`),
		backupFact(metric.BackupMissed, `
			$age > on ($backup, kind) group_left () (1.1 * $interval)
			and on ($backupRepo) $fresh
			unless on ($ofKind) $fulls`),
		// What stops archiving, such as a repository that is gone, stops the listing too. So the age of the newest log
		// counts as soon as a listing should have shown a newer one.
		backupFact(metric.BackupWALStopped, `
			(
				($listed - on ($backupRepo) max by ($backupRepo) ($newest{kind="wal"})) > $quarter
				and on ($backupRepo) $fresh
			)
			or
			(time() - max by ($backupRepo) ($newest{kind="wal"})) > on ($backup) group_left () (2 * $refresh + $quarter)`),
		// One repository that takes no logs is enough: the database keeps a log until every one of them has it.
		backupFact(metric.BackupWALDiskFull, `
			min by ($backup) (
				$walDisk * on (environment, host, mountpoint) group_left () max by (environment, host, mountpoint) ($full)
			)
			and on ($backup) $stopped`),
		backupFact(metric.BackupMissingSegments, `
			max by ($backup) (
				`+latestBackup("$backup", metric.BackupWALMissing)+`
				or
				label_replace(`+latestBackup("$backup", metric.BackupTestWALMissing)+`, "test", "verify", "", "")
			)`),
	}}
}

// backupKept judges what is kept: how many, how long, of whom and how large.
func backupKept() Group {
	broken := func(reason, expr string) Rule {
		r := backupFact(metric.BackupRetentionBroken, expr)
		r.Labels = map[string]string{metric.LabelReason: reason}
		return r
	}
	return Group{Name: "thorbis-backup-kept", Interval: windowInterval, Rules: []Rule{
		broken("too_few", `
			sum by ($backupRepo) (`+latestBackup("$ofKind", metric.BackupRetained, "$restorable", `tenant=""`)+`)
			< on ($backup) group_left () $keepMin`),
		broken("too_many", `
			sum by ($backupRepo) (`+latestBackup("$ofKind", metric.BackupRetained, "$restorable", `tenant=""`)+`)
			> on ($backup) group_left () $keepMax`),
		broken("too_long", `
			time() - min by ($backupRepo) (`+latestBackup("$ofKind", metric.BackupOldest, `tenant=""`)+`)
			> on ($backup) group_left () $keepMaxAge`),
		broken("deleted_early", `
			min by ($backupRepo) (last_over_time(`+metric.BackupRemovedAge.Name+`[$hold]))
			< on ($backup) group_left () $keepMinAge`),
		backupFact(metric.BackupUncovered, `sum by ($backup) (`+latestBackup("$tiers", metric.BackupTenantsUncovered)+`)`),
		backupFact(metric.BackupSizeChange, `
			`+latestBackup("$ofKind", metric.BackupLastSize, "$restorable", `tenant=""`)+`
			/ on ($ofKind)
			(`+latestBackup("$ofKind", metric.BackupEarlierSize, "$restorable", `tenant=""`)+` > 0)`),
	}}
}

// latestBackup returns the last value of a fact over all exporters. It is a timestamp or a number of which the
// greatest counts.
func latestBackup(level string, m *metric.Metric, matchers ...string) string {
	return `max by (` + level + `) (last_over_time(` + m.Select(matchers...) + `[$hold]))`
}

func backupFact(r *metric.Record, expr string) Rule {
	return Rule{Record: r, Expr: expand(expand(expr, backupNames), backupNames)}
}

func ofKind(r Rule, kind string) Rule {
	r.Labels = map[string]string{metric.LabelKind: kind}
	return r
}
