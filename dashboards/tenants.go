package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// topTenants bounds the table of tenants.
const topTenants = 50

var (
	tenantColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelAppService: "Service", metric.LabelTenant: "Tenant",
	}
	tenantOrder   = []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelTenant}
	tenantBy      = strings.Join(tenantOrder, ", ")
	sourceColumns = map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelAppService: "Service", metric.LabelSource: "Source",
	}
	sourceOrder = []string{metric.LabelEnvironment, metric.LabelAppService, metric.LabelSource}
	sourceBy    = strings.Join(sourceOrder, ", ")
)

// tenants shows the traffic of all tenants, who sends it, and what counts it.
func tenants(*config.Policy) *dashboard.DashboardBuilder {
	b := dashboard.NewDashboardBuilder("Thorbis / Tenants").
		Uid(metric.TenantsDashboard).
		Description("Throughput, errors and durations of each service, who causes them, and whether they are counted well.").
		Tags([]string{"thorbis", "tenants"}).
		Readonly().Timezone("browser").Refresh("1m").Time("now-6h", "now").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(datasourceVariable()).
		WithVariable(
			labelVariable(metric.LabelEnvironment, "Environment", "Where the services run.", metric.ServiceRate.Name)).
		WithVariable(labelVariable(metric.LabelAppService, "Service", "What has objectives and an owner of its own.",
			metric.ServiceRate.Select(pickedEnvironment)))

	b.WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(number(words{"Throughput", "Requests a second over five minutes.", units.RequestsPerSecond},
			6, pick(metric.ServiceRate), "{{app_service}}", steps(blue))).
		WithPanel(number(
			words{
				"Of the expected peak", "Requests a second over what the policy says the service is built for.", units.PercentUnit,
			},
			6, pick(metric.ServiceUtilization), "{{app_service}}", steps(green, from(0.6, yellow), from(0.8, red)),
		).Decimals(0).NoValue("no peak in the policy")).
		WithPanel(number(words{"Active tenants", "Tenants with a request in the last five minutes.", units.Short},
			4, pick(metric.ServiceActive), "{{app_service}}", steps(blue))).
		WithPanel(number(words{"Silent tenants", "Tenants that sent requests at this hour in each of the last four weeks " +
			"and none in the last one.", units.Short},
			4, fmt.Sprintf("count(%s) or vector(0)", pick(metric.TenantSilent)), "tenants", steps(green, from(1, yellow)))).
		WithPanel(number(words{"Unknown hosts", "Share of requests whose host no tenant owns.", units.PercentUnit},
			4, pick(metric.UnknownHostShare)+" or 0 * "+pick(metric.ServiceRate), "{{app_service}}",
			steps(green, from(0.05, red))).Decimals(1))

	b.WithRow(dashboard.NewRowBuilder("Services")).
		WithPanel(lines(words{"Requests by class", "Requests a second by class of their status, " +
			"over all services picked.", units.RequestsPerSecond},
			12, query("A", fmt.Sprintf("sum by (%s) (%s) > 0", metric.LabelCodeClass, pick(metric.ServiceClassRate)),
				"{{code_class}}")).Min(0)).
		WithPanel(lines(words{"Errors and slow answers", "Share of requests that failed, and of those slower than each " +
			"threshold of the policy.", units.PercentUnit},
			12, query("A",
				pick(metric.SLOError["5m"], metric.LabelSLO+`=~"`+metric.SLOAvailability+`|`+metric.SLOLatencyPrefix+`.*"`),
				"{{app_service}} {{slo}}")).Min(0)).
		WithPanel(
			lines(words{"Duration", "The time within which half, 95 and 99 of 100 requests were answered.", units.Seconds},
				12, query("A", pick(metric.RequestDurationQuantile), "{{app_service}} p{{quantile}}")).Min(0)).
		WithPanel(lines(words{"Throughput over time", "Requests a second of each service.", units.RequestsPerSecond},
			12, query("A", pick(metric.ServiceRate), "{{app_service}}")).Min(0))

	b.WithRow(dashboard.NewRowBuilder("Tenants")).
		WithPanel(tenantTable()).
		WithPanel(lines(words{"Share of the traffic", "Share of their service's requests, of the tenants that send a " +
			"twentieth or more.", units.PercentUnit},
			12, query("A", pick(metric.TenantShare), "{{app_service}} {{tenant}}")).Min(0)).
		WithPanel(lines(
			words{"Bad requests by tenant", "Failed requests in five minutes of the ten tenants that had most.", units.Short},
			12, query("A", fmt.Sprintf("topk(10, %s) or 0 * topk(1, %s)",
				pick(metric.TenantBadIncrease["5m"], metric.LabelSLO+`="`+metric.SLOAvailability+`"`),
				pick(metric.TenantRate)), "{{tenant}}")).Min(0))

	return b.WithRow(dashboard.NewRowBuilder("Sources")).WithPanel(sourceTable()).
		WithPanel(lines(words{"Records read", "Lines or records a second of each source.", units.CountsPerSecond},
			12, query("A", fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", sourceBy, pick(metric.TenantSourceLines)),
				"{{app_service}} {{source}}")).Min(0)).
		WithPanel(
			lines(words{"Records refused", "Records a second that could not be read, by reason.", units.CountsPerSecond},
				12, query("A", fmt.Sprintf("sum by (%s, %s) (rate(%s[$__rate_interval]))", metric.LabelSource, metric.LabelReason,
					pick(metric.TenantSourceRejects)), "{{source}} {{reason}}")).Min(0))
}

func tenantTable() panel {
	top := fmt.Sprintf("topk(%d, %s)", topTenants, pick(metric.TenantRate))
	ofThem := func(expr string) string { return expr + " and on (" + tenantBy + ") " + top }
	availability := metric.LabelSLO + `="` + metric.SLOAvailability + `"`
	without := func(expr string) string { return "sum by (" + tenantBy + ") (" + expr + ")" }
	table := figures(words{
		"Busiest tenants", fmt.Sprintf("The %d tenants with the most requests. A tenant's name leads to its own dashboard.",
			topTenants), units.Short,
	}, 10, tenantColumns, tenantOrder,
		column{"A", "Requests/s", units.RequestsPerSecond, top, nil},
		column{"B", "Share", units.PercentUnit, ofThem(pick(metric.TenantShare)), nil},
		column{
			"C", "Errors 5 m", units.Short, ofThem(without(pick(metric.TenantBadIncrease["5m"], availability))),
			[]dashboard.Threshold{{Color: green}, from(10, red)},
		},
		column{"D", "Errors 1 d", units.Short, ofThem(without(pick(metric.TenantBadIncrease["1d"], availability))), nil},
		column{
			"E", "Budget left", units.PercentUnit, ofThem(without(pick(metric.TenantBudgetLeft, availability))),
			[]dashboard.Threshold{{Color: red}, from(0, yellow), from(0.25, green)},
		},
	)
	return table.OverrideByName(tenantColumns[metric.LabelTenant],
		[]dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{{
			"title": "Look at ${__value.text}", "targetBlank": false,
			"url": "/d/" + TenantUID + "?var-" + metric.LabelTenant + "=${__value.text:percentencode}&var-" +
				metric.LabelEnvironment +
				"=${__data.fields.Environment:percentencode}&var-" + metric.LabelAppService +
				"=${__data.fields.Service:percentencode}&${datasource:queryparam}&${__url_time_range}",
		}}}})
}

func sourceTable() panel {
	return figures(words{
		"Sources of request logs",
		"How far each source is behind, how old its newest request is, and how many tenants have series of their own.",
		units.Short,
	}, 7, sourceColumns, sourceOrder,
		column{
			"A", "Readable", units.Short, fmt.Sprintf("min by (%s) (%s)", sourceBy, pick(metric.TenantSourceUp)),
			[]dashboard.Threshold{{Color: red}, from(1, green)},
		},
		column{"B", "Behind", units.BytesIEC, fmt.Sprintf("max by (%s) (%s)", sourceBy, pick(metric.TenantSourceLag)), nil},
		column{
			"C", "Newest request", units.DateTimeFromNow,
			fmt.Sprintf("1000 * max by (%s) (%s > 0)", sourceBy, pick(metric.TenantSourceNewestEvent)), nil,
		},
		column{
			"D", "Last read", units.DateTimeFromNow,
			fmt.Sprintf("1000 * max by (%s) (%s > 0)", sourceBy, pick(metric.TenantSourceLastRead)), nil,
		},
	)
}
