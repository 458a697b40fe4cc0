// Package database asks the policy's PostgreSQL servers for their own statistics, each over one connection
// of its own, in the background.
package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/postgres"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "database", Help: "Ask the policy's PostgreSQL servers for their statistics.",
	Default: true,
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, Host: s.Host})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger *slog.Logger
	Host   string // this machine, on which a write-ahead log lies unless the policy says otherwise
}

// Collector asks servers.
type Collector struct {
	Options
	changed collectors.Announcement

	mu      sync.Mutex
	servers []*server
}

// server is one server of the policy and what it said last.
type server struct {
	config.Database
	snapshot *collectors.Snapshot
	last     answers   // of which the snapshot is
	asked    time.Time // when it answered or did not, zero before
	problem  string    // of that round
	lacks    []string  // as logged last; only watch looks at it
	*history           // survives a reload of the policy
}

// history is what rounds keep for later ones. Only rounds look at it, one at a time.
type history struct {
	statements statementCounts
	upkeep     upkeep
}

func newServer(d config.Database) *server { return &server{Database: d, history: &history{}} }

// New returns a collector without servers; Apply gives it some.
func New(o Options) *Collector {
	return &Collector{Options: o, changed: collectors.NewAnnouncement()}
}

// Prepare implements collectors.Collector. What a server reported stays until it is asked again.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	return collectors.Change{Commit: func() { c.commit(p) }}, nil
}

func (c *Collector) commit(p *config.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var servers []*server
	for _, d := range p.Databases {
		s := newServer(*d)
		if s.WAL.Mountpoint != "" && s.WAL.Host == "" {
			s.WAL.Host = c.Host
		}
		for _, old := range c.servers {
			if old.Name == d.Name {
				s.snapshot, s.last, s.asked, s.problem = old.snapshot, old.last, old.asked, old.problem
				s.history = old.history
			}
		}
		servers = append(servers, s)
	}
	c.servers = servers
	c.changed.Make()
}

// Run asks every server at its interval until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		c.mu.Lock()
		servers := c.servers
		c.mu.Unlock()
		if len(servers) == 0 {
			g.Report("servers")(nil, 0) // nothing to do is a success
		}
		for _, s := range servers {
			g.Poll(c.poll(s))
		}
	})
	return nil
}

// poll asks one server at every interval. A connection that breaks is opened again by the next round.
func (c *Collector) poll(s *server) collectors.Poll {
	var connection *postgres.Connection
	return collectors.Poll{
		Part: s.Name, Interval: s.Interval.Std(),
		Round: func(ctx context.Context) error {
			var a answers
			var err error
			a, connection, err = round(ctx, s, connection)
			if ctx.Err() != nil {
				return err
			}
			c.logLacks(s, connection)
			c.show(s, a, err)
			if err != nil {
				err = fmt.Errorf("server %s: %w", s.Name, err)
			}
			return err
		},
		Forget: func() { c.show(s, answers{unknown: true}, nil) },
		Close: func() {
			if connection != nil {
				connection.Close()
			}
		},
	}
}

// show exposes what a server has answered in place of what it answered before.
func (c *Collector) show(s *server, a answers, err error) {
	snapshot := a.snapshot(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.snapshot, s.last, s.asked, s.problem = snapshot, a, time.Now(), ""
	if err != nil {
		s.problem = err.Error()
	}
}

// logLacks logs what a server has no functions for, once. That is no fault of the exporter or of its role: the series
// are absent, and nothing fails.
func (c *Collector) logLacks(s *server, connection *postgres.Connection) {
	if connection == nil {
		return
	}
	if lacks := connection.Lacks(); !slices.Equal(lacks, s.lacks) {
		s.lacks = lacks
		c.Logger.Warn("A PostgreSQL server cannot answer some questions; the series are absent", "server", s.Name, "lacks",
			strings.Join(lacks, "; "))
	}
}

// maxConnects is how often a round connects: a connection that is cut while it is asked, as by a restart or an
// administrator, shows nothing of the server as it is now.
const maxConnects = 2

// round asks over the connection that there is, and returns the one for the next round. One that was cut since the last
// round, or is cut in this one, is replaced at once.
func round(ctx context.Context, s *server, connection *postgres.Connection) (answers, *postgres.Connection, error) {
	for connects := 0; ; {
		if connection == nil {
			connects++
			var err error
			connection, err = postgres.Connect(ctx, postgres.Source{File: s.DSNFile, Env: s.DSNEnv, Timeout: s.Timeout.Std()})
			if err != nil {
				var notAsked *postgres.NotAskedError
				return answers{unknown: errors.As(err, &notAsked)}, nil, err
			}
		}
		a, err := ask(ctx, connection, s)
		switch {
		case !connection.Closed():
			return a, connection, err
		case a.up || ctx.Err() != nil || connects == maxConnects:
			return a, nil, err
		}
		connection = nil
	}
}

// answers are what a server said in one round; nil is what it did not.
type answers struct {
	unknown     bool // it was never asked
	up          bool
	version     int
	server      postgres.Server
	databases   []postgres.Database
	wal         postgres.WAL
	replication postgres.Replication
	checkpoints *postgres.Checkpoints
	io          []postgres.IO
	statements  *queryView
	upkeep      postgres.Upkeep
	ages        []postgres.IDAges
	freezeAges  *postgres.FreezeAges
}

// ask puts every question. One that fails, for want of a permission, keeps no other from being answered.
func ask(ctx context.Context, c *postgres.Connection, s *server) (answers, error) {
	a := answers{version: c.Version}
	if err := c.Alive(ctx); err != nil {
		return a, err
	}
	a.up = true
	var errs [9]error
	a.server, errs[0] = c.Server(ctx)
	a.databases, errs[1] = c.Databases(ctx, maxListed)
	a.databases = fold(a.databases, s.MaxDatabases)
	a.wal, errs[2] = c.WAL(ctx)
	a.replication, errs[3] = c.Replication(ctx)
	a.checkpoints, errs[4] = c.Checkpoints(ctx)
	a.io, errs[5] = c.IO(ctx)
	a.ages, a.freezeAges, errs[6] = c.IDAges(ctx, maxListed)
	a.ages = foldAges(a.ages, s.MaxDatabases)
	a.upkeep, errs[7] = s.upkeep.ask(ctx, c, time.Now())
	statements, err := c.Statements(ctx, maxStatements)
	errs[8] = err
	if statements != nil {
		a.statements = s.statements.update(time.Now(), startOf(a.server), statements)
	}
	return a, errors.Join(errs[:]...)
}

// startOf returns when a server started, zero if it did not answer.
func startOf(s postgres.Server) time.Time {
	if s.Started == nil {
		return time.Time{}
	}
	return *s.Started
}

// Describe sends nothing: which series exist follows the servers.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	snapshots := make([]*collectors.Snapshot, 0, len(c.servers))
	for _, s := range c.servers {
		snapshots = append(snapshots, s.snapshot)
	}
	c.mu.Unlock()
	for _, s := range snapshots {
		s.Collect(ch)
	}
}
