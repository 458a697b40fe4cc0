package rules

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// owning adds the owner and page labels of the backup to a condition. page is a matcher for backups of one priority.
func owning(condition, page string) string {
	return expand(`
		(
			`+condition+`
		)
		* on ($backup) group_left ($backupOwn) ($expected`+braces(page)+` > bool 0)`, backupNames)
}

// onBackups returns the rules of an alert on backups, one for each priority.
func onBackups(a *metric.Alert, wait time.Duration, t text, condition string) []Rule {
	return byPage(a, a.Priorities[0], wait, t, func(page string) string { return owning(condition, page) })
}

// backupAgeAlerts returns the alerts on missing, old and unlisted backups, on gaps in the WAL archive and on
// retention.
func backupAgeAlerts() Group {
	rules := onBackups(metric.ArchivingStoppedAlert, 2*time.Minute, text{
		summary: "A database cannot archive its logs, and their disk is about to be full.",
		description: `No write-ahead log of {{ $labels.backup }} in {{ $labels.environment }} has been seen in its archive for a quarter of an hour or more, and the disk that keeps them meanwhile is full
			{{ if gt $value 60.0 }}in {{ $value | humanizeDuration }}{{ else }}now{{ end }}; then the database stops. Owner: {{ $labels.owner }}.
			First look: select * from pg_stat_archiver; then space and credentials of the repository. Never delete anything in pg_wal.`,
	}, "$walFull < "+seconds(walDiskLeft))

	rules = append(rules, onBackups(metric.RecoveryPointAlert, 5*time.Minute, text{
		summary: "A disaster now would lose more than was promised.",
		description: `The newest point to which {{ $labels.backup }} in {{ $labels.environment }} can be restored ` + howOld + `, more than the recovery point objective.
			Owner: {{ $labels.owner }}. First look: did the last run fail (the program's log), does the database archive its logs (pg_stat_archiver), is the repository full.`,
	}, "$point > on ($backup) $maxAge and on ($backup) $fresh")...)

	rules = append(rules, onBackups(metric.FullsMissedAlert, 5*time.Minute, text{
		summary: "Full backups are missing.",
		description: `The newest full backup of {{ $labels.backup }} in repository {{ $labels.repository }} in {{ $labels.environment }} ` + howOld + `; {{ if ge $value 1e9 }}incremental ones restore nothing without it{{ else }}two more ought to exist{{ end }}.
			Owner: {{ $labels.owner }}. First look: the log of the last run, then the timer that starts it.`,
	}, `$fulls`)...)

	rules = append(rules, onBackups(metric.BackupMissedAlert, 5*time.Minute, text{
		summary: "A backup was missed.",
		description: `The newest backup ({{ $labels.kind }}) of {{ $labels.backup }} in repository {{ $labels.repository }} in {{ $labels.environment }} ` + howOld + `; another ought to exist.
			Owner: {{ $labels.owner }}. First look: the log of the last run, then the timer that starts it.`,
	}, `$missed`)...)

	rules = append(rules, onBackups(metric.WALGapAlert, 30*time.Minute, text{
		summary: "The archive of write-ahead logs has a gap.",
		description: `{{ $value }} segments are missing from the archive of {{ $labels.backup }} in {{ $labels.environment }}: no point after them can be reached from an older backup.
			Owner: {{ $labels.owner }}. First look: make a new backup now; then find which segments are missing with thorbis_exporter backup verify {{ $labels.backup }}.`,
	}, `$gap > 0`)...)

	rules = append(rules, onBackups(metric.RetentionAlert, time.Hour, text{
		summary: "Backups are not kept as the policy says.",
		description: `{{ $labels.backup }} in repository {{ $labels.repository }} in {{ $labels.environment }}: {{ $labels.reason }},
			{{ if eq $labels.reason "too_few" "too_many" }}{{ $value }} full backups are kept{{ else }}one of the age of {{ $value | humanizeDuration }}{{ end }}.
			Owner: {{ $labels.owner }}. First look: the program's own retention settings and whether its expiry runs; compare with retention in the policy.`,
	}, `$broken and on ($backupRepo) $fresh`)...)

	rules = append(rules, unknownAlerts()...)
	return Group{Name: "thorbis-backup-age", Interval: windowInterval, Rules: rules}
}

// howOld describes an age. An age of decades stands for a backup that does not exist.
const howOld = `{{ if ge $value 1e9 }}does not exist{{ else }}was {{ $value | humanizeDuration }} old when last looked at{{ end }}`

// unknownAlerts returns the alerts on backups whose listing is stale. They become more urgent when that lasts too
// long.
func unknownAlerts() []Rule {
	t := text{
		summary: "Whether there are backups is not known.",
		description: `{{ $labels.backup }} in {{ $labels.environment }} {{ if ge $value 1e9 }}has a repository that could never be listed{{ else }}was last listed {{ $value | humanizeDuration }} ago{{ end }};
			until it is, a missed backup tells nobody. Owner: {{ $labels.owner }}.
			First look: thorbis_backup_listing_failures_total by reason, the log of the exporter beside the repository, and thorbis_exporter backup list {{ $labels.backup }} there.`,
	}
	var rules []Rule
	for _, p := range metric.BackupUnknownAlert.Priorities {
		rule := Rule{Alert: metric.BackupUnknownAlert, Priority: p, For: patience, Annotations: t.annotations()}
		switch p {
		case "P2":
			rule.Expr = expand(`$lost{`+pageMatcher("P2", "P2")+`} > 0`, backupNames)
		case "P3":
			rule.Expr = expand(`
				($stale{`+pageMatcher("P2", "P2")+`} > 0 unless $lost)
				or
				$stale{page="P3"} > 0`, backupNames)
		default:
			rule.Expr = expand(fmt.Sprintf(`$stale{page=%q} > 0`, p), backupNames)
		}
		rules = append(rules, rule)
	}
	return rules
}

// backupProofAlerts returns the records and alerts on verifications and restore tests of backups.
func backupProofAlerts() Group {
	n := backupNames
	latest := func(level string, m *metric.Metric) string {
		return expand(`max by (`+level+`) (last_over_time(`+m.Name+`[$hold]))`, n)
	}
	fact := func(r *metric.Record, expr string) Rule { return Rule{Record: r, Expr: expand(expr, n)} }
	rules := []Rule{
		fact(metric.BackupTested, latest("$backupTest", metric.BackupTestLastRun)),
		fact(metric.BackupProven, latest("$backupTest", metric.BackupTestLastSuccess)),
		fact(metric.BackupTestFailed, `time() - ($proven < on ($backupTest) $tested)`),
		fact(metric.BackupTestOverdue, `(time() - $proven) > on ($backupTest) (1.1 * $every)`),
		fact(metric.BackupRecoveryProven, `max by ($backup) (last_over_time(`+metric.BackupTestDuration.Select(`test="restore"`)+`[$hold]))`),
	}
	const since = `{{ if ge $value 1e9 }}none has ever succeeded{{ else }}the last that succeeded was {{ $value | humanizeDuration }} ago{{ end }}`

	rules = append(rules, onBackups(metric.RestoreFailedAlert, 0, text{
		summary: "A restore test failed.",
		description: `The last restore test of {{ $labels.backup }} in {{ $labels.environment }} failed; ` + since + `. As far as anybody knows it cannot be restored.
			Owner: {{ $labels.owner }}. First look: {{ $labels.backup }}.restore.json in the results directory says which check failed.`,
	}, `$failed{test="restore"}`)...)

	rules = append(rules, onBackups(metric.VerifyFailedAlert, 0, text{
		summary: "A verification found a damaged backup.",
		description: `The last verification of {{ $labels.backup }} in {{ $labels.environment }} failed; ` + since + `.
			Owner: {{ $labels.owner }}. First look: {{ $labels.backup }}.verify.json in the results directory says which check failed; make a new full backup.`,
	}, `$failed{test="verify"}`)...)

	rules = append(rules, onBackups(metric.RestoreOverdueAlert, time.Hour, text{
		summary: "A restore test is overdue.",
		description: `No restore test of {{ $labels.backup }} in {{ $labels.environment }} has succeeded within its interval: ` + since + `.
			Owner: {{ $labels.owner }}. First look: the timer of thorbis_exporter backup restore-test and its log.`,
	}, `$overdue{test="restore"}`)...)

	rules = append(rules, onBackups(metric.VerifyOverdueAlert, time.Hour, text{
		summary: "A verification is overdue.",
		description: `No verification of {{ $labels.backup }} in {{ $labels.environment }} has succeeded within its interval: ` + since + `.
			Owner: {{ $labels.owner }}. First look: the timer of thorbis_exporter backup verify and its log.`,
	}, `$overdue{test="verify"}`)...)

	rules = append(rules, onBackups(metric.RecoverySlowAlert, 0, text{
		summary: "A restore takes longer than was promised.",
		description: `The last restore test of {{ $labels.backup }} in {{ $labels.environment }} took {{ $value | humanizeDuration }}, more than the recovery time objective.
			Owner: {{ $labels.owner }}. First look: the size of the backup against earlier ones, the speed of the repository and of the scratch disk.`,
	}, `$recovery > on ($backup) $wanted`)...)

	rules = append(rules, onBackups(metric.TenantsUncoveredAlert, 2*patience, text{
		summary: "Tenants have no backup as young as was promised to them.",
		description: `{{ $value }} tenants of {{ $labels.backup }} in {{ $labels.environment }} have no backup as young as their tier demands, among them
			{{ range printf "bottomk(5, max by (tenant) (` + metric.BackupLastSuccess.Name + `{environment=%q,backup=%q,tenant!=\"\"}))" $labels.environment $labels.backup | query }}{{ .Labels.tenant }} {{ end }}.
			Owner: {{ $labels.owner }}. First look: thorbis_exporter backup list {{ $labels.backup }}; then the log of the program for one of these tenants.`,
	}, `$tenants > 0 and on ($backup) $fresh unless on ($backup) $stale`)...)

	rules = append(rules, onBackups(metric.BackupSizeAlert, 30*time.Minute, text{
		summary: "A full backup has an odd size.",
		description: `The newest full backup of {{ $labels.backup }} in repository {{ $labels.repository }} in {{ $labels.environment }} has {{ $value | humanizePercentage }} of the size that earlier ones had.
			Owner: {{ $labels.owner }}. First look: was data deleted or loaded; is a database, a directory or a tenant missing from it; run a restore test.`,
	}, `$change < 0.5 or $change > 2`)...)
	return Group{Name: "thorbis-backup-proof", Interval: windowInterval, Rules: rules}
}
