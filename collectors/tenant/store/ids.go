package store

// ids is a set of the request ids seen last, as 64-bit hashes: at least half of capacity of them, at most
// all. Two generations take turns, so that nothing has to be ordered or removed one by one.
type ids struct {
	capacity          int
	current, previous map[uint64]struct{}
}

// idWindow is how many requests of a source are remembered against being counted twice.
const idWindow = 1 << 20

func newIDs() *ids { return &ids{capacity: idWindow, current: map[uint64]struct{}{}} }

func (s *ids) has(id uint64) bool {
	if _, ok := s.current[id]; ok {
		return true
	}
	_, ok := s.previous[id]
	return ok
}

func (s *ids) add(id uint64) {
	if len(s.current) >= s.capacity/2 {
		s.previous, s.current = s.current, make(map[uint64]struct{}, s.capacity/2)
	}
	s.current[id] = struct{}{}
}

// all calls f with every id, the older ones first.
func (s *ids) all(f func(uint64)) {
	for id := range s.previous {
		f(id)
	}
	for id := range s.current {
		f(id)
	}
}
