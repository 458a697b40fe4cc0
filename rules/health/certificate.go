package health

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// certificates records how long the certificates of each check last, and of those that should have been renewed by now,
// and alerts on these. All targets of a check are in one alert: tenants often share one certificate.
func certificates() rule.Group {
	n := rule.Names{
		"expiry": metric.HealthCheckCertificateExpiry.Name, "expected": metric.CheckExpected.Name,
		"warning": metric.HealthCheckExpectedCertificateWarning.Name,
		"urgent":  metric.HealthCheckExpectedCertificateUrgent.Name,
	}
	left := func(condition string) string {
		return rule.Expand(`
			min by ($paged) (
				`+condition+`
				* on ($check) group_left (owner, page) ($expected > bool 0)
			)`, n)
	}
	// An exporter of an earlier version does not export how long before its end a certificate should be renewed.
	due := func(notice string, unless time.Duration) string {
		return left(`(min by ($check) ($expiry) - time() < (
					max by ($check) (` + notice + `) or 0 * min by ($check) ($expiry) + ` + rule.Seconds(unless) + `
				))`)
	}
	t := rule.Text{
		Summary: "A certificate is about to expire.",
		Description: `The first certificate among the targets of {{ $labels.check }} of {{ $labels.app_service }} in
			{{ $labels.environment }}
			expires in {{ $value | humanizeDuration }}; from then on every client refuses the service.
			Owner: {{ $labels.owner }}.
			First look: why the renewal did not run; the dashboard lists the targets by expiry.`,
	}
	rules := []rule.Rule{
		{Record: metric.CertificateLeft, Expr: left("min by ($check) (last_over_time($expiry[15m]) - time())")},
		{Record: metric.CertificateDue, Expr: due("$warning", certificateWarning)},
		{Record: metric.CertificateUrgent, Expr: due("$urgent", certificateUrgent)},
	}
	warned, urgent := metric.CertificateDue.Name, metric.CertificateUrgent.Name
	mostUrgent := metric.CertificateAlert.Priorities[0]
	for i, p := range metric.CertificateAlert.Priorities {
		r := rule.Rule{
			Alert: metric.CertificateAlert, Priority: p, Annotations: t.Annotations(), KeepFiringFor: certificateHold,
		}
		switch i {
		case 0: // the last days of what pages at P2 or more urgently
			r.Expr = urgent + rule.Braces(rule.PageMatcher(p, p))
		case 1: // the weeks before, and everything that pages at P3
			r.Expr = "(" + warned + rule.Braces(rule.PageMatcher(mostUrgent, mostUrgent)) + " unless " + urgent + ") or " +
				warned + rule.Braces(rule.PageMatcher("P1", p))
		default:
			r.Expr = warned + rule.Braces(rule.PageMatcher("P1", p))
		}
		rules = append(rules, r)
	}
	return rule.Group{Name: "thorbis-health-certificates", Interval: rule.WindowInterval, Rules: rules}
}
