package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/procedure"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Exit statuses of a command that cannot be run, as shells have them.
const (
	notExecutable = 126
	notFound      = 127
	bySignal      = 128 // and the number of the signal
)

// outputDelay is how long the output is waited for that a program in the background has taken over.
const outputDelay = 5 * time.Second

// Run is the run of a procedure.
type Run struct {
	*Client
	Name    string
	Command []string
	// Spool is the directory of the results that are not delivered; empty keeps none.
	Spool          string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Say prints what is wrong with the reports.
	Say func(format string, args ...any)
}

// Do runs the command and returns its exit status, whatever becomes of the reports. Signals are passed on to it.
func (r *Run) Do(ctx context.Context) int {
	ctx = context.WithoutCancel(ctx) // the signal that ends us is passed on; the command ends us then
	hideEnvironment(os.Environ())
	rid, began := newID(), time.Now()
	unreportable := r.Check()
	beginning := collectors.Async(func() error {
		if unreportable != nil {
			return unreportable
		}
		return r.try(ctx, ping{name: r.Name, action: "start", rid: rid})
	})
	out := &tail{limit: maxTail}
	status := r.command(out)
	<-beginning //nolint:errcheck // the end of the run brings its beginning along, should that have been lost
	result := &procedure.Result{
		Version: 1, Procedure: r.Name, RID: rid, Started: began, Finished: time.Now(), Success: status == 0,
		Status: status, Output: secret.Mask(out.String()),
	}
	r.report(ctx, result, unreportable)
	return status
}

// command runs the command and returns its exit status.
func (r *Run) command(out *tail) int {
	c := exec.Command(r.Command[0], r.Command[1:]...) // what the caller wants to be run
	c.Stdin, c.Stdout, c.Stderr = r.Stdin, io.MultiWriter(r.Stdout, out), io.MultiWriter(r.Stderr, out)
	c.WaitDelay = outputDelay
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGUSR1,
		syscall.SIGUSR2)
	defer signal.Stop(signals)
	if err := c.Start(); err != nil {
		_, _ = fmt.Fprintln(out, err)
		r.Say("%s: %v", r.Name, err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return notFound
		}
		return notExecutable
	}
	ended := make(chan struct{})
	passed := collectors.Async(func() error {
		for {
			select {
			case s := <-signals:
				_ = c.Process.Signal(s)
			case <-ended:
				return nil
			}
		}
	})
	err := c.Wait()
	close(ended)
	<-passed //nolint:errcheck // it has none
	if c.ProcessState == nil {
		_, _ = fmt.Fprintln(out, err)
		return notExecutable
	}
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		_, _ = fmt.Fprintln(out, "ended by signal:", status.Signal())
		return bySignal + int(status.Signal())
	}
	return c.ProcessState.ExitCode()
}

// report delivers a result and those of earlier runs, or keeps it.
func (r *Run) report(ctx context.Context, result *procedure.Result, unreportable error) {
	err := unreportable
	if err == nil {
		err = r.deliver(ctx, result)
	}
	if err == nil {
		r.deliverKept(ctx)
		return
	}
	r.Say("%s is not reported: %v", r.Name, err)
	if r.Spool == "" {
		return
	}
	if err := keep(r.Spool, result); err != nil {
		r.Say("its result is not kept: %v", err)
		return
	}
	r.Say("its result is kept in %s, and delivered later", r.Spool)
}

func (c *Client) deliver(ctx context.Context, r *procedure.Result) error {
	return c.send(ctx, ping{
		name: r.Procedure, action: statusOf(r.Status), rid: r.RID, began: r.Started, ended: r.Finished, body: r.Output,
	})
}

// secretNameRE is the name of a variable whose value is likely to be a secret.
var secretNameRE = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|KEY|DSN)`)

// hideEnvironment has the values of variables masked that are likely to be secrets. Names of files are none.
func hideEnvironment(environment []string) {
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		if secretNameRE.MatchString(name) && !strings.HasPrefix(value, "/") && len(value) >= minSecret {
			secret.Know(value)
		}
	}
}

// minSecret is how long the value of a variable is at least that is masked: "true" is none.
const minSecret = 6
