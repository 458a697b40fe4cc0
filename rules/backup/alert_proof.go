package backup

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// proofAlerts returns the records and alerts on verifications and restore tests of backups.
func proofAlerts() rule.Group {
	n := exprNames
	latest := func(level string, m *metric.Metric) string {
		return rule.Expand(`max by (`+level+`) (last_over_time(`+m.Name+`[$hold]))`, n)
	}
	fact := func(r *metric.Record, expr string) rule.Rule { return rule.Rule{Record: r, Expr: rule.Expand(expr, n)} }
	rules := []rule.Rule{
		fact(metric.BackupTested, latest("$backupTest", metric.BackupTestLastRun)),
		fact(metric.BackupProven, latest("$backupTest", metric.BackupTestLastSuccess)),
		fact(metric.BackupTestFailed, `time() - ($proven < on ($backupTest) $tested)`),
		fact(metric.BackupTestOverdue, `(time() - $proven) > on ($backupTest) (1.1 * $every)`),
		fact(metric.BackupRecoveryProven,
			`max by ($backup) (last_over_time(`+metric.BackupTestDuration.Select(`test="restore"`)+`[$hold]))`),
	}
	const since = `{{ if ge $value 1e9 }}none has ever succeeded{{ else }}the last that succeeded was ` +
		`{{ $value | humanizeDuration }} ago{{ end }}`

	rules = append(rules, onBackups(metric.RestoreFailedAlert, 0, rule.Text{
		Summary: "A restore test failed.",
		Description: `The last restore test of {{ $labels.backup }} in {{ $labels.environment }} failed; ` + since + `.
			Assume that it cannot be restored.
			Owner: {{ $labels.owner }}. First look: {{ $labels.backup }}.restore.json in the results directory says which check
			failed.`,
	}, `$failed{test="restore"}`)...)

	rules = append(rules, onBackups(metric.VerifyFailedAlert, 0, rule.Text{
		Summary: "A verification of a backup failed.",
		Description: `The last verification of {{ $labels.backup }} in {{ $labels.environment }} failed; ` + since + `.
			Owner: {{ $labels.owner }}. First look: {{ $labels.backup }}.verify.json in the results directory says which check
			failed; the check named run means that the verification could not be made.
			If another failed, make a new full backup.`,
	}, `$failed{test="verify"}`)...)

	rules = append(rules, onBackups(metric.RestoreOverdueAlert, time.Hour, rule.Text{
		Summary: "A restore test is overdue.",
		Description: `No restore test of {{ $labels.backup }} in {{ $labels.environment }} has succeeded within its interval:
			` + since + `.
			Owner: {{ $labels.owner }}. First look: the timer of thorbis_exporter backup restore-test and its log.`,
	}, `$overdue{test="restore"}`)...)

	rules = append(rules, onBackups(metric.VerifyOverdueAlert, time.Hour, rule.Text{
		Summary: "A verification is overdue.",
		Description: `No verification of {{ $labels.backup }} in {{ $labels.environment }} has succeeded within its interval:
			` + since + `.
			Owner: {{ $labels.owner }}. First look: the timer of thorbis_exporter backup verify and its log.`,
	}, `$overdue{test="verify"}`)...)

	rules = append(rules, onBackups(metric.RecoverySlowAlert, 0, rule.Text{
		Summary: "A restore takes longer than the recovery time objective.",
		Description: `The last restore test of {{ $labels.backup }} in {{ $labels.environment }} took
			{{ $value | humanizeDuration }}, more than the recovery time objective.
			Owner: {{ $labels.owner }}. First look: the size of the backup against earlier ones, the speed of the repository and
			of the scratch disk.`,
	}, `$recovery > on ($backup) $wanted`)...)

	rules = append(rules, onBackups(metric.TenantsUncoveredAlert, 2*rule.Patience, rule.Text{
		Summary: "Tenants have no backup as recent as their tier requires.",
		Description: `{{ $value }} tenants of {{ $labels.backup }} in {{ $labels.environment }} have no backup as recent as
			their tier requires, among them
			{{ range printf
			"bottomk(5, max by (tenant) (` + metric.BackupLastSuccess.Name + `{environment=%q,backup=%q,tenant!=\"\"}))"
			$labels.environment $labels.backup | query }}{{ .Labels.tenant }} {{ end }}.
			Owner: {{ $labels.owner }}. First look: thorbis_exporter backup list {{ $labels.backup }};
			then the log of the program for one of these tenants.`,
	}, `$tenants > 0 and on ($backup) $fresh unless on ($backup) $stale`)...)

	rules = append(rules, onBackups(metric.BackupSizeAlert, 30*time.Minute, rule.Text{
		Summary: "A full backup has an unusual size.",
		Description: `The newest full backup of {{ $labels.backup }} in repository {{ $labels.repository }} in
			{{ $labels.environment }} has {{ $value | humanizePercentage }} of the usual size.
			Owner: {{ $labels.owner }}. First look: was data deleted or loaded; is a database, a directory or a tenant missing
			from it; run a restore test.`,
	}, `$change < 0.5 or $change > 2`)...)
	return rule.Group{Name: "thorbis-backup-proof", Interval: rule.WindowInterval, Rules: rules}
}
