// Package delivery measures deployments: how often a service is deployed, how old its commits are then, and which
// deployments failed. Sources post them (webhooks of GitHub and Vercel, events of one's own) or are polled; one that
// several sources report is one. A post is acknowledged when it is on the disk, and what was counted is kept across
// restarts.
package delivery

import (
	"context"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "delivery", Help: "Measure the deployments of the policy's services.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State, UserAgent: "thorbis_exporter/" + s.Version})
	},
}

// secretsInterval is how often the secrets of posts are read, and readTimeout how long that takes at most.
const (
	secretsInterval = 15 * time.Second
	readTimeout     = 10 * time.Second
)

// Options are what a collector needs besides the policy.
type Options struct {
	Logger    *slog.Logger
	State     *state.Dir // nil keeps everything in memory only
	UserAgent string
	// Interval is how often secrets are read and sources are polled, for tests; 0 is 15 s and the policy's.
	Interval time.Duration
}

// Collector measures deployments.
type Collector struct {
	logger   *slog.Logger
	dir      *state.Dir
	client   *fetch.Client
	timeout  time.Duration // of a request
	interval time.Duration
	changed  collectors.Announcement // of the policy
	created  time.Time
	intake   collectors.Intake[*post]
	saving   *collectors.Saving
	places   chan struct{}
	secrets  secrets
	events   eventCounts
	shown    atomic.Pointer[[]prometheus.Metric]

	mu       sync.Mutex
	section  *config.Delivery // nil before a policy with one is in force
	policy   *config.Policy
	rules    rules
	sources  []watchedSource
	polled   map[string]*polled  // by source
	services map[string]*service // as they are saved, those that are no longer watched included
	seen     []string            // ids of deliveries, the oldest first
	loaded   bool
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	c := &Collector{
		logger: o.Logger, dir: o.State, client: fetch.NewDirect(o.UserAgent), timeout: requestTimeout, interval: o.Interval,
		changed: collectors.NewAnnouncement(), created: time.Now(), intake: collectors.NewIntake[*post](),
		places: make(chan struct{}, maxPosts), services: map[string]*service{},
	}
	c.saving = collectors.NewSaving(o.State, o.Logger, snapshotName, snapshotVersion, c.encode)
	return c
}

// Prepare implements collectors.Collector.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	section := p.Delivery()
	var r rules
	var sources []watchedSource
	if section != nil {
		hotfix, err := regexp.Compile(section.Hotfix)
		if err != nil {
			return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
		}
		r.hotfix = hotfix
		_, r.rollback = section.Failure(config.FailedByRollback)
		r.hotfixWithin, _ = section.Failure(config.FailedByHotfix)
		for _, s := range section.Services {
			for _, o := range s.Sources {
				sources = append(sources, watchedSource{s.AppService, o.Name(), o})
			}
		}
	}
	c.mu.Lock()
	load := !c.loaded && section != nil
	c.mu.Unlock()
	var was *saved
	if load {
		was = c.load()
	}
	return collectors.Change{Commit: func() { c.commit(p, r, sources, was) }}, nil
}

// commit puts a policy in force. It reads no disk: Collect waits for nothing.
func (c *Collector) commit(p *config.Policy, r rules, sources []watchedSource, was *saved) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if was != nil && !c.loaded {
		c.services, c.seen, c.loaded = was.Services, was.Seen, true
	}
	c.policy, c.section, c.rules, c.sources = p, p.Delivery(), r, sources
	now := time.Now()
	for _, o := range sources {
		if c.services[o.service] == nil {
			c.services[o.service] = newService(now)
			c.saving.Change()
		}
		if c.services[o.service].watch(o, now) {
			c.saving.Change()
		}
	}
	before := c.polled
	c.polled = map[string]*polled{}
	for _, o := range sources {
		if o.token() == nil {
			continue
		}
		key := ownerOf(o)
		if c.polled[key] = before[key]; before[key] == nil {
			c.polled[key] = newPolled()
		}
	}
	if c.section == nil || !c.saving.Changed() { // what is not saved yet is not shown
		c.show(now)
	}
	c.changed.Make()
}

// watch notes since when a source and its workflows are watched, and returns whether that is new.
func (s *service) watch(o watchedSource, now time.Time) (news bool) {
	if s.Since[o.name].IsZero() {
		s.Since[o.name] = now
		news = true
	}
	if o.GitHub == nil {
		return news
	}
	for _, file := range o.GitHub.Workflows {
		if key := workflowOf(o.name, file); s.Workflows[key] == nil {
			s.Workflows[key] = &workflow{Since: now}
			s.Workflows[key].complete()
			news = true
		}
	}
	return news
}

// names returns the watched services, sorted. The caller holds the lock.
func (c *Collector) names() []string {
	names := map[string]bool{}
	for _, o := range c.sources {
		names[o.service] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// source returns a watched source by its name in a ring of keys.
func (c *Collector) source(owner string) (watchedSource, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.sources {
		if owner != "" && ownerOf(o) == owner && o.Events != nil {
			return o, true
		}
	}
	return watchedSource{}, false
}

func (c *Collector) environment() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.policy.Environment
}

// Run measures until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		section, sources := c.section, c.sources
		c.mu.Unlock()
		if section == nil {
			g.Report("deployments")(nil, 0) // nothing to do is a success
			return
		}
		g.Go("deployments", func(ctx context.Context) error { return c.intake.Run(ctx, g.Report("saving"), c.settle) })
		interval := secretsInterval
		if c.interval > 0 {
			interval = c.interval
		}
		c.poll(g, sources)
		g.Poll(collectors.Poll{
			Part: "secrets", Interval: interval, Timeout: readTimeout,
			Round: func(ctx context.Context) error { return c.secrets.read(ctx, sources) },
		})
	})
	return nil
}

// Describe sends nothing: which series exist follows the policy.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	shown := c.shown.Load()
	if shown == nil {
		return
	}
	for _, m := range *shown {
		ch <- m
	}
	c.events.collect(ch, c.created)
	c.collectPolled(ch)
	c.saving.Collect(ch)
}

// eventCounts count posts; they begin at 0 with the process.
type eventCounts struct {
	counts [8][8]atomic.Uint64 // by kind of source and result
}

func (e *eventCounts) add(kind, result string) {
	e.counts[slices.Index(metric.DeliverySourceKinds, kind)][slices.Index(metric.DeliveryEventResults, result)].Add(1)
}

func (e *eventCounts) collect(ch chan<- prometheus.Metric, created time.Time) {
	for i, kind := range metric.DeliverySourceKinds {
		for j, result := range metric.DeliveryEventResults {
			ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(metric.DeliveryEvents.Desc(), prometheus.CounterValue,
				float64(e.counts[i][j].Load()), created, kind, result)
		}
	}
}

var _ collectors.Collector = (*Collector)(nil)
