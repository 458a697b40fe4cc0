// Package procedure notes the runs that are expected of a policy's procedures: those that are reported over HTTP as
// healthchecks.io defines it, those that files prove, and those of other collectors. It exposes when a run is due and
// when one last began, succeeded and failed; the rules judge. A report is acknowledged when it is on the disk.
package procedure

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "procedure", Help: "Note the runs that are expected of the policy's procedures.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{
			Logger: s.Logger, State: s.State, Location: s.Location, Rounds: s.Rounds,
			NoReceiver: !s.Receives,
		})
	},
}

// What is read from files is read so often, and a round takes so long at most.
const (
	defaultInterval = 15 * time.Second
	readTimeout     = 10 * time.Second
)

// Options are what a collector needs besides the policy.
type Options struct {
	Logger *slog.Logger
	State  *state.Dir // nil keeps everything in memory only
	// Location overrides the policy's; empty does not.
	Location string
	// NoReceiver is true where no listener receives pings: what only they report is not watched here then.
	NoReceiver bool
	// Interval is how often keys and files are read; 0 is 15 s.
	Interval time.Duration
	// Rounds returns when a round of a collector last succeeded, false if it does not run; nil knows of none.
	Rounds func(collector string) (time.Time, bool)
}

// Collector notes runs.
type Collector struct {
	logger   *slog.Logger
	dir      *state.Dir
	location string
	rounds   func(string) (time.Time, bool)
	interval time.Duration
	deaf     bool                    // no pings are received
	changed  collectors.Announcement // of the policy
	created  time.Time
	intake   collectors.Intake[event]
	saving   *collectors.Saving
	next     map[string]*record // what is being saved; of the part that saves
	keys     keys
	limits   limits
	pings    counts
	files    counts

	mu      sync.Mutex
	policy  *config.Policy
	section *config.Procedures // nil before a policy with one is in force
	watched map[string]*watched
	names   []string           // of watched, sorted
	records map[string]*record // as they are saved, those of procedures that are no longer watched included
	loaded  bool
	due     map[string]time.Time
	since   map[string]time.Time // when the collector began to watch the procedure
	// runbooks are when each was reviewed, by procedure.
	runbooks map[string]map[string]time.Time
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	if o.Rounds == nil {
		o.Rounds = func(string) (time.Time, bool) { return time.Time{}, false }
	}
	c := &Collector{
		logger: o.Logger, dir: o.State, location: o.Location, rounds: o.Rounds, interval: o.Interval, deaf: o.NoReceiver,
		changed: collectors.NewAnnouncement(),
		created: time.Now(), intake: collectors.NewIntake[event](), records: map[string]*record{},
		runbooks: map[string]map[string]time.Time{},
	}
	c.saving = collectors.NewSaving(o.State, o.Logger, snapshotName, snapshotVersion, c.encode)
	return c
}

// Prepare implements collectors.Collector.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	var windows []*maintenance.Window
	for _, m := range p.Maintenance {
		w, err := maintenance.New(m)
		if err != nil {
			return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
		}
		windows = append(windows, w)
	}
	location := p.Location
	if c.location != "" {
		location = c.location
	}
	all := map[string]*watched{}
	section := p.Procedures()
	if section != nil {
		for _, o := range section.Expected {
			if len(o.Locations) > 0 && !slices.Contains(o.Locations, location) || !c.informed(p, o) {
				continue
			}
			w, err := newWatched(p, o, windows)
			if err != nil {
				return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
			}
			all[o.Name] = w
		}
	}
	var earlier map[string]*record
	c.mu.Lock()
	load := !c.loaded && section != nil
	c.mu.Unlock()
	if load {
		earlier = c.load(time.Now())
	}
	return collectors.Change{Commit: func() { c.commit(p, all, earlier) }}, nil
}

// informed reports whether this exporter can be informed of the runs of a procedure.
func (c *Collector) informed(p *config.Policy, o *config.Procedure) bool {
	switch {
	case o.Collector != "":
		_, runs := c.rounds(o.Collector)
		return runs
	case o.Task != nil, o.Dates != nil, o.Runbooks != "", o.File != "", p.ProcedureResult(o) != "":
		return true // a task can be signed on the page of tasks
	}
	return !c.deaf || p.Procedures().Results != ""
}

// commit puts a policy in force. It reads no disk: Collect waits for the lock.
func (c *Collector) commit(p *config.Policy, all map[string]*watched, earlier map[string]*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if earlier != nil && !c.loaded {
		c.records, c.loaded = earlier, true
	}
	c.policy, c.section, c.watched, c.names = p, p.Procedures(), all, slices.Sorted(maps.Keys(all))
	since := make(map[string]time.Time, len(all))
	for name := range all {
		if since[name] = c.since[name]; since[name].IsZero() {
			since[name] = time.Now()
		}
	}
	c.since = since
	c.declare(time.Now())
	c.changed.Make()
}

// declare begins the records of procedures that are new or have another schedule: they are not due before their first
// due time from now on. The caller holds the lock.
func (c *Collector) declare(now time.Time) {
	c.due = make(map[string]time.Time, len(c.watched))
	for name, w := range c.watched {
		r := c.records[name]
		switch {
		case r == nil:
			r = newRecord(w.identity, now)
		case r.Schedule != w.identity:
			r = r.clone()
			r.Schedule, r.Since = w.identity, now
		}
		if r != c.records[name] {
			c.records[name] = r
			c.saving.Change()
		}
		c.due[name] = w.due(r)
	}
}

// Run notes runs until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		p, section, watched := c.policy, c.section, c.watched
		c.mu.Unlock()
		if section == nil {
			g.Report("procedures")(nil, 0) // nothing to do is a success
			return
		}
		g.Go("reports", func(ctx context.Context) error { return c.intake.Run(ctx, g.Report("saving"), c.settle) })
		g.Poll(collectors.Poll{
			Part: "ping keys", Interval: c.interval, Timeout: readTimeout,
			Round: func(ctx context.Context) error { return c.keys.read(ctx, p, watched) },
		})
		c.follow(g, section, watched)
	})
	return nil
}

// Describe sends nothing: which series exist follows the policy.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

var _ collectors.Collector = (*Collector)(nil)
