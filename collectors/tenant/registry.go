package tenant

import (
	"context"

	"golang.org/x/net/idna"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// registered is a registry in use. It is immutable.
type registered struct {
	names *aggregate.Names
	tiers map[string]string // by tenant; nil without a registry
	known bool              // false until the list of tenants was read once
	// version is that of the registry's list. A reload leaves the registry to the next setup: what it has read since is
	// new.
	version uint64
}

// use makes the lists by which tenants are found.
func (s *setup) use() {
	t := &s.policy.Tenants
	r := &registered{known: true}
	hosts := map[string]string{}
	if s.registry != nil {
		r.version = s.registry.Version()
		list, known := s.registry.List()
		// An empty list that was kept from an earlier run is not believed.
		r.known = known && (len(list) > 0 || t.Registry.File != "")
		r.tiers = make(map[string]string, len(list))
		for _, tenant := range list {
			r.tiers[tenant.Name] = tenant.Tier
			for _, host := range tenant.Hosts {
				hosts[spelled(host)] = tenant.Name
			}
		}
	}
	for host, tenant := range t.Hosts { // the policy has the last word
		hosts[spelled(host)] = tenant
	}
	r.names = aggregate.NewNames(t.Host, t.Path, hosts, r.tiers)
	s.names = r
}

// spelled is a host as it is sent and logged: in Punycode where it has other letters than ASCII (RFC 5891).
func spelled(host string) string {
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// apply puts a registry in force that was just read.
func (c *Collector) apply(s *setup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.Load() != s {
		return
	}
	next := &setup{policy: s.policy, registry: s.registry}
	next.use()
	if err := c.build(next); err != nil {
		c.logger.Error("Tenants cannot be put in force", "err", err)
		return
	}
	c.commit(next)
}

// followRegistry puts the registry in force whenever it was read and has changed.
func (c *Collector) followRegistry(ctx context.Context, s *setup, report collectors.Report) error {
	c.tenants.Run(ctx, func(u tenants.Update) {
		if u.Err == nil && !s.names.known || s.registry.Version() != s.names.version {
			c.apply(s)
		}
		report(u.Err, u.Duration)
	})
	return nil
}

// tier is the tier of a tenant in the registry in use.
func (s *setup) tier(tenant string) string { return s.names.tiers[tenant] }
