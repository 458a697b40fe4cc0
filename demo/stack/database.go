package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/saas"
	"github.com/thorbis/thorbis_exporter/internal/postgres/local"
)

// database is the platform's PostgreSQL server and a replica of it, each in a directory of its own: the user who runs
// them may not enter that of the stack.
type database struct {
	installation *local.Installation
	dirs         []string // the server's and the replica's
	processes    []*process
}

// serverNames are what the policy calls the servers.
var serverNames = []string{"main", "replica"}

// connectionsPermitted are enough for the platform also while it is slow.
const connectionsPermitted = 60

// startDatabase starts the servers. Without a PostgreSQL it says why there are none; the demonstration goes on then.
func (s *Stack) startDatabase(ctx context.Context) {
	installation, err := local.Find()
	if err == nil {
		s.say("PostgreSQL and a replica")
		d := &database{installation: installation}
		if err = d.start(ctx, s.Dir); err == nil {
			s.database = d
			s.background("no orders any more", func(ctx context.Context) error {
				return s.SaaS.UseDatabase(ctx, saas.Database{
					DSN: local.DSN(d.dirs[0], "postgres", "postgres"), PerSecond: s.options.Traffic,
				})
			})
			return
		}
		d.stop()
	}
	s.say("no database: %v", err)
}

// start makes the data of both servers and starts them. Segments of the log are small and are archived to nowhere, so
// that there is something to see in minutes.
func (d *database) start(ctx context.Context, logs string) error {
	for i, name := range serverNames {
		dir, err := d.installation.Directory("thorbis-demo-" + name + "-")
		if err != nil {
			return err
		}
		d.dirs = append(d.dirs, dir)
		prepare := d.installation.Init(ctx, dir, "--wal-segsize=1")
		if i > 0 {
			prepare = d.installation.Copy(ctx, dir, d.dirs[0])
		}
		if out, err := prepare.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", prepare.Path, err, lastLine(out))
		}
		server := d.installation.Server(context.WithoutCancel(ctx), dir,
			fmt.Sprintf("max_connections=%d", connectionsPermitted), "archive_mode=on",
			"archive_command=true", "archive_timeout=30s", "max_wal_size=16MB", "min_wal_size=2MB",
			"shared_preload_libraries=pg_stat_statements", "track_io_timing=on")
		p, err := startCommand(logs, "postgres-"+name, server)
		if err != nil {
			return err
		}
		p.stopSignal = syscall.SIGINT
		d.processes = append(d.processes, p)
		if err := d.ready(ctx, p, dir); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until a server answers.
func (d *database) ready(ctx context.Context, p *process, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for d.installation.Command(ctx, dir, "pg_isready", "-q", "-U", "postgres").Run() != nil {
		if err := p.exited(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New(p.name + " does not become ready")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// stop stops the servers, the replica first, and removes their data.
func (d *database) stop() {
	for _, p := range slices.Backward(d.processes) {
		p.stop()
	}
	for _, dir := range d.dirs {
		_ = os.RemoveAll(dir)
	}
}

// databaseSecrets are the connection strings of the policy, by their files.
func (s *Stack) databaseSecrets() map[string]string {
	return s.connections("secrets/", "postgres")
}

// businessSecrets are those of the role that asks what was sold.
func (s *Stack) businessSecrets() map[string]string {
	return s.connections("secrets/business-", saas.BusinessRole)
}

// connections are connection strings of a role to the servers, none without them.
func (s *Stack) connections(prefix, role string) map[string]string {
	secrets := map[string]string{}
	if s.database != nil {
		for i, dir := range s.database.dirs {
			secrets[prefix+serverNames[i]] = local.DSN(dir, role, "postgres")
		}
	}
	return secrets
}
