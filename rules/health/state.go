package health

import (
	"maps"
	"strconv"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var stateNames = rule.Names{
	"info":       metric.HealthCheckInfo.Name,
	"state":      metric.HealthCheckState.Name,
	"start":      metric.HealthCheckOutageStart.Name,
	"down":       metric.HealthCheckDownSeconds.Name,
	"expected":   metric.CheckExpected.Name,
	"held":       metric.CheckLocationHeld.Name,
	"judged":     metric.ObservedTotals.Location.Name,
	"quorum":     metric.CheckDown.Name,
	"named":      metric.ServiceExpected.Name,
	"owned_down": metric.CheckDownOwned.Name,
	"tenants":    metric.TenantsDown.Name,
	"tiers":      metric.TierTenantsDown.Name,

	"memory":     rule.Seconds(rule.Memory),
	"longMemory": rule.Seconds(rule.LongMemory),
	"floor":      rule.Seconds(downFloor),
	"votes":      strconv.Itoa(rule.Quorum),
	"many":       strconv.Itoa(rule.ManyTenants),
}

// down records which checks are down now and pages for them in the same group, so that a page waits for one evaluation
// only.
func down(p *config.Policy) rule.Group {
	n := maps.Clone(stateNames)
	n["namedCheck"] = rule.NamedChecks(p)
	rules := []rule.Rule{
		// One series a check, whatever its exporters disagree about: the right side of every join.
		{Record: metric.CheckExpected, Expr: rule.Expand(`
			time() + 0 * topk by ($check) (1, max by ($owned) (
				`+rule.Urgencies(metric.HealthCheckInfo.Select)+`
			))
			or on ($check)
			(
				(
					($expected{$namedCheck} > time() - $memory)
					or on ($check)
					(($expected{$namedCheck} > time() - $longMemory) unless on (environment) group by (environment) ($info))
				)
				unless on (environment, app_service, check)
				group by (environment, app_service, check) ($info{tenant!=""})
				unless
				($expected{tenant!=""} and on (environment) `+rule.Emptied+`)
			)`, n)},

		// The outage must be as old as the floor, so that short ones do not add up. The counted seconds must reach it
		// too, so that its last moments, mended but not yet proved, do not count.
		{Record: metric.CheckLocationHeld, Expr: rule.Expand(`
			(
				time() + 0 * max by ($checkLocation) ($state{state="down"} == 1)
				and on ($checkLocation)
				max by ($checkLocation) (timestamp($start) - ($start > 0)) >= $floor
				and on ($checkLocation)
				max by ($checkLocation) ($down - min_over_time($down[5m])) >= $floor
			)
			or on ($checkLocation)
			(
				(`+heldAt(p)+` > time() - $longMemory)
				unless on ($checkLocation)
				($state{state=~"up|maintenance"} == 1)
				and on ($check)
				$expected
			)`, n)},

		{Record: metric.CheckDown, Expr: rule.Expand(`
			count by ($check) ($held) >= $votes
			or on ($check)
			(
				count by ($check) ($held)
				unless on ($check) ($judged > 0 unless on ($checkLocation) $held)
			)`, stateNames)},

		{Record: metric.CheckDownOwned, Expr: rule.Expand(`
			$quorum * on ($check) group_left ($ownership) ($expected > bool 0)
			or on ($check)
			$quorum`, stateNames)},

		{Record: metric.TenantsDown, Expr: owned("$service", "owner, page",
			`count by ($service) (group by ($service, tenant) ($quorum{tenant!=""}))`)},
		{Record: metric.TierTenantsDown, Expr: owned("$serviceTier", "owner",
			`count by ($serviceTier) (group by ($serviceTier, tenant) ($owned_down{tenant!=""}))`)},
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
	return "($held{" + rule.Named(metric.LabelLocation, p.Health.Locations) + "} or ($held and on ($place) group by ($place) ($info)))"
}

// state records for dashboards the state of a check over all locations.
func state(*config.Policy) rule.Group {
	return rule.Group{Name: "thorbis-health-state", Interval: rule.ScrapeInterval, Rules: []rule.Rule{
		{Record: metric.CheckState, Expr: rule.Expand(`
			label_replace($quorum > bool 0, "state", "down", "", "")
			or on ($check)
			max by ($checkState) ($state{state="up"} == 1)
			or on ($check)
			max by ($checkState) ($state{state="maintenance"} == 1)
			or on ($check)
			max by ($checkState) ($state{state="down"} == 1)
			or on ($check)
			label_replace(max by ($check) ($expected > bool 0), "state", "unknown", "", "")`, stateNames)},
	}}
}

// owned adds labels of the service to a count at some level, where the policy knows the service.
func owned(level, labels, count string) string {
	return rule.Expand(count+`
		* on ($service) group_left (`+labels+`) $named
		or on (`+level+`)
		`+count, stateNames)
}
