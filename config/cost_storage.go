package config

import "time"

// Series of a PostgreSQL server, of which the databases come on top, and of a canary. Those of a
// machine's devices and filesystems follow the machine, not the policy.
const (
	seriesPerServer = 30
	seriesPerCanary = 52 // three histograms
)

// storage adds what databases, canaries and Supabase's limits cost.
func (c *Cost) storage(p *Policy) {
	c.Series += len(p.Databases)*seriesPerServer + len(p.Storage.Canaries)*seriesPerCanary + len(p.Storage.Limits)*4
	if s := p.Storage.Supabase; len(s.Projects) > 0 {
		c.Series += len(s.Projects) * 6
		c.APICallsPerHour += len(s.Projects) * int(time.Hour/s.Interval.Std())
	}
}
