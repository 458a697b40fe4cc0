package perses

import (
	"errors"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// everything is the default value of a variable of which all values are picked at first.
const everything = "$__all"

// datasource is the variable by which the viewer picks a Prometheus; queries refer to it.
const datasource = "$datasource"

type datasourceSpec struct {
	DatasourcePluginKind string `json:"datasourcePluginKind"`
}

type labelValuesSpec struct {
	Datasource string   `json:"datasource"`
	LabelName  string   `json:"labelName"`
	Matchers   []string `json:"matchers"`
}

func variableOf(v dashboard.VariableModel) (variable, error) {
	spec := listSpec{Name: v.Name, Display: Display{Name: *v.Label, Description: *v.Description}}
	if v.Regex != nil && *v.Regex != "" || v.Hide != nil && *v.Hide != dashboard.VariableHideDontHide {
		return variable{}, errors.New("a regular expression and hidden variables are not written for Perses")
	}
	switch v.Type {
	case dashboard.VariableTypeDatasource:
		if *v.Query.String != "prometheus" {
			return variable{}, fmt.Errorf("unknown kind of data source %q", *v.Query.String)
		}
		spec.Plugin = plugin{Kind: "DatasourceVariable", Spec: datasourceSpec{"PrometheusDatasource"}}
	case dashboard.VariableTypeQuery:
		series, err := seriesOf(v)
		if err != nil {
			return variable{}, err
		}
		if *v.Sort != dashboard.VariableSortAlphabeticalAsc {
			return variable{}, errors.New("another order than the alphabet is not written for Perses")
		}
		spec.Sort = "alphabetical-asc"
		spec.AllowAllValue, spec.AllowMultiple = *v.IncludeAll, *v.Multi
		if *v.IncludeAll {
			spec.CustomAllValue, spec.DefaultValue = *v.AllValue, everything
		}
		spec.Plugin = plugin{Kind: "PrometheusLabelValuesVariable", Spec: labelValuesSpec{
			Datasource: datasource, LabelName: v.Name, Matchers: []string{series},
		}}
	default:
		return variable{}, fmt.Errorf("the type %q is not written for Perses", v.Type)
	}
	return variable{Kind: kindList, Spec: spec}, nil
}

// seriesOf returns the selector in label_values(selector, label), where the label is the variable's name.
func seriesOf(v dashboard.VariableModel) (string, error) {
	series, begins := strings.CutPrefix(*v.Query.String, "label_values(")
	series, ends := strings.CutSuffix(series, ", "+v.Name+")")
	if !begins || !ends {
		return "", fmt.Errorf("unknown query %s: label_values(SERIES, %s) is expected", *v.Query.String, v.Name)
	}
	return series, nil
}
