// Package procedure judges procedures: whether their runs begin, end and succeed in time.
package procedure

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// hold bridges restarts of exporters: what they know of a procedure is the same afterwards.
const hold = "15m"

// settle is how long an exporter must have been there at most, before what came due while none was is missed.
const settle = 5 * time.Minute

// ahead is how far the clock of an exporter may be ahead.
const ahead = time.Minute

var names = rule.Names{
	"procedure": rule.Join(metric.LabelEnvironment, metric.LabelProcedure),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelProcedure, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage),
	"owns":     rule.Join(metric.LabelAppService, metric.LabelOwner, metric.LabelPage),
	"exporter": rule.Join(metric.LabelEnvironment, metric.LabelProcedure, "job", "instance"),
	"service":  rule.Join(metric.LabelEnvironment, metric.LabelAppService),

	"ahead":    rule.Seconds(ahead),
	"settle":   rule.Seconds(settle),
	"watched":  metric.ProcedureWatched.Name,
	"allowed":  metric.ProcedureAllowed.Name,
	"reported": rule.AnyOf([]*metric.Record{metric.ProcedureFailing, metric.ProcedureOverrunning}),
	"since":    metric.ProcedureWatchedSince.Name,
	"expected": metric.ProcedureExpected.Name,
	"success":  metric.ProcedureSuccess.Name,
	"failure":  metric.ProcedureFailure.Name,
	"ended":    metric.ProcedureEnd.Name,
	"dueBy":    metric.ProcedureDueBy.Name,
	"judged":   metric.ProcedureJudged.Name,
	"seen":     metric.ProcedureRunSeen.Name,
	"begun":    metric.ProcedureBegun.Name,
	"silent":   metric.ProcedureSilent.Name,
	"failing":  metric.ProcedureFailing.Name,
	"overrun":  metric.ProcedureOverrunning.Name,
	"missed":   metric.ProcedureMissing.Name,
	"late":     metric.ProcedureLagging.Name,
	"planned":  metric.Maintenance.Name,

	"begins":   last(metric.ProcedureLastStart),
	"succeeds": last(metric.ProcedureLastSuccess),
	"fails":    last(metric.ProcedureLastFailure),
	"ends": "last_over_time(" + rule.AnyName([]string{
		metric.ProcedureLastSuccess.Name, metric.ProcedureLastFailure.Name,
	}) + "[" + hold + "])",
	"due":          last(metric.ProcedureDueTime),
	"oldest":       metric.ProcedureOldestRun.Name,
	"oldestBefore": last(metric.ProcedureOldestRun),
	"running":      metric.ProcedureRunsInProgress.Name,
	"grace":        last(metric.ProcedureExpectedGrace),
	"limit":        last(metric.ProcedureExpectedMaxRuntime),
	"maintained":   last(metric.ProcedureState, metric.LabelState+`="`+metric.ProcedureMaintenance+`"`) + " == 1",
}

// last returns the newest value of a series on procedures, also while its exporter restarts.
func last(m *metric.Metric, matchers ...string) string {
	return "last_over_time(" + m.Select(matchers...) + "[" + hold + "])"
}

// Subject judges procedures.
var Subject = rule.Subject{File: "procedure.rules.yaml", Groups: func(*config.Policy) ([]rule.Group, error) {
	return []rule.Group{
		{Name: "thorbis-procedures", Interval: rule.ScrapeInterval, Rules: procedures()},
		{Name: "thorbis-procedure-alerts", Interval: rule.ScrapeInterval, Rules: alerts()},
	}, nil
}}

// procedures records what is known of procedures. Any exporter may have received a report, so the
// newest counts, and it is kept while its exporter is gone. When a run is due follows from the newest success: only an
// exporter that has seen it knows.
func procedures() []rule.Rule {
	return []rule.Rule{
		fact(metric.ProcedureExpected, `
			0 * topk by ($procedure) (1, max by ($owned) (
				`+rule.Urgencies(last(metric.ProcedureInfo))+`
			)) + 1`),
		// A time that a wrong clock has reported is not kept.
		fact(metric.ProcedureSuccess, `
			max by ($procedure) (($succeeds or ($success and on ($procedure) $expected)) <= time() + $ahead)`),
		fact(metric.ProcedureFailure, `
			max by ($procedure) (($fails or ($failure and on ($procedure) $expected)) <= time() + $ahead)`),
		fact(metric.ProcedureEnd, `$success >= $failure or $failure or $success`),
		fact(metric.ProcedureDueBy, `
			max by ($procedure) ($due and $succeeds >= on ($procedure) group_left () $success)
			or
			$dueBy and $success
			or
			min by ($procedure) ($due)`),
		fact(metric.ProcedureJudged, `$expected unless on ($procedure) $maintained unless on ($service) $planned`),
		fact(metric.ProcedureWatched, `
			group by ($procedure) (time() - $since > on ($exporter) clamp_max($grace, $settle))`),
		fact(metric.ProcedureRunSeen, `
			max by ($exporter) ($oldest or ($oldestBefore unless on ($exporter) $running))`),
		// The end of a run may have been reported to another exporter than its start.
		fact(metric.ProcedureSilent, `
			time() - min by ($procedure) (
				$seen
				unless
				(
					$seen < on ($procedure) group_left () $ended
					unless on ($exporter) $ends >= on ($procedure) group_left () $ended
				)
			)`),
		owned(metric.ProcedureFailing, `0 * ($failure > $success or $failure unless $success) + 1`),
		owned(metric.ProcedureOverrunning, `
			$silent > max by ($procedure) ($limit)
			and on ($procedure) ($watched or on ($procedure) $overrun)
			unless on ($procedure) $failing`),
		fact(metric.ProcedureBegun, `
			max by ($procedure) ($begins) > $success or max by ($procedure) ($begins) unless $success`),
		// A run that begins too late does not end what was missed: only its success does.
		owned(metric.ProcedureMissing, `
			time() - $dueBy > max by ($procedure) ($grace)
			and on ($procedure) ($watched unless $begun or on ($procedure) $missed)
			unless on ($procedure) $reported`),
		fact(metric.ProcedureAllowed, `
			max by ($procedure) ($grace) + max by ($procedure) ($limit) or max by ($procedure) ($grace)`),
		owned(metric.ProcedureLagging, `
			time() - $dueBy > $allowed
			and on ($procedure) ($watched or on ($procedure) $late)
			unless on ($procedure) $reported
			unless on ($procedure) $missed`),
	}
}

func fact(r *metric.Record, expr string) rule.Rule {
	return rule.Rule{Record: r, Expr: rule.Expand(rule.Expand(expr, names), names)}
}

// owned gives a fact the owner and page of its procedure, and leaves it out while planned work is on.
func owned(r *metric.Record, expr string) rule.Rule {
	return fact(r, `
		(
			`+strings.TrimSpace(expr)+`
		)
		* on ($procedure) group_left ($owns) $judged`)
}

// who begins the description of an alert.
const who = `{{ $labels.procedure }}{{ with $labels.app_service }} of {{ . }}{{ end }} in {{ $labels.environment }}`

// alerts returns the alerts on procedures. A restart of an exporter ends none of them.
func alerts() []rule.Rule {
	var rules []rule.Rule
	add := func(a *metric.Alert, r *metric.Record, t rule.Text) {
		rules = append(rules, rule.ByPage(a, "P1", 0, t, func(page string) string {
			return r.Name + rule.Braces(page) + " > 0"
		})...)
	}
	add(metric.ProcedureMissedAlert, metric.ProcedureMissing, rule.Text{
		Summary: "A procedure has not run when it was due.",
		Description: who + ` was due {{ $value | humanizeDuration }} ago, and no run has succeeded or begun in time since.
			Owner: {{ or $labels.owner "unknown" }}. First look: does its scheduler run (systemctl list-timers, crontab -l,
			the log of cron), and does its report reach an exporter (thorbis_procedure_pings_total by result)?`,
	})
	add(metric.ProcedureLateAlert, metric.ProcedureLagging, rule.Text{
		Summary: "A procedure has begun and is not done in time.",
		Description: who + ` was due {{ $value | humanizeDuration }} ago. A run has begun in time, and none has succeeded.
			Owner: {{ or $labels.owner "unknown" }}. First look: is it still at work on its machine? If not, what has ended it
			without a report: a restart, the out-of-memory killer, a timeout?`,
	})
	add(metric.ProcedureFailedAlert, metric.ProcedureFailing, rule.Text{
		Summary: "The last run of a procedure has failed.",
		Description: who + ` has reported a failure, and no success since. Owner: {{ or $labels.owner "unknown" }}.
			First look: the exporter's log has the last line of its output ("A procedure reported a failure"); then the log of
			the run itself.`,
	})
	add(metric.ProcedureOverrunAlert, metric.ProcedureOverrunning, rule.Text{
		Summary: "A run of a procedure takes too long.",
		Description: who + ` has neither ended nor reported that it is alive for {{ $value | humanizeDuration }}, which is
			more than its maximum runtime. Owner: {{ or $labels.owner "unknown" }}. First look: is it at work or does it hang on
			its machine: its processor time, what it waits for, locks?`,
	})
	return rules
}
