package rules

import (
	"fmt"

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

// certificates records how long the certificates of each check last and tells in time. All targets of a
// check are told of together: tenants often share one certificate.
func certificates() Group {
	record := Rule{Record: metric.CertificateLeft, Expr: expand(`
		min by ($paged) (
			min by ($check) (last_over_time($expiry[15m]) - time())
			* on ($check) group_left (owner, page) ($expected > bool 0)
		)`, names{"expiry": metric.HealthCheckCertificateExpiry.Name, "expected": metric.CheckExpected.Name})}

	t := text{
		summary: "A certificate is about to expire.",
		description: `The first certificate among the targets of {{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }}
			expires in {{ $value | humanizeDuration }}; from then on every client refuses the service. Owner: {{ $labels.owner }}.
			First look: why the renewal did not run; the dashboard lists the targets by expiry.`,
	}
	left := metric.CertificateLeft.Name
	soon, early := certificateFloors[0], certificateFloors[1]
	rules := []Rule{record}
	for i, p := range metric.CertificateAlert.Priorities {
		rule := Rule{Alert: metric.CertificateAlert, Priority: p, Annotations: t.annotations()}
		switch i {
		case 0: // the last days of what pages at P2 or more urgently
			rule.Expr = left + braces(pageMatcher(p, p)) + " < " + seconds(soon.left)
		case 1: // the weeks before, and everything that pages at P3
			rule.Expr = left + braces(pageMatcher(soon.priority, soon.priority)) + " < " + seconds(early.left) +
				" >= " + seconds(soon.left) + " or " + left + braces(pageMatcher("P1", p)) + " < " + seconds(early.left)
		default:
			rule.Expr = left + braces(pageMatcher("P1", p)) + " < " + seconds(early.left)
		}
		rules = append(rules, rule)
	}
	return Group{Name: "thorbis-health-certificates", Interval: windowInterval, Rules: rules}
}
