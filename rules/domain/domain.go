// Package domain judges registrations of domains.
package domain

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Thresholds of domains. What is expected of the time before the expiry, each exporter exports.
const (
	// domainHold bridges restarts of exporters: what they know of a registration is the same afterwards.
	domainHold = "15m"
	// domainMissed is how many look-ups in a row a registry must not have reported.
	domainMissed = "3"
	// domainPatience is how long the expiry may be unknown: many domains of one registry are looked up one after the
	// other.
	domainPatience = 12 * time.Hour
)

var domainNames = rule.Names{
	"domain": rule.Join(metric.LabelEnvironment, metric.LabelDomain),
	"owned": rule.Join(metric.LabelEnvironment, metric.LabelDomain, metric.LabelTenant, metric.LabelAppService,
		metric.LabelOwner, metric.LabelPage),
	"owns":     rule.Join(metric.LabelTenant, metric.LabelAppService, metric.LabelOwner, metric.LabelPage),
	"statuses": rule.Join(metric.LabelEnvironment, metric.LabelDomain, metric.LabelStatus),

	"expected": metric.DomainExpected.Name,
	"left":     metric.DomainLeft.Name,
	"lost":     metric.DomainLost.Name,
	"age":      metric.DomainAge.Name,

	"expiry":   lastDomain(metric.DomainExpiry),
	"reported": lastDomain(metric.DomainLastSuccess),
	"warning":  lastDomain(metric.DomainExpectedWarning),
	"urgent":   lastDomain(metric.DomainExpectedUrgent),
	"interval": lastDomain(metric.DomainExpectedInterval),
	"lostOnes": lastDomain(metric.DomainStatus, metric.LabelStatus+`=~"`+strings.Join(metric.DomainLostStatuses, "|")+`"`),
	"missed":   domainMissed,
}

// lastDomain returns the newest value of a series on domains, also while its exporter restarts.
func lastDomain(m *metric.Metric, matchers ...string) string {
	return "last_over_time(" + m.Select(matchers...) + "[" + domainHold + "])"
}

// Subject judges registrations of domains.
var Subject = rule.Subject{File: "domain.rules.yaml", Groups: func(*config.Policy) ([]rule.Group, error) {
	return []rule.Group{domains()}, nil
}}

// domains records what is known of registrations of domains and alerts on it. Exporters that know different dates
// have looked a domain up at different times; the latest date is that of the renewal.
func domains() rule.Group {
	left := func(notice string) string {
		return rule.Expand(`
			($left < max by ($domain) (`+notice+`))
			* on ($domain) group_left ($owns) $expected
			unless on ($domain) $lost`, domainNames)
	}
	rules := []rule.Rule{
		{Record: metric.DomainExpected, Expr: rule.Expand(`
			0 * topk by ($domain) (1, max by ($owned) (
				`+rule.Urgencies(lastDomain(metric.DomainInfo))+`
			)) + 1`, domainNames)},
		{Record: metric.DomainLeft, Expr: rule.Expand(`max by ($domain) ($expiry) - time()`, domainNames)},
		{Record: metric.DomainAge, Expr: rule.Expand(`time() - max by ($domain) ($reported)`, domainNames)},
		{Record: metric.DomainLost, Expr: rule.Expand(`
			(sum by ($domain) (max by ($statuses) ($lostOnes)) > 0)
			* on ($domain) group_left ($owns) $expected`, domainNames)},
		{Record: metric.DomainDue, Expr: left("$warning")},
		{Record: metric.DomainUrgent, Expr: left("$urgent")},
		{Record: metric.DomainUnknown, Expr: rule.Expand(`
			$expected unless on ($domain) $left
			or
			$expected and on ($domain) $interval unless on ($domain) $age
			or
			$expected and on ($domain) ($age > $missed * max by ($domain) ($interval))`, domainNames)},
	}
	return rule.Group{Name: "thorbis-domains", Interval: rule.WindowInterval, Rules: append(rules, domainAlerts()...)}
}

// domainAlerts returns the alerts on registrations.
func domainAlerts() []rule.Rule {
	rules := rule.ByPage(metric.DomainLostAlert, "P1", 0, rule.Text{
		Summary: "A domain is on hold or about to be lost.",
		Description: `The registry reports {{ $labels.domain }}{{ with $labels.tenant }} of tenant {{ . }}{{ end }} in
			{{ $labels.environment }} as on hold, without name servers, deleted or pending deletion;
			it does not resolve, and a deleted domain can be restored for a few weeks only. Owner: {{ $labels.owner }}.
			First look: thorbis_domain_status{domain="{{ $labels.domain }}"} == 1 names the status; then the registrar's account:
			an unpaid renewal, an unconfirmed address of the owner, a dispute.`,
	}, func(page string) string { return metric.DomainLost.Name + rule.Braces(page) + " > 0" })
	rules = append(rules, domainExpiringAlerts()...)
	return append(rules,
		rule.Single(metric.DomainUnknownAlert, metric.DomainUnknown.Name+" > 0", domainPatience, rule.Text{
			Summary: "The registration of a domain is unknown.",
			Description: `The expiry of {{ $labels.domain }}{{ with $labels.tenant }} of tenant {{ . }}{{ end }} in
				{{ $labels.environment }} is unknown, or its registry has never reported, or not for three look-ups;
				its expiry would not be noticed.
				First look: the exporter's log names the reason; where the registry publishes no date, write it as expires under
				domains.names.`,
		}))
}

// domainExpiringAlerts returns the rules by the time left.
func domainExpiringAlerts() []rule.Rule {
	t := rule.Text{
		Summary: "The registration of a domain expires.",
		Description: `{{ $labels.domain }}{{ with $labels.tenant }} of tenant {{ . }}{{ end }} in {{ $labels.environment }}
			{{ if lt $value 0.0 }}has expired: everything below it stops resolving{{ else }}expires in
			{{ $value | humanizeDuration }}; everything below it stops resolving then{{ end }}. Owner: {{ $labels.owner }}.
			First look: why it is not renewed automatically: the registrar's account, its means of payment and its mail.`,
	}
	return rule.Expiring(metric.DomainExpiringAlert, metric.DomainDue.Name, metric.DomainUrgent.Name, t)
}
