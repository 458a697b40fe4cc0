package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

// domains shows when registrations of domains expire.
func domains(b *dashboard.DashboardBuilder) *dashboard.DashboardBuilder {
	titles := map[string]string{
		metric.LabelEnvironment: "Environment", metric.LabelDomain: "Domain", metric.LabelTenant: "Tenant",
		metric.LabelAppService: "Service", metric.LabelOwner: "Owner", metric.LabelPage: "Page",
	}
	order := []string{
		metric.LabelEnvironment, metric.LabelDomain, metric.LabelTenant, metric.LabelAppService, metric.LabelOwner,
		metric.LabelPage,
	}
	owned := func(expr string) string {
		return fmt.Sprintf(`%s * on (environment, domain) group_left (tenant, app_service, owner, page) %s`, expr,
			inEnvironment(metric.DomainExpected))
	}
	soonest := fmt.Sprintf(`bottomk(%d, %s)`, rows, inEnvironment(metric.DomainLeft))
	return b.WithRow(dashboard.NewRowBuilder("Domains")).
		WithPanel(figures(words{
			"Domains by expiry", fmt.Sprintf("The %d registrations that expire first, as their registries reported them last, "+
				"and those that are lost or unknown.", rows), units.Short,
		}, 8, titles, order,
			column{
				"A", "Expires in", units.Seconds, owned(soonest),
				[]dashboard.Threshold{{Color: red}, from(7*86400, yellow), from(30*86400, green)},
			},
			column{
				"B", "Reported before", units.Seconds,
				owned(fmt.Sprintf(`(%s and on (environment, domain) %s)`, inEnvironment(metric.DomainAge), soonest)),
				[]dashboard.Threshold{{Color: green}, from(3*86400, red)},
			},
			column{
				"C", "Lost", units.BoolYesNo, inEnvironment(metric.DomainLost),
				[]dashboard.Threshold{{Color: green}, from(1, red)},
			},
			column{
				"D", "Unknown", units.BoolYesNo, inEnvironment(metric.DomainUnknown),
				[]dashboard.Threshold{{Color: green}, from(1, yellow)},
			},
		))
}
