package dashboards

import (
	"fmt"
	"time"

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
	pickedSLO         = metric.LabelSLO + `=~"$slo"`
	pickedTenant      = metric.LabelTenant + `=~"$tenant"`
	pickedHost        = metric.LabelHost + `=~"$host"`
	pickedBackup      = metric.LabelBackup + `=~"$backup"`
	pickedServer      = metric.LabelServer + `=~"$server"`
	pickedProcedure   = metric.LabelProcedure + `=~"$procedure"`
	pickedVendor      = metric.LabelVendor + `=~"$vendor"`
	pickedTransaction = metric.LabelTransaction + `=~"$transaction"`
	pickedScan        = metric.LabelScan + `=~"$scan"`
)

// Bounds of what a panel shows where there may be thousands.
const (
	rows     = 200 // of a table
	topLines = 10  // of a graph
)

// defaultLatency is the line drawn where the policy has no latency objective.
const defaultLatency = 300 * time.Millisecond

// selecter is a declared series.
type selecter interface {
	Select(matchers ...string) string
}

// pick selects the part of a series that is of the environments and services picked.
func pick(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment, pickedService}, matchers...)...)
}

// inEnvironment selects the part of a series that is of the environments picked, where there is no service or machine
// to pick.
func inEnvironment(s selecter, matchers ...string) string {
	return s.Select(append([]string{pickedEnvironment}, matchers...)...)
}

func datasourceVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("datasource").
		Label("Data source").Description("The Prometheus that evaluates the rules of this bundle.").Type("prometheus")
}

func environmentVariable(series selecter) *dashboard.QueryVariableBuilder {
	return labelVariable(metric.LabelEnvironment, "Environment", "Where the things watched run.", series.Select())
}

func serviceVariable(series selecter) *dashboard.QueryVariableBuilder {
	return labelVariable(metric.LabelAppService, "Service", "What has objectives and an owner of its own.",
		series.Select(pickedEnvironment))
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
