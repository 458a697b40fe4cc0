// Package collectors holds the contract between the exporter and whatever measures something, and the
// supervisor that keeps collectors running. Each thing watched has a package of its own below this one.
package collectors

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/config"
)

// Report reports one finished round of work and how long it took; a nil error is a success.
type Report func(err error, d time.Duration)

// Collector measures in the background and exposes from memory: Collect never waits for the outside world.
type Collector interface {
	prometheus.Collector
	// Prepare readies a policy. An error means that the collector cannot work by it; nothing has changed then.
	// It is called before Run and again, from another goroutine, while Run is at work.
	Prepare(p *config.Policy) (Change, error)
	// Run works until ctx ends. What it does side by side it runs in the group, which contains panics, starts again what
	// fails, and ends with Run.
	Run(ctx context.Context, group *Group) error
}

// Change is a policy that a collector has prepared. Exactly one of its functions is called, once, so that a
// policy is in force in every collector or in none. No other policy is prepared before.
type Change struct {
	// Commit puts the policy in force. It cannot fail: whatever can is done by Prepare.
	Commit func()
	// Abort gives back what Prepare has opened or locked; nil if that is nothing.
	Abort func()
}

// Exclusively prepares a change under a lock that is held until the change is committed or aborted, and given back if
// there is none because prepare fails or panics.
func Exclusively(lock sync.Locker, prepare func() (commit func(), err error)) (Change, error) {
	lock.Lock()
	held := false
	defer func() {
		if !held {
			lock.Unlock()
		}
	}()
	commit, err := prepare()
	if err != nil {
		return Change{}, err
	}
	held = true
	return Change{
		Commit: func() {
			defer lock.Unlock()
			commit()
		},
		Abort: lock.Unlock,
	}, nil
}

// Apply prepares a policy and puts it in force, for a program that runs a single collector.
func Apply(c Collector, p *config.Policy) error {
	change, err := c.Prepare(p)
	if err == nil {
		change.Commit()
	}
	return err
}

// Why a round or a run failed: the closed set of values of the label reason.
const (
	ReasonTimeout = "timeout" // it took longer than it may
	ReasonPanic   = "panic"   // a defect; the stack is in the log
	ReasonStopped = "stopped" // Run returned before its context ended
	ReasonConfig  = "config"  // the policy asks for something that cannot be done here
	ReasonIO      = "io"      // disk or network
	ReasonOther   = "other"
)

// Reasons lists the closed set.
var Reasons = []string{ReasonTimeout, ReasonPanic, ReasonStopped, ReasonConfig, ReasonIO, ReasonOther}

// ReasonError is an error that knows its reason.
type ReasonError struct {
	Reason string
	Err    error
}

// Error returns the text of the error itself; the reason is for counting.
func (e *ReasonError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *ReasonError) Unwrap() error { return e.Err }

// ReasonOf returns the reason of an error: its own if it is one of the set, else that of its kind.
func ReasonOf(err error) string {
	var reasoned *ReasonError
	var netErr net.Error
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	var syscallErr *os.SyscallError
	switch {
	case errors.As(err, &reasoned):
		if slices.Contains(Reasons, reasoned.Reason) {
			return reasoned.Reason
		}
		return ReasonOther
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return ReasonTimeout
	case netErr != nil, errors.As(err, &pathErr), errors.As(err, &linkErr), errors.As(err, &syscallErr):
		return ReasonIO
	}
	return ReasonOther
}
