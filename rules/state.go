package rules

import (
	"maps"
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var stateNames = names{
	"info":       metric.HealthCheckInfo.Name,
	"state":      metric.HealthCheckState.Name,
	"start":      metric.HealthCheckOutageStart.Name,
	"down":       metric.HealthCheckDownSeconds.Name,
	"expected":   metric.CheckExpected.Name,
	"held":       metric.CheckLocationHeld.Name,
	"judged":     metric.ObservedLedger.Location.Name,
	"quorum":     metric.CheckDown.Name,
	"named":      metric.ServiceExpected.Name,
	"owned_down": metric.CheckDownOwned.Name,
	"tenants":    metric.TenantsDown.Name,
	"tiers":      metric.TierTenantsDown.Name,
	"storm":      metric.TenantsStorm.Name,

	"memory":     seconds(memory),
	"longMemory": seconds(longMemory),
	"floor":      seconds(downFloor),
	"votes":      strconv.Itoa(quorum),
	"crowd":      strconv.Itoa(storm),
}

// urgencies ranks the series of a selector by their page label: the most urgent highest, and an unknown page above
// all. So topk picks the most urgent page while exporters disagree.
func urgencies(selector func(...string) string) string {
	known := strings.Join(config.Priorities, "|")
	terms := []string{strconv.Itoa(len(config.Priorities)+1) + " * " + selector(`page!~"`+known+`"`)}
	for i, p := range config.Priorities {
		terms = append(terms, strconv.Itoa(len(config.Priorities)-i)+" * "+selector(`page="`+p+`"`))
	}
	return strings.Join(terms, "\n\t\t\t\tor ")
}

// down records which checks are down now and pages for them in the same group, so that a page waits for one evaluation
// only.
func down(p *config.Policy) Group {
	n := maps.Clone(stateNames)
	n["namedCheck"] = namedChecks(p)
	rules := []Rule{
		// One series a check, whatever its exporters disagree about: the right side of every join.
		{Record: metric.CheckExpected, Expr: expand(`
			time() + 0 * topk by ($check) (1, max by ($owned) (
				`+urgencies(metric.HealthCheckInfo.Select)+`
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
				($expected{tenant!=""} and on (environment) `+emptied+`)
			)`, n)},

		// The outage must be as old as the floor, so that short ones do not add up. The counted seconds must reach it
		// too, so that its last moments, mended but not yet proved, do not count.
		{Record: metric.CheckLocationHeld, Expr: expand(`
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

		{Record: metric.CheckDown, Expr: expand(`
			count by ($check) ($held) >= $votes
			or on ($check)
			(
				count by ($check) ($held)
				unless on ($check) ($judged > 0 unless on ($checkLocation) $held)
			)`, stateNames)},

		{Record: metric.CheckDownOwned, Expr: expand(`
			$quorum * on ($check) group_left ($ownership) ($expected > bool 0)
			or on ($check)
			$quorum`, stateNames)},

		{Record: metric.TenantsDown, Expr: owned("$service", "owner, page",
			`count by ($service) (group by ($service, tenant) ($quorum{tenant!=""}))`)},
		{Record: metric.TierTenantsDown, Expr: owned("$serviceTier", "owner",
			`count by ($serviceTier) (group by ($serviceTier, tenant) ($owned_down{tenant!=""}))`)},
		{Record: metric.TenantsStorm, Expr: expand(`max_over_time($tenants[5m]) >= $crowd`, stateNames)},
	}
	rules = append(rules, checkDownAlerts()...)
	rules = append(rules, tenantDownAlerts()...)
	return Group{Name: "thorbis-health-down", Interval: scrapeInterval, Rules: rules}
}

// heldAt selects the locations whose last value counts while they are silent. Those that left the policy do not count.
func heldAt(p *config.Policy) string {
	if len(p.Health.Locations) == 0 {
		return "$held"
	}
	return "($held{" + named(metric.LabelLocation, p.Health.Locations) + "} or ($held and on ($place) group by ($place) ($info)))"
}

// state records for dashboards the state of a check over all locations.
func state(*config.Policy) Group {
	return Group{Name: "thorbis-health-state", Interval: scrapeInterval, Rules: []Rule{
		{Record: metric.CheckState, Expr: expand(`
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
	return expand(count+`
		* on ($service) group_left (`+labels+`) $named
		or on (`+level+`)
		`+count, stateNames)
}
