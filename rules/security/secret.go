package security

import (
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var secretNames = rule.Names{
	"secret": rule.Join(metric.LabelEnvironment, metric.LabelSecret),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelSecret, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage),
	"owns": rule.Join(metric.LabelAppService, metric.LabelOwner, metric.LabelPage),

	"expected": metric.SecretExpected.Name,
	"left":     metric.SecretLeft.Name,
	"info":     rule.Held(metric.SecretInfo.Select()),
	"expiry":   rule.Held(metric.SecretExpiry.Select()),
	"warning":  rule.Held(metric.SecretExpectedWarning.Select()),
	"urgent":   rule.Held(metric.SecretExpectedUrgent.Select()),
}

// secrets records when secrets end and alerts on it. Exporters that know different dates have different policies: a
// reload is under way, and the latest date is that of the replacement.
func secrets() rule.Group {
	before := func(notice string) string {
		return rule.Expand(`
			($left < max by ($secret) (`+notice+`))
			* on ($secret) group_left ($owns) $expected`, secretNames)
	}
	rules := []rule.Rule{
		{Record: metric.SecretExpected, Expr: rule.Expand(`
			0 * topk by ($secret) (1, max by ($owned) (`+rule.Urgencies("$info")+`)) + 1`, secretNames)},
		{Record: metric.SecretLeft, Expr: rule.Expand(`max by ($secret) ($expiry) - time()`, secretNames)},
		{Record: metric.SecretDue, Expr: before("$warning")},
		{Record: metric.SecretUrgent, Expr: before("$urgent")},
	}
	return rule.Group{Name: "thorbis-security-secrets", Interval: rule.WindowInterval, Rules: append(rules,
		rule.Expiring(metric.SecretExpiringAlert, metric.SecretDue.Name, metric.SecretUrgent.Name, rule.Text{
			Summary: "A secret ends.",
			Description: `{{ $labels.secret }}{{ with $labels.app_service }} of {{ . }}{{ end }} in {{ $labels.environment }}
				{{ if lt $value 0.0 }}has ended: whatever uses it is refused{{ else }}ends in
				{{ $value | humanizeDuration }}; whatever uses it is refused then{{ end }}.
				Owner: {{ or $labels.owner "unknown" }}. First look: make a new one where it was issued, let both be accepted for a
				while, then write the new date under security.secrets.`,
		})...)}
}
