// Package domain looks up at the registries when the registrations of domains expire, and whether one is on hold or
// about to be deleted: by RDAP (RFC 9082, 9083), seldom, one look-up after the other. What a registry reported last
// is kept across restarts.
package domain

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "domain", Help: "Look up when the registrations of the policy's domains expire.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{
			Logger: s.Logger, State: s.State, Tenants: s.Tenants, UserAgent: "thorbis_exporter/" + s.Version,
		})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger    *slog.Logger
	State     *state.Dir        // nil keeps everything in memory only
	Tenants   *tenants.Registry // nil for one of its own
	UserAgent string
}

// Collector watches registrations.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	client  client
	changed collectors.Announcement // of the policy
	wake    collectors.Announcement // of the domains
	tenants *tenants.Subscription   // without a reader if the policy watches no tenants' domains
	created time.Time
	saving  *collectors.Saving

	mu          sync.Mutex
	policy      *config.Policy
	domains     []watched
	omitted     int
	bootstrap   *bootstrap
	listFile    bool      // the list is the policy's own
	listURL     string    // where the list was read, empty if not since the start
	bootstrapAt time.Time // when that was
	records     map[string]*record
	registries  map[string]*registry // by host
	results     map[string]uint64
	reasons     map[string]uint64
	snapshot    *collectors.Snapshot
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Tenants == nil {
		o.Tenants = tenants.NewRegistry(o.State, o.Logger)
	}
	c := &Collector{
		tenants: o.Tenants.Subscribe(),
		logger:  o.Logger, dir: o.State, client: client{fetch.NewClient(o.UserAgent)},
		changed: collectors.NewAnnouncement(), wake: collectors.NewAnnouncement(), created: time.Now(),
		results: map[string]uint64{}, reasons: map[string]uint64{},
	}
	c.saving = collectors.NewSaving(o.State, o.Logger, snapshotName, snapshotVersion, c.encode)
	return c
}

// Prepare implements collectors.Collector. What is known of a domain stays. A tenant registry that cannot be read
// refuses no policy, which other machines share: its reads are reported as errors until one succeeds.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	servers, err := bootstrapOf(p)
	if err != nil {
		return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	was := c.read(servers)
	var reader *tenants.Reader
	if d := p.Domains(); d != nil && *d.Tenants {
		if reader, err = c.tenants.Prepare(&p.Tenants.Registry); err != nil {
			c.logger.Warn("Tenants' domains are not watched until the tenant registry can be read", "err", err)
		}
	}
	return collectors.Change{Commit: func() {
		c.tenants.Use(reader)
		c.commit(p, servers, was)
	}}, nil
}

// commit puts a policy in force. servers is the list of its own file, nil without one. It reads no disk: Collect waits
// for the lock.
func (c *Collector) commit(p *config.Policy, servers *bootstrap, was earlier) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		c.records, c.registries = was.Domains, was.Registries
	}
	c.policy = p
	switch {
	case servers != nil:
		c.bootstrap, c.listFile, c.listURL = servers, true, ""
	case was.servers != nil: // read at no known time, so that it is refreshed at once
		c.bootstrap, c.listFile, c.listURL = was.servers, false, ""
	}
	c.rewatch()
	c.changed.Make()
}

// rewatch follows the policy and the tenants. The caller holds the lock.
func (c *Collector) rewatch() {
	var registered []tenants.Tenant
	if reader := c.tenants.Reader(); reader != nil {
		registered, _ = reader.List()
	}
	var omitted []string
	c.domains, omitted = watch(c.policy, registered)
	if len(omitted) != c.omitted && len(omitted) > 0 {
		c.logger.Warn("Domains are not watched, because there are more than domains.limit", "omitted", len(omitted), "first",
			omitted[0])
	}
	c.omitted = len(omitted)
	for _, w := range c.domains {
		if c.records[w.name] == nil {
			c.records[w.name] = &record{}
		}
	}
	c.show()
	c.wake.Make()
}

// Run looks registrations up until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		p := c.policy
		c.mu.Unlock()
		if p == nil || p.Domains() == nil {
			g.Report("domains")(nil, 0) // nothing to do is a success
			return
		}
		g.Go("look-ups", func(ctx context.Context) error { return c.lookups(ctx, g.Report("look-ups")) })
		c.saving.Start(g, saveInterval, nil)
		if address := p.Domains().Bootstrap.URL; address != "" {
			g.Poll(collectors.Poll{
				Part: "list of RDAP servers", Interval: bootstrapRetry,
				Round: func(ctx context.Context) error { return c.refreshBootstrap(ctx, address) },
			})
		}
		if c.tenants.Reader() != nil {
			report := g.Report("tenant registry")
			g.Go("tenant registry", func(ctx context.Context) error {
				c.tenants.Run(ctx, func(u tenants.Update) { report(c.useTenants(u), u.Duration) })
				return nil
			})
		}
	})
	return nil
}

// useTenants follows the tenants after a read of their registry. Those known before stay if it failed.
func (c *Collector) useTenants(u tenants.Update) error {
	if u.Err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: u.Err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rewatch()
	return u.NotKept
}

// idle is the longest pause between two looks at what is due.
const idle = 10 * time.Minute

// lookups looks up what is due, one domain after the other. A failure is counted and is none of the collector: the
// rules report a domain whose registry does not.
func (c *Collector) lookups(ctx context.Context, report collectors.Report) error {
	for ctx.Err() == nil {
		next, wait := c.next(time.Now())
		if next.domain == "" {
			report(nil, 0)
			timer := time.NewTimer(min(wait, idle))
			select {
			case <-ctx.Done():
			case <-c.wake:
			case <-timer.C:
			}
			timer.Stop()
			continue
		}
		start := time.Now()
		report(c.lookup(ctx, next), time.Since(start))
	}
	return nil
}

// due is a look-up to make.
type due struct {
	domain, base, host string
	interval, spacing  time.Duration
	urgent             time.Duration // before the expiry
}

// next returns the domain that has been due for the longest at a registry that may be asked now. Without one, it
// returns how long that takes.
func (c *Collector) next(now time.Time) (due, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.policy.Domains()
	var found due
	var since time.Time
	soonest := idle
	for _, w := range c.domains {
		base := c.bootstrap.server(d.Servers, w.name)
		if base == "" {
			continue
		}
		u, err := url.Parse(base)
		if err != nil {
			continue
		}
		at := c.records[w.name].Next
		if at.Sub(now) > 2*d.Interval.Std() { // the policy or the clock has changed
			at = now
		}
		ready := at
		if r := c.registries[u.Host]; r != nil && r.Next.After(ready) && r.Next.Sub(now) <= maxRetryAfter {
			ready = r.Next
		}
		if wait := ready.Sub(now); wait > 0 {
			soonest = min(soonest, wait)
			continue
		}
		if found.domain == "" || at.Before(since) {
			found, since = due{w.name, base, u.Host, d.Interval.Std(), d.Spacing.Std(), d.UrgentBefore.Std()}, at
		}
	}
	return found, soonest
}

// lookup looks one domain up and notes the result. The error is that of a panic.
func (c *Collector) lookup(ctx context.Context, d due) error {
	var got report
	var err error
	panicked := collectors.Guard(func() error {
		got, err = c.client.lookup(ctx, d.base, d.domain)
		return nil
	})
	if panicked != nil {
		collectors.LogPanic(c.logger, panicked)
		err = panicked
	}
	if ctx.Err() != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.show()
	c.saving.Change()
	now := time.Now()
	known := c.records[d.domain]
	if known == nil { // it is no longer watched
		known = &record{}
		c.records[d.domain] = known
	}
	r := c.registries[d.host]
	if r == nil {
		r = &registry{}
		c.registries[d.host] = r
	}
	if err == nil {
		c.results[metric.ResultSuccess]++
		known.succeed(now, got, d.interval, d.urgent)
		r.answered(now, d.spacing)
		return nil
	}
	why := reasonOf(err)
	c.results[metric.ResultFailure]++
	c.reasons[why.Reason]++
	news := known.Reason != why.Reason
	known.fail(now, why.Reason, d.interval)
	if answered(why) {
		r.answered(now, d.spacing)
	} else {
		r.silent(now, d.spacing, why.Wait)
	}
	if news {
		c.logger.Warn("A registration cannot be looked up", "domain", d.domain, "reason", why.Reason, "err", why, "again",
			known.Next)
	}
	return panicked
}

// Describe sends nothing: which series exist follows the domains.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	snapshot := c.snapshot
	c.mu.Unlock()
	snapshot.Collect(ch)
	if snapshot != nil {
		c.saving.Collect(ch)
	}
}

var _ collectors.Collector = (*Collector)(nil)
