package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// ofScan selects the part of a series that is of the scans picked.
func ofScan(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedScan}, matchers...)...)
}

const (
	scansBy = "environment, scan"
	noScan  = "no scan has succeeded yet, or the policy has none"
	fixable = metric.LabelFixable + `="true"`
)

// findingColours are those of severities of findings.
var findingColours = map[string]string{
	metric.FindingCritical: red, metric.FindingHigh: orange, metric.FindingMedium: yellow, metric.FindingLow: blue,
	metric.FindingUnknown: grey,
}

// security shows what scanners for vulnerabilities report.
func security(*config.Policy) *dashboard.DashboardBuilder {
	b := page{
		uid: metric.SecurityDashboard, title: "Security", from: "now-30d", refresh: "1m",
		about: "What scanners for vulnerabilities report: findings by severity, whether they can be fixed, how old they " +
			"are beside what the policy permits, and whether the scans take place. Who has access, and when that was reviewed.",
		variables: []cog.Builder[dashboard.VariableModel]{
			environmentVariable(metric.ScanExpected),
			labelVariable(metric.LabelScan, "Scan", "What is scanned, by its configured name.",
				metric.ScanExpected.Select(pickedEnvironment)),
		},
	}.builder()
	row(b, "Now",
		exploited(5, "Known to be exploited", noScan, ofScan),
		number(words{
			title: "Critical", unit: units.Short, empty: noScan,
			about: "Critical findings that can be fixed.",
		}, 4, findingsOf(metric.Findings, fixable, severityIs(metric.FindingCritical)), "Critical",
			known(green, from(1, orange))),
		number(words{
			title: "High", unit: units.Short, empty: noScan,
			about: "Findings of high severity that can be fixed.",
		}, 4, findingsOf(metric.Findings, fixable, severityIs(metric.FindingHigh)), "High", known(green, from(1, yellow))),
		number(words{
			title: "Cannot be fixed", unit: units.Short, empty: noScan,
			about: "Findings of any severity for which no version without them exists.",
		}, 4, findingsOf(metric.Findings, metric.LabelFixable+`="false"`), "Unfixable", known("text")),
		number(words{
			title: "Failed scans", unit: units.Short, empty: "no scan is in the policy yet",
			about: "Reports that no exporter can use: what was found before is still counted, and new findings are not seen. " +
				"The exporter's log names the fault.",
		}, 4, fmt.Sprintf("count(%s) or 0 * count(%s)", ofScan(metric.ScanReportBroken), ofScan(metric.ScanExpected)),
			"Failed", known(green, from(1, yellow))),
		number(words{
			title: "Suppressed", unit: units.Short, empty: noScan,
			about: "Findings that are left out: by a VEX document, by the scanner's list, or because the code is not called.",
		}, 3, findingsOf(metric.FindingsSuppressed), "Suppressed", known("text")),
		scanTable(),
	)
	row(b, "Requests and secrets", refusedShare(8, inEnvironment), failedLogins(8, inEnvironment),
		postsRefused(8, inEnvironment), refusedTenants(12, inEnvironment), refused(12, inEnvironment), secretTable())
	row(b, "Access", accessTable())
	row(b, "Over time",
		coloured(manyLines(words{
			title: "Findings", unit: units.Short, empty: noScan,
			about: "Findings by severity, those that cannot be fixed included.",
		}, 12, query("A", fmt.Sprintf("sum by (finding_severity) (max by (%s, finding_severity, fixable) (%s))", scansBy,
			ofScan(metric.Findings)), "{{finding_severity}}")).Min(0), findingColours),
		coloured(manyLines(words{
			title: "Age of the oldest finding", unit: units.Seconds, empty: "nothing that can be fixed is known yet",
			about: "Age of the oldest finding that can be fixed, by severity, of all scans picked. security.max_age permits " +
				"so much.",
		}, 12, query("A", fmt.Sprintf("time() - min by (environment, finding_severity) (%s)",
			ofScan(metric.FindingOldest, fixable)), "{{finding_severity}}")).Min(0), findingColours),
		manyLines(words{
			title: "Age of scans", unit: units.Seconds, empty: noScan,
			about: "How long ago the newest scan that succeeded was made. After two intervals it is missed.",
		}, 24, query("A", ofScan(metric.ScanReportAge), "{{scan}}: {{report}}")).Min(0),
	)
	return b
}

func severityIs(severity string) string {
	return fmt.Sprintf("%s=%q", metric.LabelFindingSeverity, severity)
}

// findingsOf adds up the findings of all scans picked; exporters that read the same reports agree.
func findingsOf(m *metric.Metric, matchers ...string) string {
	return fmt.Sprintf("sum(max by (%s, finding_severity, fixable) (%s))", scansBy, ofScan(m, matchers...))
}

func scanTable() panel {
	owned := func(expr string) string {
		return fmt.Sprintf("(%s) * on (%s) group_left (app_service, owner) %s", expr, scansBy, ofScan(metric.ScanExpected))
	}
	count := func(m *metric.Metric, matchers ...string) string {
		return owned(fmt.Sprintf("sum by (%s) (max by (%[1]s, finding_severity, fixable) (%s))", scansBy,
			ofScan(m, matchers...)))
	}
	return figures(words{
		title: "Scans", unit: units.Short, empty: "No scan is in the policy yet",
		about: fmt.Sprintf("What each scan (at most %d) found, those with most to fix first.", rows),
		whenRed: "It is known to be exploited and could have been fixed for longer than the policy permits: the scanner's " +
			"report names the package and its version.",
	}, 24, 8, []key{
		byEnvironment, {label: metric.LabelScan, title: "Scan"}, {label: metric.LabelAppService, title: "Service"}, byOwner,
	},
		column{
			title: "To fix", unit: units.Short, empty: "not known",
			expr: owned(fmt.Sprintf("topk(%d, sum by (%s) (max by (%[2]s, finding_severity, fixable) (%s)))", rows, scansBy,
				ofScan(metric.Findings, fixable))),
		},
		column{title: "Critical", unit: units.Short, empty: "not known", expr: count(metric.Findings,
			fixable, severityIs(metric.FindingCritical)), colours: atLeast(1, orange)},
		column{title: "High", unit: units.Short, empty: "not known", expr: count(metric.Findings, fixable,
			severityIs(metric.FindingHigh)), colours: atLeast(1, yellow)},
		column{
			title: "Exploited", unit: units.Short, empty: "not known", expr: count(metric.FindingsExploited, fixable),
			colours: atLeast(1, yellow),
		},
		column{
			title: "Of permitted age", unit: units.PercentUnit, empty: "none", colours: atLeast(1, red), decimals: whole,
			expr: owned(fmt.Sprintf("%s / on (environment) group_left () max by (environment) (%s)",
				ofScan(metric.FindingExploitedAge), inEnvironment(metric.FindingExploitedExpectedMaxAge))),
		},
		column{
			title: "Oldest to fix", unit: units.Seconds, empty: "none",
			expr: owned(fmt.Sprintf("time() - min by (%s) (%s)", scansBy, ofScan(metric.FindingOldest, fixable))),
		},
		column{title: "Cannot be fixed", unit: units.Short, empty: "not known", expr: count(metric.Findings,
			metric.LabelFixable+`="false"`)},
		column{
			title: "Last scan", unit: units.DateTimeFromNow, empty: "never",
			expr: owned(fmt.Sprintf("1000 * min by (%s) (%s)", scansBy, ofScan(metric.ScanReportTime))),
		},
	)
}

// exploited counts the findings that are known to be exploited and can be fixed, and the scans with one that has been
// known for longer than the policy permits: for those somebody is paged. There may be more counts.
func exploited(width uint32, title, empty string, of func(selecter, ...string) string,
	more ...*prometheus.DataqueryBuilder,
) *stat.PanelBuilder {
	expected := of(metric.ScanExpected)
	return numbers(words{
		title: title, unit: units.Short, empty: empty,
		about: "Findings that are known to be exploited and can be fixed, and the scans of which one is overdue: known " +
			"for longer than the policy permits.",
		whenRed: "Others are attacked through it: update what /api/v1/scans of the exporter names, or take it off the " +
			"internet.",
	}, width, known(green, from(1, red)), append([]*prometheus.DataqueryBuilder{
		query("A", fmt.Sprintf("sum(max by (%s) (%s)) or 0 * count(%s)", scansBy, of(metric.FindingsExploited, fixable),
			expected), "exploited"),
		query("B", fmt.Sprintf("count(%s > on (environment) group_left () max by (environment) (%s)) or 0 * count(%s)",
			of(metric.FindingExploitedAge), inEnvironment(metric.FindingExploitedExpectedMaxAge), expected), "overdue"),
	}, more...)...).OverrideByName("exploited", yellowFromOne())
}

func yellowFromOne() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "thresholds", Value: dashboard.ThresholdsConfig{
		Mode: dashboard.ThresholdsModeAbsolute, Steps: atLeast(1, yellow),
	}}}
}

// securityNow is the cell of the overview: what somebody has to act on.
func securityNow() panel {
	return exploited(4, "Security", "No scan has succeeded yet", inEnvironment,
		query("C", fmt.Sprintf("count(%s) or 0 * count(%s)", inEnvironment(metric.ScanReportBroken),
			inEnvironment(metric.ScanExpected)), "failed"),
	).OverrideByName("failed", yellowFromOne()).DataLinks(more(metric.SecurityDashboard))
}
