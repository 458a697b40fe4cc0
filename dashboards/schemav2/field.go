package schemav2

import (
	"errors"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
)

// fieldsOf returns how values are shown. Overrides keep their values: their shape is the same in both schemas.
func fieldsOf(c *dashboard.FieldConfigSource) (dashboardv2.FieldConfigSource, error) {
	converted := dashboardv2.FieldConfigSource{Overrides: []dashboardv2.Dashboardv2FieldConfigSourceOverrides{}}
	if c == nil {
		return converted, nil
	}
	d := c.Defaults
	if d.Actions != nil {
		return converted, errors.New("schema v2 is not written for actions")
	}
	mappings, err := mappingsOf(d.Mappings)
	if err != nil {
		return converted, err
	}
	converted.Defaults = dashboardv2.FieldConfig{
		DisplayName: d.DisplayName, DisplayNameFromDS: d.DisplayNameFromDS, Description: d.Description, Path: d.Path,
		Writeable: d.Writeable, Filterable: d.Filterable, Unit: d.Unit, Decimals: d.Decimals, Min: d.Min, Max: d.Max,
		NoValue: d.NoValue, Custom: d.Custom, FieldMinMax: d.FieldMinMax,
		Mappings: mappings, Thresholds: thresholdsOf(d.Thresholds), Color: colourOf(d.Color),
	}
	for _, l := range d.Links {
		converted.Defaults.Links = append(converted.Defaults.Links, l)
	}
	for _, o := range c.Overrides {
		override := dashboardv2.Dashboardv2FieldConfigSourceOverrides{
			SystemRef: o.SystemRef, Matcher: dashboardv2.MatcherConfig{Id: o.Matcher.Id, Options: o.Matcher.Options},
			Properties: []dashboardv2.DynamicConfigValue{},
		}
		for _, p := range o.Properties {
			override.Properties = append(override.Properties, dashboardv2.DynamicConfigValue{Id: p.Id, Value: p.Value})
		}
		converted.Overrides = append(converted.Overrides, override)
	}
	return converted, nil
}

// mappingsOf returns texts shown instead of values.
func mappingsOf(all []dashboard.ValueMapping) ([]dashboardv2.ValueMapping, error) {
	var converted []dashboardv2.ValueMapping
	for _, m := range all {
		if m.ValueMap == nil {
			return nil, errors.New("schema v2 is written only for texts shown instead of single values")
		}
		options := map[string]dashboardv2.ValueMappingResult{}
		for value, r := range m.ValueMap.Options {
			options[value] = dashboardv2.ValueMappingResult{Text: r.Text, Color: r.Color, Icon: r.Icon, Index: r.Index}
		}
		converted = append(converted, dashboardv2.ValueMapping{ValueMap: &dashboardv2.ValueMap{
			Type: dashboardv2.MappingType(m.ValueMap.Type), Options: options,
		}})
	}
	return converted, nil
}

func thresholdsOf(t *dashboard.ThresholdsConfig) *dashboardv2.ThresholdsConfig {
	if t == nil {
		return nil
	}
	converted := &dashboardv2.ThresholdsConfig{
		Mode: dashboardv2.ThresholdsMode(t.Mode), Steps: []dashboardv2.Threshold{},
	}
	for _, s := range t.Steps {
		converted.Steps = append(converted.Steps, dashboardv2.Threshold{Value: s.Value, Color: s.Color})
	}
	return converted
}

func colourOf(c *dashboard.FieldColor) *dashboardv2.FieldColor {
	if c == nil {
		return nil
	}
	converted := &dashboardv2.FieldColor{Mode: dashboardv2.FieldColorModeId(c.Mode), FixedColor: c.FixedColor}
	if c.SeriesBy != nil {
		converted.SeriesBy = new(dashboardv2.FieldColorSeriesByMode(*c.SeriesBy))
	}
	return converted
}
