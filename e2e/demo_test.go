package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/internal/loopback"
	"github.com/thorbis/thorbis_exporter/internal/postgres/local"
	"github.com/thorbis/thorbis_exporter/metric"
)

// TestDemonstration runs the program of make run: outage and recover reach it, and Ctrl-C ends it with everything that
// it started.
func TestDemonstration(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	children := serversOf(t, d.cmd.Process.Pid)
	if len(children) != 4 {
		t.Errorf("%d programs were started, want the exporter, Prometheus, Alertmanager and the preview", len(children))
	}
	where, control := d.where, d.control
	opensFirst(t, d, where.Preview)

	healthz := "http://" + where.SaaS + "/healthz"
	if code := status(healthz); code != http.StatusOK {
		t.Errorf("the platform answers %d", code)
	}
	for _, args := range [][]string{{"outage", "sideways"}, {"outage", "error", "unregistered"}} {
		if out, err := control(args...); err == nil || !strings.Contains(out, "write one of") {
			t.Errorf("%v: %v %s, want what may be written", args, err, out)
		}
	}
	if out, err := control("outage", "", "acme"); err != nil {
		t.Errorf("outage of a tenant: %v %s", err, out)
	}
	tenant := "http://" + where.SaaS + "/t/acme/healthz"
	if broken, whole := status(tenant), status(healthz); broken == http.StatusOK || whole != http.StatusOK {
		t.Errorf("during an outage of acme it is answered %d and the platform %d", broken, whole)
	}
	if out, err := control("recover"); err != nil || status(tenant) != http.StatusOK {
		t.Errorf("after the outage of acme: %v %s, it is answered %d", err, out, status(tenant))
	}
	for _, mode := range []string{"", "error"} {
		args := []string{"outage", mode}
		if mode == "" {
			args = args[:1]
		}
		if out, err := control(args...); err != nil || out == "" {
			t.Errorf("%v: %v %s", args, err, out)
		}
		if code := status(healthz); code == http.StatusOK {
			t.Errorf("%v: the platform answers %d", args, code)
		}
		if out, err := control("recover"); err != nil || out == "" {
			t.Errorf("recover: %v %s", err, out)
		}
		if code := status(healthz); code != http.StatusOK {
			t.Errorf("after %v and recover the platform answers %d", args, code)
		}
	}

	checkDatabases(t, where.Prometheus)

	d.interrupt(t)
	for _, pid := range children {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("program %d outlived the demonstration: %v", pid, err)
		}
	}
	for _, address := range ports(where) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("something still listens: %v", err)
			continue
		}
		_ = l.Close()
	}
	if left, err := filepath.Glob(filepath.Join(d.scratch, "thorbis-demo-*")); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind: %v", left, err)
	}
}

// opensFirst expects that what is listed first to be opened is there.
func opensFirst(t *testing.T, d *demonstration, address string) {
	t.Helper()
	first := ""
	eventually(t, 10*time.Second, "what to open", func() bool {
		select {
		case first = <-d.lines:
		default:
		}
		return strings.Contains(first, "open ")
	})
	if url := "http://" + address + "/"; !strings.Contains(first, url) || status(url) != http.StatusOK {
		t.Errorf("the first to open is %q, want %s, which answers %d", first, url, status(url))
	}
}

// checkDatabases holds that a PostgreSQL server and its replica are measured, where it is installed.
func checkDatabases(t *testing.T, prometheus string) {
	t.Helper()
	if _, err := local.Find(); err != nil {
		t.Logf("no database is demonstrated: %v", err)
		return
	}
	eventually(t, time.Minute, "a server and its replica, which follows it", func() bool {
		servers, err := holds(prometheus, "count("+metric.ServerUp.Name+" == 1) == 2 and count("+
			metric.PostgresRecovery.Name+" == 1) > 0")
		return err == nil && servers
	})
}

// demonstration is the program of make run.
type demonstration struct {
	cmd     *exec.Cmd
	began   time.Time
	where   stack.Addresses
	scratch string        // for its files
	lines   <-chan string // what it prints
	ended   <-chan error
	control func(args ...string) (string, error) // runs the program to break and mend
}

// startDemo builds the program and starts it with variables of the environment, and returns when everything is up.
func startDemo(t *testing.T, variables ...string) *demonstration {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, "../demo").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bin, err := filepath.Abs(bin())
	must(t, err)
	port, where := freePorts(t)
	scratch, err := os.MkdirTemp("", "thorbis-e2e-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(scratch) })
	must(t, os.Chmod(scratch, 0o711)) // PostgreSQL runs as another user
	d := &demonstration{where: where, scratch: scratch}
	environment := append(os.Environ(), "THORBIS_BIN="+bin, "THORBIS_DEMO_PORT="+strconv.Itoa(port), "TMPDIR="+d.scratch)
	environment = append(environment, variables...)
	d.control = func(args ...string) (string, error) {
		cmd := exec.Command(program, args...)
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := d.control("outage"); err == nil ||
		!strings.Contains(out, "no demonstration is running; start one with make run") {
		t.Errorf("outage without a demonstration: %v %s", err, out)
	}
	d.cmd = exec.Command(program)
	d.cmd.Env = environment
	output, err := d.cmd.StdoutPipe()
	must(t, err)
	d.cmd.Stderr = t.Output()
	d.began = time.Now()
	must(t, d.cmd.Start())
	ended := make(chan error, 1)
	lines := make(chan string, 1000)
	d.ended, d.lines = ended, lines
	go func() {
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			default: // the reader has ended
			}
		}
		_, _ = io.Copy(io.Discard, output)
		ended <- d.cmd.Wait()
	}()
	var children []int
	t.Cleanup(func() { // only what is left after a failure
		for _, pid := range append(children, d.cmd.Process.Pid) {
			if parentOf(pid) == d.cmd.Process.Pid || parentOf(pid) == os.Getpid() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	up := false
	eventually(t, 3*time.Minute, "everything up", func() bool {
		select {
		case line := <-lines:
			t.Log(line)
			up = up || strings.Contains(line, "Everything is up")
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		default:
		}
		return up
	})
	children = serversOf(t, d.cmd.Process.Pid)
	return d
}

// interrupt presses Ctrl-C and waits for the end.
func (d *demonstration) interrupt(t *testing.T) {
	t.Helper()
	must(t, d.cmd.Process.Signal(syscall.SIGINT))
	select {
	case err := <-d.ended:
		if err != nil {
			t.Errorf("Ctrl-C: %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("Ctrl-C does not end it")
	}
}

func ports(a stack.Addresses) []string {
	return append([]string{a.SaaS, a.SaaSTLS, a.Control, a.Pager, a.Preview, a.Console, a.Prometheus, a.Alertmanager},
		a.Exporters...)
}

// freePorts returns a port from which on all that a demonstration needs are free.
func freePorts(t *testing.T) (int, stack.Addresses) {
	t.Helper()
	port, err := loopback.FreePorts(stack.AddressCount)
	must(t, err)
	where, err := stack.AddressesFrom(port)
	must(t, err)
	return port, where
}

// status is what a page answers with, 0 for nothing.
func status(url string) int {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// parentOf returns whose child a process is, 0 if there is none.
func parentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// listens matches the command lines of programs that serve HTTP.
var listens = regexp.MustCompile(`--(web\.listen|http)-address=`)

// serversOf are a process's children that listen, not those that come and go.
func serversOf(t *testing.T, pid int) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	must(t, err)
	var children []int
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || parentOf(n) != pid {
			continue
		}
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", n)); err == nil &&
			listens.Match(text) {
			children = append(children, n)
		}
	}
	slices.Sort(children)
	return children
}
