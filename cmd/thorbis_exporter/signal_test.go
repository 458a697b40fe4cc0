package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// asProgram makes the test's binary the program itself, so that real signals meet the real main.
const asProgram = "THORBIS_EXPORTER_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		load := loadPolicy
		loadPolicy = func(ctx context.Context, name string) (*config.Policy, error) {
			_, _ = os.ReadFile(name + gate) // like a disk, it knows no context
			return load(ctx, name)
		}
		main()
		return
	}
	testscript.Main(m, map[string]func(){"thorbis_exporter": main})
}

// program is an exporter with a process of its own.
type program struct {
	t       *testing.T
	cmd     *exec.Cmd
	log     *testkit.Buffer
	base    string
	storage string
	policy  string
	ended   chan error
}

const smallPolicy = "version: 1\nenvironment: %s\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\n"

// newProgram prepares an exporter whose policy is at a path that the test makes.
func newProgram(t *testing.T) *program {
	t.Helper()
	address := testkit.FreeAddress(t)
	dir := t.TempDir()
	p := &program{
		t: t, base: "http://" + address, storage: filepath.Join(dir, "data"), policy: filepath.Join(dir, "thorbis.yaml"),
		log: &testkit.Buffer{}, ended: make(chan error, 1),
	}
	p.cmd = exec.Command(os.Args[0], "--config.file="+p.policy, "--storage.path="+p.storage,
		"--web.listen-address="+address,
		"--no-collector.host", "--no-collector.storage")
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = p.log
	return p
}

func (p *program) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { p.ended <- p.cmd.Wait(); close(exited) }()
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-exited })
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits until the program has ended.
func (p *program) end() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(time.Minute):
		p.t.Fatalf("it does not end:\n%s", p.log)
		return nil
	}
}

func (p *program) ready() bool {
	resp, err := http.Get(p.base + "/-/ready")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (p *program) eventually(what string, condition func() bool) {
	p.t.Helper()
	testkit.Eventually(p.t, condition, "%s; the log:\n%s", what, p.log)
}

// gate is what the name of a FIFO beside the policy ends in, which stands for a disk that hangs: nothing is read of the
// policy until something is written to it.
const gate = ".gate"

// hang makes the policy's disk hang.
func (p *program) hang() {
	p.t.Helper()
	if err := syscall.Mkfifo(p.policy+gate, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// reader waits until the program reads the policy, and returns what it reads from.
func (p *program) reader() *os.File {
	p.t.Helper()
	var f *os.File
	p.eventually("the policy is read", func() (ok bool) {
		var err error
		f, err = os.OpenFile(p.policy+gate, os.O_WRONLY|syscall.O_NONBLOCK, 0) // fails while there is no reader
		return err == nil
	})
	p.t.Cleanup(func() { _ = f.Close() })
	return f
}

// A reload that somebody asks for while the exporter is still starting does not end it.
func TestEarlyHangupDoesNotEndTheExporter(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	testkit.WriteFile(t, p.policy, fmt.Appendf(nil, smallPolicy, "first"))
	p.hang()
	p.start()
	f := p.reader()
	p.signal(syscall.SIGHUP)
	if err := os.Remove(p.policy + gate); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	p.eventually("ready", p.ready)
	p.eventually("reloaded", func() bool { return bytes.Count([]byte(p.log.String()), []byte("Loaded the policy")) == 2 })
	p.signal(syscall.SIGTERM)
	if err := p.end(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// A policy that hangs, at the start or in a reload, does not keep the exporter from ending in order.
func TestHungPolicyDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	t.Run("start", func(t *testing.T) {
		t.Parallel()
		p := newProgram(t)
		p.hang()
		p.start()
		p.reader()
		p.signal(syscall.SIGTERM)
		if err := p.end(); err == nil ||
			!bytes.Contains([]byte(p.log.String()), []byte("stopped before the policy was read")) {
			t.Errorf("%v\n%s", err, p.log)
		}
	})
	t.Run("reload", func(t *testing.T) {
		t.Parallel()
		p := newProgram(t)
		testkit.WriteFile(t, p.policy, fmt.Appendf(nil, smallPolicy, "first"))
		p.start()
		p.eventually("ready", p.ready)
		p.hang()
		p.signal(syscall.SIGHUP)
		p.reader()
		p.signal(syscall.SIGTERM)
		if err := p.end(); err != nil || !bytes.Contains([]byte(p.log.String()), []byte("Stopped")) {
			t.Errorf("%v\n%s", err, p.log)
		}
		if _, err := os.Stat(filepath.Join(p.storage, "health.state")); err != nil {
			t.Errorf("the last state was not saved: %v", err)
		}
	})
}

// A server ends soon after the signal, whatever hangs: a file of its state that is a pipe, a post that never ends,
// both. The exact bound is tested with a clock of its own, in package exporter.
func TestSignalEndsWhateverHangs(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]func(p *program){
		"state at the start": func(p *program) {
			p.fifo("health.state")
			p.start()
			p.eventually("it opens its state", func() bool { return bytes.Contains([]byte(p.log.String()), []byte("Starting")) })
		},
		"save": func(p *program) {
			p.start()
			p.eventually("ready", p.ready)
			p.fifo("health.state.tmp")
		},
		"slow request": func(p *program) {
			p.start()
			p.eventually("ready", p.ready)
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
			if err != nil {
				p.t.Fatal(err)
			}
			p.t.Cleanup(func() { _ = conn.Close() })
			if _, err := io.WriteString(conn, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx"); err != nil {
				p.t.Fatal(err)
			}
			p.fifo("health.state.tmp")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			testkit.WriteFile(t, p.policy, fmt.Appendf(nil, smallPolicy, "first"))
			hang(p)
			p.signal(syscall.SIGTERM)
			start := time.Now()
			_ = p.end()
			if took := time.Since(start); took > 10*time.Second { // 2 s, on a machine that is busy
				t.Errorf("it took %s\n%s", took, p.log)
			}
		})
	}
}

// fifo puts a pipe in the place of a file of the state.
func (p *program) fifo(name string) {
	p.t.Helper()
	if err := os.MkdirAll(p.storage, 0o750); err != nil {
		p.t.Fatal(err)
	}
	p.eventually("a pipe in its place, when it is not just saving", func() bool {
		err := syscall.Mkfifo(filepath.Join(p.storage, name), 0o600)
		if err != nil && !errors.Is(err, syscall.EEXIST) {
			p.t.Fatal(err)
		}
		return err == nil
	})
}
