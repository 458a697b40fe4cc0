// Package backup exports which backups there are, whatever program makes them, and whether tests have shown that they
// are intact and can be restored. It lists in the background, as seldom as the policy says. Verifications and restore
// tests are commands that a timer runs; this package reads the result files that they leave.
//
// Package program lists and knows every backup program, package result the result files, and package verify makes the
// tests. The exporter does not link verify.
package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "backup", Help: "List the policy's backups. Only for exporters that can reach the repositories.",
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State, Tenants: s.Tenants, Location: s.Location})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger   *slog.Logger
	State    *state.Dir        // nil keeps everything in memory only
	Tenants  *tenants.Registry // nil for one of its own
	Location string            // overrides the policy's
}

const (
	// concurrency is how many listings run at once: their programs are heavy and their host has other work.
	concurrency = 2
	// tick is how often result files are looked at, tenants counted and the state saved if it changed.
	tick = 30 * time.Second
	// startWithin spreads the first listings after a start.
	startWithin = 5 * time.Second
)

// Collector lists the backups of a policy.
type Collector struct {
	logger   *slog.Logger
	dir      *state.Dir
	location string
	created  time.Time
	changed  collectors.Announcement
	tenants  *tenants.Subscription // of the registry, without a reader if no backup here needs it
	places   chan struct{}

	mu      sync.Mutex
	policy  *config.Policy
	here    []*config.Backup // those that this exporter lists
	facts   map[string]*facts
	loaded  bool
	dirty   bool
	savedAt time.Time
	saves   [2]uint64 // succeeded, failed
	unsaved bool      // the last save failed
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Tenants == nil {
		o.Tenants = tenants.NewRegistry(o.State, o.Logger)
	}
	return &Collector{
		logger: o.Logger, dir: o.State, location: o.Location, created: time.Now(), tenants: o.Tenants.Subscribe(),
		changed: collectors.NewAnnouncement(), places: make(chan struct{}, concurrency), facts: map[string]*facts{},
	}
}

// Prepare implements collectors.Collector. The facts of backups that the policy keeps stay.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	location := p.Location
	if c.location != "" {
		location = c.location
	}
	var here []*config.Backup
	var errs []error
	for i, b := range p.Backups {
		if _, err := program.NewQuery(b); err != nil {
			errs = append(errs, p.ErrorAt(fmt.Sprintf("backups[%d].source", i), "%v", err))
		}
		if len(b.Locations) == 0 || slices.Contains(b.Locations, location) {
			here = append(here, b)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	registry := c.prepareRegistry(p, here)
	return collectors.Change{Commit: func() {
		c.tenants.Use(registry)
		c.commit(p, here)
	}}, nil
}

// commit puts a policy in force of which this exporter lists some backups.
func (c *Collector) commit(p *config.Policy, here []*config.Backup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		c.facts, c.loaded, c.savedAt = c.load(), true, time.Now()
	}
	kept := map[string]*facts{}
	for _, b := range here {
		f, ok := c.facts[b.Name]
		source := b.Source.Identity()
		if !ok || f.Program != b.Source.Program || f.Source != "" && f.Source != source {
			next := newFacts(b.Source.Program)
			if ok {
				next.Tests = f.Tests // they are of the backup, whatever lists it
			}
			f = next
		}
		f.Source = source
		kept[b.Name] = f
	}
	c.policy, c.here, c.facts, c.dirty = p, here, kept, true
	c.changed.Make()
}

// Run lists until the context ends, and saves once more then.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		here := c.here
		c.mu.Unlock()
		for i, b := range here {
			g.Poll(c.listing(b, startWithin*time.Duration(i)/time.Duration(len(here))))
		}
		g.Poll(collectors.Poll{Part: "results and state", Interval: tick, Round: c.maintain})
		g.Go("registry", func(ctx context.Context) error { return c.followRegistry(ctx, g.Report("registry")) })
	})
	return c.save(time.Now())
}

// listing lists one backup whenever it is due: at the earliest after a delay, and after a reload or a restart not
// before its last listing is old enough.
func (c *Collector) listing(b *config.Backup, delay time.Duration) collectors.Poll {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.facts[b.Name]; f != nil && !f.LastAttempt.IsZero() {
		delay = max(delay, min(time.Until(f.LastAttempt.Add(b.Refresh.Std())), b.Refresh.Std()))
	}
	return collectors.Poll{
		Part: b.Name, Interval: b.Refresh.Std(), Delay: delay,
		Round: func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case c.places <- struct{}{}:
			}
			defer func() { <-c.places }()
			start := time.Now()
			var s *program.Listing
			err := collectors.Guard(func() (err error) {
				s, err = c.listOnce(ctx, b)
				return err
			})
			if ctx.Err() != nil {
				return err // stopping, or the policy has changed: a listing that was cut short shows nothing
			}
			return c.note(b, s, err, start)
		},
	}
}

// listOnce lists one backup within its time.
func (c *Collector) listOnce(ctx context.Context, b *config.Backup) (s *program.Listing, err error) {
	q, err := program.NewQuery(b)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	known := c.facts[b.Name].aheadOf()
	c.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, b.Timeout.Std(), command.ErrTimeout)
	defer cancel()
	s, err = q.List(ctx, known)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return s, err
}

// note stores the result of a listing, and returns its error if it failed.
func (c *Collector) note(b *config.Backup, s *program.Listing, err error, start time.Time) error {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.facts[b.Name]
	if !ok || f.Source != b.Source.Identity() {
		return nil // no longer in the policy, or listed from elsewhere by now
	}
	before := f.problem
	f.LastAttempt, f.duration, f.problem = start, now.Sub(start), ""
	f.listings++
	c.dirty = true
	if err == nil {
		f.merge(s, now)
		if f.problem = s.Warning; f.problem != "" && f.problem != before {
			c.logger.Warn("The program warns beside its listing", "backup", b.Name, "warning", f.problem)
		}
		for _, r := range s.SortedRepositories() {
			if !r.Readable() {
				err = errors.Join(err, fmt.Errorf("repository %s: %s", r.Name, r.Problem))
			}
		}
	}
	if err == nil {
		return nil
	}
	f.failures[program.Reason(err)]++
	f.problem = err.Error()
	err = fmt.Errorf("backup %s: %w", b.Name, err)
	if _, ok := errors.AsType[*collectors.ReasonError](err); ok {
		return err
	}
	return &collectors.ReasonError{Reason: collectorReason(err), Err: err}
}

// maintain reads result files, counts tenants and saves.
func (c *Collector) maintain(ctx context.Context) error {
	now := time.Now()
	c.settle(now)
	c.countTenants()
	return errors.Join(c.readResults(ctx), c.save(now))
}

// settle replaces times in the future, from when the exporter's own clock was ahead.
func (c *Collector) settle(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, f := range c.facts {
		if f.settle(now) {
			c.dirty = true
			c.logger.Warn("What is known of a backup lay in the future, and counts as of now; a clock was ahead", "backup", name)
		}
	}
}

func (c *Collector) readResults(ctx context.Context) error {
	c.mu.Lock()
	here := c.here
	c.mu.Unlock()
	var errs []error
	for _, b := range here {
		for _, test := range metric.BackupTests {
			r, err := result.Read(ctx, result.File(b.Results, b.Name, test), b.Name, test)
			if err != nil {
				errs = append(errs, &collectors.ReasonError{Reason: collectorReason(err), Err: err})
				continue
			}
			c.mu.Lock()
			if f, ok := c.facts[b.Name]; ok && f.Tests[test].record(r, time.Now()) {
				c.dirty = true
			}
			c.mu.Unlock()
		}
	}
	return errors.Join(errs...)
}

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ collectors.Collector = (*Collector)(nil)
)
