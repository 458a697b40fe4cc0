package slo

import (
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// unknownWindow and unknownFloor bound when requests of unknown hosts count. They must be most of the requests in
	// the window, and at least the floor: a scanner's few requests are most of an idle service's.
	unknownWindow = 5 * time.Minute
	unknownFloor  = 100
	unknownShare  = "0.5"
)

// unknownNames are the records of requests whose host no tenant owns.
var unknownNames = rule.Names{
	"known":      metric.KnownRequests.Name,
	"unknown":    metric.UnknownRequests.Name,
	"unknownBad": metric.UnknownBad.Name,
	"most":       metric.UnknownMost.Name,
	"window":     rule.Span(unknownWindow),
	"floor":      strconv.Itoa(unknownFloor),
	"share":      unknownShare,
}

// unknownRequests records the steps of requests whose host no tenant owns, and while they are most of a service's.
// They belong to the service then: its registry is wrong, or a domain is missing. Each step is decided on by itself
// and added to totals that only grow. So neither the beginning nor the end of such a time gives credit.
func unknownRequests(slos []requestSLO) []rule.Rule {
	rules := []rule.Rule{
		{Record: metric.UnknownRequests, Expr: rule.Expand(
			`sum by ($service) (`+rule.Counted(metric.TenantRequests.Select(rule.UnknownHosts), rule.TotalsInterval)+`)`, nil)},
		{Record: metric.KnownRequests, Expr: rule.Expand(`
			sum by ($service) ($tenantStep) or 0 * $unknown`, rule.Names{
			"tenantStep": metric.TenantRequestsTotals.Step.Name, "unknown": metric.UnknownRequests.Name,
		})},
		{Record: metric.UnknownMost, Expr: rule.Expand(`
			sum_over_time($unknown[$window])
			/ (sum_over_time($unknown[$window]) + sum_over_time($known[$window]) > 0)
			> $share
			and sum_over_time($unknown[$window]) >= $floor`, unknownNames)},
	}
	for _, s := range slos {
		rules = append(rules, rule.Rule{
			Record: metric.UnknownBad, Labels: map[string]string{metric.LabelSLO: s.name},
			Expr: rule.Unplanned(
				rule.Expand(`sum by ($service) (`+rule.Counted(s.bad(rule.UnknownHosts), rule.TotalsInterval)+`) > 0`, nil), ""),
		})
	}
	return rules
}

// withUnknown adds requests of unknown hosts to those of tenants at some level, for services that a condition selects.
func withUnknown(known, unknown, level, while string) string {
	return rule.Expand(`
		(
			($known) + on ($level) (($unknown) and on ($service) $while)
			or on ($level)
			$known
		)`, rule.Names{"known": known, "unknown": unknown, "level": rule.Levels[level], "while": while})
}
