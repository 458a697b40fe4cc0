package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/thorbis/thorbis_exporter/metric"
)

func certificates() panel {
	soonest := fmt.Sprintf(`bottomk(%d, min by (%s) (%s) - time())`, rows, checkBy,
		pick(metric.HealthCheckCertificateExpiry))
	return figures(words{
		title: "Certificates by expiry", unit: units.Short, empty: "No certificate is seen yet",
		about: fmt.Sprintf("The %d certificates that expire first. An alert fires when less is left than what it should be "+
			"renewed by.", rows),
		whenRed: "Renew it now and see why it was not renewed by itself: after its expiry every client refuses the service.",
	}, 24, 7, checkKeys,
		column{title: "Expires in", unit: units.Seconds, expr: soonest, colours: below(3*86400, red, 14*86400, yellow)},
		column{
			title: "Renew before", unit: units.Seconds,
			expr: fmt.Sprintf(`max by (%[1]s) (%[2]s) and on (%[1]s) %[3]s`, checkBy,
				pick(metric.HealthCheckExpectedCertificateWarning), soonest),
		},
	)
}

// domains shows when registrations of domains expire.
func domains() panel {
	owned := func(expr string) string {
		return fmt.Sprintf(`%s * on (environment, domain) group_left (tenant, app_service, owner, page) %s`, expr,
			inEnvironment(metric.DomainExpected))
	}
	soonest := fmt.Sprintf(`bottomk(%d, %s)`, rows, inEnvironment(metric.DomainLeft))
	return figures(words{
		title: "Domains by expiry", unit: units.Short, empty: "The policy has no section domains",
		about: fmt.Sprintf("The %d registrations that expire first, as their registries reported them last, and those that "+
			"are lost or unknown.", rows),
		whenRed: "Renew the registration, or call the registrar if it is on hold: without it nothing below the name " +
			"resolves.",
	}, 24, 7, []key{
		byEnvironment, {label: metric.LabelDomain, title: "Domain"}, byTenant, byService, byOwner, byPage,
	},
		column{
			title: "Expires in", unit: units.Seconds, expr: owned(soonest), colours: below(7*86400, red, 30*86400, yellow),
		},
		column{
			title: "Reported before", unit: units.Seconds, colours: atLeast(3*86400, yellow),
			expr: owned(fmt.Sprintf(`(%s and on (environment, domain) %s)`, inEnvironment(metric.DomainAge), soonest)),
		},
		column{
			title: "Lost", unit: units.BoolYesNo, expr: inEnvironment(metric.DomainLost), colours: atLeast(1, red), empty: "no",
		},
		column{
			title: "Unknown", unit: units.BoolYesNo, expr: inEnvironment(metric.DomainUnknown), colours: atLeast(1, yellow),
			empty: "no",
		},
	)
}
