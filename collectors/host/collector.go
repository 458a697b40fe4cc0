// Package host reads what a machine has left of CPU and memory, lightly: a node_exporter is the reader for
// the rest. In a container it reads the container's share too.
package host

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/procfs"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "host", Help: "Read this machine's CPU, memory and pressure (Linux).",
	Default: runtime.GOOS == "linux",
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, Host: s.Host, Paths: s.Paths})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger *slog.Logger
	Host   string // this machine, as its series name it
	Paths  collectors.Paths
}

// Collector reads this machine.
type Collector struct {
	Options
	changed  collectors.Announcement
	policy   atomic.Pointer[config.Policy]
	snapshot atomic.Pointer[collectors.Snapshot]
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	return &Collector{Options: o, changed: collectors.NewAnnouncement()}
}

// Prepare implements collectors.Collector.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	return collectors.Change{Commit: func() {
		c.policy.Store(p)
		c.changed.Make()
	}}, nil
}

// Run reads at every interval until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		g.Poll(collectors.Poll{
			Part: "machine", Interval: c.policy.Load().Host.Interval.Std(),
			Round:  func(context.Context) error { return c.read() },
			Forget: func() { c.snapshot.Store(nil) },
		})
	})
	return nil
}

// reader collects the series of one round and what went wrong with them.
type reader struct {
	*collectors.Snapshot
	fs   procfs.FS
	host string
	errs []error
}

func (r *reader) add(m *metric.Metric, v float64, more ...string) {
	r.Add(m, v, collectors.NewLabels(m.Labels, append([]string{r.host}, more...)...))
}

// read makes a new snapshot. What could be read is shown, beside the error about what could not.
func (c *Collector) read() error {
	fs, err := procfs.NewFS(c.Paths.Procfs)
	if err != nil {
		c.snapshot.Store(nil)
		return err
	}
	stat, err := fs.Stat()
	r := &reader{fs: fs, host: c.Host}
	var booted time.Time
	if err != nil {
		r.errs = append(r.errs, err)
	} else {
		booted = time.Unix(int64(stat.BootTime), 0)
	}
	r.Snapshot = collectors.NewSnapshot(48, booted)
	if err == nil {
		r.cpu(stat)
	}
	r.memory()
	r.load()
	r.kills(c.Paths.Procfs)
	r.pressure()
	r.container(c.Paths)
	r.processes(c.policy.Load().Host.Processes, booted)
	c.snapshot.Store(r.Snapshot)
	return errors.Join(r.errs...)
}

// Describe sends nothing: which series exist follows the machine and the policy.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) { c.snapshot.Load().Collect(ch) }
