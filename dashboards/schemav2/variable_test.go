package schemav2

import (
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
)

// TestVariables: the variables of the model come first, in their order, with all that they can do.
func TestVariables(t *testing.T) {
	all := model(t)
	converted := values(t, all)
	for _, d := range all {
		got := converted[*d.Uid].Variables
		for i, v := range d.Templating.List {
			if v.Type == dashboard.VariableTypeDatasource {
				s := got[i].DatasourceVariableKind.Spec
				if s.Name != v.Name || s.PluginId != "prometheus" || *s.Label != *v.Label {
					t.Errorf("%s: %+v", *d.Uid, s)
				}
				continue
			}
			s := got[i].QueryVariableKind.Spec
			equalJSON(t, *d.Uid+": $"+v.Name,
				[]any{
					s.Name, s.Label, s.Description, generic(t, s.Query.Spec).(map[string]any)["query"], s.Query.Group,
					s.Query.Datasource.Name, s.Multi, s.IncludeAll, s.AllValue, s.AllowCustomValue,
				},
				[]any{
					v.Name, v.Label, v.Description, v.Query.String, v.Datasource.Type, v.Datasource.Uid, v.Multi, v.IncludeAll,
					v.AllValue, v.AllowCustomValue,
				})
			if v.Current != nil {
				equalJSON(t, *d.Uid+": $"+v.Name+" at first", s.Current, v.Current)
			}
			if s.Refresh != dashboardv2.VariableRefreshOnTimeRangeChanged || s.Sort != dashboardv2.VariableSortAlphabeticalAsc ||
				s.Hide != dashboardv2.VariableHideDontHide {
				t.Errorf("%s: $%s: %+v", *d.Uid, v.Name, s)
			}
		}
	}
}
