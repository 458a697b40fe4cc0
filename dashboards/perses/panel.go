package perses

import (
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

type promSpec struct {
	Datasource       string `json:"datasource"`
	Query            string `json:"query"`
	SeriesNameFormat string `json:"seriesNameFormat,omitempty"`
}

// panelOf returns a panel and what of it Perses cannot show. A kind of panel that is not known is an error.
func panelOf(p dashboard.Panel) (panel, []string, error) {
	if err := refused(p); err != nil {
		return panel{}, nil, err
	}
	queries, err := dashboards.Queries(p)
	if err != nil {
		return panel{}, nil, err
	}
	var shown plugin
	var lost []string
	switch options := p.Options.(type) {
	case *stat.Options:
		shown, err = statOf(p, options, queries)
	case *timeseries.Options:
		shown, lost, err = timeSeriesOf(p, options, queries)
	case *statetimeline.Options:
		shown, lost, err = historyOf(p, options)
	case *table.Options:
		shown, err = tableOf(p, options, queries)
	default:
		err = fmt.Errorf("unknown kind of panel %q", p.Type)
	}
	if err != nil {
		return panel{}, nil, err
	}
	links, err := dataLinks(p.FieldConfig.Defaults.Links)
	if err != nil {
		return panel{}, nil, err
	}
	spec := panelSpec{Display: Display{Name: *p.Title, Description: described(p)}, Plugin: shown, Links: links}
	for _, q := range queries {
		converted, err := queryOf(q, shown.Kind)
		if err != nil {
			return panel{}, nil, err
		}
		spec.Queries = append(spec.Queries, converted)
	}
	return panel{Kind: kindPanel, Spec: spec}, lost, nil
}

// described is the description with what it means that nothing is shown, for which Perses has no field.
func described(p dashboard.Panel) string {
	if empty := p.FieldConfig.Defaults.NoValue; empty != nil && *empty != "" {
		return *p.Description + "\n\n**Without data:** " + *empty + "."
	}
	return *p.Description
}

// refused reports what no panel of the dashboards has, so that it is not lost when one gets it.
func refused(p dashboard.Panel) error {
	if p.Repeat != nil || p.LibraryPanel != nil || p.Interval != nil || p.TimeFrom != nil || p.TimeShift != nil ||
		p.MaxDataPoints != nil || len(p.Links) > 0 {
		return errors.New("repeats, library panels, a time or an interval of its own, and links of the panel " +
			"are not written for Perses")
	}
	d := p.FieldConfig.Defaults
	if d.DisplayName != nil || d.DisplayNameFromDS != nil || d.Actions != nil || d.Filterable != nil ||
		d.FieldMinMax != nil || d.Color != nil && d.Color.Mode != dashboard.FieldColorModeIdThresholds {
		return errors.New("names, actions, filters and colours of fields are not written for Perses")
	}
	return nil
}

// queryOf returns a query. Perses asks for one instant or for a range by the kind of the panel.
func queryOf(q prometheus.Dataquery, kind string) (query, error) {
	instant := q.Instant != nil && *q.Instant
	if instant != (kind == kindStat || kind == kindTable) {
		return query{}, fmt.Errorf("query %s: a panel %s asks for a range only, or for an instant only", *q.RefId, kind)
	}
	if q.Interval != nil || q.Hide != nil && *q.Hide {
		return query{}, fmt.Errorf("query %s: an interval of its own and hidden queries are not written for Perses", *q.RefId)
	}
	spec := promSpec{Datasource: datasource, Query: q.Expr}
	if q.LegendFormat != nil {
		spec.SeriesNameFormat = *q.LegendFormat
	}
	return query{Kind: kindQuery, Spec: querySpec{Plugin: plugin{Kind: "PrometheusTimeSeriesQuery", Spec: spec}}}, nil
}
