// Package tenant counts requests by tenant from request logs, with their status classes, durations and bytes. The
// counters continue exactly across restarts.
package tenant

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/stream"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "tenant", Help: "Count requests by tenant from the policy's sources.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State, Tenants: s.Tenants, Shard: s.TenantShard})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger  *slog.Logger
	State   *state.Dir        // nil keeps everything in memory only
	Tenants *tenants.Registry // nil for one of its own
	Stdin   io.Reader
	// Shard is the part of the partitions of streams that is read; the zero value is all of them.
	Shard collectors.Shard
	// Immediate shows new tenants with their counts at once, for an exposition that is written only once.
	Immediate bool
}

// Collector counts by tenant what a policy's sources log.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	stdin   io.Reader
	shard   collectors.Shard
	changed collectors.Announcement // a policy or registry was applied
	created time.Time

	immediate bool
	pause     func(source.Point, string) // for tests
	pace      stream.Pace                // of streams; tests hurry
	current   atomic.Pointer[setup]      // nil before the first policy

	mu          sync.Mutex // one policy or registry at a time
	store       atomic.Pointer[store.Store]
	aggregators *source.Aggregators
	posting     *source.Aggregators      // of receivers, so that a file being caught up keeps no post waiting
	statuses    map[string]*sourceStatus // by the source's name, kept across reloads

	tenants *tenants.Subscription // of the registry

	activity activity
}

// sourceStatus outlives a reload, so that its counters do not start again.
type sourceStatus struct {
	source.Status
	stream stream.Status
	// doubted is the log whose first lines were last looked at.
	doubted atomic.Pointer[string]
	posts   posts
	// unreadable counts durations since the exporter started.
	unreadable aggregate.Unreadable
	inFlight   receive.InFlight
}

// setup is a policy put into practice. It is replaced as a whole.
type setup struct {
	policy   *config.Policy
	registry *tenants.Reader // nil without one
	names    *registered
	sources  []*running
	// following is which of them follow which logs; no two policies are read at the same time.
	following source.Following
	// receivers by what they receive.
	receivers map[string]*receive.Receiver
	probes    *probes // nil if no setting identifies health checks
	planned   func(service string, at time.Time) bool
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.Tenants == nil {
		o.Tenants = tenants.NewRegistry(o.State, o.Logger)
	}
	return &Collector{
		logger: o.Logger, dir: o.State, tenants: o.Tenants.Subscribe(), stdin: o.Stdin, shard: o.Shard, pace: stream.Steady,
		immediate: o.Immediate,
		changed:   collectors.NewAnnouncement(), created: time.Now(), statuses: map[string]*sourceStatus{},
	}
}

// Prepare implements collectors.Collector. Sources that the policy keeps go on where they are. Until the change is
// committed or aborted, no registry is put in force.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	return collectors.Exclusively(&c.mu, func() (func(), error) {
		next, err := c.prepare(forLocation(p))
		return func() {
			c.commit(next)
			c.tenants.Use(next.registry)
		}, err
	})
}

// prepare makes the setup of a policy and changes nothing. The caller holds the lock.
func (c *Collector) prepare(p *config.Policy) (*setup, error) {
	registry, err := c.tenants.Prepare(&p.Tenants.Registry)
	if err != nil {
		return nil, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	next := &setup{policy: p, registry: registry}
	if err := c.open(); err != nil {
		return nil, err
	}
	next.use()
	if err := c.build(next); err != nil {
		return nil, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return next, nil
}

// commit puts a setup in force. The caller holds the lock.
func (c *Collector) commit(next *setup) {
	c.number(next)
	if old := c.current.Swap(next); old != nil {
		old.leave(next)
	}
	c.changed.Make()
}

// registry returns the registry in use, nil without one.
func (c *Collector) registry() *tenants.Reader {
	if s := c.current.Load(); s != nil {
		return s.registry
	}
	return nil
}

// forLocation returns the policy without the sources of other locations.
func forLocation(p *config.Policy) *config.Policy {
	own := *p
	own.Tenants.Sources = slices.DeleteFunc(slices.Clone(p.Tenants.Sources),
		func(s *config.Source) bool { return !s.At(p.Location) })
	return &own
}

// open reads the saved state once.
func (c *Collector) open() error {
	if c.store.Load() != nil {
		return nil
	}
	st, err := store.Open(store.Options{Logger: c.logger, State: c.dir, Immediate: c.immediate})
	if err != nil {
		return fmt.Errorf("tenant counters: %w", err)
	}
	c.aggregators = source.NewAggregators(st, runtime.GOMAXPROCS(0))
	c.posting = source.NewAggregators(st, receive.Concurrency)
	c.store.Store(st)
	return nil
}

// Run saves what is counted, refreshes the registry and reads the sources of the policy in force, until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	st := c.store.Load()
	if st == nil {
		<-ctx.Done()
		return nil
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	saving, stopSaving := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSaving()
	st.Begin() // or the first commit of a source could find the st of an earlier Run stopped
	saved := collectors.Async(func() error {
		defer stop() // nothing is read that cannot be saved
		return st.Run(saving)
	})
	group.Each(reading, c.changed, c.read)
	stopSaving()
	return <-saved
}

// Store returns the saved counters.
func (c *Collector) Store() *store.Store { return c.store.Load() }

// Lines returns how many lines of all sources are counted and saved.
func (c *Collector) Lines() uint64 {
	var n uint64
	if s, st := c.current.Load(), c.store.Load(); s != nil && st != nil {
		for _, r := range s.sources {
			saved, _ := st.Source(r.number)
			n += saved.Lines
		}
	}
	return n
}

// Close closes the saved state. It may be called only after Run has returned.
func (c *Collector) Close() error {
	if st := c.store.Load(); st != nil {
		return st.Close()
	}
	return nil
}

// read runs the sources of the policy in force. While no tenants are known files wait, for no request could be
// assigned.
func (c *Collector) read(g *collectors.Group) {
	s := c.current.Load()
	if s == nil {
		return // no policy has been committed yet
	}
	if s.registry != nil {
		g.Go("registry", func(ctx context.Context) error { return c.followRegistry(ctx, s, g.Report("registry")) })
	}
	if !s.names.known {
		return
	}
	if s.probes != nil && s.probes.config.Secret != nil {
		g.Poll(s.probes.poll())
	}
	// The collector is at work whatever its sources do: each of them has a status of its own.
	g.Poll(collectors.Poll{Part: "sources", Interval: heartbeat, Round: func(context.Context) error { return nil }})
	if len(s.sources) > 0 {
		g.Poll(c.activity.poll(c.store.Load()))
	}
	for _, r := range s.sources {
		if r.run != nil {
			g.Go("source "+r.config.Name, r.run)
		}
	}
}

// heartbeat is how often the collector reports that it is at work.
const heartbeat = 15 * time.Second

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ collectors.Collector = (*Collector)(nil)
)
