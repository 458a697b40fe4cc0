package slo

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// requestSLOs are the objectives that every service with requests has.
type requestSLO struct {
	name string
	bad  func(tenants string) string // selects the counters of bad requests of some tenants
	late func(tenants string) string // selects those of late requests; nil if they are not divided by it
	// measured selects what must exist for requests to be judged at all; empty if they always are.
	measured string
}

const serverError = metric.LabelCodeClass + `="5xx"`

func requestSLOs(p *config.Policy) []requestSLO {
	slos := []requestSLO{{
		name: metric.SLOAvailability,
		bad:  func(tenants string) string { return metric.TenantRequests.Select(tenants, serverError) },
		late: func(tenants string) string { return metric.TenantLateRequests.Select(tenants, serverError) },
	}}
	for _, l := range p.Objectives.Latency {
		threshold := fmt.Sprintf("%s=%q", metric.LabelThreshold, rule.Seconds(l.Threshold.Std()))
		slos = append(slos, requestSLO{
			name:     latencySLO(l),
			bad:      func(tenants string) string { return metric.TenantSlowRequests.Select(tenants, threshold) },
			measured: metric.TenantSlowRequests.Select(threshold),
		})
	}
	return slos
}

func latencySLO(l config.LatencyObjective) string {
	return metric.SLOLatencyPrefix + l.Threshold.String()
}

// builtin matches the objectives of requests among all.
const builtin = metric.LabelSLO + `=~"` + metric.SLOAvailability + `|` + metric.SLOLatencyPrefix + `.*"`

// requestTotals adds up the requests of tenants, and of services from those and from unknown hosts while these count.
func requestTotals(p *config.Policy) []rule.Group {
	slos := requestSLOs(p)
	n := rule.Names{
		"requests":   rule.Counted(metric.TenantRequests.Select(rule.OwnTenants), rule.TotalsInterval),
		"tenantStep": metric.TenantRequestsTotals.Step.Name,
		"tenantBad":  metric.TenantBadTotals.Step.Name,
		"events":     metric.EventsTotals.Step.Name,
		"lateEvents": metric.LateEventsTotals.Step.Name,
	}
	tenants := []rule.Rule{
		{Record: metric.TenantRequestsTotals.Step, Expr: rule.Expand(`sum by ($serviceTenant) ($requests)`, n)},
	}
	var events []rule.Rule
	for _, s := range slos {
		labels := map[string]string{metric.LabelSLO: s.name}
		tenants = append(tenants, rule.Rule{
			Record: metric.TenantBadTotals.Step, Labels: labels,
			Expr: rule.Unplanned(
				rule.Expand(`sum by ($serviceTenant) (`+rule.Counted(s.bad(rule.OwnTenants), rule.TotalsInterval)+`) > 0`, n), ""),
		})
		text := withUnknown(metric.KnownRequests.Name, metric.UnknownRequests.Name, "service", metric.UnknownMost.Name)
		if s.measured != "" {
			text = `$events{slo="availability"} and on ($service) group by ($service) (` + s.measured + `)`
		}
		events = append(events,
			rule.Rule{Record: metric.EventsTotals.Step, Labels: labels, Expr: rule.Unplanned(rule.Expand(text, n), "")})
	}
	tenants = append(tenants, unknownRequests(slos)...)
	tenants = append(
		tenants,
		rule.Rule{
			Record: metric.TenantRequestsTotals.Total,
			Expr: rule.EventTotal(metric.TenantRequestsTotals, "serviceTenant", "", "serviceTenant",
				"last_over_time("+n["tenantStep"]+"[1h])"),
		},
		rule.Rule{
			Record: metric.TenantBadTotals.Total,
			Expr: rule.EventTotal(metric.TenantBadTotals, "tenantSLO", "", "serviceTenant",
				metric.TenantRequestsTotals.Total.Name),
		},
	)
	bad := rule.Expand(`sum by ($slo) ($tenantBad) or 0 * $events{`+builtin+`}`, n)
	events = append(events, rule.Rule{
		Record: metric.BadTotals.Step,
		Expr:   withUnknown(bad, metric.UnknownBad.Name, "slo", metric.UnknownMost.Name),
	})
	// What comes late is of a time that has passed.
	late := func(selector func(string) string) string {
		sum := func(tenants string) string {
			return rule.Expand(`sum by ($service) (`+rule.Counted(selector(tenants), rule.SlowInterval)+`)`, nil)
		}
		return withUnknown(sum(rule.OwnTenants), sum(rule.UnknownHosts), "service",
			"max_over_time("+metric.UnknownMost.Name+"[1h])")
	}
	lateRules := []rule.Rule{
		{
			Record: metric.LateEventsTotals.Step, Labels: map[string]string{metric.LabelSLO: metric.SLOAvailability},
			Expr: late(func(tenants string) string { return metric.TenantLateRequests.Select(tenants) }),
		},
		{
			Record: metric.LateBadTotals.Step, Labels: map[string]string{metric.LabelSLO: metric.SLOAvailability},
			Expr: late(slos[0].late),
		},
		{Record: metric.SeenTotals.Step, Expr: rule.Expand(`$step * ($events >= bool 0)`, rule.Names{
			"step": rule.Seconds(rule.SlowInterval), "events": n["events"],
		})},
	}
	for _, l := range []metric.EventTotal{metric.LateEventsTotals, metric.LateBadTotals, metric.SeenTotals} {
		lateRules = append(lateRules,
			rule.Rule{Record: l.Total, Expr: rule.EventTotal(l, "slo", "", "slo", metric.SLOBudget.Name)})
	}
	return []rule.Group{
		{
			Name: "thorbis-slo-ledger", Interval: rule.TotalsInterval,
			Rules: append(append(tenants, events...), sloTotals(builtin)...),
		},
		{Name: "thorbis-slo-late", Interval: rule.SlowInterval, Rules: lateRules},
	}
}

// sloTotals adds up the events of some objectives. They stand in the group that wrote the steps, so that no
// step is read twice or not at all.
func sloTotals(matcher string) []rule.Rule {
	var rules []rule.Rule
	for _, l := range []metric.EventTotal{metric.EventsTotals, metric.BadTotals} {
		rules = append(rules,
			rule.Rule{Record: l.Total, Expr: rule.EventTotal(l, "slo", matcher, "slo", metric.SLOBudget.Name)})
	}
	return rules
}
