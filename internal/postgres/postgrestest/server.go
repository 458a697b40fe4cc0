// Package postgrestest starts a real PostgreSQL for tests: in a directory of its own, on a Unix socket only,
// never as root.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a running PostgreSQL with the superuser postgres.
type Server struct {
	bin, socket string
	credential  *syscall.Credential
	settings    []string
	stop        func()
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
	bin, ok := find()
	if !ok {
		t.Skip("no PostgreSQL is installed; make setup installs it")
	}
	s := &Server{bin: bin, settings: settings}
	s.place(t)
	s.prepare(t, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
	s.start(t)
	return s
}

// Standby starts a replica of s, which follows it by streaming, and stops it at the end of the test.
func (s *Server) Standby(t testing.TB, settings ...string) *Server {
	t.Helper()
	replica := &Server{bin: s.bin, settings: settings}
	replica.place(t)
	replica.prepare(t, "pg_basebackup", "-D", replica.data(), "-R", "-X", "stream", "-c", "fast",
		"-h", s.socket, "-U", "postgres")
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

func (s *Server) data() string { return filepath.Join(s.socket, "data") }

// place makes the directory, and finds the user to run as.
func (s *Server) place(t testing.TB) {
	t.Helper()
	dir, err := os.MkdirTemp("", "thorbis-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.socket = dir
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("PostgreSQL does not run as root, and there is no user postgres: ", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	s.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// prepare runs the program that fills the data directory.
func (s *Server) prepare(t testing.TB, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if out, err := s.command(ctx, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start starts the server, waits until it is ready, and stops it at the end of the test.
func (s *Server) start(t testing.TB) {
	t.Helper()
	args := []string{
		"-D", s.data(), "-k", s.socket, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB",
		"-c", "max_connections=20", "-c", "autovacuum=off", "-c", "logging_collector=off",
	}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	var log strings.Builder
	server := s.command(context.WithoutCancel(t.Context()), "postgres", args...)
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
		if err := s.command(ctx, "pg_isready", "-q", "-h", s.socket, "-U", "postgres").Run(); err == nil {
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
func (s *Server) DSN(user, database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", s.socket, user, database)
}

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
	path := filepath.Join(s.bin, program)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		path = program
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGHOST=" + s.socket, "TZ=UTC"}
	if s.credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential}
	}
	return cmd
}

// find returns where the newest PostgreSQL's programs are. Debian keeps them out of the PATH.
func find() (string, bool) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), true
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", false
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), true
}
