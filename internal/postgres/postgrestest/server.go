// Package postgrestest starts a real PostgreSQL for tests: in a directory of its own, on a Unix socket only,
// never as root.
package postgrestest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/postgres/local"
)

// Server is a running PostgreSQL with the superuser postgres.
type Server struct {
	installation *local.Installation
	socket       string
	settings     []string
	stop         func()
}

// startTimeout bounds how long initdb and the start may take on a busy machine.
const startTimeout = 50 * time.Second

// Start starts a server with the given settings (name=value) and stops it at the end of the test. It skips
// the test, with the reason, where there is no PostgreSQL, or no user to run it as.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	if testing.Short() {
		t.Skip("a real PostgreSQL server")
	}
	installation, err := local.Find()
	if err != nil {
		t.Skip(err)
	}
	s := &Server{installation: installation, settings: settings}
	s.place(t)
	s.prepare(t, s.installation.Init)
	s.start(t)
	return s
}

// Standby starts a replica of s, which follows it by streaming, and stops it at the end of the test.
func (s *Server) Standby(t testing.TB, settings ...string) *Server {
	t.Helper()
	replica := &Server{installation: s.installation, settings: settings}
	replica.place(t)
	replica.prepare(t, func(ctx context.Context, dir string, _ ...string) *exec.Cmd {
		return s.installation.Copy(ctx, dir, s.socket)
	})
	replica.start(t)
	return replica
}

// Stop ends the server at once, as a power cut does.
func (s *Server) Stop() { s.stop() }

// Restart starts a server again that was stopped, with what it holds.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.start(t)
}

// place makes the directory.
func (s *Server) place(t testing.TB) {
	t.Helper()
	dir, err := s.installation.Directory("thorbis-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.socket = dir
}

// prepare runs the program that fills the data directory.
func (s *Server) prepare(t testing.TB, program func(context.Context, string, ...string) *exec.Cmd) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	cmd := program(ctx, s.socket)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, out)
	}
}

// start starts the server, waits until it is ready, and stops it at the end of the test.
func (s *Server) start(t testing.TB) {
	t.Helper()
	var log strings.Builder
	server := s.installation.Server(context.WithoutCancel(t.Context()), s.socket,
		append([]string{"max_connections=20", "autovacuum=off"}, s.settings...)...)
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var failed error
	go func() {
		failed = server.Wait()
		close(ended)
	}()
	s.stop = sync.OnceFunc(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // at once; the directory goes anyway
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = server.Process.Kill()
			<-ended
		}
	})
	t.Cleanup(s.stop)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		if err := s.command(ctx, "pg_isready", "-q", "-U", "postgres").Run(); err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("PostgreSQL ended: %v\n%s", failed, log.String())
		case <-ctx.Done():
			t.Fatal("PostgreSQL does not become ready")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// DSN is how to reach a database as a user.
func (s *Server) DSN(user, database string) string { return local.DSN(s.socket, user, database) }

// Run runs one of PostgreSQL's programs against the server and returns what it printed.
func (s *Server) Run(t testing.TB, program string, args ...string) string {
	t.Helper()
	cmd := s.command(t.Context(), program, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Query runs SQL as the superuser and returns what psql prints, without decoration.
func (s *Server) Query(t testing.TB, database, sql string) string {
	t.Helper()
	return strings.TrimSpace(s.Run(t, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
		"-U", "postgres", "-d", database, "-c", sql))
}

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return s.installation.Command(ctx, s.socket, program, args...)
}
