package command

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a program that runs beside us until it is stopped. It does not outlive us: on Linux the kernel
// sends it a signal when we die, however that happens.
type Process struct {
	cmd    *exec.Cmd
	stderr *tail
	done   chan struct{}
	err    error
}

// Start starts a program that gets the death signal if we die. Timeout, MaxOutput and Stdout of the command are
// not used; the end of its output is kept.
func Start(c Command, death syscall.Signal) (*Process, error) {
	path, err := lookup(c.Path, c.Env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", c.Path, ErrNotFound, err)
	}
	p := &Process{stderr: &tail{limit: maxStderr}, done: make(chan struct{})}
	p.cmd = exec.Command(path, c.Args...)
	family := newFamily()
	p.cmd.Env = environ(c.Env, family)
	p.cmd.Dir = cmp.Or(c.Dir, "/")
	p.cmd.Stdout, p.cmd.Stderr = p.stderr, p.stderr
	p.cmd.WaitDelay = waitDelay
	isolate(p.cmd, death)
	p.cmd.Cancel = nil // there is no context
	started := make(chan error)
	go func() {
		// The thread that starts it must live as long as it does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		if err == nil && c.Polite {
			yield(p.cmd.Process.Pid)
		}
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		killGroup(p.cmd.Process.Pid)
		endFamily(family)
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w: %w", c.Path, ErrNotFound, err)
	}
	return p, nil
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns the error with which it ended, nil before.
func (p *Process) Err() error {
	if p.err == nil {
		return nil
	}
	return &ExitError{Name: p.cmd.Path, Code: p.cmd.ProcessState.ExitCode(), Detail: detail(p.stderr.String())}
}

// Stop asks the program to end with a signal, and kills it with its group if it has not within the patience.
func (p *Process) Stop(signal syscall.Signal, patience time.Duration) {
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.done:
	case <-time.After(patience):
		killGroup(p.cmd.Process.Pid)
		_ = p.cmd.Process.Signal(os.Kill)
		<-p.done
	}
}
