package slo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// requestSLO is an objective that every service with requests has.
type requestSLO struct {
	name string
	// requests are bad if this counter of their tier has these labels.
	counter *metric.Metric
	matcher string
}

const serverError = metric.LabelCodeClass + `="5xx"`

func requestSLOs(p *config.Policy) []requestSLO {
	slos := []requestSLO{{
		name: metric.SLOAvailability, counter: metric.ServiceRequests, matcher: serverError,
	}}
	for _, l := range p.Objectives.Latency {
		slos = append(slos, requestSLO{
			name: latencySLO(l), counter: metric.ServiceSlowRequests,
			matcher: fmt.Sprintf("%s=%q", metric.LabelThreshold, rule.Seconds(l.Threshold.Std())),
		})
	}
	return slos
}

func latencySLO(l config.LatencyObjective) string {
	return metric.SLOLatencyPrefix + l.Threshold.String()
}

// builtin matches the objectives of requests among all.
const builtin = metric.LabelSLO + `=~"` + metric.SLOAvailability + `|` + metric.SLOLatencyPrefix + `.*"`

// requestTotals adds up the requests of services and tiers. Exporters count those of a tier apart from those of its
// tenants, so that no rule sums over tenants. The shortest windows of tenants stand beside them: a service's bad
// requests less those of its worst tenant must come from one scrape.
func requestTotals(p *config.Policy) []rule.Group {
	slos := requestSLOs(p)
	ledger := slices.Concat(tierTotals(slos), serviceSteps(), sloTotals(builtin),
		tenantWindows(rule.RequestTiers[0].Windows...))
	return []rule.Group{
		{Name: "thorbis-slo-ledger", Interval: rule.TotalsInterval, Rules: ledger},
		{Name: "thorbis-slo-observed", Interval: rule.TotalsInterval, Rules: observed()},
		{Name: "thorbis-slo-late", Interval: rule.SlowInterval, Rules: lateTotals(slos[0])},
	}
}

// counted returns a counter of requests for each saved state. An exporter that has just been replaced by another one
// with the same state is still seen for some minutes, so one of both counts.
func counted(level, counter string) string {
	return rule.Expand(`max by ($level, store) (`+counter+`)`, rule.Names{"level": rule.Levels[level]})
}

// summed is counted for a counter of several series: one for each class of status.
func summed(level, counter string) string {
	return counted(level, rule.Expand(`sum by ($level, store, job, instance) (`+counter+`)`,
		rule.Names{"level": rule.Levels[level]}))
}

// ofObjectives are the counters of what is bad for each objective.
func ofObjectives(slos []requestSLO, counter func(requestSLO) string) string {
	terms := make([]string, len(slos))
	for i, s := range slos {
		terms[i] = fmt.Sprintf(`label_replace(%s, %q, %q, "", "")`, counter(s), metric.LabelSLO, s.name)
	}
	return strings.Join(terms, "\nor\n")
}

// copies copies the counters of requests and of bad ones, the latter for each objective.
func copies(requests, bad metric.CounterTotal, all, badOnes string) []rule.Rule {
	return []rule.Rule{
		{Record: requests.Scraped, Expr: all},
		{Record: bad.Scraped, Expr: badOnes},
		{Record: requests.Seen, Expr: rule.Seen(requests)},
		{Record: bad.Seen, Expr: rule.Seen(bad)},
	}
}

// tierTotals copies the counters of each tier and adds up what they gained. Planned work is left out.
func tierTotals(slos []requestSLO) []rule.Rule {
	requests, bad := metric.TierRequestsTotals, metric.TierBadTotals
	rules := copies(requests, bad, summed("serviceTier", metric.ServiceRequests.Name),
		ofObjectives(slos, func(s requestSLO) string { return counted("serviceTier", s.counter.Select(s.matcher)) }))
	return append(rules,
		rule.Rule{Record: requests.Step, Expr: rule.Unplanned(rule.SeenStep(requests, "serviceTier"), "")},
		rule.Rule{Record: bad.Step, Expr: rule.Unplanned(rule.SeenStep(bad, "sloTier"), "")},
		unknownMost(),
		rule.Rule{
			Record: requests.Total,
			Expr:   rule.EventTotal(requests.EventTotal, "serviceTier", rule.KnownTiers, "serviceTier", requests.Seen.Name),
		},
		rule.Rule{
			Record: bad.Total,
			Expr:   rule.EventTotal(bad.EventTotal, "sloTier", rule.KnownTiers, "serviceTier", requests.Seen.Name),
		},
	)
}

// serviceSteps sums up the steps of the tiers of each service. An objective is measured while there are counters of
// what is bad for it.
func serviceSteps() []rule.Rule {
	n := rule.Names{"events": metric.EventsTotals.Step.Name, "seen": metric.TierBadTotals.Seen.Name}
	return []rule.Rule{
		{Record: metric.EventsTotals.Step, Expr: rule.Expand(`
			group by ($slo) ($seen)
			* on ($service) group_left ()
			sum by ($service) (`+withUnknown(metric.TierRequestsTotals.Step, "")+`)`, n)},
		{Record: metric.BadTotals.Step, Expr: rule.Expand(`
			sum by ($slo) (`+withUnknown(metric.TierBadTotals.Step, "")+`)
			or
			0 * $events{`+builtin+`}`, n)},
	}
}

// observed adds up for how long events were measured. What was missed counts with the next step, so the time in which
// it was missed has been measured too. Budgets wait for it, so it keeps the pace of the totals.
func observed() []rule.Rule {
	n := rule.Names{
		"events": metric.EventsTotals.Step.Name, "last": metric.LastObserved.Name,
		"before": rule.Before(metric.LastObserved),
	}
	return []rule.Rule{
		{Record: metric.LastObserved, Expr: rule.Expand(`time() + 0 * $events`, n)},
		{Record: metric.SeenTotals.Step, Expr: rule.Expand(`$last - $before`, n)},
		sloTotal(metric.SeenTotals, ""),
	}
}

// lateTotals adds up what comes late, of a time that has passed.
func lateTotals(availability requestSLO) []rule.Rule {
	events, bad := metric.TierLateTotals, metric.TierLateBadTotals
	within := "1h"
	return append(copies(events, bad, summed("serviceTier", metric.ServiceLateRequests.Name),
		ofObjectives([]requestSLO{availability}, func(requestSLO) string {
			return counted("serviceTier", metric.ServiceLateRequests.Select(serverError))
		})),
		rule.Rule{Record: events.Step, Expr: rule.SeenStep(events, "serviceTier")},
		rule.Rule{Record: bad.Step, Expr: rule.SeenStep(bad, "sloTier")},
		rule.Rule{
			Record: metric.LateEventsTotals.Step, Labels: map[string]string{metric.LabelSLO: availability.name},
			Expr: rule.Expand(`sum by ($service) (`+withUnknown(events.Step, within)+`)`, nil),
		},
		rule.Rule{
			Record: metric.LateBadTotals.Step,
			Expr:   rule.Expand(`sum by ($slo) (`+withUnknown(bad.Step, within)+`)`, nil),
		},
		sloTotal(metric.LateEventsTotals, ""),
		sloTotal(metric.LateBadTotals, ""),
	)
}

// expected selects the objectives whose totals continue. After an absence of Prometheus, the steps that hold what was
// missed may come before the group that states the objectives has been evaluated again.
var expected = "last_over_time(" + metric.SLOBudget.Name + "[2h])"

// sloTotal adds up what the steps of objectives hold.
func sloTotal(l metric.EventTotal, matcher string) rule.Rule {
	return rule.Rule{Record: l.Total, Expr: rule.EventTotal(l, "slo", matcher, "slo", expected)}
}

// sloTotals adds up the events of some objectives. They stand in the group that wrote the steps, so that no
// step is read twice or not at all.
func sloTotals(matcher string) []rule.Rule {
	return []rule.Rule{sloTotal(metric.EventsTotals, matcher), sloTotal(metric.BadTotals, matcher)}
}
