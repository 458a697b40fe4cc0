package perses

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
)

const kindStat = "StatChart"

// lastNumber is the calculation by which one number is shown of a series.
const lastNumber = "last-number"

type statSpec struct {
	Calculation string      `json:"calculation"`
	MetricLabel string      `json:"metricLabel,omitempty"`
	Format      *format     `json:"format,omitempty"`
	Thresholds  *thresholds `json:"thresholds,omitempty"`
	Mappings    []mapping   `json:"mappings,omitempty"`
	LegendMode  string      `json:"legendMode,omitempty"`
}

var oneLabelRE = regexp.MustCompile(`^\{\{(\w+)\}\}$`)

// statOf is a stat. All figures of a StatChart have one format and one set of thresholds: where they differ, a table of
// one row with a column for each figure stands in its place.
func statOf(p dashboard.Panel, options *stat.Options, queries []prometheus.Dataquery) (plugin, error) {
	if !slices.Equal(options.ReduceOptions.Calcs, []string{"lastNotNull"}) ||
		options.GraphMode != common.BigValueGraphModeNone || options.ColorMode != common.BigValueColorModeValue {
		return plugin{}, fmt.Errorf("only the last number, coloured and without a graph, is written for Perses")
	}
	if len(p.FieldConfig.Overrides) > 0 {
		return figuresOf(p, queries)
	}
	d := p.FieldConfig.Defaults
	spec := statSpec{Calculation: lastNumber}
	var err error
	if spec.Format, err = formatOf(d.Unit, d.Decimals); err != nil {
		return plugin{}, err
	}
	if spec.Thresholds, err = thresholdsOf(d.Thresholds); err != nil {
		return plugin{}, err
	}
	if spec.Mappings, err = mappingsOf(d.Mappings); err != nil {
		return plugin{}, err
	}
	switch options.TextMode {
	case common.BigValueTextModeValueAndName:
		spec.LegendMode = "on"
	case common.BigValueTextModeName:
		label := oneLabelRE.FindStringSubmatch(*queries[0].LegendFormat)
		if label == nil || len(queries) > 1 {
			return plugin{}, fmt.Errorf("a name that is not that of one label is not written for Perses")
		}
		spec.MetricLabel = label[1]
	}
	return plugin{Kind: kindStat, Spec: spec}, nil
}

// figuresOf is a table of one row, with a column for each query of a stat.
func figuresOf(p dashboard.Panel, queries []prometheus.Dataquery) (plugin, error) {
	overrides, err := byName(p.FieldConfig)
	if err != nil {
		return plugin{}, err
	}
	d := p.FieldConfig.Defaults
	spec := tableSpec{
		Density: "comfortable", HideOthers: true,
		// What belongs to one instant belongs to one row.
		Transforms: []any{join{Columns: []string{"timestamp"}}.transform()},
	}
	for i, q := range queries {
		o := overrides[*q.LegendFormat]
		delete(overrides, *q.LegendFormat)
		o.unit, o.noValue = either(o.unit, d.Unit), either(o.noValue, d.NoValue)
		o.decimals, o.thresholds = either(o.decimals, d.Decimals), either(o.thresholds, d.Thresholds)
		if o.mappings == nil {
			o.mappings = d.Mappings
		}
		c, err := columnOf(valueColumn(i, len(queries)), *q.LegendFormat, o, nil)
		if err != nil {
			return plugin{}, err
		}
		spec.ColumnSettings = append(spec.ColumnSettings, c)
	}
	for name := range overrides {
		return plugin{}, fmt.Errorf("the override of %q is not written for Perses: no figure has that name", name)
	}
	return plugin{Kind: kindTable, Spec: spec}, nil
}

// either is the first of two values that is set.
func either[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}
