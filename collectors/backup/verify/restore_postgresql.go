package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/command"
)

// Bounds of the server that lives for a test.
const (
	restorePort   = 5432 // of a socket in a private directory; nothing listens on it
	queryTimeout  = 10 * time.Minute
	pollInterval  = 200 * time.Millisecond
	stopPatience  = time.Minute
	maxQueryBytes = 4096
)

// askPostgreSQL starts a server on the restored data, lets it recover, and runs the policy's queries. It does not use
// the server's own configuration, which may archive into the repository under test, load libraries that are not
// installed here, or lie outside the data directory. Settings of ALTER SYSTEM, to which the restore adds those of the
// recovery, apply, except that the command line overrides those that would connect elsewhere or need another machine.
func (v *verification) askPostgreSQL(ctx context.Context, p *config.RestorePostgreSQL, dir string, start time.Time) {
	server := &restoredServer{settings: p, dir: dir, data: filepath.Join(dir, p.Data)}
	v.Say("starting PostgreSQL on it; it recovers first")
	process, err := server.start()
	if err != nil {
		v.Check("start of the server", err)
		return
	}
	defer process.Stop(syscall.SIGINT, stopPatience) // a fast shutdown
	if err := server.wait(ctx, process); err != nil {
		v.Check("start of the server", err)
		return
	}
	v.RestoreSeconds = time.Since(start).Seconds()
	v.Check("start of the server", nil)
	var rows int64
	for _, c := range p.Checks {
		number, err := server.ask(ctx, c.Query)
		if err == nil {
			err = within(c, number)
		}
		v.Check(c.Name, err)
		if err == nil {
			v.Checks[len(v.Checks)-1].Detail = strconv.FormatFloat(number, 'f', -1, 64)
		}
		if c.Rows && number > 0 {
			rows += int64(number)
			v.Rows = &rows
		}
	}
}

// within compares a number with the bounds of its check.
func within(c *config.RestoreCheck, number float64) error {
	switch {
	case math.IsNaN(number):
		return errors.New("the answer is not a number")
	case c.Min != nil && number < *c.Min:
		return fmt.Errorf("%g is less than %g", number, *c.Min)
	case c.Max != nil && number > *c.Max:
		return fmt.Errorf("%g is more than %g", number, *c.Max)
	}
	return nil
}

type restoredServer struct {
	settings  *config.RestorePostgreSQL
	dir, data string
}

// socketDir is short, for the names of sockets are bounded.
func (s *restoredServer) socketDir() string { return filepath.Join(s.dir, "s") }

func (s *restoredServer) start() (*command.Process, error) {
	if err := os.Mkdir(s.socketDir(), 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(s.data, 0o700); err != nil {
		return nil, err
	}
	hba, conf := filepath.Join(s.dir, "pg_hba.conf"), filepath.Join(s.dir, "postgresql.conf")
	// Only whoever may enter the private directory reaches the socket.
	if err := os.WriteFile(hba, []byte("local all all trust\n"), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(conf, nil, 0o600); err != nil {
		return nil, err
	}
	args := []string{"-D", s.data}
	for _, setting := range append([]string{
		"config_file=" + conf, "hba_file=" + hba, "unix_socket_directories=" + s.socketDir(), "listen_addresses=",
		"port=" + strconv.Itoa(restorePort), "archive_mode=off", "hot_standby=off", "fsync=off", "full_page_writes=off",
		"logging_collector=off", "log_destination=stderr", "max_wal_senders=0", "external_pid_file=", "ssl=off",
		"dynamic_shared_memory_type=mmap",
		"shared_preload_libraries=", "session_preload_libraries=", "local_preload_libraries=",
		"primary_conninfo=", "primary_slot_name=", "shared_buffers=128MB", "huge_pages=off", "unix_socket_group=",
	}, s.settings.Settings...) {
		args = append(args, "-c", setting)
	}
	return command.Start(command.Command{
		Path: filepath.Join(s.settings.Binaries, "postgres"), Args: args, Dir: s.dir,
		Polite: true,
	},
		syscall.SIGQUIT) // an immediate shutdown: it leaves no shared memory behind
}

// wait returns when the server has recovered and answers.
func (s *restoredServer) wait(ctx context.Context, process *command.Process) error {
	for {
		_, err := s.ask(ctx, "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-process.Done():
			return fmt.Errorf("it ended: %w", errors.Join(process.Err(), errors.New("no more is known")))
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w: %w", context.Cause(ctx), err)
		case <-time.After(pollInterval):
		}
	}
}

// ask returns the one number that a query answers. It may read only.
func (s *restoredServer) ask(ctx context.Context, query string) (float64, error) {
	r, err := command.Run(ctx, command.Command{
		Path: filepath.Join(s.settings.Binaries, "psql"), Timeout: queryTimeout, MaxOutput: maxQueryBytes, Dir: s.dir,
		Args: []string{"-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", query},
		Env: []string{
			"PGHOST=" + s.socketDir(), "PGPORT=" + strconv.Itoa(restorePort), "PGUSER=" + s.settings.User,
			"PGDATABASE=" + s.settings.Database,
			"PGOPTIONS=-c default_transaction_read_only=on", "PGCONNECT_TIMEOUT=10", "PGSSLMODE=disable",
		},
	})
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(r.Stdout))
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("the query answers %q, not one number", document.Short(text))
	}
	return number, nil
}
