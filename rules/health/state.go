package health

import (
	"strconv"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var stateNames = rule.Names{
	"info":        metric.HealthCheckInfo.Name,
	"state":       metric.HealthCheckState.Name,
	"duration":    metric.HealthCheckOutageDuration.Name,
	"age":         metric.HealthCheckOutageEndAge.Name,
	"expected":    metric.CheckExpected.Name,
	"downSince":   metric.CheckLocationDownSince.Name,
	"downNow":     metric.CheckLocationDown.Name,
	"forgotten":   metric.CheckForgotten.Name,
	"seenState":   metric.CheckStateSeen.Name,
	"held":        metric.CheckLocationHeld.Name,
	"judged":      metric.ObservedTotals.Location.Name,
	"downSeconds": metric.DownTotals.Location.Name,
	"began":       metric.HealthCheckOutageStart.Name,
	"start":       metric.CheckLocationOutageStart.Name,
	"end":         metric.CheckLocationOutageEnd.Name,
	"overlap":     metric.CheckOutageOverlap.Name,
	"outage":      metric.CheckOutage.Name,
	"quorum":      metric.CheckDown.Name,
	"named":       metric.ServiceExpected.Name,
	"owned_down":  metric.CheckDownOwned.Name,
	"tenants":     metric.TenantsDown.Name,
	"tiers":       metric.TierTenantsDown.Name,

	"memory":        rule.Seconds(rule.Memory),
	"longMemory":    rule.Seconds(rule.LongMemory),
	"floor":         rule.Seconds(downFloor),
	"recent":        rule.Span(recentOutage),
	"recentSeconds": rule.Seconds(recentOutage),
	"shortest":      rule.Span(shortestPage),
	"votes":         strconv.Itoa(rule.Quorum),
	"many":          strconv.Itoa(rule.ManyTenants),
}

// down records which checks are down now and pages for them in the same group, so that a page waits for one evaluation
// only.
func down(p *config.Policy) rule.Group {
	rules := []rule.Rule{
		// One series a check, whatever its exporters disagree about: the right side of every join.
		{Record: metric.CheckExpected, Expr: rule.Expand(`
			time() + 0 * topk by ($check) (1, max by ($owned) (
				`+rule.Urgencies(metric.HealthCheckInfo.Name)+`
			))
			or on ($check)
			(
				$expected > time() - $longMemory
				unless on (environment, app_service, check) $info{tenant!=""}
				unless $forgotten
			)`, stateNames)},

		// An exporter of an older release does not expose lengths: its seconds down count, if the outage is as old as the
		// floor, so that short ones do not add up.
		{Record: metric.CheckLocationDownSince, Expr: rule.Expand(`
			time() + 0 * ($downSeconds >= $floor)
			and on ($checkLocation)
			($state{state="down"} == 1)
			and on ($checkLocation)
			(timestamp($began) - ($began > 0) >= $floor)
			unless on ($checkLocation)
			$duration`, stateNames)},

		// From an outage of at least the floor on, a location counts until it reports the end, also while it is silent.
		{Record: metric.CheckLocationDown, Expr: rule.Expand(`
			time() + 0 * max by ($checkLocation) ($duration >= $floor and $age == 0)
			or
			$downSince`, stateNames)},
		{Record: metric.CheckLocationHeld, Expr: rule.Expand(`
			$downNow
			or
			(
				`+heldAt(p)+` > time() - $longMemory
				unless on ($checkLocation) ($state{state=~"up|maintenance"} == 1)
				and on ($check) $expected
			)`, stateNames)},

		// Exporters expose lengths and ages, which Prometheus dates: no clock of an exporter is compared with another's.
		{Record: metric.CheckLocationOutageStart, Expr: rule.Expand(`
			min by ($checkLocation) ((timestamp($age) - $age > time() - $recentSeconds) - ($duration >= $floor))
			or on ($checkLocation)
			($start and $held)
			or on ($checkLocation)
			$held - $floor`, stateNames)},
		{Record: metric.CheckLocationOutageEnd, Expr: rule.Expand(`
			max by ($checkLocation) (timestamp($age) - $age > time() - $recentSeconds and $duration >= $floor)
			or on ($checkLocation)
			time() + 0 * $held`, stateNames)},

		// Of three outages, two overlap by the floor if and only if one of them does with the one that ended first or
		// with the one that began last: an outage that is both lies within the others. Of more, it may also be two
		// others. That is missed only while two further locations had outages of the floor that overlap by less.
		{Record: metric.CheckOutageOverlap, Expr: rule.Expand(`
			count without (location) (
				$start <= ignoring (location) group_left () (min without (location) ($end) - $floor)
			) >= $votes
			or
			count without (location) (
				$end >= ignoring (location) group_left () (max without (location) ($start) + $floor)
			) >= $votes`, stateNames)},
		{Record: metric.CheckOutage, Expr: rule.Expand(`
			$overlap
			or
			(
				count without (location) ($end) == 1
				unless ignoring (location)
				($judged > 0 unless $end)
			)`, stateNames)},

		// An outage of the quorum begins a page, which lasts while the quorum is held. One that has ended begins a page,
		// too, unless it has had one: a page that was there before the last two evaluations.
		{Record: metric.CheckDown, Expr: rule.Expand(`
			(
				count without (location) ($held) >= $votes
				or
				count without (location) ($held) unless ignoring (location) ($judged > 0 unless $held)
			)
			and ($outage or $quorum)
			or
			$outage unless max_over_time($quorum[$recent] offset $shortest)`, stateNames)},

		{Record: metric.CheckDownOwned, Expr: rule.Expand(`
			$quorum * on ($check) group_left ($ownership) ($expected > bool 0)
			or on ($check)
			$quorum`, stateNames)},

		{Record: metric.TenantsDown, Expr: owned("$service", "owner, page",
			`count by ($service) (group by ($service, tenant) ($quorum{tenant!=""}))`)},
		{Record: metric.ManyTenantsDown, Expr: rule.Expand(`max_over_time($tenants[5m]) >= $many`, stateNames)},
	}
	rules = append(rules, checkDownAlerts()...)
	rules = append(rules, tenantDownAlerts()...)
	return rule.Group{Name: "thorbis-health-down", Interval: rule.ScrapeInterval, Rules: rules}
}

// heldAt selects the locations whose last value counts while they are silent. Those that left the policy do not count.
func heldAt(p *config.Policy) string {
	if len(p.Health.Locations) == 0 {
		return "$held"
	}
	return "($held{" + rule.Named(metric.LabelLocation, p.Health.Locations) +
		"} or ($held and on ($place) $info))"
}

// forgotten records the checks that are no longer expected once no exporter states them. They stand apart from those
// that are expected: a page does not wait for a check to be forgotten.
func forgotten(p *config.Policy) rule.Rule {
	return rule.Rule{Record: metric.CheckForgotten, Expr: rule.Expand(`
		$expected{`+rule.Unnamed(rule.NamedChecks(p))+`}
		or
		$expected <= time() - $memory and on (environment) $info
		or
		$expected{tenant!=""} and on (environment) `+rule.Emptied, stateNames)}
}

// state records for dashboards the state of a check over all locations.
func state(*config.Policy) rule.Group {
	return rule.Group{Name: "thorbis-health-state", Interval: rule.ScrapeInterval, Rules: []rule.Rule{
		{Record: metric.CheckStateSeen, Expr: rule.Expand(`
			group by ($checkState) (
				$state{state="up"} == 1
				or on ($check)
				$state{state="maintenance"} == 1
				or on ($check)
				$state{state="down"} == 1
			)`, stateNames)},
		{Record: metric.CheckState, Expr: rule.Expand(`
			label_replace($quorum > bool 0, "state", "down", "", "")
			or on ($check)
			$seenState
			or on ($check)
			label_replace(group by ($check) ($expected), "state", "unknown", "", "")`, stateNames)},
		tenantsInState(),
	}}
}

// owned adds labels of the service to a count at some level, where the policy knows the service.
func owned(level, labels, count string) string {
	return rule.Expand(count+`
		* on ($service) group_left (`+labels+`) $named
		or on (`+level+`)
		`+count, stateNames)
}
