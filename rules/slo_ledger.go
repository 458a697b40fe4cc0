package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Why totals of events too. ledger.go explains why budgets need them. Shorter windows use them as well, or the steps
// by which they grow. With 10,000 tenants, one increase(x[1h]) reads twelve million samples, a difference of two
// totals twenty thousand. Neither totals nor steps extrapolate or lose samples between two windows.
//
// A step is the value of a counter now minus its value when the total was last written, at most fifteen minutes ago.
// Steps touch without gap or overlap, whatever the interval of the scrapes. A counter that was reset adds nothing for
// one step.

// counted returns what a counter added since the ledger was last written.
func counted(counter string, step time.Duration) string {
	return expand(`clamp_min($counter - last_over_time($counter[15m] offset $step), 0)`,
		names{"counter": counter, "step": span(step)})
}

// eventTotal continues a ledger: its last value, or its value on the hour after a long gap, plus the new step. The
// join keeps the metric name, because nothing else distinguishes the total from the step. The ledger continues while
// the given expression has series.
func eventTotal(l metric.EventLedger, level, matcher, on, while string) string {
	return expand(`
		sum by ($level) (
			last_over_time($total[1h]) or last_over_time($hourly[3d])
			or on (__name__, $level)
			$step
		)
		and on ($on) $while`, names{
		"total":  l.Total.Name + braces(matcher),
		"hourly": l.Hourly.Name + braces(matcher),
		"step":   l.Step.Name + braces(matcher),
		"level":  levels[level],
		"on":     levels[on],
		"while":  while,
	})
}

func eventHourly(l metric.EventLedger) Rule {
	return Rule{Record: l.Hourly, Expr: expand(`$total and on () minute() == 0`, names{"total": l.Total.Name})}
}

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
		threshold := fmt.Sprintf("%s=%q", metric.LabelThreshold, seconds(l.Threshold.Std()))
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

// requestLedger adds up the requests of tenants, and of services from those and from unknown hosts while these count.
func requestLedger(p *config.Policy) []Group {
	slos := requestSLOs(p)
	n := names{
		"requests":   counted(metric.TenantRequests.Select(ownTenants), ledgerInterval),
		"tenantStep": metric.TenantRequestsLedger.Step.Name,
		"tenantBad":  metric.TenantBadLedger.Step.Name,
		"events":     metric.EventsLedger.Step.Name,
		"lateEvents": metric.LateEventsLedger.Step.Name,
	}
	tenants := []Rule{{Record: metric.TenantRequestsLedger.Step, Expr: expand(`sum by ($serviceTenant) ($requests)`, n)}}
	var events []Rule
	for _, s := range slos {
		labels := map[string]string{metric.LabelSLO: s.name}
		tenants = append(tenants, Rule{
			Record: metric.TenantBadLedger.Step, Labels: labels,
			Expr: unplanned(expand(`sum by ($serviceTenant) (`+counted(s.bad(ownTenants), ledgerInterval)+`) > 0`, n), ""),
		})
		text := withUnknown(metric.KnownRequests.Name, metric.UnknownRequests.Name, "service", metric.UnknownMost.Name)
		if s.measured != "" {
			text = `$events{slo="availability"} and on ($service) group by ($service) (` + s.measured + `)`
		}
		events = append(events, Rule{Record: metric.EventsLedger.Step, Labels: labels, Expr: unplanned(expand(text, n), "")})
	}
	tenants = append(tenants, unknownRequests(slos)...)
	tenants = append(
		tenants,
		Rule{
			Record: metric.TenantRequestsLedger.Total,
			Expr:   eventTotal(metric.TenantRequestsLedger, "serviceTenant", "", "serviceTenant", "last_over_time("+n["tenantStep"]+"[1h])"),
		},
		Rule{
			Record: metric.TenantBadLedger.Total,
			Expr:   eventTotal(metric.TenantBadLedger, "tenantSLO", "", "serviceTenant", metric.TenantRequestsLedger.Total.Name),
		},
	)
	bad := expand(`sum by ($slo) ($tenantBad) or 0 * $events{`+builtin+`}`, n)
	events = append(events, Rule{
		Record: metric.BadLedger.Step,
		Expr:   withUnknown(bad, metric.UnknownBad.Name, "slo", metric.UnknownMost.Name),
	})
	// What comes late is of a time that has passed.
	late := func(selector func(string) string) string {
		sum := func(tenants string) string {
			return expand(`sum by ($service) (`+counted(selector(tenants), slowInterval)+`)`, nil)
		}
		return withUnknown(sum(ownTenants), sum(unknownHosts), "service", "max_over_time("+metric.UnknownMost.Name+"[1h])")
	}
	lateRules := []Rule{
		{
			Record: metric.LateEventsLedger.Step, Labels: map[string]string{metric.LabelSLO: metric.SLOAvailability},
			Expr: late(func(tenants string) string { return metric.TenantLateRequests.Select(tenants) }),
		},
		{
			Record: metric.LateBadLedger.Step, Labels: map[string]string{metric.LabelSLO: metric.SLOAvailability},
			Expr: late(slos[0].late),
		},
		{Record: metric.SeenLedger.Step, Expr: expand(`$step * ($events >= bool 0)`, names{
			"step": seconds(slowInterval), "events": n["events"],
		})},
	}
	for _, l := range []metric.EventLedger{metric.LateEventsLedger, metric.LateBadLedger, metric.SeenLedger} {
		lateRules = append(lateRules, Rule{Record: l.Total, Expr: eventTotal(l, "slo", "", "slo", metric.SLOBudget.Name)})
	}
	return []Group{
		{Name: "thorbis-slo-ledger", Interval: ledgerInterval, Rules: append(append(tenants, events...), sloTotals(builtin)...)},
		{Name: "thorbis-slo-late", Interval: slowInterval, Rules: lateRules},
	}
}

// sloTotals adds up the events of some objectives. They stand in the group that wrote the steps, so that no
// step is read twice or not at all.
func sloTotals(matcher string) []Rule {
	var rules []Rule
	for _, l := range []metric.EventLedger{metric.EventsLedger, metric.BadLedger} {
		rules = append(rules, Rule{Record: l.Total, Expr: eventTotal(l, "slo", matcher, "slo", metric.SLOBudget.Name)})
	}
	return rules
}

// grown returns what a ledger added in a window: the total now minus the total at its start. If the window starts in a
// gap, the value on the hour replaces the latter. A total that began, or began anew, since then counts whole.
func grown(l metric.EventLedger, over time.Duration) string {
	return expand(`
		$total - (last_over_time($total[10m] offset $over) or last_over_time($hourly[3d] offset $over)) >= 0
		or
		$total`, names{"total": l.Total.Name, "hourly": l.Hourly.Name, "over": span(over)})
}

// stepsUpTo is the longest window for which the steps are added up. For longer windows, totals cost less.
const stepsUpTo = time.Hour

// summed returns what a ledger added in a short window, as the sum of its steps.
func summed(l metric.EventLedger, over time.Duration) string {
	return "sum_over_time(" + l.Step.Name + "[" + span(over) + "])"
}

func eventWindows(p *config.Policy, l metric.EventLedger, over metric.Over, only ...string) []Rule {
	var rules []Rule
	for _, w := range windowsOf(p, over) {
		if len(only) == 0 || strings.Contains(" "+strings.Join(only, " ")+" ", " "+w.key+" ") {
			rules = append(rules, Rule{Record: over[w.key], Expr: grown(l, w.length)})
		}
	}
	return rules
}
