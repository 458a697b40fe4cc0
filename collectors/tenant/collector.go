// Package tenant counts requests by tenant from request logs: what was asked, how it ended, how long it took
// and how much was sent, kept across restarts to the digit.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/count"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/source"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// Options are what a collector needs besides the policy.
type Options struct {
	Logger *slog.Logger
	State  *state.Dir // nil keeps everything in memory only
	Stdin  io.Reader
	// Immediate shows new tenants with their counts at once, for an exposition that is written only once.
	Immediate bool
}

// Collector counts by tenant what a policy's sources log.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	stdin   io.Reader
	changed chan struct{} // a policy or registry was applied
	created time.Time

	immediate bool
	pause     func(source.Point, string) // for tests
	current   atomic.Pointer[setup]      // nil before the first policy

	mu       sync.Mutex // one policy or registry at a time
	book     atomic.Pointer[ledger.Book]
	tables   *source.Tables
	posting  *source.Tables           // of receivers, so that a file being caught up keeps no post waiting
	statuses map[string]*sourceStatus // by the source's name, kept across reloads

	registryErrors atomic.Uint64
}

// sourceStatus outlives a reload, so that its counters do not start again.
type sourceStatus struct {
	source.Status
	posts posts
	// unreadable counts durations since the exporter started.
	unreadable count.Unreadable
	memory     receive.Memory
}

// setup is a policy put into practice. It is replaced as a whole.
type setup struct {
	policy   *config.Policy
	registry *tenants.Source // nil without one
	names    *registered
	sources  []*running
	// following is which of them follow which logs; no two policies are read at the same time.
	following source.Following
	// receivers by what they receive.
	receivers map[string]*receive.Receiver
	probes    *probes // nil if nothing tells health checks from clients
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return &Collector{
		logger: o.Logger, dir: o.State, stdin: o.Stdin, immediate: o.Immediate,
		changed: make(chan struct{}, 1), created: time.Now(), statuses: map[string]*sourceStatus{},
	}
}

// Prepare implements collectors.Collector. Sources that the policy keeps go on where they are. Until the change is committed
// or aborted, no registry is put in force.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	c.mu.Lock()
	next, err := c.prepare(here(p))
	if err != nil {
		c.mu.Unlock()
		return collectors.Change{}, err
	}
	return collectors.Change{
		Commit: func() {
			defer c.mu.Unlock()
			c.commit(next)
			c.keep(next)
		},
		Abort: c.mu.Unlock,
	}, nil
}

// prepare makes the setup of a policy and changes nothing. The caller holds the lock.
func (c *Collector) prepare(p *config.Policy) (*setup, error) {
	next := &setup{policy: p, registry: tenants.SourceOf(&p.Tenants.Registry, c.registry())}
	if next.registry != nil && next.registry != c.registry() {
		next.registry.Errors = &c.registryErrors // it never steps back, whatever becomes of the registry
		c.remember(next.registry)
	}
	if p.Tenants.Registry.File != "" {
		// A file that cannot be read is a mistake in the policy; a database that cannot be reached is not.
		if _, err := next.registry.Refresh(context.Background()); err != nil && !errors.Is(err, tenants.ErrShrunk) {
			return nil, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
		}
	}
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
	c.current.Store(next)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// registry is the one in use, nil without one.
func (c *Collector) registry() *tenants.Source {
	if s := c.current.Load(); s != nil {
		return s.registry
	}
	return nil
}

// here is the policy without the sources of other locations.
func here(p *config.Policy) *config.Policy {
	own := *p
	own.Tenants.Sources = slices.DeleteFunc(slices.Clone(p.Tenants.Sources), func(s *config.Source) bool { return !s.At(p.Location) })
	return &own
}

// open reads the saved state back, once.
func (c *Collector) open() error {
	if c.book.Load() != nil {
		return nil
	}
	book, err := ledger.Open(ledger.Options{Logger: c.logger, State: c.dir, Immediate: c.immediate})
	if err != nil {
		return fmt.Errorf("tenant counters: %w", err)
	}
	c.tables = source.NewTables(book, runtime.GOMAXPROCS(0))
	c.posting = source.NewTables(book, receive.Concurrency)
	c.book.Store(book)
	return nil
}

// Run saves what is counted, refreshes the registry and reads the sources of the policy in force, until ctx ends.
func (c *Collector) Run(ctx context.Context, report collectors.Report) error {
	book := c.book.Load()
	if book == nil {
		<-ctx.Done()
		return nil
	}
	select {
	case <-c.changed: // what was applied before is what is read first
	default:
	}
	saving, stopSaving := context.WithCancel(context.WithoutCancel(ctx))
	saved := make(chan error, 1)
	book.Begin() // or the first commit of a source could find the book of an earlier Run stopped
	go func() { saved <- guard(func() error { return book.Run(saving) }) }()
	defer stopSaving()
	for ctx.Err() == nil {
		reading, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- c.read(reading, c.current.Load(), report) }()
		var err error
		select {
		case <-c.changed:
			stop()
			err = <-done
		case err = <-done:
		case err = <-saved:
			stop()
			return errors.Join(err, <-done)
		case <-ctx.Done():
			stop()
			err = <-done
		}
		stop()
		if err != nil && ctx.Err() == nil {
			stopSaving()
			return errors.Join(err, <-saved)
		}
	}
	stopSaving()
	return <-saved
}

// Book is what is counted and saved.
func (c *Collector) Book() *ledger.Book { return c.book.Load() }

// Lines is how many lines of all sources are counted and saved.
func (c *Collector) Lines() uint64 {
	var n uint64
	if s, book := c.current.Load(), c.book.Load(); s != nil && book != nil {
		for _, r := range s.sources {
			saved, _ := book.Source(r.number)
			n += saved.Lines
		}
	}
	return n
}

// Close gives the saved state back. It may follow only when Run has returned.
func (c *Collector) Close() error {
	if book := c.book.Load(); book != nil {
		return book.Close()
	}
	return nil
}

// read runs the sources of one policy until ctx ends.
func (c *Collector) read(ctx context.Context, s *setup, report collectors.Report) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, len(s.sources)+2)
	var wg sync.WaitGroup
	start := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := guard(func() error { return f(ctx) }); err != nil && ctx.Err() == nil {
				failed <- err
				cancel()
			}
		})
	}
	parts := collectors.NewParts(report) // or a heartbeat would hide that the registry was never read
	if s.registry != nil {
		registry := parts.Report("registry")
		if !c.await(ctx, s, registry) {
			return nil
		}
		start(func(ctx context.Context) error { return c.refresh(ctx, s, registry) })
	}
	if s.probes != nil && s.probes.config.Secret != nil {
		report := parts.Report("probes")
		start(func(ctx context.Context) error { return s.probes.follow(ctx, report) })
	}
	start(func(ctx context.Context) error { return heartbeat(ctx, parts.Report("sources")) })
	for _, r := range s.sources {
		if r.run != nil {
			start(r.run)
		}
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// heartbeat reports that the collector is at work: its sources tell for themselves how they fare.
func heartbeat(ctx context.Context, report collectors.Report) error {
	const every = 15 * time.Second
	for {
		report(nil, 0)
		if !pause(ctx, every) {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// guard turns a panic into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &collectors.ReasonError{Reason: collectors.ReasonPanic, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	return f()
}

var (
	_ prometheus.Collector = (*Collector)(nil)
	_ collectors.Collector = (*Collector)(nil)
)
