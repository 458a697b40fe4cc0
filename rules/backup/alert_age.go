package backup

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// owning adds the owner and page labels of the backup to a condition. page is a matcher for backups of one priority.
func owning(condition, page string) string {
	return rule.Expand(`
		(
			`+condition+`
		)
		* on ($backup) group_left ($backupOwn) ($expected`+rule.Braces(page)+` > bool 0)`, exprNames)
}

// onBackups returns the rules of an alert on backups, one for each priority.
func onBackups(a *metric.Alert, wait time.Duration, t rule.Text, condition string) []rule.Rule {
	return rule.ByPage(a, a.Priorities[0], wait, t, func(page string) string { return owning(condition, page) })
}

// ageAlerts returns the alerts on missing, old and unlisted backups, on gaps in the WAL archive and on
// retention.
func ageAlerts() rule.Group {
	rules := onBackups(metric.ArchivingStoppedAlert, 2*time.Minute, rule.Text{
		Summary: "A database cannot archive its write-ahead log, and the disk is nearly full.",
		Description: `No write-ahead log of {{ $labels.backup }} in {{ $labels.environment }} has reached its archive for at
			least 15 minutes. The disk that holds it will be full
			{{ if gt $value 60.0 }}in {{ $value | humanizeDuration }}{{ else }}now{{ end }}; the database stops then.
			Owner: {{ $labels.owner }}.
			First look: select * from pg_stat_archiver; then space and credentials of the repository.
			Never delete anything in pg_wal.`,
	}, "$walFull < "+rule.Seconds(walDiskLeft))

	rules = append(rules, onBackups(metric.RecoveryPointAlert, 5*time.Minute, rule.Text{
		Summary: "A disaster now would lose more data than the recovery point objective allows.",
		Description: `The newest restorable point of {{ $labels.backup }} in {{ $labels.environment }} ` + howOld + `;
			the recovery point objective is missed.
			Owner: {{ $labels.owner }}. First look: did the last run fail (the program's log), does the database archive its logs
			(pg_stat_archiver), is the repository full.`,
	}, "$point > on ($backup) $maxAge and on ($backup) $fresh")...)

	rules = append(rules, onBackups(metric.FullsMissedAlert, 5*time.Minute, rule.Text{
		Summary: "Full backups are missing.",
		Description: `The newest full backup of {{ $labels.backup }} in repository {{ $labels.repository }} in
			{{ $labels.environment }} ` + howOld + `; {{ if ge $value 1e9 }}incremental backups cannot be restored without
			it{{ else }}two newer ones are missing{{ end }}.
			Owner: {{ $labels.owner }}. First look: the log of the last run, then the timer that starts it.`,
	}, `$fulls`)...)

	rules = append(rules, onBackups(metric.BackupMissedAlert, 5*time.Minute, rule.Text{
		Summary: "A backup was missed.",
		Description: `The newest backup ({{ $labels.kind }}) of {{ $labels.backup }} in repository {{ $labels.repository }} in
			{{ $labels.environment }} ` + howOld + `{{ if lt $value 1e9 }}; a newer one is missing{{ end }}.
			Owner: {{ $labels.owner }}. First look: the log of the last run, then the timer that starts it.`,
	}, `$missed`)...)

	rules = append(rules, onBackups(metric.WALGapAlert, 30*time.Minute, rule.Text{
		Summary: "The archive of write-ahead logs has a gap.",
		Description: `{{ $value }} segments are missing from the archive of {{ $labels.backup }} in {{ $labels.environment }}:
			older backups cannot be restored to a point after them.
			Owner: {{ $labels.owner }}. First look: make a new backup now; then find which segments are missing with
			thorbis_exporter backup verify {{ $labels.backup }}.`,
	}, `$gap > 0`)...)

	rules = append(rules, onBackups(metric.RetentionAlert, time.Hour, rule.Text{
		Summary: "The retention of backups differs from the policy.",
		Description: `{{ $labels.backup }} in repository {{ $labels.repository }} in {{ $labels.environment }}:
			{{ $labels.reason }},
			{{ if eq $labels.reason "too_few" "too_many" }}{{ $value }} full backups are
			kept{{ else if eq $labels.reason "deleted_early" }}a backup was deleted at the age of
			{{ $value | humanizeDuration }}{{ else }}a backup of the age of {{ $value | humanizeDuration }} is still
			kept{{ end }}.
			Owner: {{ $labels.owner }}. First look: {{ if eq $labels.reason "deleted_early" }}the repository's access log;
			if no one deleted it on purpose, it is a security incident{{ else }}the program's own retention settings and whether
			its expiry runs; compare with retention in the policy{{ end }}.`,
	}, `$broken and on ($backupRepo) $fresh`)...)

	rules = append(rules, unknownAlerts()...)
	return rule.Group{Name: "thorbis-backup-age", Interval: rule.WindowInterval, Rules: rules}
}

// howOld describes an age at the last listing. An age of decades stands for a backup that does not exist.
const howOld = `{{ if ge $value 1e9 }}does not exist{{ else }}was {{ $value | humanizeDuration }} old at the last ` +
	`listing{{ end }}`

// unknownAlerts returns the alerts on backups whose listing is stale. They become more urgent when that lasts too
// long.
func unknownAlerts() []rule.Rule {
	t := rule.Text{
		Summary: "It is unknown whether backups exist.",
		Description: `{{ $labels.backup }} in {{ $labels.environment }} {{ if ge $value 1e9 }}has a repository that could
			never be listed{{ else }}was last listed {{ $value | humanizeDuration }} ago{{ end }};
			until it is listed again, a missed backup does not page. Owner: {{ $labels.owner }}.
			First look: thorbis_backup_listing_failures_total by reason, the log of the exporter beside the repository,
			and thorbis_exporter backup list {{ $labels.backup }} there.`,
	}
	var rules []rule.Rule
	for _, p := range metric.BackupUnknownAlert.Priorities {
		r := rule.Rule{Alert: metric.BackupUnknownAlert, Priority: p, For: rule.Patience, Annotations: t.Annotations()}
		switch p {
		case "P2":
			r.Expr = rule.Expand(`$lost{`+rule.PageMatcher("P2", "P2")+`} > 0`, exprNames)
		case "P3":
			r.Expr = rule.Expand(`
				($stale{`+rule.PageMatcher("P2", "P2")+`} > 0 unless $lost)
				or
				$stale{page="P3"} > 0`, exprNames)
		default:
			r.Expr = rule.Expand(fmt.Sprintf(`$stale{page=%q} > 0`, p), exprNames)
		}
		rules = append(rules, r)
	}
	return rules
}
