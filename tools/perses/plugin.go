package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	gosdk "github.com/perses/perses/go-sdk/common"
	"github.com/perses/perses/pkg/model/api/v1/common"
	labelvalues "github.com/perses/plugins/prometheus/sdk/go/variable/label-values"
	stat "github.com/perses/plugins/statchart/sdk/go"
	table "github.com/perses/plugins/table/sdk/go"
)

// The types of the plugins' modules are older than the plugins that Perses 0.53 ships. What these know besides stands
// here, as their documentation has it.
type (
	statSpec struct {
		stat.PluginSpec
		MetricLabel string    `json:"metricLabel,omitempty"`
		LegendMode  string    `json:"legendMode,omitempty"`
		Mappings    []mapping `json:"mappings,omitempty"`
	}
	tableSpec struct {
		Density             string            `json:"density,omitempty"`
		DefaultColumnHidden bool              `json:"defaultColumnHidden,omitempty"`
		ColumnSettings      []column          `json:"columnSettings,omitempty"`
		Transforms          []gosdk.Transform `json:"transforms,omitempty"`
	}
	column struct {
		table.ColumnSettings
		CellSettings []table.CellSettings `json:"cellSettings,omitempty"`
		DataLink     *dataLink            `json:"dataLink,omitempty"`
	}
	dataLink struct {
		URL        string `json:"url"`
		Title      string `json:"title,omitempty"`
		OpenNewTab bool   `json:"openNewTab"`
	}
)

// The modules of these plugins are not served by the module proxy, and the type of queries in that of Prometheus'
// plugin does not compile with Perses 0.53: their types are written here from their schemas.
type (
	querySpec struct {
		Query            string `json:"query"`
		SeriesNameFormat string `json:"seriesNameFormat,omitempty"`
	}
	timeSeriesSpec struct {
		Legend        *legend           `json:"legend,omitempty"`
		YAxis         *yAxis            `json:"yAxis,omitempty"`
		Thresholds    *gosdk.Thresholds `json:"thresholds,omitempty"`
		Visual        *visual           `json:"visual,omitempty"`
		QuerySettings []querySettings   `json:"querySettings,omitempty"`
	}
	historySpec struct {
		Legend   *legend   `json:"legend,omitempty"`
		Mappings []mapping `json:"mappings,omitempty"`
	}
	datasourceSpec struct {
		DatasourcePluginKind string `json:"datasourcePluginKind"`
	}
	legend struct {
		Position string              `json:"position"`
		Mode     string              `json:"mode,omitempty"`
		Values   []gosdk.Calculation `json:"values,omitempty"`
	}
	yAxis struct {
		Format *gosdk.Format `json:"format,omitempty"`
		Min    *float64      `json:"min,omitempty"`
		Max    *float64      `json:"max,omitempty"`
	}
	visual struct {
		Display     string  `json:"display,omitempty"`
		LineWidth   float64 `json:"lineWidth,omitempty"`
		AreaOpacity float64 `json:"areaOpacity,omitempty"`
		ShowPoints  string  `json:"showPoints,omitempty"`
		Stack       string  `json:"stack,omitempty"`
	}
	querySettings struct {
		QueryIndex  int     `json:"queryIndex"`
		ColorMode   string  `json:"colorMode,omitempty"`
		ColorValue  string  `json:"colorValue,omitempty"`
		LineStyle   string  `json:"lineStyle,omitempty"`
		AreaOpacity float64 `json:"areaOpacity,omitempty"`
	}
	mapping struct {
		Kind string `json:"kind"`
		Spec struct {
			Value  string `json:"value"`
			Result struct {
				Value string `json:"value"`
				Color string `json:"color,omitempty"`
			} `json:"result"`
		} `json:"spec"`
	}
)

// dates are units that the types do not know yet, and that take no decimals.
var dates = []string{"relative-time", "datetime-iso"}

// validatePlugin checks the fields of a plugin. Queries is how many queries a panel has.
func validatePlugin(p common.Plugin, queries int) error {
	var into any
	switch p.Kind {
	case "StatChart":
		into = new(statSpec)
	case "Table":
		into = new(tableSpec)
	case "TimeSeriesChart":
		into = new(timeSeriesSpec)
	case "StatusHistoryChart":
		into = new(historySpec)
	case "PrometheusTimeSeriesQuery":
		into = new(querySpec)
	case "PrometheusLabelValuesVariable":
		into = new(labelvalues.PluginSpec)
	case "DatasourceVariable":
		into = new(datasourceSpec)
	default:
		return fmt.Errorf("unknown plugin")
	}
	spec, err := known(p.Spec)
	if err != nil {
		return err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	if err := strict(text, into); err != nil {
		return err
	}
	return validateValues(into, queries)
}

// known returns a copy without what the types do not know: a data source by the name of a variable, and units of dates.
func known(raw any) (any, error) {
	switch raw := raw.(type) {
	case map[string]any:
		copied := map[string]any{}
		for key, value := range raw {
			unit, isText := value.(string)
			switch {
			case key == "datasource" && isText: // validateSource checks the name
			case key == "unit" && isText && slices.Contains(dates, unit):
				if len(raw) > 1 {
					return nil, fmt.Errorf("the unit %s takes no other fields: %v", unit, raw)
				}
			default:
				inner, err := known(value)
				if err != nil {
					return nil, err
				}
				copied[key] = inner
			}
		}
		return copied, nil
	case []any:
		copied := make([]any, len(raw))
		for i, value := range raw {
			inner, err := known(value)
			if err != nil {
				return nil, err
			}
			copied[i] = inner
		}
		return copied, nil
	}
	return raw, nil
}

var colourRE = regexp.MustCompile(`^#(?:[0-9a-fA-F]{3}){1,2}$`)

// one is a text of which there are only some.
type one struct {
	name, value string
	of          []string
}

func (o one) check() error {
	if !slices.Contains(o.of, o.value) {
		return fmt.Errorf("invalid %s %q: must be one of %q", o.name, o.value, o.of)
	}
	return nil
}

// colour is a text in hexadecimal digits, or none.
func colour(value string) error {
	if value != "" && !colourRE.MatchString(value) {
		return fmt.Errorf("invalid colour %q: write it like #73bf69", value)
	}
	return nil
}
