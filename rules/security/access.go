package security

import (
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var accessNames = rule.Names{
	"access": rule.Join(metric.LabelEnvironment, metric.LabelAccess),
	"state":  rule.Join(metric.LabelEnvironment, metric.LabelAccess, metric.LabelState),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelAccess, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage),
	"owns": rule.Join(metric.LabelAppService, metric.LabelOwner, metric.LabelPage),

	"expected": metric.AccessExpected.Name,
	"age":      metric.AccessListAge.Name,
	"broken":   metric.AccessListBroken.Name,
	"missed":   missedAfter,

	"info":     rule.Held(metric.AccessInfo.Select()),
	"taken":    rule.Held(metric.AccessListTime.Select()),
	"bad":      rule.Held(metric.AccessState.Select(metric.LabelState + `!="` + metric.AccessOK + `"`)),
	"good":     rule.Held(metric.AccessState.Select(metric.LabelState + `="` + metric.AccessOK + `"`)),
	"interval": rule.Held(metric.AccessExpectedInterval.Select()),
	"overdue":  rule.Held(metric.AccountsOverdue.Select()),
}

// access records how lists of accounts fare and alerts on it. What one exporter can read is read, as of scans; of
// exporters that disagree, the one that counts more overdue accounts is believed.
func access() rule.Group {
	return rule.Group{Name: "thorbis-security-access", Interval: rule.WindowInterval, Rules: []rule.Rule{
		{Record: metric.AccessExpected, Expr: rule.Expand(`
			0 * topk by ($access) (1, max by ($owned) (`+rule.Urgencies("$info")+`)) + 1`, accessNames)},
		{Record: metric.AccessListAge, Expr: rule.Expand(`
			(time() - max by ($access) ($taken)) and on ($access) $expected`, accessNames)},
		{Record: metric.AccessListBroken, Expr: rule.Expand(`
			max by ($state) ($bad) == 1
			unless on ($access) (max by ($access) ($good) == 1)`, accessNames)},
		rule.Single(metric.AccessReviewAlert, rule.Expand(`
			(max by ($access) ($overdue) > 0) * on ($access) group_left ($owns) $expected`, accessNames), settled, rule.Text{
			Summary: "Accounts are not reviewed in time.",
			Description: `{{ $value }} accounts of ` + whose + ` have not been reviewed for longer than the policy permits, or
				never. Owner: {{ or $labels.owner "unknown" }}.
				First look: /api/v1/access/{{ $labels.access }} of the exporter lists them, the privileged ones first; remove
				what is not needed and record the review of the rest.`,
		}),
		rule.Single(metric.AccessUnknownAlert, rule.Expand(`
			(
				($broken == 1)
				or on ($access) (max by ($access) ($age) > on ($access) $missed * max by ($access) ($interval))
			) * on ($access) group_left ($owns) $expected`, accessNames), brokenFor, rule.Text{
			Summary: "Who has access is not known.",
			Description: `The list of accounts of ` + whose + `
				{{ with $labels.state }}cannot be read ({{ . }}){{ else }}is older than two of its intervals{{ end }}:
				accounts that were added since are not seen, and no review of them becomes overdue.
				Owner: {{ or $labels.owner "unknown" }}.
				First look: /api/v1/access of the exporter names the fault; then the job that exports the list.`,
		}),
	}}
}

// whose is what a description is about.
const whose = `{{ $labels.access }}{{ with $labels.app_service }} of {{ . }}{{ end }} in {{ $labels.environment }}`
