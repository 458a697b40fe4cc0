package schemav2

import (
	"fmt"
	"maps"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
)

// Grafana's editor of variables writes queries of Prometheus with these.
const (
	variableQueryType = 1
	variableReference = "PrometheusVariableQueryEditor-VariableQuery"
)

var (
	refreshes = map[dashboard.VariableRefresh]dashboardv2.VariableRefresh{
		dashboard.VariableRefreshNever:              dashboardv2.VariableRefreshNever,
		dashboard.VariableRefreshOnDashboardLoad:    dashboardv2.VariableRefreshOnDashboardLoad,
		dashboard.VariableRefreshOnTimeRangeChanged: dashboardv2.VariableRefreshOnTimeRangeChanged,
	}
	sorts = map[dashboard.VariableSort]dashboardv2.VariableSort{
		dashboard.VariableSortDisabled:         dashboardv2.VariableSortDisabled,
		dashboard.VariableSortAlphabeticalAsc:  dashboardv2.VariableSortAlphabeticalAsc,
		dashboard.VariableSortAlphabeticalDesc: dashboardv2.VariableSortAlphabeticalDesc,
		dashboard.VariableSortNumericalAsc:     dashboardv2.VariableSortNumericalAsc,
		dashboard.VariableSortNumericalDesc:    dashboardv2.VariableSortNumericalDesc,
	}
	hides = map[dashboard.VariableHide]dashboardv2.VariableHide{
		dashboard.VariableHideDontHide:     dashboardv2.VariableHideDontHide,
		dashboard.VariableHideHideLabel:    dashboardv2.VariableHideHideLabel,
		dashboard.VariableHideHideVariable: dashboardv2.VariableHideHideVariable,
	}
)

// variablesOf returns the variables of a dashboard and, behind them, the hidden ones on which rows depend.
func variablesOf(all []dashboard.VariableModel, conditions map[int]condition) ([]dashboardv2.VariableKind, error) {
	converted := []dashboardv2.VariableKind{}
	names := map[string]bool{}
	var source *common.DataSourceRef
	for _, v := range all {
		names[v.Name] = true
		switch v.Type {
		case dashboard.VariableTypeDatasource:
			converted = append(converted, dashboardv2.VariableKind{DatasourceVariableKind: datasourceVariable(v)})
		case dashboard.VariableTypeQuery:
			source = v.Datasource
			converted = append(converted, dashboardv2.VariableKind{QueryVariableKind: queryVariable(v)})
		default:
			return nil, fmt.Errorf("variable %q: schema v2 is not written for the type %q", v.Name, v.Type)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(conditions)) {
		c := conditions[i]
		if names[c.variable] || source == nil {
			return nil, fmt.Errorf("variable %q: a row needs one of that name, and a data source", c.variable)
		}
		names[c.variable] = true
		converted = append(converted, dashboardv2.VariableKind{QueryVariableKind: hiddenVariable(c, source)})
	}
	return converted, nil
}

func datasourceVariable(v dashboard.VariableModel) *dashboardv2.DatasourceVariableKind {
	return &dashboardv2.DatasourceVariableKind{Kind: "DatasourceVariable", Spec: dashboardv2.DatasourceVariableSpec{
		Name: v.Name, Label: v.Label, Description: v.Description, PluginId: valueOr(v.Query.String, ""),
		Refresh: dashboardv2.VariableRefreshOnDashboardLoad, Regex: valueOr(v.Regex, ""),
		Current: optionOf(v.Current), Options: []dashboardv2.VariableOption{},
		Multi: valueOr(v.Multi, false), IncludeAll: valueOr(v.IncludeAll, false), AllValue: v.AllValue,
		Hide: hides[valueOr(v.Hide, dashboard.VariableHideDontHide)], SkipUrlSync: valueOr(v.SkipUrlSync, false),
		AllowCustomValue: valueOr(v.AllowCustomValue, true),
	}}
}

func queryVariable(v dashboard.VariableModel) *dashboardv2.QueryVariableKind {
	query := valueOr(v.Query.String, "")
	return &dashboardv2.QueryVariableKind{Kind: "QueryVariable", Spec: dashboardv2.QueryVariableSpec{
		Name: v.Name, Label: v.Label, Description: v.Description,
		Query: variableQuery(v.Datasource, query), Definition: new(query), Regex: valueOr(v.Regex, ""),
		Refresh: refreshes[valueOr(v.Refresh, dashboard.VariableRefreshNever)],
		Sort:    sorts[valueOr(v.Sort, dashboard.VariableSortDisabled)],
		Current: optionOf(v.Current), Options: []dashboardv2.VariableOption{},
		Multi: valueOr(v.Multi, false), IncludeAll: valueOr(v.IncludeAll, false), AllValue: v.AllValue,
		Hide: hides[valueOr(v.Hide, dashboard.VariableHideDontHide)], SkipUrlSync: valueOr(v.SkipUrlSync, false),
		AllowCustomValue: valueOr(v.AllowCustomValue, true),
	}}
}

// hiddenVariable has the name of a series that exists in the time shown, or no value. Addresses leave it out: what
// existed when a link was copied says nothing about another time.
func hiddenVariable(c condition, source *common.DataSourceRef) *dashboardv2.QueryVariableKind {
	return &dashboardv2.QueryVariableKind{Kind: "QueryVariable", Spec: dashboardv2.QueryVariableSpec{
		Name: c.variable, Description: new("A series of the row. Without one, the row is hidden."),
		Query: variableQuery(source, c.query()), Definition: new(c.query()),
		Refresh: dashboardv2.VariableRefreshOnTimeRangeChanged, Sort: dashboardv2.VariableSortAlphabeticalAsc,
		Current: optionOf(nil), Options: []dashboardv2.VariableOption{},
		Hide: dashboardv2.VariableHideHideVariable, SkipUrlSync: true,
	}}
}

func variableQuery(source *common.DataSourceRef, query string) dashboardv2.DataQueryKind {
	return dataQuery(source, map[string]any{
		"query": query, "qryType": variableQueryType, "refId": variableReference,
	})
}

// optionOf returns what is picked at first; nothing for nil.
func optionOf(o *dashboard.VariableOption) dashboardv2.VariableOption {
	nothing := dashboardv2.StringOrArrayOfString{String: new("")}
	if o == nil {
		return dashboardv2.VariableOption{Text: nothing, Value: nothing}
	}
	return dashboardv2.VariableOption{
		Selected: o.Selected,
		Text:     dashboardv2.StringOrArrayOfString{String: o.Text.String, ArrayOfString: o.Text.ArrayOfString},
		Value:    dashboardv2.StringOrArrayOfString{String: o.Value.String, ArrayOfString: o.Value.ArrayOfString},
	}
}
