package perses

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

const (
	kindTimeSeries = "TimeSeriesChart"
	kindHistory    = "StatusHistoryChart"
)

type timeSeriesSpec struct {
	Legend        *legend         `json:"legend,omitempty"`
	YAxis         yAxis           `json:"yAxis"`
	Thresholds    *thresholds     `json:"thresholds,omitempty"`
	Visual        visual          `json:"visual"`
	QuerySettings []querySettings `json:"querySettings,omitempty"`
}

type legend struct {
	Position string   `json:"position"`
	Mode     string   `json:"mode"`
	Values   []string `json:"values,omitempty"`
}

type yAxis struct {
	Format *format  `json:"format,omitempty"`
	Min    *float64 `json:"min,omitempty"`
	Max    *float64 `json:"max,omitempty"`
}

type visual struct {
	Display     string  `json:"display"`
	LineWidth   float64 `json:"lineWidth"`
	AreaOpacity float64 `json:"areaOpacity"`
	ShowPoints  string  `json:"showPoints"`
	Stack       string  `json:"stack,omitempty"`
}

// querySettings are for the series of one query.
type querySettings struct {
	QueryIndex  int      `json:"queryIndex"`
	ColorMode   string   `json:"colorMode,omitempty"`
	ColorValue  string   `json:"colorValue,omitempty"`
	LineStyle   string   `json:"lineStyle,omitempty"`
	AreaOpacity *float64 `json:"areaOpacity,omitempty"`
}

// timeSeriesOf is a graph over time.
func timeSeriesOf(p dashboard.Panel, options *timeseries.Options, queries []prometheus.Dataquery,
) (plugin, []string, error) {
	custom, ok := p.FieldConfig.Defaults.Custom.(*timeseries.FieldConfig)
	if !ok {
		return plugin{}, nil, fmt.Errorf("unknown configuration of fields %T", p.FieldConfig.Defaults.Custom)
	}
	d := p.FieldConfig.Defaults
	spec := timeSeriesSpec{YAxis: yAxis{Min: d.Min, Max: d.Max}}
	var err error
	if spec.YAxis.Format, err = formatOf(d.Unit, d.Decimals); err != nil {
		return plugin{}, nil, err
	}
	if spec.Legend, err = legendOf(options.Legend); err != nil {
		return plugin{}, nil, err
	}
	if spec.Visual, err = visualOf(custom); err != nil {
		return plugin{}, nil, err
	}
	if custom.ThresholdsStyle != nil && custom.ThresholdsStyle.Mode != common.GraphThresholdsStyleModeOff {
		if spec.Thresholds, err = thresholdsOf(d.Thresholds); err != nil {
			return plugin{}, nil, err
		}
	}
	var lost []string
	if custom.AxisSoftMax != nil {
		lost = append(lost, fmt.Sprintf("the axis reaches %v also while all values are lower", *custom.AxisSoftMax))
	}
	if len(d.Mappings) > 0 {
		return plugin{}, nil, errors.New("texts instead of values of a graph are not written for Perses")
	}
	var missing []string
	spec.QuerySettings, missing, err = settingsOf(p.FieldConfig.Overrides, queries)
	return plugin{Kind: kindTimeSeries, Spec: spec}, append(lost, missing...), err
}

// legendOf is the legend of a graph; nil for none.
func legendOf(o common.VizLegendOptions) (*legend, error) {
	if !o.ShowLegend {
		return nil, nil
	}
	l := &legend{Position: string(o.Placement), Mode: string(o.DisplayMode)}
	for _, calculation := range o.Calcs {
		switch calculation {
		case "lastNotNull":
			l.Values = append(l.Values, lastNumber)
		case "max", "min", "mean", "sum":
			l.Values = append(l.Values, calculation)
		default:
			return nil, fmt.Errorf("unknown calculation %q of the legend", calculation)
		}
	}
	return l, nil
}

// visualOf is how lines are drawn.
func visualOf(c *timeseries.FieldConfig) (visual, error) {
	v := visual{Display: "line", LineWidth: 1, ShowPoints: "auto"}
	if c.LineWidth != nil {
		v.LineWidth = *c.LineWidth
	}
	if c.FillOpacity != nil {
		v.AreaOpacity = *c.FillOpacity / 100
	}
	if c.ShowPoints != nil && *c.ShowPoints != common.VisibilityModeAuto || c.DrawStyle != nil {
		return v, errors.New("points and bars of a graph are not written for Perses")
	}
	if c.Stacking != nil && c.Stacking.Mode != nil {
		if *c.Stacking.Mode != common.StackingModeNormal {
			return v, fmt.Errorf("stacking of the mode %q is not written for Perses", *c.Stacking.Mode)
		}
		v.Stack = "all"
	}
	return v, nil
}

// settingsOf are the colours and styles of queries. Perses gives them to queries, not to series, so the colour of a
// series by the value of its label is lost.
func settingsOf(all []dashboard.DashboardFieldConfigSourceOverrides, queries []prometheus.Dataquery,
) ([]querySettings, []string, error) {
	var settings []querySettings
	var names []string
	for _, c := range all {
		o, err := overrideOf(c.Properties)
		if err != nil {
			return nil, nil, err
		}
		name, err := matched(c.Matcher)
		if err != nil {
			return nil, nil, err
		}
		i := slices.IndexFunc(queries, func(q prometheus.Dataquery) bool {
			return c.Matcher.Id == "byFrameRefID" && *q.RefId == name || c.Matcher.Id == "byName" && *q.LegendFormat == name
		})
		if i < 0 {
			names = append(names, name)
			continue
		}
		s := querySettings{QueryIndex: i, ColorMode: "fixed"}
		if c.Matcher.Id == "byName" {
			s.ColorMode = "fixed-single" // the query has one series
		}
		if s.ColorValue, err = colourOf(o.colour); err != nil {
			return nil, nil, err
		}
		if o.dashed {
			s.LineStyle = "dashed"
		}
		if o.opacity != nil {
			s.AreaOpacity = new(*o.opacity / 100)
		}
		settings = append(settings, s)
	}
	if len(names) == 0 {
		return settings, nil, nil
	}
	return settings, []string{"colours of the series " + strings.Join(names, ", ") + ": those of a palette are shown"}, nil
}

type historySpec struct {
	Legend   *legend   `json:"legend,omitempty"`
	Mappings []mapping `json:"mappings"`
}

// historyOf shows states over time: a cell for each step, while equal ones merge into one bar in Grafana.
func historyOf(p dashboard.Panel, options *statetimeline.Options) (plugin, []string, error) {
	if len(p.FieldConfig.Overrides) > 0 {
		return plugin{}, nil, errors.New("overrides of states are not written for Perses")
	}
	var spec historySpec
	var err error
	if spec.Legend, err = legendOf(options.Legend); err != nil {
		return plugin{}, nil, err
	}
	spec.Mappings, err = mappingsOf(p.FieldConfig.Defaults.Mappings)
	lost := []string{"equal states merged into one bar: a cell is shown for each step"}
	return plugin{Kind: kindHistory, Spec: spec}, lost, err
}
