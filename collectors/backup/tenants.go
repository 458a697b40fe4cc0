package backup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
)

// cover counts the tenants whose newest backup is as young as their tier demands.
type cover struct {
	tiers        []string // sorted
	tenants      map[string]int
	uncovered    map[string]int
	unregistered int
	worst        []worstTenant
}

type worstTenant struct {
	name string
	program.TenantNewest
}

// coverOf compares the registry with the newest backup of each tenant.
func coverOf(registry []tenants.Tenant, newest map[string]program.TenantNewest, b *config.Backup, now time.Time) cover {
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

// prepareRegistry returns the tenant registry of a policy, nil if no backup here is per tenant. One that cannot be read
// yet refuses no policy: until it is read, the cover of tenants is unknown.
func (c *Collector) prepareRegistry(p *config.Policy, here []*config.Backup) *tenants.Reader {
	if !slices.ContainsFunc(here, func(b *config.Backup) bool { return b.PerTenant != nil }) {
		return nil
	}
	reader, err := c.tenants.Prepare(&p.Tenants.Registry)
	if err != nil {
		c.logger.Warn("The cover of tenants is not known until their registry can be read", "err", err)
	}
	return reader
}

// followRegistry counts the tenants anew whenever the registry was read.
func (c *Collector) followRegistry(ctx context.Context, report collectors.Report) error {
	c.tenants.Run(ctx, func(u tenants.Update) {
		err := u.Err
		if err != nil {
			err = &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
		}
		c.countTenants()
		report(errors.Join(err, u.NotKept), u.Duration)
	})
	return nil
}

// countTenants compares the tenants of the registry with the backups that each of them has.
func (c *Collector) countTenants() {
	reader := c.tenants.Reader()
	if reader == nil {
		return
	}
	registry, known := reader.List()
	if !known {
		return
	}
	c.mu.Lock()
	here := c.here
	c.mu.Unlock()
	for _, b := range here {
		if b.PerTenant == nil {
			continue
		}
		c.mu.Lock()
		// The map is replaced by each listing, never changed.
		f := c.facts[b.Name]
		newest, at := f.newestOfTenants(), f.coverAt()
		c.mu.Unlock()
		var cover cover
		if newest != nil && !at.IsZero() { // else cover is unknown
			cover = coverOf(registry, newest, b, at)
		}
		c.mu.Lock()
		if f, ok := c.facts[b.Name]; ok {
			f.cover = cover
		}
		c.mu.Unlock()
	}
}

func (f *facts) newestOfTenants() map[string]program.TenantNewest {
	if f == nil {
		return nil
	}
	return f.Tenants
}
