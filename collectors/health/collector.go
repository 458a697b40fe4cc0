// Package health runs the policy's health checks on a schedule, confirms what they find, and counts where
// the time went: up, down, unknown, in maintenance. Probes go through the blackbox_exporter's own probers.
package health

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
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

	mu        sync.Mutex
	policy    *config.Policy
	location  string
	registry  []tenants.Tenant
	loaded    time.Time // modification time of the registry file in use
	targets   map[key]*target
	checks    map[string]*checkSeries
	reference *reference
	saved     map[key]saved // persistent counters as last saved: what a scrape shows
	savedAt   time.Time
	saves     [2]uint64     // succeeded, failed
	restored  map[key]saved // counters of an earlier run whose target has not been configured yet
	inFlight  int
	delayed   uint64
	created   time.Time
}

// key identifies a target across reloads and restarts.
type key struct{ check, tenant string }

// target is a check, or a check of one tenant, with all that is known of it.
type target struct {
	key
	check    *config.Check
	tier     string
	owner    string
	page     string
	request  request
	windows  []*config.Maintenance
	limiter  *rate.Limiter // nil unless per tenant
	series   *checkSeries
	exposed  targetSeries
	judge    *judge
	created  time.Time // of the persistent counters
	results  [3]uint64 // in the order of metric.ProbeResults
	last     outcome
	expiry   float64
	due      time.Time
	reserved bool // the rate limiter has been asked for this probe
	running  bool
	retired  bool
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

// Apply puts a policy in force. Checks that it keeps go on with their counters and state; on an error
// nothing changes.
func (c *Collector) Apply(p *config.Policy) error {
	registry, modified, err := readRegistry(p)
	if err != nil {
		return &collectors.ReasonError{Reason: "config", Err: err}
	}
	reference := &reference{}
	for _, r := range p.Health.ReferenceTargets {
		module, ok := p.Module(r.Module)
		if !ok {
			return fmt.Errorf("reference target %s: no module %q", r.Target, r.Module)
		}
		reference.requests = append(reference.requests, request{target: r.Target, moduleName: r.Module, module: module, timeout: p.Health.Timeout.Std()})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.restored == nil {
		c.restored = c.load()
	}
	location := p.Location
	if c.own != "" {
		location = c.own
	}
	targets, checks, err := c.build(p, registry, location)
	if err != nil {
		return &collectors.ReasonError{Reason: "config", Err: err}
	}
	c.location = location
	c.policy, c.registry, c.loaded, c.reference = p, registry, modified, reference
	c.replace(targets, checks)
	return nil
}

// replace puts new targets in force and wakes the scheduler.
func (c *Collector) replace(targets map[key]*target, checks map[string]*checkSeries) {
	for k, t := range c.targets {
		if targets[k] != t {
			t.retired = true
		}
	}
	c.targets, c.checks = targets, checks
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// readRegistry loads the tenants if a check needs them.
func readRegistry(p *config.Policy) ([]tenants.Tenant, time.Time, error) {
	file := p.Tenants.Registry.File
	if file == "" {
		return nil, time.Time{}, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("the tenant registry cannot be read: %w", err)
	}
	list, err := tenants.Load(file)
	return list, info.ModTime(), err
}

// build makes the targets of a policy out of the present ones where they stay.
func (c *Collector) build(p *config.Policy, registry []tenants.Tenant, location string) (map[key]*target, map[string]*checkSeries, error) {
	targets, checks := map[key]*target{}, map[string]*checkSeries{}
	now := time.Now()
	var errs []error
	for _, check := range p.Health.Checks {
		series, ok := c.checks[check.Name]
		if !ok || series.appService != check.AppService {
			series = newCheckSeries(check)
		}
		checks[check.Name] = series
		if check.PerTenant == nil {
			t, err := c.target(p, check, tenants.Tenant{Tier: metric.TierNone}, series, now)
			errs = append(errs, err)
			targets[t.key] = t
			continue
		}
		limiter := rate.NewLimiter(rate.Limit(check.PerTenant.MaxPerSecond), 1)
		for _, tenant := range registry {
			t, err := c.target(p, check, tenant, series, now)
			errs = append(errs, err)
			t.limiter = limiter
			targets[t.key] = t
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	for _, t := range targets {
		t.locate(location)
	}
	for _, s := range checks {
		s.locate(location)
	}
	return targets, checks, nil
}

func (c *Collector) target(p *config.Policy, check *config.Check, tenant tenants.Tenant, series *checkSeries, now time.Time) (*target, error) {
	t := &target{key: key{check.Name, tenant.Name}, check: check, tier: tenant.Tier, series: series}
	t.owner, t.page = p.PageOf(check)
	if tenant.Name != "" && check.Page == "" {
		// A tenant of no known tier pages at the most urgent priority: fail open.
		t.page = config.Priorities[0]
		if tier, ok := p.Tiers[tenant.Tier]; ok {
			t.page = tier.TenantPage
		}
	}
	if t.tier == "" {
		t.tier = metric.TierNone
	}
	var err error
	t.request, err = newRequest(p, check, strings.ReplaceAll(check.Target, "{tenant}", tenant.Name), c.version)
	for _, m := range p.Maintenance {
		if covers(m, check, tenant.Name) {
			t.windows = append(t.windows, m)
		}
	}
	if old, ok := c.targets[t.key]; ok && old.check.AppService == check.AppService {
		t.judge, t.created, t.results, t.last, t.expiry, t.due = old.judge, old.created, old.results, old.last, old.expiry, old.due
		if old.check.Interval != check.Interval {
			t.due = now.Add(jitter(t.key, check.Interval.Std()))
		}
		return t, err
	}
	t.created = now
	var before totals
	if r, ok := c.restored[t.key]; ok && r.AppService == check.AppService {
		before, t.created = r.totals, r.Created
	}
	t.judge = newJudge(now, before)
	t.due = now.Add(jitter(t.key, check.Interval.Std()))
	if !before.OutageStart.IsZero() || check.PerTenant == nil {
		// The first look comes within a few seconds, so that a restart is blind for as short as can be.
		t.due = now.Add(jitter(t.key, min(check.Interval.Std(), firstProbeWithin)))
	}
	return t, err
}

// firstProbeWithin bounds the wait for the first probe of a check after a start.
const firstProbeWithin = 5 * time.Second

// jitter spreads targets evenly and the same way at each start.
func jitter(k key, interval time.Duration) time.Duration {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", k.check, k.tenant)
	return time.Duration(h.Sum64() % uint64(max(interval, 1)))
}

// refreshRegistry follows a registry file that changed. A file that cannot be read keeps the last good list.
func (c *Collector) refreshRegistry() error {
	c.mu.Lock()
	p, loaded := c.policy, c.loaded
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy != p {
		return nil
	}
	targets, checks, err := c.build(p, registry, c.location)
	if err != nil {
		return err
	}
	c.registry, c.loaded = registry, modified
	c.replace(targets, checks)
	return nil
}

// sortedTargets returns the targets by check and tenant. The caller holds the lock.
func (c *Collector) sortedTargets() []*target {
	list := make([]*target, 0, len(c.targets))
	for _, t := range c.targets {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *target) int {
		return strings.Compare(a.key.check+"\x00"+a.tenant, b.key.check+"\x00"+b.tenant)
	})
	return list
}

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ collectors.Collector = (*Collector)(nil)
)
