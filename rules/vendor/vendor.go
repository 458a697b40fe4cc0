// Package vendor judges what the status pages of vendors report.
package vendor

import (
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Thresholds of vendors.
const (
	// outageHold bridges restarts of exporters; an outage ends so much later. It is shorter than outageFor by more than a
	// blip of a page, which notifies no one.
	outageHold = "[3m]"
	// outageFor is how long a page reports an outage before somebody is notified: pages are corrected.
	outageFor = 5 * time.Minute
	// urgentAfter is how long an outage lasts that affects a service which pages at P1, in seconds.
	urgentAfter = "900"
	// unknownFor is how long a page may be unreadable: many are while everybody reads them.
	unknownFor = time.Hour
)

var names = rule.Names{
	"vendor": rule.Join(metric.LabelEnvironment, metric.LabelVendor),
	"owned":  rule.Join(metric.LabelEnvironment, metric.LabelVendor, metric.LabelOwner),
	"state":  rule.Join(metric.LabelEnvironment, metric.LabelVendor, metric.LabelState),
	"service": rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelVendor,
		metric.LabelPage),

	"expected":  metric.VendorExpected.Name,
	"trouble":   metric.VendorTroubleSince.Name,
	"outage":    metric.VendorOutage.Name,
	"monthDown": metric.VendorMonthDown.Name,

	"info":     held(metric.VendorInfo),
	"services": held(metric.VendorServiceInfo),
	"p1":       held(metric.VendorServiceInfo, metric.LabelPage+`="P1"`),
	"since":    metric.VendorSince.Select(oneOf(metric.VendorTroubles)),
	"outages":  "last_over_time(" + metric.VendorOutageSince.Select() + outageHold + ")",
	"known":    held(metric.VendorState, metric.LabelState+`!="`+metric.VendorUnknown+`"`),
	"month":    held(metric.VendorMonthSeconds, oneOf(metric.VendorOutages)),
	"promised": held(metric.VendorExpectedMonthDown),
	"after":    urgentAfter,
}

func oneOf(states []string) string {
	return metric.LabelState + `=~"` + strings.Join(states, "|") + `"`
}

func held(m *metric.Metric, matchers ...string) string { return rule.Held(m.Select(matchers...)) }

// Subject judges what vendors report.
var Subject = rule.Subject{File: "vendor.rules.yaml", Groups: func(*config.Policy) ([]rule.Group, error) {
	return []rule.Group{vendors()}, nil
}}

// vendors records what pages report and alerts on it. What one exporter has read of a page, it has: two of them are
// one vendor.
func vendors() rule.Group {
	rules := []rule.Rule{
		{Record: metric.VendorExpected, Expr: rule.Expand(`topk by ($vendor) (1, max by ($owned) ($info))`, names)},
		{Record: metric.VendorTroubleSince, Expr: rule.Expand(`topk by ($vendor) (1, max by ($state) ($since))`, names)},
		{Record: metric.VendorServiceTrouble, Expr: rule.Expand(`
			max by ($service) ($services) * on ($vendor) group_left (state) $trouble`, names)},
		{Record: metric.VendorOutage, Expr: rule.Expand(`
			min by ($vendor) ($outages) * on ($vendor) group_left (owner) $expected`, names)},
		{Record: metric.VendorMonthDown, Expr: rule.Expand(`max by ($vendor) (sum without (state) ($month))`, names)},
	}
	return rule.Group{Name: "thorbis-vendors", Interval: rule.WindowInterval, Rules: append(rules, alerts()...)}
}

// reported is what a description says of the state of a vendor.
var reported = `{{ range printf "` + metric.VendorTroubleSince.Name + `{environment=%q,vendor=%q}" ` +
	`$labels.environment $labels.vendor | query }}, now as {{ .Labels.state }}{{ end }}`

func alerts() []rule.Rule {
	t := rule.Text{
		Summary: "A vendor reports an outage.",
		Description: `The status page of {{ $labels.vendor }} has reported an outage since {{ $value | humanizeTimestamp }}` +
			reported + `; what depends on it in {{ $labels.environment }} may fail.
			First look: the vendor's page, then the dashboard Vendors: which services depend on it, and what users see.`,
	}
	urgent := rule.Expand(`($outage < time() - $after) and on ($vendor) $p1`, names)
	return []rule.Rule{
		{Alert: metric.VendorOutageAlert, Priority: "P2", Expr: urgent, Annotations: t.Annotations()},
		{
			Alert: metric.VendorOutageAlert, Priority: "P3", For: outageFor, Annotations: t.Annotations(),
			Expr: rule.Expand(`$outage unless on ($vendor) (`+urgent+`)`, names),
		},
		rule.Single(metric.VendorUnknownAlert, rule.Expand(`
			$expected unless on ($vendor) (max by ($vendor) ($known) == 1)`, names), unknownFor, rule.Text{
			Summary: "The state of a vendor is unknown.",
			Description: `The state of {{ $labels.vendor }} in {{ $labels.environment }} has been unknown for an hour: its
				outages are not seen, and no alert names them.
				First look: the exporter's status page: whether the page cannot be read, has another format, or lacks a component.`,
		}),
		rule.Single(metric.VendorPromiseAlert, rule.Expand(`
			($monthDown > on ($vendor) max by ($vendor) ($promised)) * on ($vendor) group_left (owner) $expected`, names),
			0, rule.Text{
				Summary: "A vendor was down for longer than it promises.",
				Description: `{{ $labels.vendor }} has been down for {{ $value | humanizeDuration }} of this calendar month, by
				its own status page; that is more than its promise permits.
				First look: the days in /api/v1/vendors/{{ $labels.vendor }}, and how the contract has credits claimed.`,
			}),
	}
}
