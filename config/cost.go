package config

import "time"

// Cost is what a policy makes an exporter do.
type Cost struct {
	Series          int // time series on /metrics, classic histogram buckets included
	ProbesPerMonth  int // while everything is up; 30 days
	APICallsPerHour int // to Alertmanagers, PagerDuty, Supabase and object storage, while each answers in one page
	TenantSeries    int // time series on /metrics/tenants
}

// Series of one target (a check, or one tenant of it) and of one check whatever its tenants.
const (
	// 4 states, 4 time counters, outages, outage start, 3 results, certificate with its 2 expectations, info, interval.
	seriesPerTarget = 18
	// 16 failure and 5 unknown reasons, 12 histogram series, 5 phases.
	seriesPerCheck = 38
)

// Estimate returns the cost of a policy with so many tenants.
func Estimate(p *Policy, tenants int) Cost {
	const month = 30 * 24 * time.Hour
	var cost Cost
	for _, c := range p.Health.Checks {
		targets := 1
		if c.PerTenant != nil {
			targets = tenants
		}
		cost.Series += seriesPerCheck + targets*seriesPerTarget
		cost.ProbesPerMonth += targets * int(month/c.Interval.Std())
	}
	cost.incidents(p)
	cost.backups(p)
	cost.tenants(p, tenants)
	cost.storage(p)
	return cost
}

// incidents adds the calls that ask for open incidents and their acknowledgements.
func (c *Cost) incidents(p *Policy) {
	if len(p.Alertmanagers) == 0 {
		return // without alerts there are no incidents to look up in PagerDuty
	}
	calls := 2 * len(p.Alertmanagers) // alerts and silences
	for _, channel := range p.Channels {
		if channel.PagerDuty != nil && channel.PagerDuty.API != nil {
			calls++
		}
	}
	c.APICallsPerHour += calls * int(time.Hour/IncidentInterval)
}
