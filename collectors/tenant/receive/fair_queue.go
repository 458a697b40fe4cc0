package receive

import (
	"net/netip"
	"sync"
	"time"
)

// fairQueue lets one body at a time be inflated whose sender has not proven a right to post. The next is the address
// whose last turn was the longest ago, or that had none. A sender that posts again and again therefore delays a new one
// by at most one turn.
type fairQueue struct {
	mu      sync.Mutex
	busy    bool
	waiting []*turn
	last    map[netip.Prefix]uint64 // when each address had its last turn
	count   uint64
}

// turn is a body that waits.
type turn struct {
	from  netip.Prefix
	size  int
	ready chan struct{} // closed when it is this one's turn
}

// maxTurns bounds the addresses whose turns are remembered.
const maxTurns = 4096

// enter waits for a turn until the timer fires or one of two channels is closed. After a turn the caller must call
// leave.
func (q *fairQueue) enter(from netip.Prefix, size int, timer <-chan time.Time, gone ...<-chan struct{}) bool {
	q.mu.Lock()
	if !q.busy {
		q.grant(from)
		q.mu.Unlock()
		return true
	}
	own := &turn{from, size, make(chan struct{})}
	q.waiting = append(q.waiting, own)
	q.mu.Unlock()
	gone = append(gone, nil, nil) // a nil channel never is
	select {
	case <-own.ready:
		return true
	case <-timer:
	case <-gone[0]:
	case <-gone[1]:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == own {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return false
		}
	}
	return true // it was granted meanwhile
}

// grant gives the turn to an address. The caller holds the lock.
func (q *fairQueue) grant(from netip.Prefix) {
	if q.last == nil || len(q.last) >= maxTurns {
		q.last = map[netip.Prefix]uint64{}
	}
	q.busy = true
	q.count++
	q.last[from] = q.count
}

// leave ends a turn.
func (q *fairQueue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy = false; len(q.waiting) == 0 {
		return
	}
	next := 0
	for i, w := range q.waiting {
		if q.before(w, q.waiting[next]) {
			next = i
		}
	}
	w := q.waiting[next]
	q.waiting = append(q.waiting[:next], q.waiting[next+1:]...)
	q.grant(w.from)
	close(w.ready)
}

// before reports whether one that waits goes before another: then the shorter, which can inflate to less. The caller
// holds the lock.
func (q *fairQueue) before(a, b *turn) bool {
	if x, y := q.last[a.from], q.last[b.from]; x != y {
		return x < y
	}
	return a.size < b.size
}
