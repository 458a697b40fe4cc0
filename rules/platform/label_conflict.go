package platform

import (
	"fmt"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Labels of a scrape job win over those of the scraped page unless the job sets honor_labels: Prometheus renames ours
// to exported_<label>. A job of labels: {environment: prod} then hides every series from rules that judge "production",
// one of labels: {location: dc1} makes all locations one. Nothing is wrong with what is watched, so the conflict itself
// is reported, and the alerts that it would raise wait.

// replaceable are the labels of ours that scrape jobs set and that rules join on, by the record of the targets that
// lost one of them.
var replaceable = []struct {
	record *metric.Record
	labels []string
}{
	{metric.LabelConflictService, []string{metric.LabelAppService, metric.LabelBackup, metric.LabelTenant}},
	{metric.LabelConflictCheck, []string{metric.LabelCheck, metric.LabelHost, metric.LabelLocation}},
	{metric.LabelConflictOwner, []string{metric.LabelOwner, metric.LabelPage, metric.LabelTier}},
}

// exported returns the name under which Prometheus keeps a label that the scrape job replaced.
func exported(label string) string { return "exported_" + label }

// labelConflicts counts targets whose series have lost a label to their scrape job.
func labelConflicts(p *config.Policy) []rule.Rule {
	var rules []rule.Rule
	counted := []string{rule.Expand(`
		label_replace(label_replace(
			group by (job, instance) ($policy),
			"label", "environment", "", ""), "environment", "$environment", "", "")`, rule.Names{
		"policy": metric.PolicyInfo.Select(rule.OtherEnvironments(p.Environment),
			fmt.Sprintf("%s=%q", exported(metric.LabelEnvironment), p.Environment)),
		"environment": p.Environment,
	})}
	for _, some := range replaceable {
		var terms []string
		for _, label := range some.labels {
			terms = append(terms, rule.Expand(`
		label_replace({__name__=~"thorbis_.+",$exported!=""}, "label", "$label", "", "")`,
				rule.Names{"exported": exported(label), "label": label}))
		}
		rules = append(rules, rule.Rule{
			Record: some.record,
			Expr:   "group by (environment, job, instance, label) (" + strings.Join(terms, "\n\t\tor") + "\n)",
		})
		counted = append(counted, "\n\t\t"+some.record.Name)
	}
	return append(rules, rule.Rule{
		Record: metric.LabelConflict, Expr: "count by (environment, label) (" + strings.Join(counted, "\n\t\tor") + "\n)",
	})
}

// labelConflictAlerts reports the conflict: as a page where it hides everything from the rules, so that no outage
// pages.
func labelConflictAlerts() []rule.Rule {
	t := rule.Text{
		Summary: "A scrape job replaces labels of the exporter.",
		Description: `{{ $value }} target(s) of {{ $labels.environment }} have lost the label {{ $labels.label }} to their
			scrape job, so rules use the wrong {{ $labels.label }}.
			If the environment is replaced, no outage pages. Find them: count by (job, instance) ({__name__=~"thorbis_.+",
			exported_{{ $labels.label }}!=""}).
			First thing to do: set honor_labels: true on that scrape job (honorLabels in a PodMonitor or ServiceMonitor),
			or remove the label from it.`,
	}
	hidden := rule.Single(metric.LabelConflictAlert, metric.LabelConflict.Select(`label="environment"`)+" > 0",
		rule.Patience, t)
	misread := rule.Single(metric.LabelConflictAlert, metric.LabelConflict.Select(`label!="environment"`)+" > 0",
		rule.Patience, t)
	misread.Priority = metric.LabelConflictAlert.Priorities[1]
	return rule.Lasting([]rule.Rule{hidden, misread})
}
