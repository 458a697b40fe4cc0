package rules

import (
	"fmt"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var blindNames = names{
	"expected":        metric.CheckExpected.Name,
	"info":            metric.HealthCheckInfo.Name,
	"judged":          metric.ObservedLedger.Location.Name,
	"watched":         metric.CheckWatched.Name,
	"serviceWatched":  metric.ServiceWatched.Name,
	"locationSeen":    metric.LocationExpected.Name,
	"locationWatched": metric.LocationWatched.Name,
	"down":            metric.CheckDown.Name,
	"silent":          metric.CheckSilent.Name,
	"unknown":         metric.CheckUnknown.Name,
	"reference":       metric.HealthReferenceUp.Name,
	"resolver":        metric.HealthResolverUp.Name,
	"dead":            metric.HealthReferencesDead.Name,
	"longMemory":      seconds(longMemory),
}

// blind returns the alerts on checks and locations that are not measured. It reads the progress of the time counters,
// not their presence. So it also finds a prober that hangs but still answers scrapes. Tenants of a check are counted,
// not listed: a location that loses its network loses all of them at once. A check that is down is left out: its page
// lasts until a location sees it up.
func blind(p *config.Policy) Group {
	n := blindNames
	rules := []Rule{
		{Record: metric.LocationExpected, Expr: expand(`
			time() + 0 * group by ($place) ($info)
			or `+otherLocations(p), n)},
		{Record: metric.LocationWatched, Expr: expand(`count by ($place) ($watched)`, n)},
		{Record: metric.CheckSilent, Expr: expand(`$expected > bool 0 unless on ($check) $watched unless on ($check) $down`, n)},
		{Record: metric.CheckUnknown, Expr: expand(`
			$expected > bool 0
			unless on ($check) $judged > 0
			and on ($check) $watched
			unless on ($check) ($state{state="maintenance"} == 1)
			unless on ($check) $down`, names{
			"down": n["down"], "expected": n["expected"], "judged": n["judged"], "watched": n["watched"], "state": metric.HealthCheckState.Name,
		})},
	}

	rules = append(rules, byPage(metric.CheckSilentAlert, "P2", patience, text{
		summary: "A check has stopped being measured.",
		description: `{{ $value }} target(s) of {{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }} should be probed but have made no progress anywhere for ten minutes;
			an outage of them now would page nobody. Owner: {{ $labels.owner }}.
			First look: the exporter's status page for that check, then its log; if the check was removed from the policy, generate the rules anew.`,
	}, func(page string) string {
		return unlessReplaced(expand(`count by ($paged) ($silent`+braces(page)+`) > 0 and on ($service) $serviceWatched`, n),
			metric.LabelAppService, metric.LabelCheck, metric.LabelTenant)
	})...)

	rules = append(rules, byPage(metric.CheckUnknownAlert, "P2", 2*patience, text{
		summary: "A check cannot be judged.",
		description: `{{ $value }} target(s) of {{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }} are unknown at every location;
			an outage of them now would page nobody. Owner: {{ $labels.owner }}.
			First look: the reason of the unknown probes on the dashboard: prober_offline and resolver_failed mean the exporter's own network and resolver, a challenge or cached answer means the edge in front.`,
	}, func(page string) string {
		return expand(`count by ($paged) ($unknown`+braces(page)+`) > 0`, n)
	})...)

	rules = append(rules,
		single(metric.LocationSilentAlert, unlessReplaced(expand(
			`$locationSeen > bool 0 unless on ($place) $locationWatched`, n), metric.LabelLocation), patience, text{
			summary: "A location has stopped measuring.",
			description: `Location {{ $labels.location }} in {{ $labels.environment }} has measured nothing for ten minutes;
				the remaining locations judge without it. First look: is its exporter up and scraped; was the location given up, then take it out of the policy.`,
		}),
		single(metric.ProberOfflineAlert, expand(
			`max by ($place) ($reference) == 0 or max by ($place) ($resolver) == 0`, n), patience, text{
			summary: "A location has lost its own network or resolver.",
			description: `No reference target answers location {{ $labels.location }} in {{ $labels.environment }}, or no reference name resolves there, so what it probes
				(or what has a name) is unknown rather than down. First look: that machine's route to the internet, its DNS resolver, its firewall; then whether the references are still good ones.`,
		}),
		single(metric.ReferenceDeadAlert, expand(
			`max by ($place) ($dead) > 0`, n), 2*patience, text{
			summary: "A reference target is dead.",
			description: `{{ $value }} of the reference_targets and reference_names do not answer location {{ $labels.location }} in {{ $labels.environment }}, though checks do; their silence counts no more.
				With none left, a loss of this location's network reads as an outage of everything. First look: the exporter's status page names them; put others into the policy.`,
		}),
	)
	return Group{Name: "thorbis-health-blind", Interval: scrapeInterval, Rules: rules}
}

// otherLocations returns an expression for the locations that are expected even while they report nothing. These are
// the locations of the policy or, where it names none, those that reported within a day.
func otherLocations(p *config.Policy) string {
	if len(p.Health.Locations) == 0 {
		return "$locationSeen > time() - $longMemory"
	}
	var terms []string
	for _, l := range p.Health.Locations {
		terms = append(terms, fmt.Sprintf(`label_replace(label_replace(vector(time()), "environment", %q, "", ""), "location", %q, "", "")`, p.Environment, l))
	}
	return strings.Join(terms, " or ")
}
