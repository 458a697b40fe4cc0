package perses

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

// format is how numbers are written.
type format struct {
	Unit          string `json:"unit"`
	DecimalPlaces *int   `json:"decimalPlaces,omitempty"`
	ShortValues   bool   `json:"shortValues,omitempty"`
}

// formats are the units of Perses by those of Grafana. Perses shortens the values of some: 1.2 M instead of 1200000.
var formats = map[string]format{
	units.NoUnit:              {Unit: "decimal"},
	units.Short:               {Unit: "decimal", ShortValues: true},
	units.PercentUnit:         {Unit: "percent-decimal"},
	units.Seconds:             {Unit: "seconds"},
	units.Hours:               {Unit: "hours"},
	units.BytesIEC:            {Unit: "bytes", ShortValues: true},
	units.BytesPerSecondIEC:   {Unit: "bytes/sec", ShortValues: true},
	units.CountsPerSecond:     {Unit: "counts/sec", ShortValues: true},
	units.RequestsPerSecond:   {Unit: "requests/sec", ShortValues: true},
	units.OpsPerSecond:        {Unit: "ops/sec", ShortValues: true},
	units.IOOpsPerSecond:      {Unit: "ops/sec", ShortValues: true},
	units.DateTimeFromNow:     {Unit: relativeTime},
	units.DatetimeISONotToday: {Unit: isoTime},
	units.BoolYesNo:           {Unit: "decimal"}, // columnOf adds the texts
}

// Formats of times: from now, and as a date. They have no decimals.
const (
	relativeTime = "relative-time"
	isoTime      = "datetime-iso"
)

func formatOf(unit *string, decimals *float64) (*format, error) {
	if unit == nil {
		return nil, nil
	}
	f, ok := formats[*unit]
	if !ok {
		return nil, fmt.Errorf("unknown unit %q: add it to the formats of Perses", *unit)
	}
	if decimals != nil && f.Unit != relativeTime && f.Unit != isoTime {
		f.DecimalPlaces = new(int(*decimals))
	}
	return &f, nil
}

// colours are those of Grafana's dark theme, for Perses takes hexadecimal ones only. That of text is Perses' own.
var colours = map[string]string{
	"green": "#73bf69", "yellow": "#fade2a", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2",
	"light-orange": "#ffb357", "dark-orange": "#fa6400",
	"purple": "#b877d9", "light-green": "#96d98d", "text": "", "light-blue": "#8ab8ff",
	"dark-purple": "#8f3bb8", "#808080": "#808080",
}

func colourOf(name string) (string, error) {
	colour, ok := colours[name]
	if !ok {
		return "", fmt.Errorf("unknown colour %q: add it to the colours of Perses", name)
	}
	return colour, nil
}

type thresholds struct {
	Mode         string `json:"mode"`
	DefaultColor string `json:"defaultColor,omitempty"`
	Steps        []step `json:"steps,omitempty"`
}

type step struct {
	Value float64 `json:"value"`
	Color string  `json:"color,omitempty"`
}

// thresholdsOf returns the steps. An absent value has no colour in Perses, so a first step only for it is left out.
func thresholdsOf(c *dashboard.ThresholdsConfig) (*thresholds, error) {
	if c == nil {
		return nil, nil
	}
	if c.Mode != dashboard.ThresholdsModeAbsolute {
		return nil, fmt.Errorf("thresholds of the mode %q are not written for Perses", c.Mode)
	}
	t := &thresholds{Mode: "absolute"}
	for _, s := range c.Steps {
		colour, err := colourOf(s.Color)
		if err != nil {
			return nil, err
		}
		if s.Value == nil || *s.Value <= dashboards.Lowest {
			t.DefaultColor = colour
			continue
		}
		t.Steps = append(t.Steps, step{Value: *s.Value, Color: colour})
	}
	return t, nil
}

// at is the colour of a value.
func (t *thresholds) at(value float64) string {
	colour := t.DefaultColor
	for _, s := range t.Steps {
		if value >= s.Value {
			colour = s.Color
		}
	}
	return colour
}

// valueText is shown instead of a value.
type valueText struct{ value, text, colour string }

// textsOf returns the texts shown instead of values, in their order.
func textsOf(all []dashboard.ValueMapping) ([]valueText, error) {
	var texts []valueText
	for _, m := range all {
		if m.ValueMap == nil {
			return nil, fmt.Errorf("only texts shown instead of single values are written for Perses")
		}
		options := m.ValueMap.Options
		values := slices.SortedFunc(maps.Keys(options), func(a, b string) int {
			return cmp.Compare(*options[a].Index, *options[b].Index)
		})
		for _, value := range values {
			colour, err := colourOf(*options[value].Color)
			if err != nil {
				return nil, err
			}
			texts = append(texts, valueText{value, *options[value].Text, colour})
		}
	}
	return texts, nil
}

// mapping shows a text instead of a value, in charts.
type mapping = kinded[mappingSpec]

type mappingSpec struct {
	Value  string        `json:"value"`
	Result mappingResult `json:"result"`
}

type mappingResult struct {
	Value string `json:"value"`
	Color string `json:"color,omitempty"`
}

func mappingsOf(all []dashboard.ValueMapping) ([]mapping, error) {
	texts, err := textsOf(all)
	if err != nil {
		return nil, err
	}
	var mappings []mapping
	for _, t := range texts {
		mappings = append(mappings, mapping{Kind: "Value", Spec: mappingSpec{t.value, mappingResult{t.text, t.colour}}})
	}
	return mappings, nil
}
