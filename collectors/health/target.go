package health

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
)

// key identifies a target across reloads and restarts.
type key struct{ check, tenant string }

// target is a check, or a check of one tenant, with its state. There is one object while the policy has the target: a
// reload changes its settings, never its state machine.
type target struct {
	key
	settings
	machine     *stateMachine
	created     time.Time // of the persistent counters
	shown       totals    // as they were last saved, if isShown
	isShown     bool
	results     [3]uint64 // in the order of metric.ProbeResults
	began       time.Time // when results were 0
	last        outcome
	certificate certificate
	addr        netip.Addr   // that the last result came from, if the target is a name
	silent      []netip.Addr // of the name, that did not connect then
	due         time.Time
	paced       bool // the rate has been asked for this probe
	running     bool
	removed     bool
}

// settings are the policy's settings of a target.
type settings struct {
	spec     *config.Check
	tier     string
	owner    string
	page     string
	location string
	request  request
	windows  []*window
	pace     *pace // nil unless per tenant
	exposed  *targetSeries
}

// pace bounds the probes of all per-tenant checks together. Probes that confirm an outage and probes of an open one
// have a rate of their own each, so that many failing tenants delay neither each other's confirmation nor regular
// probes.
type pace struct{ regular, confirming, down *rate.Limiter }

// newPace gives them the highest rate that one of them asks for: more of such checks are no more load.
func newPace(checks []*config.Check) *pace {
	highest := 0.0
	for _, c := range checks {
		if c.PerTenant != nil {
			highest = max(highest, c.PerTenant.MaxPerSecond)
		}
	}
	limiter := func() *rate.Limiter { return rate.NewLimiter(rate.Limit(highest), 1) }
	return &pace{limiter(), limiter(), limiter()}
}

// of returns the limiter for the next probe of a target.
func (p *pace) of(m *stateMachine) *rate.Limiter {
	switch {
	case m.state == metric.StateDown:
		return p.down
	case m.pending != nil:
		return p.confirming
	}
	return p.regular
}

// plan is everything that a policy and a registry ask for.
type plan struct {
	settings map[key]settings
	checks   []*config.Check
	windows  []*window
	pairs    metric.Pairs       // labels that many series have: an app_service, a reason
	requests map[string]request // of the modules, without target and check
}

// plan prepares a policy without the lock, for with many tenants it takes a while. The caller is the only one
// to change targets' settings, so it may read them.
func (c *Collector) plan(p *config.Policy, registry []tenants.Tenant, location string) (plan, error) {
	out := plan{
		settings: map[key]settings{}, checks: p.Health.Checks, pairs: metric.Pairs{},
		requests: map[string]request{},
	}
	var errs []error
	for _, m := range p.Maintenance {
		w, err := newWindow(m)
		errs = append(errs, err)
		out.windows = append(out.windows, w)
	}
	if err := errors.Join(errs...); err != nil {
		return plan{}, err
	}
	pace := newPace(p.Health.Checks)
	for _, check := range p.Health.Checks {
		if check.PerTenant == nil && !c.probes(check, "") {
			continue
		}
		request, err := out.request(p, check, c.version)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		request.names = c.names
		if check.PerTenant == nil {
			c.settle(&out, p, check, tenants.Tenant{Tier: metric.TierNone}, request, nil, location)
			continue
		}
		for _, tenant := range registry {
			if !c.probes(check, tenant.Name) {
				continue
			}
			c.settle(&out, p, check, tenant, request.of(strings.ReplaceAll(check.Target, "{tenant}", tenant.Name)), pace,
				location)
		}
	}
	return out, errors.Join(errs...)
}

// probes reports whether a target is of the collector's shard. The others of its location probe the rest: rules see one
// location.
func (c *Collector) probes(check *config.Check, tenant string) bool {
	return c.shard.OwnsName(check.Name + "/" + tenant)
}

// request returns a check's probe of its target. Checks of one module share it, for modules are large and checks are
// many.
func (out *plan) request(p *config.Policy, check *config.Check, version string) (request, error) {
	shared := fmt.Sprint(check.Module, " ", *check.BypassCache)
	if r, ok := out.requests[shared]; ok && len(check.SecretHeaders) == 0 {
		r.check, r.timeout = check.Name, check.Timeout.Std()
		return r.of(check.Target), nil
	}
	r, err := newRequest(p, check, check.Target, version)
	if err == nil && len(check.SecretHeaders) == 0 {
		out.requests[shared] = r
	}
	return r, err
}

// settle adds the settings of one target to a plan.
func (c *Collector) settle(out *plan, p *config.Policy, check *config.Check, tenant tenants.Tenant, r request,
	pace *pace, location string,
) {
	s := settings{spec: check, tier: tenant.Tier, location: location, request: r, pace: pace}
	s.owner, s.page = p.PageOf(check)
	if tenant.Name != "" && check.Page == "" {
		// A tenant of no known tier pages at the most urgent priority: fail open.
		s.page = config.Priorities[0]
		if tier, ok := p.Tiers[tenant.Tier]; ok {
			s.page = tier.TenantPage
		}
	}
	if s.tier == "" {
		s.tier = metric.TierNone
	}
	for _, w := range out.windows {
		if w.CoversCheck(check, tenant.Name) {
			s.windows = append(s.windows, w)
		}
	}
	k := key{check.Name, tenant.Name}
	labels := seriesLabels{k.check, check.AppService, k.tenant, location, s.tier, s.owner, s.page}
	if old, ok := c.targets[k]; ok && old.exposed.values == labels {
		s.exposed = old.exposed
	} else {
		s.exposed = newTargetSeries(labels, out.pairs)
	}
	out.settings[k] = s
}

// logPace logs that tenants cannot be probed as often as the policy demands.
func (c *Collector) logPace(p *config.Policy, registered int) {
	if w, slow := p.PaceWarning(registered); slow {
		c.logger.Warn("Tenants are probed less often than the policy says", "warning", w)
	}
}

// follow puts a plan in force and wakes the scheduler. The caller holds the lock.
func (c *Collector) follow(p plan) {
	now := time.Now()
	maps.DeleteFunc(c.gone, func(_ identity, g gone) bool { return now.Sub(g.at) >= goneFor })
	c.windows = p.windows
	checks := map[string]*checkSeries{}
	c.order = nil
	for _, check := range p.checks {
		s := c.seriesOf(check)
		s.locate(c.location, p.pairs)
		checks[check.Name] = s
		c.order = append(c.order, s)
	}
	for k, t := range c.targets {
		if s, ok := p.settings[k]; !ok || s.spec.AppService != t.spec.AppService || s.location != t.location {
			c.remove(t, now)
		}
	}
	c.checks = checks
	zone := c.policy.SLA.Zone()
	for k, s := range p.settings {
		if t, ok := c.targets[k]; ok {
			t.machine.setZone(zone)
			t.change(s, now)
			continue
		}
		c.targets[k] = c.add(k, s, zone, now)
	}
	c.sort()
	c.changed.Make()
}

// identity distinguishes targets that have the same name one after the other.
type identity struct {
	key
	appService, location string
}

func (t *target) identity() identity { return identity{t.key, t.spec.AppService, t.location} }

// gone is a target that was removed, with its check's series.
type gone struct {
	target *target
	series *checkSeries
	at     time.Time
}

// goneFor is how long a removed target is kept as it is, so that a policy or a registry that is reverted at once
// changes nothing.
const goneFor = time.Minute

// seriesOf returns the series of a check, those it had a moment ago if it comes back. The caller holds the lock.
func (c *Collector) seriesOf(check *config.Check) *checkSeries {
	if s, ok := c.checks[check.Name]; ok && s.appService == check.AppService {
		return s
	}
	for _, g := range c.gone {
		if g.series.check == check.Name && g.series.appService == check.AppService {
			return g.series
		}
	}
	return newCheckSeries(check)
}

// change gives a target new settings. Measurements of another target do not apply to this one.
func (t *target) change(s settings, now time.Time) {
	if t.request.target != s.request.target || t.request.moduleName != s.request.moduleName {
		t.certificate = certificate{}
	}
	if t.spec.Interval != s.spec.Interval {
		t.due = slot(t.key, s.spec.Interval.Std(), now)
	}
	t.settings = s
}

// remove takes a target out of force and keeps its counters, should it come back: a counter that began anew
// would count the same outage twice.
func (c *Collector) remove(t *target, now time.Time) {
	t.removed = true
	delete(c.targets, t.key)
	c.gone[t.identity()] = gone{t, c.checks[t.check], now}
	c.history.take(place{t.check, t.tenant, t.location}, t.machine)
	c.kept[t.identity()] = saved{
		totals: t.machine.totals, AppService: t.spec.AppService, Location: t.location,
		Created: t.created, Removed: now,
	}
}

// add makes a target, with the counters that were kept of it.
func (c *Collector) add(k key, s settings, zone *time.Location, now time.Time) *target {
	id := identity{k, s.spec.AppService, s.location}
	if c.gone[id].target != nil && now.Sub(c.gone[id].at) < goneFor {
		t := c.gone[id].target
		delete(c.gone, id)
		delete(c.kept, id)
		t.removed = false
		t.machine.resume(now)
		t.machine.setZone(zone)
		t.change(s, now)
		return t
	}
	t := &target{key: k, settings: s, created: now, began: now}
	var before totals
	if kept, ok := c.kept[id]; ok {
		before, t.created = kept.totals, kept.Created
	}
	delete(c.kept, id)
	t.shown = before // of which the history shows at once what is saved
	t.machine = newStateMachine(now, before)
	t.machine.setZone(zone)
	t.due = slot(k, s.spec.Interval.Std(), now)
	if !before.OutageStart.IsZero() || s.spec.PerTenant == nil {
		t.soon(now)
	}
	return t
}

// firstProbeWithin bounds the wait for the first probe of a check after a start or a maintenance window.
const firstProbeWithin = 5 * time.Second

// soon brings the next probe forward, spread over a few seconds. The probes after it keep to the slots.
func (t *target) soon(now time.Time) {
	wait := jitter(t.key, min(t.spec.Interval.Std(), firstProbeWithin))
	if due := now.Add(wait); due.Before(t.due) {
		t.due = due
	}
}

// slot is the first moment after a given one at which a target's regular probe is due: evenly spread over the
// interval, and the same whatever outages, recoveries and restarts came between.
func slot(k key, interval time.Duration, after time.Time) time.Time {
	interval = max(interval, 1)
	wait := (jitter(k, interval) - time.Duration(after.UnixNano()%int64(interval)) + interval) % interval
	if wait == 0 {
		wait = interval
	}
	return after.Add(wait) // and not the moment itself, so that a clock that is set moves nothing
}

// jitter spreads targets evenly and the same way at each start.
func jitter(k key, interval time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(k.check + "\x00" + k.tenant))
	return time.Duration(h.Sum64() % uint64(max(interval, 1)))
}
