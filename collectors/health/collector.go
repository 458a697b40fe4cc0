// Package health runs the policy's health checks on a schedule, confirms what they find, and counts where
// the time went: up, down, unknown, in maintenance. Probes go through the blackbox_exporter's own probers.
package health

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"os"
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
}

// Collector runs the health checks of a policy.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	version string
	own     string // location given by flag

	changed chan struct{} // a policy or registry was applied

	applying sync.Mutex // one policy or registry at a time; taken before mu

	mu        sync.Mutex
	policy    *config.Policy
	location  string
	registry  []tenants.Tenant
	loaded    time.Time // modification time of the registry file in use
	targets   map[key]*target
	sorted    []*target // the same, by check and tenant
	checks    map[string]*checkSeries
	order     []*checkSeries // the same, as the policy has them
	windows   []*window
	reference *reference
	persistence
	kept     map[key]saved // counters of targets that are not configured now; nil before the first policy
	inFlight int
	delayed  uint64
	created  time.Time
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	return &Collector{
		logger: o.Logger, dir: o.State, version: o.Version, own: o.Location,
		changed: make(chan struct{}, 1),
		targets: map[key]*target{}, checks: map[string]*checkSeries{}, reference: &reference{},
		created: time.Now(),
	}
}

// Apply puts a policy in force. Checks that it keeps go on with their counters and state, those that it
// takes away keep their counters for a day, should they come back; on an error nothing changes.
func (c *Collector) Apply(p *config.Policy) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	registry, modified, err := readRegistry(p)
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	reference, err := newReference(p)
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	location := p.Location
	if c.own != "" {
		location = c.own
	}
	plan, err := c.plan(p, registry, location)
	if err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = c.load(time.Now())
	}
	c.policy, c.location, c.registry, c.loaded, c.reference = p, location, registry, modified, reference
	c.follow(plan)
	return nil
}

// readRegistry loads the tenants if a check needs them.
func readRegistry(p *config.Policy) ([]tenants.Tenant, time.Time, error) {
	file := p.Tenants.Registry.File
	needed := slices.ContainsFunc(p.Health.Checks, func(c *config.Check) bool { return c.PerTenant != nil })
	if file == "" || !needed {
		return nil, time.Time{}, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, time.Time{}, errors.New("the tenant registry cannot be read: " + err.Error())
	}
	list, err := tenants.Load(file)
	return list, info.ModTime(), err
}

// refreshRegistry follows a registry file that changed. A file that cannot be read keeps the last good list,
// and so does one that has suddenly lost most of its tenants: it is being written, until it says so again.
func (c *Collector) refreshRegistry() error {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.mu.Lock()
	p, location, loaded, before := c.policy, c.location, c.loaded, len(c.registry)
	c.mu.Unlock()
	if p == nil || p.Tenants.Registry.File == "" {
		return nil
	}
	if info, err := os.Stat(p.Tenants.Registry.File); err == nil && info.ModTime().Equal(loaded) {
		return nil
	}
	registry, modified, err := readRegistry(p)
	if err != nil {
		return err
	}
	if len(registry) < before/2 && time.Since(modified) < 2*c.registryInterval() {
		c.logger.Warn("The tenant registry has lost most of its tenants; it is read again before they are dropped", "before", before, "after", len(registry))
		return nil
	}
	plan, err := c.plan(p, registry, location)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.registry, c.loaded = registry, modified
	c.follow(plan)
	return nil
}

func (c *Collector) registryInterval() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return time.Minute
	}
	return max(c.policy.Tenants.Registry.Refresh.Std(), time.Second)
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
