package storage

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// usage is the answer of statfs for a filesystem.
type usage struct {
	size, free, available uint64 // bytes
	inodes, inodesFree    uint64
}

// answer is the result of querying one mount.
type answer struct {
	usage
	err   error
	stale bool // it has not answered
}

// Bounds of the goroutines that call statfs. A call that hangs in the kernel cannot be ended, so a hanging mount is
// not queried again before it answers. When maxStuck calls hang, each round queries only the mounts that answered last
// time, and one of the others, so that a recovered or new mount is found. No more than maxStuckEver calls ever hang.
const (
	askers       = 4
	maxStuck     = 32
	maxStuckEver = 2 * maxStuck
)

// asker queries the usage of mounts. One that hangs delays neither the others nor the caller for longer
// than the timeout, and costs one goroutine until it answers. What hangs with a server or a program of its own is asked
// apart: however many of these are gone, this machine's disks are looked at.
type asker struct{ local, remote *pool }

func newAsker(statfs func(string) (usage, error)) *asker {
	return &asker{newPool(statfs), newPool(statfs)}
}

// ask returns an answer for each mount. Those that hang are stale.
func (a *asker) ask(ctx context.Context, mounts []mount, timeout time.Duration) []answer {
	var here, away []mount
	for _, m := range mounts {
		if m.remote() {
			away = append(away, m)
		} else {
			here = append(here, m)
		}
	}
	var far []answer
	remote := collectors.Async(func() error {
		far = a.remote.ask(ctx, away, timeout)
		return nil
	})
	near := a.local.ask(ctx, here, timeout)
	if err := <-remote; err != nil { // it panicked
		far = slices.Repeat([]answer{{stale: true}}, len(away))
	}
	answers := make([]answer, len(mounts))
	for i, m := range mounts {
		if m.remote() {
			answers[i], far = far[0], far[1:]
		} else {
			answers[i], near = near[0], near[1:]
		}
	}
	return answers
}

// stuckCount is how many calls hang.
func (a *asker) stuckCount() int { return a.local.stuckCount() + a.remote.stuckCount() }

// pool queries mounts that may hang together.
type pool struct {
	statfs func(path string) (usage, error)

	mu       sync.Mutex
	stuck    map[string]bool // mounts with a call that hangs
	answered map[string]bool // mounts that answered in the last round
	turn     int             // whose turn it is to be asked although too many hang
}

func newPool(statfs func(string) (usage, error)) *pool {
	return &pool{statfs: statfs, stuck: map[string]bool{}, answered: map[string]bool{}}
}

func (a *pool) stuckCount() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.stuck)
}

// round is one pass over the mounts.
type round struct {
	*pool
	mounts  []mount
	answers []answer
	waiting []int // indexes still to be asked
	guest   int   // the one that is asked although too many hang, -1 for none
	asked   map[int]time.Time
	pending int           // not yet answered or given up
	moved   chan struct{} // something was answered
}

func (a *pool) ask(ctx context.Context, mounts []mount, timeout time.Duration) []answer {
	r := &round{
		pool: a, mounts: mounts, answers: make([]answer, len(mounts)), guest: -1, asked: map[int]time.Time{},
		moved: make(chan struct{}, 1),
	}
	a.mu.Lock()
	var others []int
	for i, m := range mounts {
		switch {
		case a.stuck[m.key()]:
			r.answers[i].stale = true
		case a.answered[m.key()]:
			r.waiting = append(r.waiting, i) // they come first
		default:
			others = append(others, i)
		}
	}
	if len(a.stuck) >= maxStuck && len(others) > 0 {
		r.guest = others[a.turn%len(others)]
		a.turn++
	}
	r.waiting = append(r.waiting, others...)
	r.pending = len(r.waiting)
	r.leaveOut()
	work := min(askers, len(r.waiting))
	a.mu.Unlock()
	for range work {
		collectors.Async(r.work)
	}
	r.wait(ctx, timeout)

	a.mu.Lock()
	defer a.mu.Unlock()
	// An answer from here on is late, and must not be written.
	answers := r.answers
	r.answers = nil
	clear(a.answered)
	for i, m := range mounts {
		if !answers[i].stale {
			a.answered[m.key()] = true
		}
	}
	return answers
}

// leaveOut drops mounts from this round while too many calls hang. The caller holds the lock.
func (r *round) leaveOut() {
	if len(r.stuck) < maxStuck {
		return
	}
	r.waiting = slices.DeleteFunc(r.waiting, func(i int) bool {
		if len(r.stuck) < maxStuckEver && (i == r.guest || r.answered[r.mounts[i].key()]) {
			return false
		}
		r.answers[i].stale = true
		r.pending--
		return true
	})
}

// work queries one mount after the other until none is left, or until its call was given up.
func (r *round) work() error {
	for {
		r.mu.Lock()
		if len(r.waiting) == 0 {
			r.mu.Unlock()
			return nil
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
			return nil
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
		r.leaveOut()
		if len(r.waiting) > 0 {
			collectors.Async(r.work)
		}
	}
}

// abandon drops the mounts that are still waiting.
func (r *round) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.waiting {
		r.answers[w].stale = true
	}
	r.waiting = nil
}
