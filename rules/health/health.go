// Package health judges health checks: which are down, unmeasured or unknown, and how much of the uptime budget is
// left.
package health

import (
	"slices"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Subject judges health checks: what is down, silent, unknown or about to expire.
var Subject = rule.Subject{File: "health.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{down(p), manyTenantsAlerts(), state(p), unwatched(p), blind(p), certificates()}, nil
}}

// Uptime judges the uptime of checks over windows and over the period of the policy.
var Uptime = rule.Subject{File: "uptime.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return slices.Concat(
		[]rule.Group{totals(p), outageTotals(), hourly()}, windows(p), []rule.Group{burn(p), budget(p)},
	), nil
}}

// SLA records the contract by calendar month.
var SLA = rule.Subject{File: "sla.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{sla(p)}, nil
}}
