package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

// annotation marks on every graph when something happened. The viewer can switch each off.
type annotation struct {
	name, colour, expr, title, text string
}

// annotations are what is marked on every dashboard: to add one, add a literal.
var annotations = []annotation{
	{
		name: "Outages", colour: red, expr: inEnvironment(metric.CheckDownOwned, metric.LabelTenant+`=""`) + " > 0",
		title: "{{check}} is down", text: "{{app_service}} {{check}} is down; {{owner}} owns it, priority {{page}}.",
	},
	{
		name: "Many tenants down", colour: orange, expr: inEnvironment(metric.ManyTenantsDown) + " > 0",
		title: "Many tenants of {{app_service}} are down", text: "{{owner}} owns it, priority {{page}}.",
	},
	{
		name: "Maintenance", colour: blue, expr: inEnvironment(metric.Maintenance) + " > 0",
		title: "Maintenance of {{app_service}}", text: "Its time and its requests are excluded.",
	},
	{
		name: "Deployments", colour: green,
		expr:  "last_over_time(" + inEnvironment(metric.DeploymentNoted) + "[$__interval]) > 0",
		title: "{{app_service}} was deployed", text: "{{deployment}}",
	},
	{
		name: "Policy reloads", colour: "purple",
		expr:  "changes(" + inEnvironment(metric.ConfigReloadTimestamp) + "[$__interval]) > 0",
		title: "Policy reloaded", text: "Job {{job}}, instance {{instance}}.",
	},
}

func (a annotation) builder() *dashboard.AnnotationQueryBuilder {
	return dashboard.NewAnnotationQueryBuilder().
		Name(a.name).Datasource(datasource).Enable(true).IconColor(a.colour).
		Expr(a.expr).TitleFormat(a.title).TextFormat(a.text).Step("30s")
}

// visible puts the switch of an annotation above the panels, where older Grafanas always showed it.
type visible struct{ annotation }

// Build implements cog.Builder.
func (v visible) Build() (dashboard.AnnotationQuery, error) {
	q, err := v.builder().Build()
	q.Placement, q.BuiltIn, q.Hide = nil, nil, nil
	return q, err
}
