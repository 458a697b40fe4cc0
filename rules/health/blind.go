package health

import (
	"fmt"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var blindNames = rule.Names{
	"expected":        metric.CheckExpected.Name,
	"info":            metric.HealthCheckInfo.Name,
	"judged":          metric.ObservedTotals.Location.Name,
	"watched":         metric.CheckWatched.Name,
	"locationSeen":    metric.LocationExpected.Name,
	"locationWatched": metric.LocationWatched.Name,
	"down":            metric.CheckDown.Name,
	"silent":          metric.CheckSilent.Name,
	"unknown":         metric.CheckUnknown.Name,
	"reference":       metric.HealthReferenceUp.Name,
	"resolver":        metric.HealthResolverUp.Name,
	"dead":            metric.HealthReferencesDead.Name,
	"longMemory":      rule.Seconds(rule.LongMemory),
}

// blind returns the alerts on checks and locations that are not measured. It reads the progress of the time counters,
// not their presence. So it also finds a prober that hangs but still answers scrapes. Tenants of a check are counted,
// not listed: a location that loses its network loses all of them at once. A check that is down is left out: its page
// lasts until a location sees it up.
func blind(p *config.Policy) rule.Group {
	n := blindNames
	rules := []rule.Rule{
		forgotten(p),
		{Record: metric.LocationExpected, Expr: rule.Expand(`
			time() + 0 * group by ($place) ($info)
			or `+otherLocations(p), n)},
		{Record: metric.LocationWatched, Expr: rule.Expand(`count by ($place) ($watched)`, n)},
		{
			Record: metric.CheckSilent,
			Expr:   rule.Expand(`$expected > bool 0 unless on ($check) $watched unless on ($check) $down`, n),
		},
		{Record: metric.CheckUnknown, Expr: rule.Expand(`
			$expected > bool 0
			unless on ($check) $judged > 0
			and on ($check) $watched
			unless on ($check) ($state{state="maintenance"} == 1)
			unless on ($check) $down`, rule.Names{
			"down": n["down"], "expected": n["expected"], "judged": n["judged"], "watched": n["watched"],
			"state": metric.HealthCheckState.Name,
		})},
	}

	rules = append(rules, rule.ByPage(metric.CheckSilentAlert, "P2", rule.Patience, rule.Text{
		Summary: "A check is no longer measured.",
		Description: `{{ $value }} target(s) of {{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }}
			should be probed but have made no progress at any location for ten minutes;
			an outage of them would not page. Owner: {{ $labels.owner }}.
			First look: the exporter's status page for that check, then its log; if the check was removed from the policy,
			generate the rules again.`,
	}, func(page string) string {
		return rule.UnlessReplaced(
			rule.Expand(`count by ($paged) ($silent`+rule.Braces(page)+`) > 0 and on ($service) $watched`, n),
			metric.LabelAppService, metric.LabelCheck, metric.LabelTenant)
	})...)

	rules = append(rules, rule.ByPage(metric.CheckUnknownAlert, "P2", 2*rule.Patience, rule.Text{
		Summary: "A check cannot be judged.",
		Description: `{{ $value }} target(s) of {{ $labels.check }} of {{ $labels.app_service }} in {{ $labels.environment }}
			are unknown at every location;
			an outage of them would not page. Owner: {{ $labels.owner }}.
			First look: the reason of the unknown probes on the dashboard: prober_offline and resolver_failed point to the
			exporter's own network and resolver; a challenge or a cached answer points to the edge.`,
	}, func(page string) string {
		return rule.Expand(`count by ($paged) ($unknown`+rule.Braces(page)+`) > 0`, n)
	})...)

	rules = append(rules,
		rule.Single(metric.LocationSilentAlert, rule.UnlessReplaced(rule.Expand(
			`$locationSeen > bool 0 unless on ($place) $locationWatched`, n), metric.LabelLocation), rule.Patience, rule.Text{
			Summary: "A location no longer measures.",
			Description: `Location {{ $labels.location }} in {{ $labels.environment }} has measured nothing for ten minutes;
				the remaining locations judge without it. First look: is its exporter up and scraped;
				if the location is no longer used, remove it from the policy.`,
		}),
		rule.Single(metric.ProberOfflineAlert, rule.Expand(
			`max by ($place) ($reference) == 0 or max by ($place) ($resolver) == 0`, n), rule.Patience, rule.Text{
			Summary: "A location has lost its network or its resolver.",
			Description: `No reference target answers location {{ $labels.location }} in {{ $labels.environment }},
				or no reference name resolves there, so its targets
				(or those with a name) are unknown instead of down.
				First look: that machine's route to the internet, its DNS resolver, its firewall;
				then whether the reference targets still work.`,
		}),
		rule.Single(metric.ReferenceDeadAlert, rule.Expand(
			`max by ($place) ($dead) > 0`, n), 2*rule.Patience, rule.Text{
			Summary: "A reference target does not answer.",
			Description: `{{ $value }} of the reference_targets and reference_names do not answer location {{ $labels.location }}
				in {{ $labels.environment }}, though checks do; these references are ignored until they answer.
				If none is left, a network failure of this location looks like an outage of everything.
				First look: the exporter's status page names them; replace them in the policy.`,
		}),
	)
	return rule.Group{Name: "thorbis-health-blind", Interval: rule.ScrapeInterval, Rules: rules}
}

// otherLocations returns an expression for the locations that are expected even while they report nothing. These are
// the locations of the policy or, where it names none, those that reported within a day.
func otherLocations(p *config.Policy) string {
	if len(p.Health.Locations) == 0 {
		return "$locationSeen > time() - $longMemory"
	}
	var terms []string
	for _, l := range p.Health.Locations {
		terms = append(terms, fmt.Sprintf(
			`label_replace(label_replace(vector(time()), "environment", %q, "", ""), "location", %q, "", "")`, p.Environment, l))
	}
	return strings.Join(terms, " or ")
}
