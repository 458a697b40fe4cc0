package receive

import (
	"net/netip"
	"sync"
	"time"
)

// turns lets one body at a time be inflated whose sender has not proven a right yet. Of those that wait, the address goes first
// that had its last turn the longest ago, or none: whoever asks again and again keeps no newcomer waiting for more than one turn.
type turns struct {
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

// enter waits for a turn until it is given up: by patience or by one of two channels. Whoever gets one must leave.
func (t *turns) enter(from netip.Prefix, size int, patience <-chan time.Time, gone ...<-chan struct{}) bool {
	t.mu.Lock()
	if !t.busy {
		t.grant(from)
		t.mu.Unlock()
		return true
	}
	own := &turn{from, size, make(chan struct{})}
	t.waiting = append(t.waiting, own)
	t.mu.Unlock()
	gone = append(gone, nil, nil) // a nil channel never is
	select {
	case <-own.ready:
		return true
	case <-patience:
	case <-gone[0]:
	case <-gone[1]:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range t.waiting {
		if w == own {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return false
		}
	}
	return true // it was granted meanwhile
}

// grant gives the turn to an address. The caller holds the lock.
func (t *turns) grant(from netip.Prefix) {
	if t.last == nil || len(t.last) >= maxTurns {
		t.last = map[netip.Prefix]uint64{}
	}
	t.busy = true
	t.count++
	t.last[from] = t.count
}

// leave ends a turn.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy = false; len(t.waiting) == 0 {
		return
	}
	next := 0
	for i, w := range t.waiting {
		if t.before(w, t.waiting[next]) {
			next = i
		}
	}
	w := t.waiting[next]
	t.waiting = append(t.waiting[:next], t.waiting[next+1:]...)
	t.grant(w.from)
	close(w.ready)
}

// before reports whether one that waits goes before another: then the shorter, which can inflate to less. The caller holds the lock.
func (t *turns) before(a, b *turn) bool {
	if x, y := t.last[a.from], t.last[b.from]; x != y {
		return x < y
	}
	return a.size < b.size
}
