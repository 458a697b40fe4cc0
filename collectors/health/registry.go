package health

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// registryName is what the last good list of a registry is kept under.
const registryName = "health-tenants"

// registryRetry is the pace at which a registry that was never read is asked for.
const registryRetry = 5 * time.Second

// sourceOf returns where the policy's tenants are listed, nil if no check needs them. A source that stays the same
// stays in use, with what it knows.
func sourceOf(p *config.Policy, old *tenants.Source) *tenants.Source {
	if !slices.ContainsFunc(p.Health.Checks, func(c *config.Check) bool { return c.PerTenant != nil }) {
		return nil
	}
	return tenants.SourceOf(&p.Tenants.Registry, old)
}

// prepareRegistry makes a policy's source ready. A file must be there. A database need not answer: until it does the
// tenants of an earlier run are probed, or those of the registry before.
func (c *Collector) prepareRegistry(p *config.Policy) (*tenants.Source, error) {
	c.mu.Lock()
	old, before := c.source, c.registry
	c.mu.Unlock()
	source := sourceOf(p, old)
	if source == nil {
		return nil, nil
	}
	if source != old {
		if old == nil {
			before = c.lastTenants()
		}
		another := old != nil && old.File != source.File && source.File != "" // a file that is meant to be another list
		if len(before) > 0 && !another {
			source.Adopt(before) // a file that lacks most of them is doubted, at the start as later
		}
	}
	if source.File != "" {
		if _, err := source.Refresh(context.Background()); err != nil && !errors.Is(err, tenants.ErrShrunk) {
			return nil, p.ErrorAt("tenants.registry.file", "%v", err)
		}
	}
	return source, nil
}

// refreshRegistry follows a registry that changed. One that cannot be read keeps the last good list, and so does one
// that has suddenly lost most of its tenants: it is being written, until it has said so for a while.
func (c *Collector) refreshRegistry(ctx context.Context) (err error) {
	c.mu.Lock()
	source := c.source
	c.mu.Unlock()
	if source == nil {
		return nil
	}
	_, err = source.Refresh(ctx)
	if errors.Is(err, tenants.ErrShrunk) {
		c.logger.Warn("Tenants are not dropped yet", "err", err)
		return nil
	}
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	list, _ := source.List()
	if err := c.useRegistry(source, list); err != nil {
		return err
	}
	return source.Keep(c.dir, registryName)
}

func (c *Collector) useRegistry(source *tenants.Source, list []tenants.Tenant) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	p, location := c.policy, c.location
	same := slices.EqualFunc(list, c.registry, func(a, b tenants.Tenant) bool {
		return a.Name == b.Name &&
			a.Tier == b.Tier
	})
	current := c.source == source
	c.mu.Unlock()
	if !current || same {
		return nil
	}
	plan, err := c.plan(p, list, location)
	if err != nil {
		return err
	}
	c.logPace(p, len(list))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.registry = list
	c.follow(plan)
	return nil
}

// Tenants returns how many tenants the registry names.
func (c *Collector) Tenants() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.registry)
}

// RefreshTenants reads the registry once, for a command that needs it now.
func (c *Collector) RefreshTenants(ctx context.Context) error { return c.refreshRegistry(ctx) }

// registryInterval is how long until the registry is read again.
func (c *Collector) registryInterval() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return time.Minute
	}
	interval := max(c.policy.Tenants.Registry.Refresh.Std(), time.Second)
	if c.source != nil {
		if _, read, _ := c.source.Status(); read.IsZero() {
			return min(interval, registryRetry)
		}
	}
	return interval
}

// lastTenants returns the list of an earlier run.
func (c *Collector) lastTenants() []tenants.Tenant {
	list, err := tenants.Kept(c.dir, registryName)
	if err != nil {
		c.logger.Warn("Tenants are not known until the registry answers", "err", err)
	}
	return list
}
