package config

import "fmt"

// TenantPace is how many regular probes a second the per-tenant checks ask for with so many tenants, and how many of
// them all together may begin: the highest max_per_second that one of them names.
func (p *Policy) TenantPace(tenants int) (asked, permitted float64) {
	for _, c := range p.Health.Checks {
		if c.PerTenant != nil {
			asked += float64(tenants) / c.Interval.Seconds()
			permitted = max(permitted, c.PerTenant.MaxPerSecond)
		}
	}
	return asked, permitted
}

// staleAfter is how many intervals a result holds at least; see collectors/health.
const staleAfter = 1.5

// PaceWarning warns of per-tenant checks that cannot keep their interval with so many tenants.
func (p *Policy) PaceWarning(tenants int) (Warning, bool) {
	asked, permitted := p.TenantPace(tenants)
	if asked <= permitted {
		return Warning{}, false
	}
	for i, c := range p.Health.Checks {
		if c.PerTenant == nil {
			continue
		}
		path := fmt.Sprintf("health.checks[%d].per_tenant", i)
		consequence := "each is probed less often than its interval says"
		if asked > staleAfter*permitted {
			consequence = "most tenants will be unknown, for a result is stale after one and a half intervals"
		}
		pos := (&decoder{positions: p.positions}).at(path)
		msg := fmt.Sprintf("%d tenants ask for %.4g probes a second, and max_per_second permits %g: %s; "+
			"write a longer interval or a higher max_per_second", tenants, asked, permitted, consequence)
		return Warning{pos.file, pos.line, path, msg}, true
	}
	return Warning{}, false
}
