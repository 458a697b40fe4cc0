package tenant

import (
	"context"
	"errors"
	"time"

	"golang.org/x/net/idna"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// registryName is what the last good registry is kept under.
const registryName = "tenant-registry"

// retryEvery is the pace at which a registry that was never read is asked for.
const retryEvery = 5 * time.Second

// registered is a registry in use. It is immutable.
type registered struct {
	names *aggregate.Names
	tiers map[string]string
	known bool // false until the list of tenants was read once
	// version is that of the registry's list. A reload leaves the registry to the next setup: what it has read since is new.
	version uint64
}

// remember makes a registry that was not read yet know the tenants of the registry before it, or of an earlier run: until it is
// read they are in use, and a list that lacks most of them is doubted, at the start as later.
func (c *Collector) remember(source *tenants.Source) {
	if _, known := source.List(); known {
		return
	}
	old := c.registry()
	if old == nil {
		if list := c.lastGood(); len(list) > 0 {
			source.Adopt(list)
		}
		return
	}
	if source.File != old.File {
		return // another file is meant to be another list
	}
	if list, ok := old.List(); ok {
		source.Adopt(list)
	}
}

// use makes the lists by which tenants are found.
func (s *setup) use() {
	t := &s.policy.Tenants
	r := &registered{known: true}
	var names map[string]struct{}
	hosts := map[string]string{}
	if s.registry != nil {
		r.version = s.registry.Version()
		list, known := s.registry.List()
		// An empty list that was kept from an earlier run is not believed.
		r.known = known && (len(list) > 0 || t.Registry.File != "")
		r.tiers, names = make(map[string]string, len(list)), make(map[string]struct{}, len(list))
		for _, tenant := range list {
			names[tenant.Name] = struct{}{}
			r.tiers[tenant.Name] = tenant.Tier
			for _, host := range tenant.Hosts {
				hosts[spelled(host)] = tenant.Name
			}
		}
	}
	for host, tenant := range t.Hosts { // the policy has the last word
		hosts[spelled(host)] = tenant
	}
	r.names = aggregate.NewNames(t.Host, t.Path, hosts, names)
	s.names = r
}

// spelled is a host as it is sent and logged: in Punycode where it has other letters than ASCII (RFC 5891).
func spelled(host string) string {
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// lastGood returns the registry of an earlier run.
func (c *Collector) lastGood() []tenants.Tenant {
	list, err := tenants.Kept(c.dir, registryName)
	if err != nil {
		c.logger.Warn("Tenants are not known until the registry answers", "err", err)
	}
	return list
}

func (c *Collector) keep(s *setup) {
	if s.registry == nil {
		return
	}
	if err := s.registry.Keep(c.dir, registryName); err != nil {
		c.logger.Warn("A start without the registry would know older tenants, or none", "err", err)
	}
}

// pollRegistry reads the registry of a setup. One that was never read is asked for at once and more often, until a setup that
// knows its tenants is in force.
func (c *Collector) pollRegistry(s *setup) collectors.Poll {
	refresh := s.policy.Tenants.Registry.Refresh.Std()
	p := collectors.Poll{Part: "registry", Interval: refresh, Delay: refresh, Round: func(ctx context.Context) error { return c.refresh(ctx, s) }}
	if !s.names.known {
		p.Interval, p.Delay = retryEvery, 0
	}
	return p
}

// apply puts a registry in force that was just read.
func (c *Collector) apply(s *setup) {
	c.keep(s)
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

// refresh reads the registry and puts it in force if it has changed.
func (c *Collector) refresh(ctx context.Context, s *setup) error {
	_, err := s.registry.Refresh(ctx)
	if ctx.Err() != nil {
		return err
	}
	if errors.Is(err, tenants.ErrShrunk) {
		c.logger.Warn("Tenants are not dropped yet", "err", err)
		err = nil
	}
	c.keep(s)
	if err == nil && !s.names.known || s.registry.Version() != s.names.version {
		c.apply(s)
	}
	return err
}

// tier is the tier of a tenant in the registry in use.
func (s *setup) tier(tenant string) string { return s.names.tiers[tenant] }
