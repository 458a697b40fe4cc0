// Package backup judges backups: their age, what is kept of them, and the tests of them.
package backup

import (
	"maps"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var exprNames = rule.Names{
	"backup":     rule.Join(metric.LabelEnvironment, metric.LabelBackup),
	"backupKind": rule.Join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelKind),
	"backupTest": rule.Join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelTest),
	"backupRepo": rule.Join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelRepository),
	"ofKind":     rule.Join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelRepository, metric.LabelKind),
	"backupOwn":  rule.Join(metric.LabelAppService, metric.LabelOwner, metric.LabelPage),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage),
	"tiers": rule.Join(metric.LabelEnvironment, metric.LabelBackup, metric.LabelTier),

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

	"quarter":    rule.Seconds(walPatience),
	"hold":       rule.Span(hold),
	"memory":     rule.Seconds(rule.Memory),
	"longMemory": rule.Seconds(rule.LongMemory),
	"restorable": `kind=~"full|snapshot"`,
}

// Thresholds of backups.
const (
	// hold bridges restarts of the exporters that list backups: the facts are the same afterwards.
	hold = 15 * time.Minute

	// walPatience is how long no log may be archived before archiving counts as stopped. walDiskLeft is the time until
	// the disk of the logs is full below which the alert pages.
	walPatience = 15 * time.Minute
	walDiskLeft = 4 * time.Hour
)

// Subject judges backups. Facts are those of the last successful listing. Where it is not fresh, only its age is
// judged.
var Subject = rule.Subject{File: "backup.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{
		expectations(p), facts(), retention(), ageAlerts(), proofAlerts(), freshness(p),
	}, nil
}}

// expectations records the expected backups, and keeps them while no exporter states them.
func expectations(p *config.Policy) rule.Group {
	n := maps.Clone(exprNames)
	n["named"] = rule.NamedBackups(p)
	rules := []rule.Rule{
		{Record: metric.BackupExpected, Expr: rule.Expand(`
			time() + 0 * topk by ($backup) (1, max by ($owned) (
				`+rule.Urgencies(metric.BackupInfo.Name)+`
			))
			or on ($backup)
			(
				$expected{$named} > time() - $memory
				or
				$expected{$named} > time() - $longMemory unless on (environment) $info
			)`, n)},
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
		rules = append(rules, rule.Rule{Record: e.record, Expr: rule.Expand(rule.Expand(`
			max by (`+e.level+`) ($said)
			or
			(`+e.record.Name+` and on ($backup) ($expected unless on ($backup) $info))`,
			rule.Names{"said": e.said.Name}), n)})
	}
	return rule.Group{Name: "thorbis-backup-expected", Interval: rule.WindowInterval, Rules: rules}
}

// facts joins what is measured with what is expected.
func facts() rule.Group {
	return rule.Group{Name: "thorbis-backup-facts", Interval: rule.WindowInterval, Rules: []rule.Rule{
		fact(metric.BackupListed, `
			`+latest("$backupRepo", metric.BackupListingLastSuccess)+`
			or on ($backup)
			($listed and on ($backup) $expected)
			or on ($backup)
			(time() + 0 * max by ($backup) ($expected))`),
		fact(metric.BackupFresh, `
			(time() - $listed) <= on ($backup) group_left () (3 * $refresh + 300)`),
		fact(metric.BackupStale, `
			max by ($backup) ((time() - $listed) > on ($backup) group_left () (3 * $refresh + 300))
			* on ($backup) group_left ($backupOwn) ($expected > bool 0)`),
		// What has never been listed at all is not known to be lost.
		fact(metric.BackupLost, `($stale < 1e9) > on ($backup) group_left () (2 * $maxAge)`),
		fact(metric.BackupNewest, latest("$ofKind", metric.BackupLastSuccess, `tenant=""`)),
		ofKind(fact(metric.BackupAge, `$listed - on ($backupRepo) max by ($backupRepo) ($newest{kind!="wal"})`),
			metric.KindAny),
		ofKind(fact(metric.BackupAge, `$listed - on ($backupRepo) max by ($backupRepo) ($newest{$restorable})`),
			metric.KindFull),
		fact(metric.BackupRecoveryPoint, `min by ($backup) ($listed - on ($backupRepo) max by ($backupRepo) ($newest))`),
		// Incremental backups alone restore nothing, even if the policy sets no interval for full ones.
		fact(metric.BackupFullsMissed, `
			(
				$age{kind="full"} > on ($backup, kind) group_left () (2.1 * $interval)
				or
				$age{kind="full"}
				unless on ($backupRepo) $newest{$restorable} > 0
				and on ($backupRepo) last_over_time(`+
			metric.BackupRetained.Select(`kind=~"differential|incremental"`, `tenant=""`)+`[$hold]) > 0
			)
			and on ($backupRepo) $fresh`),
		fact(metric.BackupMissed, `
			$age > on ($backup, kind) group_left () (1.1 * $interval)
			and on ($backupRepo) $fresh
			unless on ($ofKind) $fulls`),
		// What stops archiving, such as a repository that is gone, stops the listing too. So the age of the newest log
		// counts as soon as a listing should have shown a newer one.
		fact(metric.BackupWALStopped, `
			(
				($listed - on ($backupRepo) max by ($backupRepo) ($newest{kind="wal"})) > $quarter
				and on ($backupRepo) $fresh
			)
			or
			(time() - max by ($backupRepo) ($newest{kind="wal"})) > on ($backup) group_left () (2 * $refresh + $quarter)`),
		// One repository that takes no logs is enough: the database keeps a log until every one of them has it.
		fact(metric.BackupWALDiskFull, `
			min by ($backup) (
				$walDisk * on (environment, host, mountpoint) group_left () max by (environment, host, mountpoint) ($full)
			)
			and on ($backup) $stopped`),
		fact(metric.BackupMissingSegments, `
			max by ($backup) (
				`+latest("$backup", metric.BackupWALMissing)+`
				or
				label_replace(`+latest("$backup", metric.BackupTestWALMissing)+`, "test", "verify", "", "")
			)`),
	}}
}

// retention judges what is kept: how many, how long, of whom and how large.
func retention() rule.Group {
	broken := func(reason, expr string) rule.Rule {
		r := fact(metric.BackupRetentionBroken, expr)
		r.Labels = map[string]string{metric.LabelReason: reason}
		return r
	}
	return rule.Group{Name: "thorbis-backup-kept", Interval: rule.WindowInterval, Rules: []rule.Rule{
		broken("too_few", `
			sum by ($backupRepo) (`+latest("$ofKind", metric.BackupRetained, "$restorable", `tenant=""`)+`)
			< on ($backup) group_left () $keepMin`),
		broken("too_many", `
			sum by ($backupRepo) (`+latest("$ofKind", metric.BackupRetained, "$restorable", `tenant=""`)+`)
			> on ($backup) group_left () $keepMax`),
		broken("too_long", `
			time() - min by ($backupRepo) (`+latest("$ofKind", metric.BackupOldest, `tenant=""`)+`)
			> on ($backup) group_left () $keepMaxAge`),
		broken("deleted_early", `
			min by ($backupRepo) (last_over_time(`+metric.BackupRemovedAge.Name+`[$hold]))
			< on ($backup) group_left () $keepMinAge`),
		fact(metric.BackupUncovered, `sum by ($backup) (`+latest("$tiers", metric.BackupTenantsUncovered)+`)`),
		fact(metric.BackupSizeChange, `
			`+latest("$ofKind", metric.BackupLastSize, "$restorable", `tenant=""`)+`
			/ on ($ofKind)
			(`+latest("$ofKind", metric.BackupEarlierSize, "$restorable", `tenant=""`)+` > 0)`),
	}}
}

// latest returns the last value of a fact over all exporters. It is a timestamp or a number of which the
// greatest counts.
func latest(level string, m *metric.Metric, matchers ...string) string {
	return `max by (` + level + `) (last_over_time(` + m.Select(matchers...) + `[$hold]))`
}

func fact(r *metric.Record, expr string) rule.Rule {
	return rule.Rule{Record: r, Expr: rule.Expand(rule.Expand(expr, exprNames), exprNames)}
}

func ofKind(r rule.Rule, kind string) rule.Rule {
	r.Labels = map[string]string{metric.LabelKind: kind}
	return r
}
