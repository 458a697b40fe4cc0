// Package business asks the business's own databases what customers do: transactions and their value, active users,
// satisfaction, open tickets, and any other figure of the policy. Queries run in the background, read only, with limits
// on time, rows and bytes. What was usual at each hour of the last weeks is kept across restarts.
package business

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "business", Help: "Ask the policy's business databases for transactions and figures.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State, Tenants: s.Tenants})
	},
}

const saveInterval = 15 * time.Second

// Options are what a collector needs besides the policy.
type Options struct {
	Logger  *slog.Logger
	State   *state.Dir        // nil keeps everything in memory only
	Tenants *tenants.Registry // nil for one of its own
	// Now is the time, for tests; nil is time.Now.
	Now func() time.Time
	// SaveInterval is for tests; 0 is 15 s.
	SaveInterval time.Duration
}

// Collector asks business databases.
type Collector struct {
	logger       *slog.Logger
	dir          *state.Dir
	now          func() time.Time
	saveInterval time.Duration
	created      time.Time
	tenants      *tenants.Subscription
	changed      collectors.Announcement // of the policy
	saving       *collectors.Saving

	mu      sync.Mutex
	section *config.Business // nil before a policy with one is in force
	zone    *time.Location
	queries map[string]*query        // of the policy, by name
	figures map[string]*figureAnswer // as they were answered last
	records *saved                   // nil before the first policy with the section
	encoded *encoded                 // what the save that is under way holds
	shown   *encoded                 // what is saved
	known   map[string]bool          // tenants, of a version of the registry
	version uint64
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SaveInterval == 0 {
		o.SaveInterval = saveInterval
	}
	if o.Tenants == nil {
		o.Tenants = tenants.NewRegistry(o.State, o.Logger)
	}
	c := &Collector{
		logger: o.Logger, dir: o.State, now: o.Now, saveInterval: o.SaveInterval, created: time.Now(),
		tenants: o.Tenants.Subscribe(), changed: collectors.NewAnnouncement(),
		queries: map[string]*query{}, figures: map[string]*figureAnswer{},
		shown: &encoded{},
	}
	c.saving = collectors.NewSaving(o.State, o.Logger, snapshotName, snapshotVersion, c.encode)
	return c
}

// Prepare implements collectors.Collector. What was counted stays.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	section := p.Business()
	zone := time.UTC
	var registry *tenants.Reader
	var was *saved
	if section != nil {
		z, err := time.LoadLocation(section.TimeZone)
		if err != nil {
			return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
		}
		zone = z
		if len(section.Figures) > 0 {
			if registry, err = c.tenants.Prepare(&p.Tenants.Registry); err != nil {
				c.logger.Warn("Tenants of figures are not known until their registry can be read", "err", err)
			}
		}
		c.mu.Lock()
		begin := c.records == nil
		c.mu.Unlock()
		if begin {
			was = c.load(c.now())
		}
	}
	return collectors.Change{Commit: func() {
		c.tenants.Use(registry)
		c.commit(section, zone, was)
	}}, nil
}

func (c *Collector) commit(section *config.Business, zone *time.Location, was *saved) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil && was != nil {
		c.records = was
		c.copyState() // it was saved
		c.shown, c.encoded = c.encoded, nil
	}
	before, figures := c.queries, c.figures
	c.section, c.zone, c.queries, c.figures = section, zone, map[string]*query{}, map[string]*figureAnswer{}
	c.changed.Make()
	if section == nil {
		return
	}
	for _, t := range section.Transactions {
		if t.Asked() {
			c.watch(t.Name, t.Interval.Std(), before[t.Name])
			if c.records.Transactions[t.Name] == nil {
				c.records.Transactions[t.Name] = newCounted()
			}
		}
	}
	for _, f := range section.Figures {
		c.watch(f.Name, f.Interval.Std(), before[f.Name])
		c.figures[f.Name] = figures[f.Name]
		if f.Kind == config.FigureCounter && c.records.Figures[f.Name] == nil {
			c.records.Figures[f.Name] = &sums{}
		}
	}
}

// watch begins or continues to watch a query. The caller holds the lock.
func (c *Collector) watch(name string, interval time.Duration, before *query) {
	q := newQuery(name, interval)
	if before != nil {
		*q = *before
		q.interval, q.failed = interval, 0 // the policy may have mended it
	} else if at, ok := c.records.Answered[name]; ok && !at.After(c.now()) {
		q.succeeded = at
	} else {
		q.succeeded = c.now()
	}
	c.queries[name] = q
}

// Run asks until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.section == nil || len(c.queries) == 0 {
			g.Report("queries")(nil, 0) // nothing to do is a success
			return
		}
		c.saving.Start(g, c.saveInterval, c.publish)
		databases := map[string]*database{}
		for _, d := range c.section.Databases {
			databases[d.Name] = newDatabase(d)
		}
		g.Go("connections", func(ctx context.Context) error {
			<-ctx.Done()
			for _, d := range databases {
				d.close()
			}
			return nil
		})
		if c.tenants.Reader() != nil {
			g.Go("tenant registry", func(ctx context.Context) error {
				c.tenants.Run(ctx, func(tenants.Update) {})
				return nil
			})
		}
		for _, t := range c.section.Transactions {
			if t.Asked() {
				g.Poll(c.spread(c.polled(c.queries[t.Name], func(ctx context.Context, now time.Time) error {
					return c.countTransactions(ctx, databases[t.Database], t, now)
				})))
			}
		}
		for _, f := range c.section.Figures {
			g.Poll(c.spread(c.polled(c.queries[f.Name], func(ctx context.Context, _ time.Time) error {
				return c.askFigure(ctx, databases[f.Database], f)
			})))
		}
	})
	return nil
}

// spread lets the queries of many begin at different moments.
func (c *Collector) spread(p collectors.Poll) collectors.Poll {
	p.Delay = time.Duration(rand.Float64() * float64(min(p.Interval, time.Second)))
	return p
}

// countTransactions asks for what is not counted yet, and then for some of the weeks before.
func (c *Collector) countTransactions(ctx context.Context, d *database, t *config.Transaction, now time.Time) error {
	c.mu.Lock()
	work, zone := c.records.Transactions[t.Name].clone(), c.zone
	c.mu.Unlock()
	if work.begin(t.Form, now) {
		c.logger.Warn("Transactions of the time since they were counted last are lost: it is too long ago",
			"transaction", t.Name)
	}
	err := c.countNew(ctx, d, t, work, zone, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records.Transactions[t.Name] = work
	c.saving.Change()
	return err
}

func (c *Collector) countNew(ctx context.Context, d *database, t *config.Transaction, work *counted,
	zone *time.Location, now time.Time,
) error {
	as := results(t)
	if t.Form == config.TransactionTotals {
		totals := map[string]tally{}
		if err := d.ask(ctx, t.Query, nil, maxRows, func() { clear(totals) }, func(r postgres.Row) error {
			result, one, err := transactions(r, as)
			was := totals[result]
			totals[result] = tally{was.N + one.N, was.V + one.V}
			return err
		}); err != nil {
			return err
		}
		work.total(totals, now, zone)
		return nil
	}
	for range slicesPerRound {
		s, ok := work.next(t.Recount.Std(), now)
		if !ok {
			break
		}
		got, err := askMinutes(ctx, d, t, s, as)
		if err != nil {
			return err
		}
		work.count(s, got, t.Recount.Std(), zone)
	}
	for range slicesPerRound {
		s, ok := work.lesson()
		if !ok {
			return nil
		}
		got, err := askMinutes(ctx, d, t, s, as)
		if err != nil {
			return err
		}
		work.learn(s, got, now)
	}
	return nil
}

func askMinutes(ctx context.Context, d *database, t *config.Transaction, s span, as func(string) string) (
	minuteCounts, error,
) {
	got := minuteCounts{}
	err := d.ask(ctx, t.Query, []any{s.from, s.to}, maxRows, func() { clear(got) }, func(r postgres.Row) error {
		return got.add(r, s, as)
	})
	return got, err
}

func (c *Collector) askFigure(ctx context.Context, d *database, f *config.Figure) error {
	answer, registered := newFigureAnswer(), c.registered()
	err := d.ask(ctx, f.Query, nil, maxFigureRows, func() { *answer = *newFigureAnswer() }, func(r postgres.Row) error {
		return answer.add(r, f, registered)
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queries[f.Name] == nil {
		return nil // the policy has dropped it meanwhile
	}
	c.queries[f.Name].folded += answer.folded
	c.figures[f.Name] = answer
	if f.Kind == config.FigureCounter {
		c.records.Figures[f.Name].gain(answer.values)
		c.saving.Change()
	}
	return nil
}

// registered returns whether a tenant is in the registry.
func (c *Collector) registered() func(string) bool {
	reader := c.tenants.Reader()
	if reader == nil {
		return func(string) bool { return false }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if version := reader.Version(); c.known == nil || version != c.version {
		list, _ := reader.List()
		known := make(map[string]bool, len(list))
		for _, t := range list {
			known[t.Name] = true
		}
		c.known, c.version = known, version
	}
	known := c.known
	return func(tenant string) bool { return known[tenant] }
}

// Describe sends nothing: which series exist follows the policy.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	if snapshot := c.show(); snapshot != nil {
		snapshot.Collect(ch)
		c.saving.Collect(ch)
	}
}

var _ collectors.Collector = (*Collector)(nil)
