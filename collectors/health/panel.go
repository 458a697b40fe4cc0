package health

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A panel is probed every referenceInterval, so that it is known beforehand which of its members are reliable. One
// round answers for all failing checks, for referenceHolds at most. While all members are silent they are probed every
// referenceRecheck, so that their return is noticed although no check fails.
const (
	referenceHolds    = 2 * time.Second
	referenceRecheck  = 5 * time.Second
	referenceInterval = 30 * time.Second
)

// A member is dead when it was silent in deadAfter rounds in a row and a check answered before each of them: the
// network works, the member does not. A member that answered before a restart counts as good for referenceRemembered.
const (
	deadAfter           = 2
	referenceRemembered = time.Hour
)

// panel is a set of targets elsewhere that answer while the exporter's own network or resolver works. The network or
// resolver counts as lost only when all members that were reliable until now are silent: a member that is mistyped or
// was retired must not turn every outage into an unknown.
type panel struct {
	logger *slog.Logger
	what   string        // its members are, in logs
	holds  time.Duration // no longer than a confirmation takes, or a look from before a failure would confirm it

	asking sync.Mutex // held while asking, so that many failing checks ask once

	mu       sync.Mutex // held for moments only
	members  []*member
	asked    time.Time
	lost     bool                 // what the last look found
	answered [distances]time.Time // when a check that is so far or farther last answered
}

// member is one target of a panel.
type member struct {
	name     string // as pages show it
	key      string // under which it is remembered
	look     func(context.Context) string
	distance distance
	// chosen members were named by the policy: a failure of theirs is reported.
	chosen   bool
	asked    time.Time // start of the last look that said something
	answered time.Time // start of the last look that it answered, zero for never
	silent   time.Time // start of the first look since that it did not answer, zero if it does
	proofs   int       // looks since that found it silent though a check had answered
	dead     bool
}

// trusted reports whether the member is reliable, so that its silence counts.
func (t *member) trusted() bool { return !t.answered.IsZero() && !t.dead }

// silent probes all members at once and reports whether all of them are silent although one is reliable. Without a
// reliable member it reports false: one page too many is better than one too few.
func (r *panel) silent(ctx context.Context) bool {
	if len(r.members) == 0 {
		return false
	}
	began := time.Now() // a look that begins while we wait for our turn will do
	r.asking.Lock()
	defer r.asking.Unlock()
	r.mu.Lock()
	lost, fresh := r.lost, began.Sub(r.asked) < r.holds
	r.mu.Unlock()
	if fresh {
		return lost
	}
	start := time.Now()
	results := make(chan bool, len(r.members))
	for _, t := range r.members {
		collectors.Async(func() error {
			result := metric.ResultUnknown
			defer func() { results <- result == metric.ResultSuccess }()
			result = t.look(ctx)
			if ctx.Err() == nil { // cut short, it shows nothing
				r.note(t, result, start)
			}
			return nil
		})
	}
	lost = true
	for range r.members {
		if <-results { // the others are not waited for
			lost = false
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if lost {
		lost = false
		for _, t := range r.members {
			lost = lost || t.trusted()
		}
	}
	if ctx.Err() == nil {
		r.asked, r.lost = start, lost
	}
	return lost
}

// note records the result of one probe of a member.
func (r *panel) note(t *member, result string, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if start.Before(t.asked) || result == metric.ResultUnknown {
		return
	}
	if result == metric.ResultSuccess {
		if t.dead && t.chosen {
			r.logger.Info("A reference answers again", "kind", r.what, "target", t.name)
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
		if t.chosen {
			r.logger.Warn(
				"A reference is dead: it does not answer though checks do. Its silence means nothing until it has answered",
				"kind", r.what, "target", t.name)
		}
	}
}

// reached records that a check answered whose probe began at a moment.
func (r *panel) reached(d distance, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; d >= 0; d-- {
		r.answered[d] = maxTime(r.answered[d], start)
	}
}

// ask probes again in the background if that is due.
func (r *panel) ask(ctx context.Context) {
	if len(r.members) == 0 || !r.asking.TryLock() {
		return
	}
	r.asking.Unlock()
	r.mu.Lock()
	wait := referenceInterval
	if r.lost {
		wait = referenceRecheck
	}
	due := time.Since(r.asked) >= wait
	r.mu.Unlock()
	if due {
		collectors.Async(func() error {
			r.silent(ctx)
			return nil
		})
	}
}

// remembered adds the members that can be relied on, and when they last answered.
func (r *panel) remembered(good map[string]time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.members {
		if t.trusted() {
			good[t.key] = t.answered
		}
	}
}

// inherit copies the state of the same members from an earlier policy's panel: a dead member stays dead, and a silent
// one has no more time. If no member is new, the last round stays valid for as long as before.
func (r *panel) inherit(old *panel) {
	old.mu.Lock()
	defer old.mu.Unlock()
	known := map[string]*member{}
	for _, t := range old.members {
		known[t.key] = t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered = old.answered
	same := len(known) == len(r.members)
	for _, t := range r.members {
		before, ok := known[t.key]
		if !ok || before.distance != t.distance {
			same = false
			continue
		}
		t.asked, t.answered, t.silent, t.proofs, t.dead = before.asked, before.answered, before.silent, before.proofs,
			before.dead
	}
	if same {
		r.asked, r.lost = old.asked, old.lost
	}
}

// restore adds the reliable members of an earlier run that have not been probed since.
func (r *panel) restore(good map[string]time.Time, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.members {
		if at, ok := good[t.key]; ok && t.asked.IsZero() && !at.After(now) && now.Sub(at) < referenceRemembered {
			t.answered = at
		}
	}
}

// works returns the result of the last round, 1 or 0, and how many chosen members are dead or have never answered.
func (r *panel) works() (up, dead float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.lost {
		up = 1
	}
	for _, t := range r.members {
		if t.chosen && !t.silent.IsZero() && !t.trusted() {
			dead++
		}
	}
	return up, dead
}

// status lists the members in order.
func (r *panel) status() []ReferenceStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []ReferenceStatus
	for _, t := range r.members {
		s := ReferenceStatus{Target: t.name, State: "answers", Answered: t.answered}
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
