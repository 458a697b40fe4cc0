package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// panel is any kind of panel, ready to be placed.
type panel = cog.Builder[dashboard.Panel]

// words is what every panel says about itself: what it shows and, where it can be red, what to do then. Empty says what
// it means that there is nothing to show.
type words struct {
	title, about, whenRed, empty, unit string
}

func (w words) description() string {
	if w.whenRed == "" {
		return w.about
	}
	return w.about + "\n\n**When red:** " + w.whenRed
}

func query(refID, expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(refID).Datasource(datasource).Expr(expr).LegendFormat(legend)
}

// letter is the name of the query at an index.
func letter(i int) string { return string(rune('A' + i)) }

// number is a stat of one query, one figure for each series.
func number(w words, width uint32, expr, legend string, t *dashboard.ThresholdsConfigBuilder) *stat.PanelBuilder {
	return numbers(w, width, t, query("A", expr, legend))
}

// numbers is a stat of several queries.
func numbers(w words, width uint32, t *dashboard.ThresholdsConfigBuilder,
	queries ...*prometheus.DataqueryBuilder,
) *stat.PanelBuilder {
	b := stat.NewPanelBuilder().
		Title(w.title).Description(w.description()).Unit(w.unit).NoValue(w.empty).
		Datasource(datasource).Height(4).Span(width).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		Thresholds(t)
	for _, q := range queries {
		b.WithTarget(q.Instant())
	}
	if len(queries) > 1 { // beside each other, with their names
		b.Orientation(common.VizOrientationVertical).TextMode(common.BigValueTextModeValueAndName).
			Text(common.NewVizTextDisplayOptionsBuilder().TitleSize(14).ValueSize(30))
	}
	return b
}

// bars are figures under each other, one for each series, a quarter of the width.
func bars(w words, expr, legend string, t *dashboard.ThresholdsConfigBuilder) *stat.PanelBuilder {
	return number(w, 6, expr, legend, t).Height(6).Orientation(common.VizOrientationHorizontal)
}

// lines is a graph over time of few lines, whose legend stands below it in one or two lines.
func lines(w words, width uint32, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		Title(w.title).Description(w.description()).Unit(w.unit).NoValue(w.empty).
		Datasource(datasource).Height(8).Span(width).
		FillOpacity(8).LineWidth(1).ShowPoints(common.VisibilityModeAuto).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).
			Calcs([]string{"lastNotNull"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for _, q := range queries {
		b.WithTarget(q.Range())
	}
	return b
}

// manyLines is a graph of as many lines as there are things. Its legend stands beside it, sorted by the last value, so
// that it takes nothing of the height.
func manyLines(w words, width uint32, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	return lines(w, width, queries...).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementRight).
			Calcs([]string{"lastNotNull", "max"}).SortBy("Last *").SortDesc(true))
}

// limited draws a dashed line at a limit.
func limited(b *timeseries.PanelBuilder, limit float64) *timeseries.PanelBuilder {
	return b.Thresholds(steps(green, from(limit, red))).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
}

// coloured gives lines their colours by the text of their legend.
func coloured(b *timeseries.PanelBuilder, colours map[string]string) *timeseries.PanelBuilder {
	for _, name := range sortedKeys(colours) {
		b.OverrideByName(name, []dashboard.DynamicConfigValue{fixedColour(colours[name])})
	}
	return b
}

func fixedColour(colour string) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": colour}}
}

// objectiveLine draws the lines of a query as what was expected: dashed, grey, without an area.
var objectiveLine = []dashboard.DynamicConfigValue{
	{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{8, 8}}},
	{Id: "custom.fillOpacity", Value: 0},
	fixedColour(grey),
}

// timeline shows as what each series was seen over time; values are numbered from 1 in order.
func timeline(w words, expr, legend string, order []string, colours map[string]string) *statetimeline.PanelBuilder {
	var values []text
	for i, value := range order {
		values = append(values, text{i + 1, value, colours[value]})
	}
	return statetimeline.NewPanelBuilder().
		Title(w.title).Description(w.description()).Unit(units.NoUnit).NoValue(w.empty).
		Datasource(datasource).Height(8).Span(24).
		WithTarget(query("A", expr, legend).Range()).
		ShowValue(common.VisibilityModeNever).MergeValues(true).RowHeight(0.8).FillOpacity(80).
		Mappings(texts(values...)).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
}
