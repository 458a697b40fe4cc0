package health

import (
	"strconv"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

var unwatchedNames = rule.Names{
	"named":            metric.ServiceExpected.Name,
	"down":             metric.CheckDownOwned.Select(`tenant=""`),
	"watched":          metric.CheckWatched.Name,
	"environmentBlind": metric.EnvironmentUnwatched.Name,
}

// unwatched pages for services of which nothing is measured. The policy names them, so this works without any exporter.
// While nothing of the environment is measured, one alert stands for all its services. That begins with the condition
// rather than with the page, so that exporters that die within minutes of each other are one page. A service that is
// down has been paged and stays so until a location sees it up: it makes no second page. Both alerts are in one group:
// a rule of another group would see the condition an evaluation later.
func unwatched(*config.Policy) rule.Group {
	n := unwatchedNames
	rules := []rule.Rule{
		{Record: metric.EnvironmentUnwatched, Expr: rule.UnlessReplaced(rule.Expand(`
			min by (environment) ((`+rule.Ranks("$named")+`) unless on ($service) $down)
			unless on (environment) $watched`, n))},
	}
	rules = append(rules, environmentUnwatched()...)
	rules = append(rules, rule.ByPage(metric.ServiceUnwatchedAlert, "P1", rule.Patience, rule.Text{
		Summary: "A service is not watched from anywhere.",
		Description: `No location has measured any check of {{ $labels.app_service }} in {{ $labels.environment }} for ten
			minutes;
			an outage of it would not page. Owner: {{ $labels.owner }}.
			First look: are the exporters up (ThorbisExporterDown), can Prometheus scrape them, do their logs show probes.`,
	}, func(page string) string {
		return rule.UnlessReplaced(rule.Expand(`$named`+rule.Braces(page)+` unless on ($service) $watched`, n),
			metric.LabelAppService)
	})...)
	return rule.Group{Name: "thorbis-health-unwatched", Interval: rule.ScrapeInterval, Rules: rules}
}

// environmentUnwatched returns a rule for each priority that the most urgent service may have.
func environmentUnwatched() []rule.Rule {
	t := rule.Text{
		Summary: "No service of the environment is watched.",
		Description: `No location has measured any check of any service in {{ $labels.environment }} for ten minutes;
			an outage would not page.
			Services unwatched: {{ $value }}.
			{{- with printf "topk(5, ` + metric.LocationExpected.Name + `{environment=%q})" $labels.environment | query }}
			Locations:{{ range $i, $l := . }}{{ if $i }},{{ end }} {{ .Labels.location }}{{ end }}.{{ end }}
			{{- with printf "topk(5, ` + metric.ExporterSeen.Name + `{environment=%q})" $labels.environment | query }}
			Exporters known:{{ range $i, $e := . }}{{ if $i }},{{ end }} {{ .Labels.instance }} of job
			{{ .Labels.job }}{{ end }}.{{ end }}
			First look: is the exporter running, its log; then whether Prometheus can scrape it, and its network.`,
	}
	var rules []rule.Rule
	for i, p := range metric.EnvironmentUnwatchedAlert.Priorities {
		rules = append(rules, rule.Rule{
			Alert: metric.EnvironmentUnwatchedAlert, Priority: p, For: rule.Patience, Annotations: t.Annotations(),
			Expr: rule.Expand(`count by (environment) ($named unless on ($service) $down) and on (environment) `+
				`$environmentBlind == `+strconv.Itoa(i+1), unwatchedNames),
		})
	}
	return rules
}
