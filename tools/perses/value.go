package main

import (
	"errors"
	"fmt"

	gosdk "github.com/perses/perses/go-sdk/common"
	labelvalues "github.com/perses/plugins/prometheus/sdk/go/variable/label-values"
	table "github.com/perses/plugins/table/sdk/go"
)

// calculations are those that Perses has.
var calculations = []string{"first", "last", "first-number", "last-number", "mean", "sum", "min", "max"}

// validateValues checks what the types leave open: texts of which there are only some, colours and bounds, as the
// documentation of the plugins gives them.
func validateValues(spec any, queries int) error {
	var errs []error
	switch s := spec.(type) {
	case *statSpec:
		errs = append(errs, one{"calculation", string(s.Calculation), calculations}.check(),
			one{"legendMode", s.LegendMode, []string{"", "auto", "on", "off"}}.check(),
			validateThresholds(s.Thresholds), validateMappings(s.Mappings))
	case *tableSpec:
		errs = append(errs, validateTable(s))
	case *timeSeriesSpec:
		errs = append(errs, validateTimeSeries(s, queries))
	case *historySpec:
		errs = append(errs, validateLegend(s.Legend), validateMappings(s.Mappings))
	case *datasourceSpec:
		errs = append(errs, one{"datasourcePluginKind", s.DatasourcePluginKind, []string{"PrometheusDatasource"}}.check())
	case *querySpec:
		errs = append(errs, filled("query", s.Query))
	case *labelvalues.PluginSpec:
		errs = append(errs, filled("labelName", s.LabelName))
	}
	return errors.Join(errs...)
}

func filled(name, value string) error {
	if value == "" {
		return fmt.Errorf("missing %s", name)
	}
	return nil
}

func validateThresholds(t *gosdk.Thresholds) error {
	if t == nil {
		return nil
	}
	errs := []error{one{"mode", string(t.Mode), []string{"", "percent", "absolute"}}.check(), colour(t.DefaultColor)}
	for i, s := range t.Steps {
		errs = append(errs, colour(s.Color))
		if i > 0 && s.Value <= t.Steps[i-1].Value {
			errs = append(errs, fmt.Errorf("thresholds are not in order at %v", s.Value))
		}
	}
	return errors.Join(errs...)
}

func validateMappings(mappings []mapping) error {
	var errs []error
	for _, m := range mappings {
		errs = append(errs, one{"kind of a mapping", m.Kind, []string{"Value"}}.check(),
			filled("value of a mapping", m.Spec.Value), colour(m.Spec.Result.Color))
	}
	return errors.Join(errs...)
}

func validateLegend(l *legend) error {
	if l == nil {
		return nil
	}
	errs := []error{
		one{"position", l.Position, []string{"bottom", "right"}}.check(),
		one{"mode", l.Mode, []string{"", "list", "table"}}.check(),
	}
	for _, c := range l.Values {
		errs = append(errs, one{"value of the legend", string(c), calculations}.check())
	}
	return errors.Join(errs...)
}

func validateTable(s *tableSpec) error {
	errs := []error{one{"density", s.Density, []string{"", "compact", "standard", "comfortable"}}.check()}
	names := map[string]bool{}
	for _, c := range s.ColumnSettings {
		errs = append(errs, filled("name of a column", c.Name),
			one{"sort", string(c.Sort), []string{"", "asc", "desc"}}.check())
		if names[c.Name] {
			errs = append(errs, fmt.Errorf("two columns %q", c.Name))
		}
		names[c.Name] = true
		for _, cell := range c.CellSettings {
			errs = append(errs, colour(cell.TextColor), colour(cell.BackgroundColor))
			if v, ok := cell.Condition.Spec.(*table.ValueConditionSpec); ok {
				errs = append(errs, filled("value of a condition", v.Value))
			}
			if m, ok := cell.Condition.Spec.(*table.MiscConditionSpec); ok {
				errs = append(errs, one{"value", string(m.Value), []string{"empty", "null", "NaN", "true", "false"}}.check())
			}
		}
	}
	return errors.Join(errs...)
}

func validateTimeSeries(s *timeSeriesSpec, queries int) error {
	errs := []error{validateLegend(s.Legend), validateThresholds(s.Thresholds)}
	if y := s.YAxis; y != nil && y.Min != nil && y.Max != nil && *y.Max < *y.Min {
		errs = append(errs, fmt.Errorf("axis from %v to %v", *y.Min, *y.Max))
	}
	if v := s.Visual; v != nil {
		errs = append(errs, one{"display", v.Display, []string{"", "line", "bar"}}.check(),
			one{"showPoints", v.ShowPoints, []string{"", "auto", "always"}}.check(),
			one{"stack", v.Stack, []string{"", "all", "percent"}}.check())
		if v.LineWidth < 0.25 || v.LineWidth > 3 || v.AreaOpacity < 0 || v.AreaOpacity > 1 {
			errs = append(errs, fmt.Errorf("invalid width of lines %v or opacity %v", v.LineWidth, v.AreaOpacity))
		}
	}
	for _, q := range s.QuerySettings {
		errs = append(errs, colour(q.ColorValue),
			one{"colorMode", q.ColorMode, []string{"", "fixed", "fixed-single"}}.check(),
			one{"lineStyle", q.LineStyle, []string{"", "solid", "dashed", "dotted"}}.check())
		if q.QueryIndex < 0 || q.QueryIndex >= queries {
			errs = append(errs, fmt.Errorf("settings of query %d of %d", q.QueryIndex, queries))
		}
	}
	return errors.Join(errs...)
}
