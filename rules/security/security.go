// Package security judges what scanners for vulnerabilities report, whether access is reviewed, and when secrets end.
package security

import (
	"maps"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// brokenFor is how long a report may be unusable: scanners that write in place take minutes.
	brokenFor = 30 * time.Minute
	// missedAfter is how many intervals may pass without a scan.
	missedAfter = "2"
	// settled bridges restarts of exporters.
	settled = 5 * time.Minute
)

var names = rule.Names{
	"scan":     rule.Join(metric.LabelEnvironment, metric.LabelScan),
	"report":   rule.Join(metric.LabelEnvironment, metric.LabelScan, metric.LabelReport),
	"severity": rule.Join(metric.LabelEnvironment, metric.LabelScan, metric.LabelFindingSeverity),
	"rated":    rule.Join(metric.LabelEnvironment, metric.LabelFindingSeverity),
	"state":    rule.Join(metric.LabelEnvironment, metric.LabelScan, metric.LabelReport, metric.LabelState),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelScan, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage),
	"owns": rule.Join(metric.LabelAppService, metric.LabelOwner, metric.LabelPage),

	"expected":     metric.ScanExpected.Name,
	"age":          metric.ScanReportAge.Name,
	"broken":       metric.ScanReportBroken.Name,
	"findingAge":   metric.FindingAge.Name,
	"exploitedAge": metric.FindingExploitedAge.Name,
	"missed":       missedAfter,

	"info":         rule.Held(metric.ScanInfo.Select()),
	"scanned":      rule.Held(metric.ScanReportTime.Select()),
	"bad":          rule.Held(metric.ScanReportState.Select(metric.LabelState + `!="` + metric.ScanOK + `"`)),
	"good":         rule.Held(metric.ScanReportState.Select(metric.LabelState + `="` + metric.ScanOK + `"`)),
	"interval":     rule.Held(metric.ScanExpectedInterval.Select()),
	"oldest":       rule.Held(metric.FindingOldest.Select(metric.LabelFixable + `="true"`)),
	"maxAge":       rule.Held(metric.FindingExpectedMaxAge.Select()),
	"exploited":    rule.Held(metric.FindingExploitedOldest.Select(metric.LabelFixable + `="true"`)),
	"exploitedMax": rule.Held(metric.FindingExploitedExpectedMaxAge.Select()),
}

// Subject judges what scanners and lists of accounts report, and when secrets end.
var Subject = rule.Subject{File: "security.rules.yaml", Groups: func(*config.Policy) ([]rule.Group, error) {
	return []rule.Group{scans(), secrets(), access()}, nil
}}

// scans records what scanners report and alerts on it. What one exporter can read of an artefact is read: another may
// lack its files.
func scans() rule.Group {
	rules := []rule.Rule{
		{Record: metric.ScanExpected, Expr: rule.Expand(`
			0 * topk by ($scan) (1, max by ($owned) (`+rule.Urgencies("$info")+`)) + 1`, names)},
		{Record: metric.ScanReportAge, Expr: rule.Expand(`
			(time() - max by ($report) ($scanned)) and on ($scan) $expected`, names)},
		{Record: metric.ScanReportBroken, Expr: rule.Expand(`
			max by ($state) ($bad) == 1
			unless on ($report) (max by ($report) ($good) == 1)`, names)},
		{Record: metric.FindingAge, Expr: rule.Expand(`time() - min by ($severity) ($oldest)`, names)},
		{Record: metric.FindingExploitedAge, Expr: rule.Expand(`time() - min by ($scan) ($exploited)`, names)},
	}
	return rule.Group{Name: "thorbis-security-scans", Interval: rule.WindowInterval, Rules: append(rules, alerts()...)}
}

// who begins the description of an alert.
const who = `{{ $labels.scan }}{{ with $labels.app_service }} of {{ . }}{{ end }} in {{ $labels.environment }}`

func alerts() []rule.Rule {
	rules := []rule.Rule{
		rule.Single(metric.ScanMissedAlert, rule.Expand(`
			(max by ($scan) ($age) > on ($scan) $missed * max by ($scan) ($interval))
			* on ($scan) group_left ($owns) $expected`, names), settled, rule.Text{
			Summary: "An artefact is no longer scanned for vulnerabilities.",
			Description: who + ` was last scanned with success {{ $value | humanizeDuration }} ago, more than two of its
				intervals; what was published since is not looked for. Owner: {{ or $labels.owner "unknown" }}.
				First look: the scheduler that runs the scanner, then its log.`,
		}),
		rule.Single(metric.ScanFailedAlert, rule.Expand(`
			($broken == 1) * on ($scan) group_left ($owns) $expected`, names), brokenFor, rule.Text{
			Summary: "A scan for vulnerabilities has failed.",
			Description: `The report {{ $labels.report }} of ` + who + ` cannot be used ({{ $labels.state }}). What was found
				before is still shown, and new findings are not. Owner: {{ or $labels.owner "unknown" }}.
				First look: the exporter's log names the fault; then run the scanner by hand.`,
		}),
	}
	rules = append(rules, rule.ByPage(metric.FindingExploitedAlert, "P1", settled, rule.Text{
		Summary: "A vulnerability that is known to be exploited is not fixed in time.",
		Description: who + ` has had a vulnerability for {{ $value | humanizeDuration }} that is known to be exploited and
			that a newer version fixes, longer than the policy permits. Owner: {{ or $labels.owner "unknown" }}.
			First look: /api/v1/scans/{{ $labels.scan }} of the exporter lists it first; update the package, or take what is
			exposed off the internet.`,
	}, func(page string) string {
		return rule.Expand(`
			($exploitedAge > on (environment) group_left () max by (environment) ($exploitedMax))
			* on ($scan) group_left ($owns) ($expected`+rule.Braces(page)+`)`, names)
	})...)
	return append(rules, overdue("P3", metric.FindingCritical+"|"+metric.FindingHigh),
		overdue("P4", metric.FindingMedium+"|"+metric.FindingLow))
}

// overdue returns the alert on findings of some severities.
func overdue(priority, severities string) rule.Rule {
	t := rule.Text{
		Summary: "A vulnerability is not fixed in time.",
		Description: `The oldest {{ $labels.finding_severity }} vulnerability of ` + who + ` that a newer version fixes has
			been known for {{ $value | humanizeDuration }}, longer than the policy permits.
			Owner: {{ or $labels.owner "unknown" }}.
			First look: /api/v1/scans/{{ $labels.scan }} of the exporter; update the package, or state in a VEX document why it
			does not matter.`,
	}
	n := rule.Names{"some": metric.FindingAge.Name + rule.Braces(metric.LabelFindingSeverity+`=~"`+severities+`"`)}
	maps.Copy(n, names)
	return rule.Rule{
		Alert: metric.FindingOverdueAlert, Priority: priority, For: settled, Annotations: t.Annotations(),
		Expr: rule.Expand(`
			($some > on ($rated) group_left () max by ($rated) ($maxAge))
			* on ($scan) group_left ($owns) $expected`, n),
	}
}
