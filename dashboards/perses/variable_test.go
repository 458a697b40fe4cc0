package perses

import (
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

// TestVariables: all values are picked at first where that is possible, and the values depend on what is picked before.
func TestVariables(t *testing.T) {
	variables := built(t, model(t))[metric.TenantDashboard].Variables
	service, tenant := variables[2].Spec, variables[3].Spec
	if !service.AllowAllValue || !service.AllowMultiple || service.CustomAllValue != ".*" ||
		service.DefaultValue != "$__all" {
		t.Errorf("%+v", service)
	}
	spec := service.Plugin.Spec.(labelValuesSpec)
	if spec.LabelName != "app_service" || spec.Datasource != "$datasource" ||
		!slices.Equal(spec.Matchers, []string{`check:thorbis_health_check:expected{environment=~"$environment"}`}) {
		t.Errorf("%+v", spec)
	}
	if tenant.AllowAllValue || tenant.AllowMultiple || tenant.DefaultValue != "" || tenant.CustomAllValue != "" {
		t.Errorf("%+v", tenant)
	}
	if variables[0].Spec.Plugin.Kind != "DatasourceVariable" {
		t.Errorf("%+v", variables[0])
	}
}

func TestVariablesRefused(t *testing.T) {
	for want, change := range map[string]func(*dashboard.VariableModel){
		"unknown query":       func(v *dashboard.VariableModel) { v.Query.String = new("query_result(up)") },
		"a regular express":   func(v *dashboard.VariableModel) { v.Regex = new("a.*") },
		`the type "custom"`:   func(v *dashboard.VariableModel) { v.Type = "custom" },
		"order than the alph": func(v *dashboard.VariableModel) { v.Sort = new(dashboard.VariableSortDisabled) },
	} {
		d := model(t)[0]
		change(&d.Templating.List[1])
		if _, _, err := Build([]dashboard.Dashboard{d}, "a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
