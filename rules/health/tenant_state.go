package health

import (
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// tenantsInState counts the tenants of a service by the states of their checks, with a 0 where none is down or unknown.
// It stands behind the record that it counts.
func tenantsInState() rule.Rule {
	return rule.Rule{Record: metric.TenantsInState, Expr: rule.Expand(`
		count by ($service, state) (group by ($service, tenant, state) ($checks))
		or
		label_replace(0 * count by ($service) ($checks), "state", "down", "", "")
		or
		label_replace(0 * count by ($service) ($checks), "state", "unknown", "", "")`,
		rule.Names{"checks": metric.CheckState.Select(metric.LabelTenant + `!=""`)})}
}
