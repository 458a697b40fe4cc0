package config

// Cost is what a policy makes an exporter do.
type Cost struct {
	Series          int // time series on /metrics, classic histogram buckets included
	ProbesPerMonth  int // while everything is up; 30 days
	APICallsPerHour int // to Alertmanagers, PagerDuty, Supabase and object storage, while each answers in one page
	TenantSeries    int // time series on /metrics/tenants
}

// Estimate returns the cost of a policy with so many tenants.
func Estimate(p *Policy, tenants int) Cost {
	var total Cost
	for _, s := range sections {
		one := s.runCost(p, tenants)
		total.Series += one.Series
		total.ProbesPerMonth += one.ProbesPerMonth
		total.APICallsPerHour += one.APICallsPerHour
		total.TenantSeries += one.TenantSeries
	}
	return total
}
