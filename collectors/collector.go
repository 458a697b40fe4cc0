// Package collectors holds the contract between the exporter and whatever measures something, and the
// supervisor that keeps collectors running. Each thing watched has a package of its own below this one.
package collectors

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/config"
)

// Report tells the supervisor of one finished round of work and how long it took; a nil error is a success.
type Report func(err error, d time.Duration)

// Collector measures in the background and exposes from memory: Collect never waits for the outside world.
type Collector interface {
	prometheus.Collector
	// Apply puts a policy in force. It validates first; on an error the old policy stays. It is called
	// before Run and again, from another goroutine, while Run is at work.
	Apply(p *config.Policy) error
	// Run works until ctx ends. The supervisor contains a panic of Run itself; goroutines that Run starts
	// must contain their own.
	Run(ctx context.Context, report Report) error
}

// Why a round or a run failed: the closed set of values of the label reason.
const (
	ReasonTimeout = "timeout" // it took longer than it may
	ReasonPanic   = "panic"   // a defect; the stack is in the log
	ReasonStopped = "stopped" // Run returned before it was told to
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

// ReasonOf returns the reason of an error: its own if it is one of the set, else what its kind tells.
func ReasonOf(err error) string {
	var reasoned *ReasonError
	var netErr net.Error
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	var syscallErr *os.SyscallError
	switch {
	case errors.As(err, &reasoned):
		for _, known := range Reasons {
			if reasoned.Reason == known {
				return known
			}
		}
		return ReasonOther
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return ReasonTimeout
	case netErr != nil, errors.As(err, &pathErr), errors.As(err, &linkErr), errors.As(err, &syscallErr):
		return ReasonIO
	}
	return ReasonOther
}
