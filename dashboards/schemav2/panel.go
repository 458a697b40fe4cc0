package schemav2

import (
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

// queryVersion is the only version of a query's kind that Grafana knows.
const queryVersion = "v0"

// elementName is the name by which the layout refers to a panel, as Grafana makes it.
func elementName(p dashboard.Panel) string { return fmt.Sprintf("panel-%d", *p.Id) }

func panelOf(p dashboard.Panel) (*dashboardv2.PanelKind, error) {
	if p.LibraryPanel != nil || p.MaxDataPoints != nil || p.QueryCachingTTL != nil {
		return nil, errors.New("schema v2 is not written for a library panel, a number of data points or a cache")
	}
	queries, err := queriesOf(p)
	if err != nil {
		return nil, err
	}
	fields, err := fieldsOf(p.FieldConfig)
	if err != nil {
		return nil, err
	}
	links := []dashboardv2.DataLink{}
	for _, l := range p.Links {
		links = append(links, dashboardv2.DataLink{Title: l.Title, Url: valueOr(l.Url, ""), TargetBlank: new(l.TargetBlank)})
	}
	return &dashboardv2.PanelKind{Kind: "Panel", Spec: dashboardv2.PanelSpec{
		Id: float64(*p.Id), Title: *p.Title, Description: p.Description, Links: links, Transparent: p.Transparent,
		Data: dashboardv2.QueryGroupKind{Kind: "QueryGroup", Spec: dashboardv2.QueryGroupSpec{
			Queries: queries, Transformations: transformationsOf(p.Transformations),
			QueryOptions: dashboardv2.QueryOptionsSpec{
				TimeFrom: p.TimeFrom, TimeShift: p.TimeShift, Interval: p.Interval, CacheTimeout: p.CacheTimeout,
				HideTimeOverride: p.HideTimeOverride, TimeCompare: p.TimeCompare,
			},
		}},
		VizConfig: dashboardv2.VizConfigKind{
			Kind: "VizConfig", Group: p.Type, Version: valueOr(p.PluginVersion, ""),
			Spec: dashboardv2.VizConfigSpec{Options: optionsOf(p.Options), FieldConfig: fields},
		},
	}}, nil
}

// optionsOf returns the options of a panel. The footer of a table has a list of calculations, which may not be null.
func optionsOf(options any) any {
	t, ok := options.(*table.Options)
	if !ok || t.Footer == nil || t.Footer.Reducer != nil {
		return options
	}
	copied, footer := *t, *t.Footer
	footer.Reducer = []string{}
	copied.Footer = &footer
	return &copied
}

// dataQuery asks a data source. Its kind and its name stand beside the query, and no longer in it.
func dataQuery(source *common.DataSourceRef, spec any) dashboardv2.DataQueryKind {
	return dashboardv2.DataQueryKind{
		Kind: "DataQuery", Group: *source.Type, Version: queryVersion,
		Datasource: &dashboardv2.Dashboardv2DataQueryKindDatasource{Name: source.Uid}, Spec: spec,
	}
}

func queriesOf(p dashboard.Panel) ([]dashboardv2.PanelQueryKind, error) {
	converted := []dashboardv2.PanelQueryKind{}
	queries, err := dashboards.Queries(p)
	if err != nil {
		return nil, err
	}
	for _, q := range queries {
		spec := dashboardv2.PanelQuerySpec{
			Query: dataQuery(q.Datasource, withoutReference(q)), RefId: *q.RefId, Hidden: valueOr(q.Hide, false),
		}
		converted = append(converted, dashboardv2.PanelQueryKind{Kind: "PanelQuery", Spec: spec})
	}
	return converted, nil
}

// withoutReference returns a query without what stands beside it in schema v2.
func withoutReference(q prometheus.Dataquery) prometheus.Dataquery {
	q.Datasource, q.RefId, q.Hide = nil, nil, nil
	return q
}

func transformationsOf(all []dashboard.DataTransformerConfig) []dashboardv2.TransformationKind {
	converted := []dashboardv2.TransformationKind{}
	for _, t := range all {
		spec := dashboardv2.TransformationSpec{Disabled: t.Disabled, Options: t.Options}
		if t.Filter != nil {
			spec.Filter = &dashboardv2.MatcherConfig{Id: t.Filter.Id, Options: t.Filter.Options}
		}
		if t.Topic != nil {
			spec.Topic = new(dashboardv2.DataTopic(*t.Topic))
		}
		converted = append(converted, dashboardv2.TransformationKind{Kind: "Transformation", Group: t.Id, Spec: spec})
	}
	return converted
}
