// Package vendor reads the status pages of vendors: in which state a vendor and its components are, what it has open
// and announced, and for how long it was in which state. Vendors write their pages by hand, minutes after the trouble
// began and sometimes never: what is read here explains an alert on our own services and hides none.
package vendor

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
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
	Name: "vendor", Help: "Read the status pages of the policy's vendors.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State, UserAgent: "thorbis_exporter/" + s.Version})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger    *slog.Logger
	State     *state.Dir // nil keeps everything in memory only
	UserAgent string
}

const saveInterval = time.Minute

// Collector watches vendors.
type Collector struct {
	logger  *slog.Logger
	dir     *state.Dir
	client  *fetch.Client
	changed collectors.Announcement
	saving  *collectors.Saving

	mu       sync.Mutex
	policy   *config.Policy
	zone     *time.Location
	watched  map[string]*watched // of the policy, by name
	records  map[string]*record  // also of vendors that have left the policy
	failures map[string]uint64   // by reason
}

// watched is a vendor of the policy. The lock of the collector guards it.
type watched struct {
	*config.Vendor
	*record
	page     *page // as it was read last; nil before
	known    fetch.Validators
	reads    [2]uint64 // succeeded, failed
	failed   int       // in a row
	notUntil time.Time
	reason   string // of the last failure, empty after a success
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	c := &Collector{
		logger: o.Logger, dir: o.State, client: fetch.NewClient(o.UserAgent),
		changed: collectors.NewAnnouncement(), failures: map[string]uint64{},
	}
	c.saving = collectors.NewSaving(o.State, o.Logger, snapshotName, snapshotVersion, c.encode)
	return c
}

// Prepare implements collectors.Collector. What is known of a vendor stays.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	c.mu.Lock()
	begin := c.records == nil
	c.mu.Unlock()
	var was map[string]*record
	if begin {
		was = c.load(time.Now())
	}
	zone := p.SLA.Zone()
	return collectors.Change{Commit: func() { c.commit(p, zone, was) }}, nil
}

func (c *Collector) commit(p *config.Policy, zone *time.Location, was map[string]*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		c.records = was
	}
	before := c.watched
	c.policy, c.zone, c.watched = p, zone, map[string]*watched{}
	for _, v := range p.Vendors() {
		w := before[v.Name]
		if w == nil || w.StatusPage != v.StatusPage || w.Format != v.Format {
			if c.records[v.Name] == nil {
				c.records[v.Name] = newRecord(time.Now())
			}
			w = &watched{record: c.records[v.Name]}
		}
		again := *w // the one before may be in the middle of a read
		again.Vendor = v
		again.known = fetch.Validators{} // other components of the same page are read again
		c.watched[v.Name] = &again
	}
	c.changed.Make()
}

// Run reads the pages until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.watched) == 0 {
			g.Report("vendors")(nil, 0) // nothing to do is a success
			return
		}
		c.saving.Start(g, saveInterval, nil)
		for _, w := range c.watched {
			interval := w.Interval.Std()
			g.Poll(collectors.Poll{
				Part: w.Name, Interval: interval, Delay: time.Duration(rand.Float64() * float64(min(interval, firstReads))),
				Round: func(ctx context.Context) error { return c.round(ctx, w) },
			})
		}
	})
	return nil
}

const (
	// firstReads is the time over which the first reads are spread.
	firstReads = 5 * time.Second
	// mostPause bounds the pause after failures, which doubles from the interval.
	mostPause = 15 * time.Minute
)

// round reads one page. A page that cannot be read is counted apart from failures of the collector: the rules report a
// vendor that is unknown.
func (c *Collector) round(ctx context.Context, w *watched) error {
	c.mu.Lock()
	known, waits := w.known, time.Now().Before(w.notUntil)
	c.mu.Unlock()
	if waits {
		c.advance(w)
		return nil
	}
	p, known, err := c.read(ctx, w.Vendor, known)
	if ctx.Err() != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.saving.Change()
	now := time.Now()
	if err != nil {
		c.fail(w, now, err)
		return nil
	}
	w.reads[0]++
	w.failed, w.notUntil, w.known = 0, time.Time{}, known
	if w.reason != "" {
		c.logger.Info("A vendor's status page is read again", "vendor", w.Name)
		w.reason = ""
	}
	if p != nil {
		w.page = p
	}
	before := w.State
	w.observe(now, w.page.stateFor(w.Components), c.stale(w), c.zone)
	if w.State != before {
		c.logger.Info("A vendor's state has changed", "vendor", w.Name, "from", before, "to", w.State)
	}
	return nil
}

// read reads and parses a page; nil if it has not changed.
func (c *Collector) read(ctx context.Context, v *config.Vendor, known fetch.Validators) (
	*page, fetch.Validators, error,
) {
	answer, err := c.client.Get(ctx, request(v, known))
	if err != nil || answer.Body == nil {
		return nil, answer.Validators, err
	}
	p, err := parsers[v.Format](answer.Body, time.Now())
	if err != nil {
		return nil, answer.Validators, fetch.Failed(metric.ReadMalformed, "%w", err)
	}
	return p, answer.Validators, nil
}

// fail notes a failure. The caller holds the lock.
func (c *Collector) fail(w *watched, now time.Time, err error) {
	why, ok := errors.AsType[*fetch.Error](err)
	if !ok {
		why = fetch.Failed(metric.ReadMalformed, "%w", err)
	}
	w.reads[1]++
	c.failures[why.Reason]++
	pause := w.Interval.Std()
	for i := 0; i < w.failed && pause < mostPause; i++ {
		pause *= 2
	}
	w.failed++
	// The first failure is tried again at once at the interval.
	w.notUntil = now.Add(max(min(pause, mostPause)-w.Interval.Std()/2, why.Wait))
	if w.reason != why.Reason {
		w.reason = why.Reason
		c.logger.Warn("A vendor's status page cannot be read", "vendor", w.Name, "reason", why.Reason, "err", why)
	}
	w.pass(now, c.stale(w), c.zone)
}

// advance counts the time in which a page is left alone.
func (c *Collector) advance(w *watched) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.pass(time.Now(), c.stale(w), c.zone)
	c.saving.Change()
}

func (c *Collector) stale(w *watched) time.Duration { return staleAfter(w.Interval.Std()) }

// Describe sends nothing: which series exist follows the policy.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	if snapshot := c.show(time.Now()); snapshot != nil {
		snapshot.Collect(ch)
		c.saving.Collect(ch)
	}
}

var _ collectors.Collector = (*Collector)(nil)
