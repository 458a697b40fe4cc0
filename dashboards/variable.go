package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/thorbis/thorbis_exporter/metric"
)

// datasource is whatever Prometheus the viewer picks.
var datasource = common.DataSourceRef{Type: new("prometheus"), Uid: new("$datasource")}

// picked selects what the viewer picked with the variables.
const (
	pickedEnvironment = metric.LabelEnvironment + `=~"$environment"`
	pickedService     = metric.LabelAppService + `=~"$app_service"`
)

// selecter is a declared series.
type selecter interface {
	Select(matchers ...string) string
}

// pick selects the part of a series that the viewer picked.
func pick(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedService}, matchers...)...)
}

func datasourceVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").Description("The Prometheus that evaluates the rules of this bundle.").Type("prometheus")
}

// labelVariable offers the values of a label, all of them picked at first.
func labelVariable(label, title, description, series string) *dashboard.QueryVariableBuilder {
	everything := dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}}
	return dashboard.NewQueryVariableBuilder(label).
		Label(title).Description(description).
		Datasource(datasource).
		Query(dashboard.StringOrMap{String: new(fmt.Sprintf("label_values(%s, %s)", series, label))}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).IncludeAll(true).AllValue(".*").
		Current(
			dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: everything})
}

// inEnvironment selects the part of a series that is of the environments picked, where there is no service or machine
// to pick.
func inEnvironment(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment}, matchers...)...)
}
