package rules

import (
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	ownTenants   = metric.LabelTenant + `!="` + metric.TenantUnknown + `"`
	unknownHosts = metric.LabelTenant + `="` + metric.TenantUnknown + `"`

	// unknownWindow and unknownFloor bound when requests of unknown hosts count. They must be most of the requests in
	// the window, and at least the floor: a scanner's few requests are most of an idle service's.
	unknownWindow = 5 * time.Minute
	unknownFloor  = 100
	unknownShare  = "0.5"
)

// unknownNames are the records of requests whose host no tenant owns.
var unknownNames = names{
	"known":      metric.KnownRequests.Name,
	"unknown":    metric.UnknownRequests.Name,
	"unknownBad": metric.UnknownBad.Name,
	"most":       metric.UnknownMost.Name,
	"window":     span(unknownWindow),
	"floor":      strconv.Itoa(unknownFloor),
	"share":      unknownShare,
}

// unknownRequests records the steps of requests whose host no tenant owns, and while they are most of a service's.
// They belong to the service then: its registry is wrong, or a domain is missing. Each step is decided on by itself
// and added to totals that only grow. So neither the beginning nor the end of such a time gives credit.
func unknownRequests(slos []requestSLO) []Rule {
	rules := []Rule{
		{Record: metric.UnknownRequests, Expr: expand(
			`sum by ($service) (`+counted(metric.TenantRequests.Select(unknownHosts), ledgerInterval)+`)`, nil)},
		{Record: metric.KnownRequests, Expr: expand(`
			sum by ($service) ($tenantStep) or 0 * $unknown`, names{
			"tenantStep": metric.TenantRequestsLedger.Step.Name, "unknown": metric.UnknownRequests.Name,
		})},
		{Record: metric.UnknownMost, Expr: expand(`
			sum_over_time($unknown[$window])
			/ (sum_over_time($unknown[$window]) + sum_over_time($known[$window]) > 0)
			> $share
			and sum_over_time($unknown[$window]) >= $floor`, unknownNames)},
	}
	for _, s := range slos {
		rules = append(rules, Rule{
			Record: metric.UnknownBad, Labels: map[string]string{metric.LabelSLO: s.name},
			Expr: unplanned(expand(`sum by ($service) (`+counted(s.bad(unknownHosts), ledgerInterval)+`) > 0`, nil), ""),
		})
	}
	return rules
}

// withUnknown adds requests of unknown hosts to those of tenants at some level, for services that a condition selects.
func withUnknown(known, unknown, level, while string) string {
	return expand(`
		(
			($known) + on ($level) (($unknown) and on ($service) $while)
			or on ($level)
			$known
		)`, names{"known": known, "unknown": unknown, "level": levels[level], "while": while})
}
