package health

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// prepareRegistry returns the registry of a policy, nil if no check needs one.
func (c *Collector) prepareRegistry(p *config.Policy) (*tenants.Reader, error) {
	if !slices.ContainsFunc(p.Health.Checks, func(c *config.Check) bool { return c.PerTenant != nil }) {
		return nil, nil
	}
	reader, err := c.tenants.Prepare(&p.Tenants.Registry)
	if err != nil {
		return nil, p.ErrorAt("tenants.registry.file", "%v", err)
	}
	return reader, nil
}

// followRegistry puts each list in force that the registry reads, beside the probes: a database may be slow.
func (c *Collector) followRegistry(ctx context.Context, report collectors.Report) error {
	c.tenants.Run(ctx, func(u tenants.Update) {
		var err error
		if u.Err != nil {
			err = &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: u.Err}
		} else {
			err = errors.Join(c.useRegistry(), u.NotKept)
		}
		if err != nil {
			err = fmt.Errorf("the last good tenants stay: %w", err)
		}
		report(err, u.Duration)
	})
	return nil
}

// useRegistry puts the tenants in force that the registry has read.
func (c *Collector) useRegistry() error {
	c.applying.Lock()
	defer c.applying.Unlock()
	reader := c.tenants.Reader()
	if reader == nil {
		return nil
	}
	list, _ := reader.List()
	c.mu.Lock()
	p, location := c.policy, c.location
	same := slices.EqualFunc(list, c.registry, func(a, b tenants.Tenant) bool {
		return a.Name == b.Name && a.Tier == b.Tier
	})
	c.mu.Unlock()
	if same {
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
func (c *Collector) RefreshTenants(ctx context.Context) error {
	if err := c.tenants.Refresh(ctx); err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return c.useRegistry()
}
