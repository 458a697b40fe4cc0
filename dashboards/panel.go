package dashboards

import (
	"maps"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The colours of what is good, worth a look, bad, and neither.
const (
	green, yellow, red, grey, blue = "green", "yellow", "red", "#808080", "blue"
)

// panel is any kind of panel, ready to be placed.
type panel = cog.Builder[dashboard.Panel]

// words is what every panel says about itself.
type words struct {
	title, description, unit string
}

func query(refID, expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(refID).Datasource(datasource).Expr(expr).LegendFormat(legend)
}

// steps colours values from each threshold on; the first holds for everything below the second.
func steps(base string, more ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
		Steps(append([]dashboard.Threshold{{Color: base}}, more...))
}

func from(value float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: new(value), Color: color}
}

// budgetLeft colours what is left of a budget. The first colour is also that of a panel without data, which says that
// nothing is wrong; no budget is overspent a million times.
func budgetLeft() *dashboard.ThresholdsConfigBuilder {
	return steps(green, from(-1e6, red), from(0, yellow), from(0.25, green))
}

// emptyAfter is when a budget is empty: at once if nothing of it is left, which the record leaves out as it does one
// that nothing burns.
func emptyAfter(hours, left string) string { return hours + " or 0 * (" + left + " <= 0)" }

// number is a stat of one query, one figure for each series.
func number(w words, width uint32, expr, legend string,
	thresholds *dashboard.ThresholdsConfigBuilder,
) *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(w.title).Description(w.description).Unit(w.unit).
		Datasource(datasource).Height(4).Span(width).
		WithTarget(query("A", expr, legend).Instant()).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		Thresholds(thresholds).NoValue("no data")
}

// lines is a graph over time with the last and the greatest value of each line in its legend.
func lines(w words, width uint32, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		Title(w.title).Description(w.description).Unit(w.unit).
		Datasource(datasource).Height(8).Span(width).
		FillOpacity(8).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementBottom).
			Calcs([]string{"lastNotNull", "max"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for _, q := range queries {
		b.WithTarget(q.Range())
	}
	return b
}

// column is one figure of a table.
type column struct {
	refID, title, unit, expr string
	thresholds               []dashboard.Threshold // none for no colour
}

// figures is a table with one row for each thing and one column for each query. The names of label
// columns are given in their order; other labels are hidden.
func figures(w words, height uint32, labels map[string]string, order []string, columns ...column) *table.PanelBuilder {
	b := table.NewPanelBuilder().
		Title(w.title).Description(w.description).Unit(w.unit).
		Datasource(datasource).Height(height).Span(24).NoValue("-")
	names, index := maps.Clone(labels), map[string]int{}
	for i, label := range order {
		index[label] = i
	}
	for i, c := range columns {
		b.WithTarget(query(c.refID, c.expr, "").Instant().Format(prometheus.PromQueryFormatTable))
		value := "Value #" + c.refID
		if len(columns) == 1 {
			value = "Value" // Grafana names the only query's values without its letter
		}
		names[value], index[value] = c.title, len(order)+i
		properties := []dashboard.DynamicConfigValue{{Id: "unit", Value: c.unit}}
		if len(c.thresholds) > 0 {
			properties = append(properties,
				dashboard.DynamicConfigValue{Id: "thresholds", Value: dashboard.ThresholdsConfig{
					Mode: dashboard.ThresholdsModeAbsolute, Steps: c.thresholds,
				}},
				dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]string{"type": "color-text"}})
		}
		b.OverrideByName(c.title, properties)
	}
	// Filtered first: rows merge only where all shared columns agree, and __name__ would never.
	return b.
		WithTransformation(dashboard.DataTransformerConfig{Id: "filterFieldsByName", Options: map[string]any{
			"include": map[string]any{"names": slices.Sorted(maps.Keys(names))},
		}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"renameByName": names, "indexByName": index, "excludeByName": map[string]bool{},
		}})
}

// timeline shows as what each series was seen over time; values are numbered from 1 in order.
func timeline(w words, expr, legend string, order []string, colours map[string]string) *statetimeline.PanelBuilder {
	results := map[string]dashboard.ValueMappingResult{}
	for i, value := range order {
		results[string(rune('1'+i))] = dashboard.ValueMappingResult{
			Text: new(value), Color: new(colours[value]), Index: new(int32(i)),
		}
	}
	return statetimeline.NewPanelBuilder().
		Title(w.title).Description(w.description).Unit(w.unit).
		Datasource(datasource).Height(9).Span(24).
		WithTarget(query("A", expr, legend).Range()).
		ShowValue(common.VisibilityModeNever).MergeValues(true).RowHeight(0.8).FillOpacity(80).
		Mappings(
			[]dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: results}}}).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
}
