package receive

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// A body must come at a minimum rate: so many bytes a second, after so long to begin with, and within so long
// altogether.
const (
	bodyGrace   = 5 * time.Second
	bodyRate    = 16 << 10
	bodyTimeout = time.Minute
)

// settled is for how long a new body is not displaced by another, and settledBytes how few bytes count as none when it
// is compared with others.
const (
	settled      = 500 * time.Millisecond
	settledBytes = 512
)

// places bounds the bodies that are read at once, and their bytes. While no sender has proven a right to post, a
// newcomer is never rejected: it displaces the slowest body of the address that has most of them.
type places struct {
	limit    int
	maxBytes int
	displace bool

	mu    sync.Mutex
	all   map[*place]struct{}
	by    map[netip.Prefix]int
	bytes int
}

// place is a body on its way.
type place struct {
	in        *places
	from      netip.Prefix
	control   *http.ResponseController
	began     time.Time
	size      int
	gone      bool
	displaced chan struct{} // closed when another takes the place
}

func newPlaces(limit, maxBytes int, displace bool) *places {
	return &places{
		limit: limit, maxBytes: maxBytes, displace: displace, all: map[*place]struct{}{}, by: map[netip.Prefix]int{},
	}
}

// enter takes a place, nil if there is none.
func (s *places) enter(w http.ResponseWriter, from netip.Prefix) *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= s.limit && !s.makeRoom() {
		return nil
	}
	p := &place{
		in: s, from: from, control: http.NewResponseController(w), began: time.Now(), displaced: make(chan struct{}),
	}
	s.all[p] = struct{}{}
	s.by[from]++
	return p
}

// makeRoom displaces a body. The caller holds the lock.
func (s *places) makeRoom() bool {
	if !s.displace {
		return false
	}
	now := time.Now()
	var worst *place
	for p := range s.all {
		if worst == nil || s.worse(p, worst, now) {
			worst = p
		}
	}
	if worst == nil {
		return false
	}
	s.remove(worst)
	worst.gone = true
	close(worst.displaced)
	_ = worst.control.SetReadDeadline(now) // so that it ends at once
	return true
}

// worse reports whether a body is to be displaced before another: a new one last, then by how many its address has,
// then by its rate, then by its age.
func (s *places) worse(a, b *place, now time.Time) bool {
	if x, y := now.Sub(a.began) >= settled, now.Sub(b.began) >= settled; x != y {
		return x
	}
	if x, y := s.by[a.from], s.by[b.from]; x != y {
		return x > y
	}
	if x, y := a.rate(now), b.rate(now); x != y {
		return x < y
	}
	return a.began.Before(b.began)
}

func (p *place) rate(now time.Time) float64 {
	if p.size < settledBytes {
		return 0
	}
	return float64(p.size) / (now.Sub(p.began) + time.Second).Seconds()
}

func (s *places) remove(p *place) {
	if p.gone {
		return
	}
	delete(s.all, p)
	s.bytes -= p.size
	if s.by[p.from]--; s.by[p.from] == 0 {
		delete(s.by, p.from)
	}
}

// grow counts bytes that have come, and reports whether the place was taken by another.
func (p *place) grow(n int) (displaced bool) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	if p.gone {
		return true
	}
	p.size += n
	p.in.bytes += n
	for p.in.bytes > p.in.maxBytes && !p.gone {
		if !p.in.makeRoom() {
			return true
		}
	}
	return p.gone
}

// expect bounds how long the next bytes may take.
func (p *place) expect() {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	if p.gone {
		return // its deadline is over
	}
	allowed := bodyGrace + time.Duration(p.size)*time.Second/bodyRate
	_ = p.control.SetReadDeadline(p.began.Add(min(allowed, bodyTimeout))) // without one the server's own holds
}

// done lets the connection wait for its next request.
func (p *place) done() { _ = p.control.SetReadDeadline(time.Time{}) }

// leave gives the place back.
func (p *place) leave() {
	if p == nil {
		return
	}
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.remove(p)
	p.gone = true
}

// proven are addresses that have sent a signed post of late.
type proven struct {
	mu sync.Mutex
	at map[netip.Prefix]time.Time
}

const (
	provenFor = time.Hour
	maxProven = 1024
)

func (p *proven) has(from netip.Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[from]
	return ok && time.Since(at) < provenFor
}

func (p *proven) add(from netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[netip.Prefix]time.Time{}
	}
	if _, ok := p.at[from]; !ok && len(p.at) >= maxProven {
		clear(p.at) // they prove it again with their next post
	}
	p.at[from] = time.Now()
}
