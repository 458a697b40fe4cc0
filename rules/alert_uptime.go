package rules

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

func uptimeBurnAlerts() []Rule {
	var rules []Rule
	for _, t := range burnTiers {
		for _, r := range byPage(metric.UptimeBurnAlert, t.priority, t.wait, text{
			summary: "Short outages are burning the uptime budget.",
			description: fmt.Sprintf(`{{ $labels.check }} of {{ $labels.app_service }}{{ with $labels.tenant }} for tenant {{ . }}{{ end }} in {{ $labels.environment }}
				burns its budget {{ $value | printf "%%.1f" }} times as fast as allowed over %s, by outages too short to page. Owner: {{ $labels.owner }}.`, t.long) + budgetText + `
				First look: the failure reasons on the dashboard over the last hours; flapping is most often one bad instance behind a balancer, or a timeout too near.`,
		}, func(page string) string {
			return metric.UptimeBurning[t.name].Name + braces(page) + " > 0"
		}) {
			r.Labels = map[string]string{metric.LabelBurnTier: t.name}
			rules = append(rules, r)
		}
	}
	return rules
}

func braces(matcher string) string {
	if matcher == "" {
		return ""
	}
	return "{" + matcher + "}"
}

// certificates records how long the certificates of each check last, and of those that should have been renewed by now, and
// alerts on these. All targets of a check are in one alert: tenants often share one certificate.
func certificates() Group {
	n := names{
		"expiry": metric.HealthCheckCertificateExpiry.Name, "expected": metric.CheckExpected.Name,
		"warning": metric.HealthCheckExpectedCertificateWarning.Name, "urgent": metric.HealthCheckExpectedCertificateUrgent.Name,
	}
	left := func(condition string) string {
		return expand(`
			min by ($paged) (
				`+condition+`
				* on ($check) group_left (owner, page) ($expected > bool 0)
			)`, n)
	}
	// An exporter of an earlier version does not export how long before its end a certificate should be renewed.
	due := func(notice string, unless time.Duration) string {
		return left(`(min by ($check) ($expiry) - time() < on ($check) (
					max by ($check) (` + notice + `) or on ($check) 0 * min by ($check) ($expiry) + ` + seconds(unless) + `
				))`)
	}
	t := text{
		summary: "A certificate is about to expire.",
		description: `The first certificate among the targets of {{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }}
			expires in {{ $value | humanizeDuration }}; from then on every client refuses the service. Owner: {{ $labels.owner }}.
			First look: why the renewal did not run; the dashboard lists the targets by expiry.`,
	}
	rules := []Rule{
		{Record: metric.CertificateLeft, Expr: left("min by ($check) (last_over_time($expiry[15m]) - time())")},
		{Record: metric.CertificateDue, Expr: due("$warning", certificateWarning)},
		{Record: metric.CertificateUrgent, Expr: due("$urgent", certificateUrgent)},
	}
	warned, urgent := metric.CertificateDue.Name, metric.CertificateUrgent.Name
	mostUrgent := metric.CertificateAlert.Priorities[0]
	for i, p := range metric.CertificateAlert.Priorities {
		rule := Rule{Alert: metric.CertificateAlert, Priority: p, Annotations: t.annotations(), KeepFiringFor: certificateHold}
		switch i {
		case 0: // the last days of what pages at P2 or more urgently
			rule.Expr = urgent + braces(pageMatcher(p, p))
		case 1: // the weeks before, and everything that pages at P3
			rule.Expr = "(" + warned + braces(pageMatcher(mostUrgent, mostUrgent)) + " unless " + urgent + ") or " + warned + braces(pageMatcher("P1", p))
		default:
			rule.Expr = warned + braces(pageMatcher("P1", p))
		}
		rules = append(rules, rule)
	}
	return Group{Name: "thorbis-health-certificates", Interval: windowInterval, Rules: rules}
}
