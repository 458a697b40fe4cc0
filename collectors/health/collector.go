// Package health runs the policy's health checks on a schedule, confirms what they find, and counts where
// the time went: up, down, unknown, in maintenance. Probes go through the blackbox_exporter's own probers.
package health

import (
	"cmp"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "health", Help: "Probe the policy's health checks.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{
			Logger: s.Logger, State: s.State, Tenants: s.Tenants, Location: s.Location, Version: s.Version,
			Shard: s.HealthShard,
		})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger   *slog.Logger
	State    *state.Dir        // nil keeps everything in memory only
	Tenants  *tenants.Registry // nil for one of its own
	Location string            // overrides the policy's
	Version  string            // of the exporter, for the User-Agent
	Shard    collectors.Shard  // the part of the targets that is probed; the zero value is all of them
	// Resolver looks names up; nil is Go's own.
	Resolver *net.Resolver
}

// Collector runs the health checks of a policy.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	version string
	own     string // location given by flag
	shard   collectors.Shard
	names   resolver

	changed collectors.Announcement // a policy or registry was applied
	tenants *tenants.Subscription   // of the registry, without a reader if no check needs it

	applying sync.Mutex // one policy or registry at a time; taken before mu

	mu        sync.Mutex
	policy    *config.Policy
	location  string
	registry  []tenants.Tenant // in use
	targets   map[key]*target
	sorted    []*target // the same, by check and tenant
	checks    map[string]*checkSeries
	order     []*checkSeries    // the same, as the policy has them
	gone      map[identity]gone // targets that were removed a moment ago
	windows   []*window
	reference *reference
	persistence
	remembered map[string]time.Time // reference targets that an earlier run relied on
	kept       map[identity]saved   // counters of targets that are not configured now; nil before the first policy
	history    history
	inFlight   int
	delayed    uint64
	created    time.Time
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	c := &Collector{
		logger: o.Logger, dir: o.State, version: o.Version, own: o.Location, shard: o.Shard,
		changed: collectors.NewAnnouncement(),
		targets: map[key]*target{}, checks: map[string]*checkSeries{}, gone: map[identity]gone{}, reference: &reference{},
		created: time.Now(),
	}
	if o.Tenants == nil {
		o.Tenants = tenants.NewRegistry(o.State, o.Logger)
	}
	c.tenants = o.Tenants.Subscribe()
	if o.Resolver != nil {
		c.names = o.Resolver
	}
	return c
}

// Prepare implements collectors.Collector. Checks that the policy keeps go on with their counters and state, those that
// it takes away keep their counters for a day, should they come back. Until the change is committed or aborted, no
// registry and no rotated secret is put in force.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	return collectors.Exclusively(&c.applying, func() (func(), error) {
		commit, err := c.prepare(p)
		if err != nil {
			return nil, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
		}
		return commit, nil
	})
}

// prepare returns what puts a policy in force, and changes nothing.
func (c *Collector) prepare(p *config.Policy) (commit func(), err error) {
	reader, err := c.prepareRegistry(p)
	if err != nil {
		return nil, err
	}
	reference, err := newReference(p, c.names, c.logger)
	if err != nil {
		return nil, err
	}
	location := p.Location
	if c.own != "" {
		location = c.own
	}
	var registry []tenants.Tenant
	if reader != nil {
		registry, _ = reader.List()
	}
	plan, err := c.plan(p, registry, location)
	if err != nil {
		return nil, err
	}
	return func() {
		c.logPace(p, len(registry))
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.kept == nil {
			c.kept = c.load(time.Now())
		}
		reference.carry(c.reference, c.remembered, time.Now())
		c.policy, c.location, c.registry, c.reference = p, location, registry, reference
		c.follow(plan)
		c.tenants.Use(reader)
	}, nil
}

// sort lists the targets by check and tenant. The caller holds the lock.
func (c *Collector) sort() {
	c.sorted = slices.SortedFunc(maps.Values(c.targets), func(a, b *target) int {
		return cmp.Or(strings.Compare(a.check, b.check), strings.Compare(a.tenant, b.tenant))
	})
}

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ collectors.Collector = (*Collector)(nil)
)
