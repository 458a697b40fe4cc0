package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopTime is how long a program may take to stop when asked.
const stopTime = 15 * time.Second

// process is a program that the stack started, and the only one it ever ends.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
	// stopSignal asks it to end.
	stopSignal syscall.Signal
}

// start runs a program in a process group of its own, so that Ctrl-C on the terminal reaches the
// stack alone, which then stops everything in order.
func start(dir, name, program string, args ...string) (*process, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	return startCommand(dir, name, cmd)
}

// startCommand is start for a program that has a directory and a user of its own.
func startCommand(dir, name string, cmd *exec.Cmd) (*process, error) {
	p := &process{
		name: name, log: filepath.Join(dir, name+".log"), cmd: cmd, done: make(chan struct{}), stopSignal: syscall.SIGTERM,
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	return p, nil
}

// exited returns the last output of a program that ended by itself.
func (p *process) exited() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%s); it last said:\n%s", p.name, p.cmd.ProcessState, p.tail())
	default:
		return nil
	}
}

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-10):], "\n  ")
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(p.stopSignal)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}
