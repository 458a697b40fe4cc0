package schemav2

import (
	"strings"
	"unicode"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"

	"github.com/thorbis/thorbis_exporter/dashboards"
)

// conditionPrefix begins the name of the hidden variable that a row depends on.
const conditionPrefix = "measured_"

// condition is what a row depends on. Grafana evaluates a rule on the data of queries for single panels of an auto grid
// only, and one on the value of a variable for rows too. So a hidden variable asks which of the row's series exist in
// the time shown, and the row is shown while it has a value.
type condition struct {
	variable string
	series   []string
}

// conditionsOf returns the conditions of rows by their index; rows that always stay have none.
func conditionsOf(rows []dashboards.Row) map[int]condition {
	conditions := map[int]condition{}
	for i, row := range rows {
		if len(row.Measured) > 0 {
			conditions[i] = condition{variable: conditionPrefix + identifier(row.Title), series: row.Measured}
		}
	}
	return conditions
}

// query is the query of the variable: the names of the series that exist.
func (c condition) query() string {
	return `label_values({__name__=~"` + strings.Join(c.series, "|") + `",environment=~"$environment"}, __name__)`
}

// identifier makes a heading fit into the name of a variable.
func identifier(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return strings.Join(words, "_")
}

// rule shows a row while its variable has a value.
func (c condition) rule() *dashboardv2.ConditionalRenderingGroupKind {
	variable := &dashboardv2.ConditionalRenderingVariableKind{
		Kind: "ConditionalRenderingVariable",
		Spec: dashboardv2.ConditionalRenderingVariableSpec{
			Variable: c.variable, Operator: dashboardv2.ConditionalRenderingVariableSpecOperatorMatches, Value: ".+",
		},
	}
	group := dashboardv2.NewConditionalRenderingGroupKind()
	group.Kind = "ConditionalRenderingGroup"
	group.Spec.Visibility = dashboardv2.ConditionalRenderingGroupSpecVisibilityShow
	group.Spec.Condition = dashboardv2.ConditionalRenderingGroupSpecConditionAnd
	group.Spec.Items = append(group.Spec.Items,
		dashboardv2.ConditionalRenderingVariableKindOrConditionalRenderingDataKindOrConditionalRenderingTimeRangeSizeKind{
			ConditionalRenderingVariableKind: variable,
		})
	return group
}

// layoutOf is a grid for a dashboard without headings, else rows with a grid each.
func layoutOf(rows []dashboards.Row, conditions map[int]condition,
) dashboardv2.GridLayoutKindOrRowsLayoutKindOrAutoGridLayoutKindOrTabsLayoutKind {
	if len(rows) == 1 && rows[0].Title == "" {
		return dashboardv2.GridLayoutKindOrRowsLayoutKindOrAutoGridLayoutKindOrTabsLayoutKind{GridLayoutKind: grid(rows[0])}
	}
	layout := &dashboardv2.RowsLayoutKind{Kind: "RowsLayout", Spec: dashboardv2.RowsLayoutSpec{
		Rows: []dashboardv2.RowsLayoutRowKind{},
	}}
	for i, row := range rows {
		spec := dashboardv2.RowsLayoutRowSpec{
			Title: new(row.Title), Collapse: new(row.Collapsed),
			Layout: dashboardv2.GridLayoutKindOrAutoGridLayoutKindOrTabsLayoutKindOrRowsLayoutKind{GridLayoutKind: grid(row)},
		}
		if row.Title == "" {
			spec.HideHeader = new(true)
		}
		if row.Repeat != "" {
			spec.Repeat = &dashboardv2.RowRepeatOptions{Mode: dashboardv2.RepeatModeVariable, Value: row.Repeat}
		}
		if c, ok := conditions[i]; ok {
			spec.ConditionalRendering = c.rule()
		}
		layout.Spec.Rows = append(layout.Spec.Rows, dashboardv2.RowsLayoutRowKind{Kind: "RowsLayoutRow", Spec: spec})
	}
	return dashboardv2.GridLayoutKindOrRowsLayoutKindOrAutoGridLayoutKindOrTabsLayoutKind{RowsLayoutKind: layout}
}

// grid places the panels of a row, from its own first line on.
func grid(row dashboards.Row) *dashboardv2.GridLayoutKind {
	layout := &dashboardv2.GridLayoutKind{Kind: "GridLayout", Spec: dashboardv2.GridLayoutSpec{
		Items: []dashboardv2.GridLayoutItemKind{},
	}}
	for _, p := range row.Panels {
		item := dashboardv2.GridLayoutItemSpec{
			X: int64(p.GridPos.X), Y: int64(p.GridPos.Y) - int64(row.Top),
			Width: int64(p.GridPos.W), Height: int64(p.GridPos.H),
			Element: dashboardv2.ElementReference{Kind: "ElementReference", Name: elementName(p)},
			Repeat:  repeatOf(p),
		}
		layout.Spec.Items = append(layout.Spec.Items, dashboardv2.GridLayoutItemKind{Kind: "GridLayoutItem", Spec: item})
	}
	return layout
}

// repeatOf is the variable for whose values a panel is repeated; nil for one panel.
func repeatOf(p dashboard.Panel) *dashboardv2.RepeatOptions {
	if p.Repeat == nil {
		return nil
	}
	repeat := &dashboardv2.RepeatOptions{Mode: dashboardv2.RepeatModeVariable, Value: *p.Repeat}
	if p.RepeatDirection != nil {
		repeat.Direction = new(dashboardv2.RepeatOptionsDirection(*p.RepeatDirection))
	}
	if p.MaxPerRow != nil {
		repeat.MaxPerRow = new(int64(*p.MaxPerRow))
	}
	return repeat
}
