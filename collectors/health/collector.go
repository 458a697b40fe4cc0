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

// Options are what a collector needs besides the policy.
type Options struct {
	Logger   *slog.Logger
	State    *state.Dir // nil keeps everything in memory only
	Location string     // overrides the policy's
	Version  string     // of the exporter, for the User-Agent
	// Resolver looks names up; nil is Go's own.
	Resolver *net.Resolver
}

// Collector runs the health checks of a policy.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	version string
	own     string // location given by flag
	names   resolver

	changed chan struct{} // a policy or registry was applied
	applied chan struct{} // a policy was applied, whose registry wants to be read

	applying sync.Mutex // one policy or registry at a time; taken before mu

	mu        sync.Mutex
	policy    *config.Policy
	location  string
	source    *tenants.Source  // of the tenants, nil if no check needs them
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
	kept       map[key]saved        // counters of targets that are not configured now; nil before the first policy
	inFlight   int
	delayed    uint64
	created    time.Time
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	c := &Collector{
		logger: o.Logger, dir: o.State, version: o.Version, own: o.Location,
		changed: make(chan struct{}, 1), applied: make(chan struct{}, 1),
		targets: map[key]*target{}, checks: map[string]*checkSeries{}, gone: map[identity]gone{}, reference: &reference{},
		created: time.Now(),
	}
	if o.Resolver != nil {
		c.names = o.Resolver
	}
	return c
}

// Apply puts a policy in force. Checks that it keeps go on with their counters and state, those that it
// takes away keep their counters for a day, should they come back; on an error nothing changes.
func (c *Collector) Apply(p *config.Policy) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	source, err := c.prepareRegistry(p)
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	reference, err := newReference(p, c.names, c.logger)
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	location := p.Location
	if c.own != "" {
		location = c.own
	}
	var registry []tenants.Tenant
	if source != nil {
		registry, _ = source.List()
	}
	plan, err := c.plan(p, registry, location)
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	c.tellPace(p, len(registry))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = c.load(time.Now())
	}
	reference.carry(c.reference, c.remembered, time.Now())
	c.policy, c.location, c.source, c.registry, c.reference = p, location, source, registry, reference
	c.follow(plan)
	select {
	case c.applied <- struct{}{}:
	default:
	}
	return nil
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
