package health

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// One look at the reference targets answers for all failing checks for referenceHolds. While none answers
// they are asked every referenceRecheck, so that the return of the network shows though no check fails.
const (
	referenceHolds   = 2 * time.Second
	referenceRecheck = 5 * time.Second
)

// reference tells an outage elsewhere from the loss of the exporter's own network.
type reference struct {
	requests []request
	offline  atomic.Bool // what the last look found

	mu    sync.Mutex // held while asking, so that many failing checks ask once
	asked time.Time
}

func newReference(p *config.Policy) (*reference, error) {
	r := &reference{}
	for _, target := range p.Health.ReferenceTargets {
		module, ok := p.Module(target.Module)
		if !ok {
			return nil, fmt.Errorf("reference target %s: no module %q", target.Target, target.Module)
		}
		r.requests = append(r.requests, request{target: target.Target, moduleName: target.Module, module: module, timeout: p.Health.Timeout.Std()})
	}
	return r, nil
}

// isOffline asks the reference targets, all at once, and reports whether none answered. Without any it
// reports false: a page too many is better than one too few.
func (r *reference) isOffline(ctx context.Context) bool {
	if len(r.requests) == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) < referenceHolds {
		return r.offline.Load()
	}
	results := make(chan string, len(r.requests))
	for _, req := range r.requests {
		go func() { results <- req.run(ctx, false).result }()
	}
	offline := true
	for range r.requests {
		if <-results == metric.ResultSuccess {
			offline = false
			break
		}
	}
	if ctx.Err() == nil {
		r.asked = time.Now()
		r.offline.Store(offline)
	}
	return offline
}

// recheck asks again in the background if that is due.
func (r *reference) recheck(ctx context.Context) {
	if !r.offline.Load() || !r.mu.TryLock() {
		return
	}
	due := time.Since(r.asked) >= referenceRecheck
	r.mu.Unlock()
	if due {
		go r.isOffline(ctx)
	}
}

// online returns what the last look found, 1 or 0.
func (r *reference) online() float64 {
	if r.offline.Load() {
		return 0
	}
	return 1
}
