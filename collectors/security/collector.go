// Package security reads what scanners for vulnerabilities report: how many findings an artefact has, how old they are,
// and whether its scans succeed. A report that is empty or broken is a failed scan, and what was found before stays.
// Beside them it states when the secrets of the policy end, and reads lists of accounts: how many there are, and when
// they were last used and reviewed.
package security

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "security", Help: "Read the reports of scanners and the lists of accounts that the policy names.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, State: s.State})
	},
}

const (
	// readInterval is how often it is looked whether a document has changed, and readTimeout how long that takes at most.
	readInterval = 15 * time.Second
	readTimeout  = 10 * time.Second
	saveInterval = 15 * time.Second
	// auditTimeout bounds a round of a list of accounts, which may ask a server.
	auditTimeout = 30 * time.Second
)

// Options are what a collector needs besides the policy.
type Options struct {
	Logger *slog.Logger
	State  *state.Dir // nil keeps everything in memory only
	// Interval is how often documents are looked at, for tests; 0 is 15 s.
	Interval time.Duration
}

// Collector reads the reports of scanners, and lists of accounts.
type Collector struct {
	logger   *slog.Logger
	dir      *state.Dir
	interval time.Duration
	changed  collectors.Announcement // of the policy
	saving   *collectors.Saving

	mu        sync.Mutex
	section   *config.Security // nil before a policy with one is in force
	watched   map[string]*artefact
	audits    map[string]*audit
	exploited *document[map[string]bool] // nil without a catalogue
	records   map[string]*record         // as they are saved, by scan; nil before the first policy
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Interval == 0 {
		o.Interval = readInterval
	}
	c := &Collector{
		logger: o.Logger, dir: o.State, interval: o.Interval, changed: collectors.NewAnnouncement(),
	}
	c.saving = collectors.NewSaving(o.State, o.Logger, snapshotName, snapshotVersion, c.encode)
	return c
}

// Prepare implements collectors.Collector. What is known of a scan stays.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	c.mu.Lock()
	begin := c.records == nil
	c.mu.Unlock()
	var was map[string]*record
	if begin {
		was = c.load(time.Now())
	}
	return collectors.Change{Commit: func() { c.commit(p.Security(), was) }}, nil
}

func (c *Collector) commit(section *config.Security, was map[string]*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil {
		c.records = was
	}
	before, audits, catalogue := c.watched, c.audits, c.exploited
	c.section, c.watched, c.audits, c.exploited = section, map[string]*artefact{}, map[string]*audit{}, nil
	c.changed.Make()
	if section == nil {
		return
	}
	if file := section.KnownExploited; file != "" {
		c.exploited = &document[map[string]bool]{file: file, parse: parseCatalogue}
		if catalogue != nil && catalogue.file == file {
			*c.exploited = *catalogue
		}
	}
	for _, scan := range section.Scans {
		c.watched[scan.Name] = newArtefact(scan, before[scan.Name])
		if c.records[scan.Name] == nil {
			c.records[scan.Name] = newRecord()
		}
	}
	for _, access := range section.Access {
		c.audits[access.Name] = newAudit(access, audits[access.Name])
	}
}

// Run reads documents until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.watched) == 0 && len(c.audits) == 0 {
			g.Report("scans")(nil, 0) // nothing to do is a success
			return
		}
		for _, a := range c.audits {
			g.Poll(collectors.Poll{
				Part: "access " + a.Name, Interval: c.interval, Timeout: auditTimeout, Delay: c.delay(),
				Round: func(ctx context.Context) error { return c.auditRound(ctx, a) },
			})
		}
		if len(c.watched) == 0 {
			return
		}
		c.saving.Start(g, saveInterval, nil)
		catalogue := c.exploited
		for _, a := range c.watched {
			g.Poll(collectors.Poll{
				Part: a.Name, Interval: c.interval, Timeout: readTimeout, Delay: c.delay(),
				Round: func(ctx context.Context) error { return c.round(ctx, a) },
			})
		}
		if catalogue != nil {
			g.Poll(collectors.Poll{
				Part: "known exploited vulnerabilities", Interval: c.interval, Timeout: readTimeout,
				Round: func(ctx context.Context) error { return c.readCatalogue(ctx, catalogue) },
			})
		}
	})
	return nil
}

// delay spreads the first rounds.
func (c *Collector) delay() time.Duration {
	return time.Duration(rand.Float64() * float64(min(c.interval, time.Second)))
}

// auditRound reads the sources of a list of accounts. Those that cannot be read are no failures of the collector.
func (c *Collector) auditRound(ctx context.Context, a *audit) error {
	c.mu.Lock()
	next := a.clone()
	c.mu.Unlock()
	next.read(ctx, c.logger, time.Now())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*a = *next
	return nil
}

// round reads the documents of a scan. Those that cannot be read are no failures of the collector: rules report them.
func (c *Collector) round(ctx context.Context, a *artefact) error {
	c.mu.Lock()
	next := a.clone()
	var known map[string]bool
	var written time.Time
	if c.exploited != nil {
		known, written = c.exploited.value, c.exploited.written
	}
	c.mu.Unlock()
	news := next.read(ctx, c.logger)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !news && next.catalogue.Equal(written) {
		return nil
	}
	next.catalogue = written
	next.evaluate(known)
	c.mu.Lock()
	defer c.mu.Unlock()
	*a = *next
	now, r := time.Now(), c.records[a.Name]
	r.note(a.findings, now)
	a.count(r, now)
	for i, d := range a.reports {
		if d.known {
			r.Scanned[a.Reports[i].Name()] = scanned(d, now)
		}
	}
	c.saving.Change()
	return nil
}

// readCatalogue reads the catalogue of known exploited vulnerabilities.
func (c *Collector) readCatalogue(ctx context.Context, d *document[map[string]bool]) error {
	c.mu.Lock()
	next := *d
	c.mu.Unlock()
	next.read(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	logState(c.logger, d.state, next.state, next.err, "known_exploited", d.file)
	*d = next
	if next.err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: next.err}
	}
	return nil
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
