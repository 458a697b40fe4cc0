package rules

import (
	"strconv"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var unwatchedNames = names{
	"named":            metric.ServiceExpected.Name,
	"down":             metric.CheckDownOwned.Select(`tenant=""`),
	"watched":          metric.CheckWatched.Name,
	"serviceWatched":   metric.ServiceWatched.Name,
	"environmentBlind": metric.EnvironmentUnwatched.Name,
}

// unwatched pages for services of which nothing is measured. The policy names them, so this works without any exporter.
// While nothing of the environment is measured, one alert stands for all its services. That begins with the condition
// rather than with the page, so that exporters that die within minutes of each other are one page. A service that is down
// has been paged and stays so until a location sees it up: it makes no second page. Both alerts are in one group: a rule
// of another group would see the condition an evaluation later.
func unwatched(*config.Policy) Group {
	n := unwatchedNames
	rules := []Rule{
		{Record: metric.ServiceWatched, Expr: expand(`count by ($service) ($watched)`, n)},
		{Record: metric.EnvironmentUnwatched, Expr: unlessReplaced(expand(`
			min by (environment) ((
				`+ranks("$named")+`
			) unless on ($service) $down)
			unless on (environment) $watched`, n))},
	}
	rules = append(rules, environmentUnwatched()...)
	rules = append(rules, byPage(metric.ServiceUnwatchedAlert, "P1", patience, text{
		summary: "A service is not watched from anywhere.",
		description: `No location has measured any check of {{ $labels.app_service }} in {{ $labels.environment }} for ten minutes;
			an outage of it now would page no one. Owner: {{ $labels.owner }}.
			First look: are the exporters up (ThorbisExporterDown), can Prometheus scrape them, do their logs show probes.`,
	}, func(page string) string {
		return unlessReplaced(expand(`$named`+braces(page)+` unless on ($service) $serviceWatched`, n), metric.LabelAppService)
	})...)
	return Group{Name: "thorbis-health-unwatched", Interval: scrapeInterval, Rules: rules}
}

// ranks turns the page label of series whose value is 1 into a number: 1 for the most urgent and for an unknown one.
func ranks(series string) string {
	var terms []string
	for i, p := range config.Priorities {
		terms = append(terms, strconv.Itoa(i+1)+" * "+series+braces(pageMatcher(config.Priorities[0], p)))
	}
	return strings.Join(terms, "\n\t\t\t\tor ")
}

// environmentUnwatched returns a rule for each priority that the most urgent service may have.
func environmentUnwatched() []Rule {
	t := text{
		summary: "No service of the environment is watched.",
		description: `No location has measured any check of any service in {{ $labels.environment }} for ten minutes; an outage now would page no one.
			Services unwatched: {{ $value }}.
			{{- with printf "topk(5, ` + metric.LocationExpected.Name + `{environment=%q})" $labels.environment | query }}
			Locations:{{ range $i, $l := . }}{{ if $i }},{{ end }} {{ .Labels.location }}{{ end }}.{{ end }}
			{{- with printf "topk(5, ` + metric.ExporterSeen.Name + `{environment=%q})" $labels.environment | query }}
			Exporters known:{{ range $i, $e := . }}{{ if $i }},{{ end }} {{ .Labels.instance }} of job {{ .Labels.job }}{{ end }}.{{ end }}
			First look: is the exporter running, its log; then whether Prometheus can scrape it, and its network.`,
	}
	var rules []Rule
	for i, p := range metric.EnvironmentUnwatchedAlert.Priorities {
		rules = append(rules, Rule{
			Alert: metric.EnvironmentUnwatchedAlert, Priority: p, For: patience, Annotations: t.annotations(),
			Expr: expand(`count by (environment) ($named unless on ($service) $down) and on (environment) $environmentBlind == `+strconv.Itoa(i+1), unwatchedNames),
		})
	}
	return rules
}
