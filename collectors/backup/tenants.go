package backup

import (
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
)

// cover says for which tenants there is a backup as young as their tier demands.
type cover struct {
	tiers        []string // sorted
	tenants      map[string]int
	uncovered    map[string]int
	unregistered int
	worst        []worstTenant
}

type worstTenant struct {
	name string
	tenantNewest
}

// coverOf compares the registry with the newest backup of each tenant.
func coverOf(registry []tenants.Tenant, newest map[string]tenantNewest, b *config.Backup, now time.Time) cover {
	c := cover{tenants: map[string]int{}, uncovered: map[string]int{}}
	known := make(map[string]bool, len(registry))
	for _, t := range registry {
		known[t.Name] = true
		tier := t.Tier
		if tier == "" {
			tier = metric.TierNone
		}
		maxAge, ok := b.PerTenant.MaxAge[tier]
		if !ok {
			maxAge = b.MaxAge
		}
		c.tenants[tier]++
		c.uncovered[tier] += 0
		n := newest[t.Name]
		if maxAge > 0 && now.Sub(n.Stop) > maxAge.Std() {
			c.uncovered[tier]++
			c.worst = append(c.worst, worstTenant{t.Name, n})
		}
	}
	for name := range newest {
		if !known[name] {
			c.unregistered++
		}
	}
	for tier := range c.tenants {
		c.tiers = append(c.tiers, tier)
	}
	slices.Sort(c.tiers)
	slices.SortFunc(c.worst, func(a, b worstTenant) int {
		if d := a.Stop.Compare(b.Stop); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	c.worst = slices.Clip(c.worst[:min(len(c.worst), b.PerTenant.Worst)])
	return c
}
