package store

// balance compares the counters of tiers with those of tenants, by service. Each request is once in either, so that
// they differ for ever by what they differed by when they were first compared.
type balance struct {
	first []uint64
	off   []int64 // by which they differ more, or less, than at first
}

// compare takes the differences of now and returns the services whose counters begin to be off.
func (b *balance) compare(differences []uint64) (begin []int) {
	for service, difference := range differences {
		if service >= len(b.first) {
			b.first, b.off = append(b.first, difference), append(b.off, 0)
		}
		before := b.off[service]
		if b.off[service] = int64(difference - b.first[service]); b.off[service] != 0 && before == 0 {
			begin = append(begin, service)
		}
	}
	return begin
}

// differences are what the tiers of each service have counted more than its tenants, modulo 2^64.
func (st *State) differences() []uint64 {
	st.mu.RLock()
	defer st.mu.RUnlock()
	all := make([]uint64, len(st.services))
	for i := range st.services {
		all[i] = -st.services[i].ended
	}
	for i := range st.slots {
		switch s := &st.slots[i]; {
		case s.life == free:
		case s.special == poolSlot:
			all[s.service] += s.counted()
		default:
			all[s.service] -= s.counted() - s.shared - s.sharedLate
		}
	}
	return all
}

// compareCounters reports counters that are off. Only Run, which alone changes the state, calls it.
func (s *Store) compareCounters() {
	differences := s.saved.differences()
	s.statusMu.Lock()
	begin := s.balance.compare(differences)
	s.statusMu.Unlock()
	for _, service := range begin {
		s.logger.Error("The counters of tiers and of tenants differ, which is a defect of the exporter",
			"app_service", s.saved.services[service].name)
	}
}
