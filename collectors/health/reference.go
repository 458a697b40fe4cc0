package health

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The reference targets are asked every referenceInterval, so that it is known beforehand which of them can be
// relied on. One look answers for all failing checks for referenceHolds at most. While the prober is offline they
// are asked every referenceRecheck, so that the return of the network shows though no check fails.
const (
	referenceHolds    = 2 * time.Second
	referenceRecheck  = 5 * time.Second
	referenceInterval = 30 * time.Second
)

// A reference is dead when deadAfter looks in a row found it silent and a check answered before each: the
// network is there, it is not. What answered before a restart is believed for referenceRemembered.
const (
	deadAfter           = 2
	referenceRemembered = time.Hour
)

// reference tells an outage elsewhere from the loss of the exporter's own network. Only the silence of all
// references that could be relied on until now is such a loss: one that is mistyped or was given up by its
// owner must not turn every outage into an unknown.
type reference struct {
	logger *slog.Logger
	holds  time.Duration // no longer than a confirmation takes, or a look from before a failure would confirm it

	asking sync.Mutex // held while asking, so that many failing checks ask once

	mu       sync.Mutex // held for moments only
	targets  []*referenceTarget
	asked    time.Time
	offline  bool                 // what the last look found
	answered [distances]time.Time // when a check that is so far or farther last answered
}

// referenceTarget is one of them.
type referenceTarget struct {
	request
	distance distance
	asked    time.Time // start of the last look that said something
	answered time.Time // start of the last look that it answered, zero for never
	silent   time.Time // start of the first look since that it did not answer, zero if it does
	proofs   int       // looks since that found it silent though a check had answered
	dead     bool
}

// trusted reports whether the target's silence means anything.
func (t *referenceTarget) trusted() bool { return !t.answered.IsZero() && !t.dead }

func newReference(p *config.Policy, logger *slog.Logger) (*reference, error) {
	confirm := p.Health.Confirm
	r := &reference{logger: logger, holds: min(referenceHolds, time.Duration(confirm.Probes)*confirm.Interval.Std())}
	for _, target := range p.Health.ReferenceTargets {
		module, ok := p.Module(target.Module)
		if !ok {
			return nil, fmt.Errorf("reference target %s: no module %q", target.Target, target.Module)
		}
		r.targets = append(r.targets, &referenceTarget{
			request:  request{target: target.Target, moduleName: target.Module, module: module, timeout: p.Health.Timeout.Std()},
			distance: distanceOf(target.Target),
		})
	}
	return r, nil
}

// isOffline asks the reference targets, all at once, and reports whether none answers of which one could be
// relied on. Without any it reports false: a page too many is better than one too few.
func (r *reference) isOffline(ctx context.Context) bool {
	if len(r.targets) == 0 {
		return false
	}
	began := time.Now() // a look that begins while we wait for our turn will do
	r.asking.Lock()
	defer r.asking.Unlock()
	r.mu.Lock()
	offline, fresh := r.offline, began.Sub(r.asked) < r.holds
	r.mu.Unlock()
	if fresh {
		return offline
	}
	start := time.Now()
	results := make(chan bool, len(r.targets))
	for _, t := range r.targets {
		go func() {
			result := t.run(ctx, false).result
			if ctx.Err() == nil { // cut short, it says nothing
				r.note(t, result, start)
			}
			results <- result == metric.ResultSuccess
		}()
	}
	offline = true
	for range r.targets {
		if <-results { // the others are not waited for
			offline = false
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if offline {
		offline = false
		for _, t := range r.targets {
			offline = offline || t.trusted()
		}
	}
	if ctx.Err() == nil {
		r.asked, r.offline = start, offline
	}
	return offline
}

// note remembers what a look at one target found.
func (r *reference) note(t *referenceTarget, result string, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if start.Before(t.asked) || result == metric.ResultUnknown {
		return
	}
	if result == metric.ResultSuccess {
		if t.dead {
			r.logger.Info("A reference target answers again", "target", shown(t.target))
		}
		t.asked, t.answered, t.silent, t.proofs, t.dead = start, start, time.Time{}, 0, false
		return
	}
	switch {
	case t.silent.IsZero():
		t.silent = start
	case r.answered[t.distance].After(t.asked):
		t.proofs++
	}
	t.asked = start
	if !t.dead && t.proofs >= deadAfter {
		t.dead = true
		r.logger.Warn("A reference target is dead: it does not answer though checks do. Its silence means nothing until it has answered", "target", shown(t.target))
	}
}

// reached notes that a check answered, which began at a moment.
func (r *reference) reached(d distance, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; d >= 0; d-- {
		r.answered[d] = maxTime(r.answered[d], start)
	}
}

// ask asks again in the background if that is due.
func (r *reference) ask(ctx context.Context) {
	if len(r.targets) == 0 || !r.asking.TryLock() {
		return
	}
	r.asking.Unlock()
	r.mu.Lock()
	wait := referenceInterval
	if r.offline {
		wait = referenceRecheck
	}
	due := time.Since(r.asked) >= wait
	r.mu.Unlock()
	if due {
		go r.isOffline(ctx)
	}
}

// remembered returns the targets that can be relied on, and when they last answered.
func (r *reference) remembered() map[string]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	good := map[string]time.Time{}
	for _, t := range r.targets {
		if t.trusted() {
			good[shown(t.target)] = t.answered // no query and no password goes to the disk
		}
	}
	return good
}

// recall takes over what an earlier policy or run relied on.
func (r *reference) recall(good map[string]time.Time, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.targets {
		if at, ok := good[shown(t.target)]; ok && !at.After(now) && now.Sub(at) < referenceRemembered {
			t.answered = at
		}
	}
}

// online returns what the last look found, 1 or 0, and how many targets are dead or have never answered.
func (r *reference) online() (up, dead float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.offline {
		up = 1
	}
	for _, t := range r.targets {
		if !t.silent.IsZero() && !t.trusted() {
			dead++
		}
	}
	return up, dead
}

// ReferenceStatus is a reference target as a person looks at it.
type ReferenceStatus struct {
	Target string
	// State is one of "answers", "silent", "dead" (it has never answered, or does not though checks do) and
	// "not asked yet".
	State    string
	Answered time.Time // zero for never
}

// References lists the reference targets in the order of the policy.
func (c *Collector) References() []ReferenceStatus {
	c.mu.Lock()
	r := c.reference
	c.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []ReferenceStatus
	for _, t := range r.targets {
		s := ReferenceStatus{Target: shown(t.target), State: "answers", Answered: t.answered}
		switch {
		case t.asked.IsZero():
			s.State = "not asked yet"
		case !t.silent.IsZero() && !t.trusted():
			s.State = "dead"
		case !t.silent.IsZero():
			s.State = "silent"
		}
		list = append(list, s)
	}
	return list
}

// carry gives a new policy's references what the old one's knew.
func (r *reference) carry(old *reference, loaded map[string]time.Time, now time.Time) {
	good := maps.Clone(loaded)
	if good == nil {
		good = map[string]time.Time{}
	}
	maps.Copy(good, old.remembered())
	r.recall(good, now)
}
