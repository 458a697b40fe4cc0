package storage

import (
	"context"
	"sync"
	"time"
)

// usage is what a filesystem says of itself.
type usage struct {
	size, free, available uint64 // bytes
	inodes, inodesFree    uint64
}

// answer is what asking one mount came to.
type answer struct {
	usage
	err   error
	stale bool // it has not answered
}

// Bounds of the goroutines that ask. A call that hangs in the kernel cannot be ended, so what hangs is not
// asked again before it answers, and when so many hang no more are asked.
const (
	askers   = 4
	maxStuck = 32
)

// asker asks mounts for their usage. One that hangs holds up neither the others nor the caller for longer
// than the timeout, and costs one goroutine until it answers.
type asker struct {
	statfs func(path string) (usage, error)

	mu    sync.Mutex
	stuck map[string]bool // mounts with a call that hangs
}

func newAsker(statfs func(string) (usage, error)) *asker {
	return &asker{statfs: statfs, stuck: map[string]bool{}}
}

// stuckCount is how many calls hang.
func (a *asker) stuckCount() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.stuck)
}

// round is one pass over the mounts.
type round struct {
	*asker
	mounts  []mount
	answers []answer
	waiting []int // indexes still to be asked
	asked   map[int]time.Time
	pending int           // not yet answered or given up
	moved   chan struct{} // something was answered
}

// ask returns an answer for each mount. Those that hang are stale.
func (a *asker) ask(ctx context.Context, mounts []mount, timeout time.Duration) []answer {
	r := &round{asker: a, mounts: mounts, answers: make([]answer, len(mounts)), asked: map[int]time.Time{}, moved: make(chan struct{}, 1)}
	a.mu.Lock()
	for i, m := range mounts {
		if a.stuck[m.key()] || len(a.stuck) >= maxStuck {
			r.answers[i].stale = true
			continue
		}
		r.waiting = append(r.waiting, i)
	}
	r.pending = len(r.waiting)
	a.mu.Unlock()
	for range min(askers, len(r.waiting)) {
		go r.work()
	}
	r.wait(ctx, timeout)

	a.mu.Lock()
	defer a.mu.Unlock()
	// Whoever answers from here on is late, and must find nothing to write to.
	answers := r.answers
	r.answers = nil
	return answers
}

// work asks one mount after the other until none is left, or until the one it asks was given up.
func (r *round) work() {
	for {
		r.mu.Lock()
		if len(r.waiting) == 0 {
			r.mu.Unlock()
			return
		}
		i := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.asked[i] = time.Now()
		r.mu.Unlock()

		u, err := r.statfs(r.mounts[i].point)

		r.mu.Lock()
		if _, ok := r.asked[i]; !ok {
			delete(r.stuck, r.mounts[i].key())
			r.mu.Unlock()
			return
		}
		delete(r.asked, i)
		r.answers[i] = answer{usage: u, err: err}
		r.pending--
		r.mu.Unlock()
		select {
		case r.moved <- struct{}{}:
		default:
		}
	}
}

// wait gives up calls that take too long, and returns when nothing is pending or ctx ends.
func (r *round) wait(ctx context.Context, timeout time.Duration) {
	tick := time.NewTicker(max(timeout/10, time.Millisecond))
	defer tick.Stop()
	for {
		r.mu.Lock()
		pending := r.pending
		r.mu.Unlock()
		if pending == 0 {
			return
		}
		select {
		case <-r.moved:
		case now := <-tick.C:
			r.giveUp(now.Add(-timeout))
		case <-ctx.Done():
			r.abandon()
			r.giveUp(time.Now())
			return
		}
	}
}

// giveUp marks the calls that began before a moment as stuck and sends others to ask in their place.
func (r *round) giveUp(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, began := range r.asked {
		if began.After(before) {
			continue
		}
		delete(r.asked, i)
		r.answers[i] = answer{stale: true}
		r.stuck[r.mounts[i].key()] = true
		r.pending--
		if len(r.stuck) >= maxStuck {
			for _, w := range r.waiting {
				r.answers[w].stale = true
				r.pending--
			}
			r.waiting = nil
		} else {
			go r.work()
		}
	}
}

// abandon leaves unasked what is still waiting.
func (r *round) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.waiting {
		r.answers[w].stale = true
	}
	r.waiting = nil
}
