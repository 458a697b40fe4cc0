// Package exporter is the server: it puts a policy in force, runs the collectors and shows what they know.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

// Options are the exporter's flags.
type Options struct {
	Logger *slog.Logger
	// Load reads the policy, at the start and at every reload.
	Load func(context.Context) (*config.Policy, error)
	// Hangup asks for a reload; nil never does. Whoever starts the process listens for the signal as its first act.
	Hangup <-chan os.Signal
	// Location overrides the policy's; empty does not.
	Location string
	// HealthShard is the part of the targets of health checks that is probed; the zero value is all of them.
	HealthShard collectors.Shard
	// TenantShard is the part of the partitions of streams that is counted; the zero value is all of them.
	TenantShard collectors.Shard
	// StoragePath is where collectors keep state; empty keeps it in memory only.
	StoragePath string
	// Host is this machine in the series about it; empty is its host name.
	Host string
	// Paths are where the machine's own files are; the zero value is where they always are.
	Paths collectors.Paths
	// Collectors are those to run, by name.
	Collectors map[string]bool
	Web        *web.FlagConfig
	// Receive is where logs are received; nil receives none.
	Receive *web.FlagConfig
	// ExternalURL is where a browser reaches the exporter, RoutePrefix the path below which it serves its pages; empty for
	// the root. See newPrefixes.
	ExternalURL, RoutePrefix string
	// EnableLifecycle allows a reload over HTTP.
	EnableLifecycle bool
	// ProbeAnyTarget allows /probe for targets that the policy does not name.
	ProbeAnyTarget bool
}

// storagePatience is how often an exporter that waits for its disk says so.
const storagePatience = 10 * time.Second

// exporter is a process at work.
type exporter struct {
	Options
	started    time.Time
	policy     *policy
	gatherer   *gatherer
	supervisor *collectors.Supervisor
	collectors []running
	checks     checks     // nil without the health collector
	tenants    requests   // nil without the tenant collector
	procedures pings      // nil without the procedure collector
	events     recorder   // nil without the incident collector
	deliveries deliveries // nil without the delivery collector
	tasks      tasks      // nil without the procedure collector
	forms      *taskForms
	ready      atomic.Bool
	stop       stop
}

// Run serves until ctx ends or the servers fail.
func Run(ctx context.Context, o Options) (err error) {
	for flag, flags := range map[string]*web.FlagConfig{"--web.config.file": o.Web, "--receive.config.file": o.Receive} {
		if err := checkWebConfig(ctx, flag, flags); err != nil {
			return err
		}
	}
	var dir *state.Dir
	if o.StoragePath != "" {
		if dir, err = openState(ctx, o); err != nil {
			return err
		}
		dir.SetLogger(o.Logger)
	}
	o.Logger.Info("Starting thorbis_exporter", "version", version.Info(), "build", version.BuildContext())
	e := newExporter(o, dir)
	defer func() { err = errors.Join(err, e.close(dir)) }()
	loaded := make(chan error, 1)
	go func() { loaded <- e.policy.reload(ctx) }()
	select {
	case err := <-loaded:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return errors.New("stopped before the policy was read; its files, or those that it names, have not answered")
	}
	handler, err := e.handler()
	if err != nil {
		return err
	}
	return e.serve(ctx, handler)
}

// checkWebConfig refuses a web configuration that is no file: the listener would wait for it, at each connection.
func checkWebConfig(ctx context.Context, flag string, flags *web.FlagConfig) error {
	if flags == nil || flags.WebConfigFile == nil || *flags.WebConfigFile == "" {
		return nil
	}
	if _, err := regularfile.Stat(ctx, *flags.WebConfigFile); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// openState opens the state directory. A disk that hangs is waited for, for without its state the exporter
// would count twice what it reads; but it says so, because nothing else answers yet.
func openState(ctx context.Context, o Options) (*state.Dir, error) {
	type opened struct {
		dir *state.Dir
		err error
	}
	done := make(chan opened, 1)
	go func() {
		dir, err := state.Open(o.StoragePath)
		done <- opened{dir, err}
	}()
	patience := time.NewTicker(storagePatience)
	defer patience.Stop()
	for {
		select {
		case d := <-done:
			return d.dir, d.err
		case <-patience.C:
			o.Logger.Error("The storage path does not answer; waiting for its disk", "path", o.StoragePath)
		case <-ctx.Done():
			return nil, fmt.Errorf("storage path %s: it has not answered; its disk hangs", o.StoragePath)
		}
	}
}

func newExporter(o Options, dir *state.Dir) *exporter {
	if o.Host == "" {
		// A machine that does not know its name still has disks.
		o.Host, _ = os.Hostname()
	}
	if o.Paths == (collectors.Paths{}) {
		o.Paths = collectors.DefaultPaths()
	}
	registry := tenants.NewRegistry(dir, o.Logger)
	e := &exporter{Options: o, started: time.Now(), supervisor: collectors.NewSupervisor(o.Logger)}
	e.policy = newPolicy(o.Logger, o.Load, e.apply)
	e.gatherer = newGatherer(e.supervisor, e.policy)
	for _, d := range Definitions {
		if !o.Collectors[d.Name] {
			continue
		}
		c := d.New(collectors.Site{
			Logger: o.Logger.With("collector", d.Name), State: dir, Tenants: registry, Location: o.Location, Host: o.Host,
			Paths: o.Paths, Version: version.Version, Rounds: e.supervisor.LastSuccess,
			Receives: o.Receive != nil, TenantShard: o.TenantShard,
			HealthShard: o.HealthShard,
		})
		e.add(d.Name, c)
		if checks, ok := c.(checks); ok {
			e.checks = checks
		}
		if requests, ok := c.(requests); ok {
			e.tenants = requests
		}
		if pings, ok := c.(pings); ok {
			e.procedures = pings
		}
		if tasks, ok := c.(tasks); ok {
			e.tasks, e.forms = tasks, newTaskForms()
		}
		if events, ok := c.(recorder); ok {
			e.events = events
		}
		if deliveries, ok := c.(deliveries); ok {
			e.deliveries = deliveries
		}
	}
	return e
}

// close gives back what collectors keep in the state directory, and the directory.
func (e *exporter) close(dir *state.Dir) error {
	return e.stop.within(stateUntil, "giving back the storage path", func() (err error) {
		for _, c := range e.collectors {
			if closer, ok := c.Collector.(io.Closer); ok {
				err = errors.Join(err, closer.Close())
			}
		}
		if dir != nil {
			err = errors.Join(err, dir.Close())
		}
		return err
	})
}

func (e *exporter) add(name string, c collectors.Collector) {
	e.collectors = append(e.collectors, running{name: name, Collector: c})
	e.supervisor.Add(name, c)
	e.gatherer.add(c)
}

// apply puts a policy in force in every collector, or in none.
func (e *exporter) apply(p *config.Policy) error {
	if e.Location != "" {
		p.Location = e.Location
	}
	if err := applyAll(e.collectors, p, e.Logger); err != nil {
		return err
	}
	e.gatherer.setEnvironment(p.Environment)
	return nil
}

// serve runs collectors, web server and signals, and stops them in the order in which nothing is lost:
// first the requests, then the collectors, which save, then (in Run) the state directory.
func (e *exporter) serve(ctx context.Context, handler http.Handler) error {
	collecting, stopCollecting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCollecting()
	collected := make(chan struct{})
	go func() {
		e.supervisor.Run(collecting)
		close(collected)
	}()

	// Beside the rest: a file that hangs must not hold up the stop.
	go func() {
		for {
			select {
			case <-e.Hangup:
				_ = e.policy.reload(collecting) // logged and shown
			case <-collecting.Done():
				return
			}
		}
	}()

	main := newServer(handler, e.Logger)
	servers := []server{main}
	served := make(chan error, 2)
	go func() { served <- web.ListenAndServe(main, e.Web, e.Logger) }()
	if receiver := e.receiver(); receiver != nil {
		servers = append(servers, receiver)
		go func() { served <- web.ListenAndServe(receiver, e.Receive, e.Logger) }()
	}
	e.ready.Store(true)

	var failed error
	select {
	case failed = <-served:
		failed = fmt.Errorf("web server: %w", failed)
		if errors.Is(failed, syscall.EADDRINUSE) {
			failed = fmt.Errorf("%w; stop what listens there, or choose another --web.listen-address", failed)
		}
	case <-ctx.Done():
	}

	e.Logger.Info("Stopping")
	e.stop.begin()
	e.ready.Store(false)
	e.stop.requests(servers, e.Logger)
	stopCollecting()
	if err := e.stop.collected(collected); err != nil {
		return errors.Join(failed, err)
	}
	e.Logger.Info("Stopped")
	return failed
}
