package receive

import "sync"

// idSet is a set of ids, none of which is 0: a table of a power of two, at most half full.
type idSet struct {
	table []uint64
	used  int
}

const minIDs = 64

func (s *idSet) slot(id uint64) *uint64 {
	mask := uint64(len(s.table) - 1)
	for i := id >> 1 & mask; ; i = (i + 1) & mask {
		if p := &s.table[i]; *p == 0 || *p == id {
			return p
		}
	}
}

func (s *idSet) has(id uint64) bool { return s.used > 0 && *s.slot(id) == id }

// add reports whether the id is new.
func (s *idSet) add(id uint64) bool {
	if 2*s.used >= len(s.table) {
		old := s.table
		s.table = make([]uint64, max(minIDs, 2*len(old)))
		for _, id := range old {
			if id != 0 {
				*s.slot(id) = id
			}
		}
	}
	p := s.slot(id)
	if *p == id {
		return false
	}
	*p = id
	s.used++
	return true
}

// InFlight is the set of requests that are in posts that are being saved. It outlives a reload of the policy.
type InFlight struct {
	mu    sync.Mutex
	posts map[*idSet]struct{}
}

// begin takes note of a post whose fate is open.
func (m *InFlight) begin() *idSet {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.posts == nil {
		m.posts = map[*idSet]struct{}{}
	}
	own := &idSet{}
	m.posts[own] = struct{}{}
	return own
}

// end lets go of a post whose fate is known.
func (m *InFlight) end(own *idSet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.posts, own)
}
