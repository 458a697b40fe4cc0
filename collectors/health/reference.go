package health

import (
	"context"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// referenceHolds is for how long one look at the reference targets answers for all failing checks.
const referenceHolds = 2 * time.Second

// reference tells an outage elsewhere from the loss of the exporter's own network.
type reference struct {
	requests []request

	mu      sync.Mutex // held while asking, so that many failing checks ask once
	asked   time.Time
	offline bool
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
		return r.offline
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
	r.asked, r.offline = time.Now(), offline
	return offline
}

// online returns the last answer without asking, 1 or 0.
func (r *reference) online() float64 {
	if !r.mu.TryLock() {
		return 1 // being asked: the answer is not known yet
	}
	defer r.mu.Unlock()
	if r.offline {
		return 0
	}
	return 1
}
