// Package natstest runs a real NATS server with JetStream for tests.
package natstest

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// Server is a server that tests may kill and start again; what it has stored stays.
type Server struct {
	t       testing.TB
	program string
	dir     string
	address string
	cmd     *exec.Cmd
	log     *testkit.Buffer
}

// Start runs a server until the test ends; more is added to its configuration. root is the way from the test's package
// to the root of the repository.
func Start(t testing.TB, root, more string) *Server {
	t.Helper()
	s := &Server{
		t: t, program: testkit.Tool(t, root, "nats-server"), dir: t.TempDir(), address: testkit.FreeAddress(t),
		log: &testkit.Buffer{},
	}
	testkit.WriteFile(t, filepath.Join(s.dir, "server.conf"),
		"listen: "+s.address+"\njetstream: {store_dir: "+filepath.Join(s.dir, "data")+"}\n"+more+"\n")
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	s.Restart()
	return s
}

// URL is where clients connect.
func (s *Server) URL() string { return "nats://" + s.address }

// Restart starts a server that was killed, and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.cmd = exec.Command(s.program, "-c", filepath.Join(s.dir, "server.conf"))
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	testkit.Eventually(s.t, func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, "a NATS server")
}

// Kill kills the server.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}
