package store

import (
	"bytes"
	"maps"
	"slices"
	"time"
)

// SourceConfig is a source of the policy. Reads reports whether it has positions.
type SourceConfig struct {
	Name, Service string
	Reads         bool
}

// Config is the part of a policy that concerns counting.
type Config struct {
	Thresholds []uint64 // nanoseconds
	Limit      int
	Sources    []SourceConfig
	// Failed is the share of requests that may fail, and Slow that of requests that may be slower than each threshold.
	Failed float64
	Slow   []float64
	// Period is that of the objectives; 0 is 30 days.
	Period time.Duration
	// Planned reports whether a service is in planned work: its requests are in no window. It may be nil.
	Planned func(service string, at time.Time) bool
	// Zone is that of the history's days; nil is UTC.
	Zone *time.Location
	// Tiers are those of the policy.
	Tiers []string
	// Registered are the registered tenants with their tiers; nil admits every name.
	Registered map[string]string
}

// Numbers identify a source and its service in records.
type Numbers struct{ Source, Service int }

// Configure puts a policy in force and returns the numbers of its sources by name. What it changes is saved
// with the next commit.
func (s *Store) Configure(c Config) map[string]Numbers {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	s.zone.Store(c.Zone)
	ix := &s.index
	ix.mu.Lock()
	ix.limit = c.Limit
	if !slices.Equal(c.Thresholds, ix.columns) {
		ix.columns = c.Thresholds
		ix.records = append(ix.records, appendThresholds(nil, recordThresholds, c.Thresholds))
	}
	objectives := appendObjectives(nil, c.Failed, c.Thresholds, c.Slow)
	if !bytes.Equal(objectives, ix.objectives) {
		ix.objectives = objectives
		ix.records = append(ix.records, objectives)
	}
	if period := periodTicks(c.Period); period != ix.period {
		ix.period = period
		ix.records = append(ix.records, appendPeriod(nil, period))
	}
	ix.planned = c.Planned
	numbers, used := map[string]Numbers{}, map[int]bool{}
	for _, source := range c.Sources {
		n := s.add(source)
		numbers[source.Name] = n
		used[n.Service] = true
	}
	for i, t := range ix.services {
		if t.counting = used[i]; !t.counting { // nothing counts for it any more
			ix.markStale(i, slices.Collect(maps.Keys(t.names)), false)
			ix.forget(i, func(string) bool { return true })
		}
	}
	ix.mu.Unlock()
	s.beginTick()
	s.beginDay()
	s.register(c)
	return numbers
}

// add returns the numbers of a source, which is made if need be. The caller holds the lock of the index.
func (s *Store) add(source SourceConfig) Numbers {
	ix := &s.index
	service := ix.service(source.Service)
	key := sourceKey{source.Name, service}
	number, ok := ix.numbers[key]
	if !ok {
		if !source.Reads {
			s.retireSources(key)
		}
		number = ix.sourceCount
		ix.sourceCount++
		ix.numbers[key] = number
		ix.records = append(ix.records, appendSource(nil, source.Name, service, ix.now().UnixMilli()))
	}
	return Numbers{number, service}
}

// retireSources removes the sources of the same name that counted for other services and have no positions: the ids of
// their posts are no longer needed. Positions stay for the source that reads those files next. The caller holds the
// lock of the index.
func (s *Store) retireSources(key sourceKey) {
	s.saved.mu.RLock()
	defer s.saved.mu.RUnlock()
	for other, number := range s.index.numbers {
		if other.name == key.name && (number >= len(s.saved.sources) || len(s.saved.sources[number].files) == 0) {
			s.index.records = append(s.index.records, appendRemoveSource(nil, number))
			delete(s.index.numbers, other)
		}
	}
}

// register puts a registry in force for the services of the sources, with its tiers.
func (s *Store) register(c Config) {
	done := map[string]bool{}
	for _, source := range c.Sources {
		if done[source.Service] {
			continue
		}
		done[source.Service] = true
		s.index.mu.Lock()
		service := s.index.service(source.Service)
		s.index.mu.Unlock()
		s.index.register(service, c.Registered)
		s.index.joinAll(service, c.Tiers)
	}
}

// Thresholds are the latency thresholds in force.
func (s *Store) Thresholds() []uint64 {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.thresholds
}

// Slots returns the slots of a service for tenants without series and for requests without a tenant.
func (s *Store) Slots(service int) (other, unknown uint32) {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	t := s.index.services[service]
	return t.other, t.unknown
}

// Lookup finds the slot of a tenant.
func (s *Store) Lookup(service int, name []byte) (uint32, bool) { return s.index.lookup(service, name) }

// Admit finds a tenant's slot or gives it one if there is room.
func (s *Store) Admit(service int, name string) (uint32, bool) { return s.index.admit(service, name) }

// Missed records requests of tenants without a slot, so that the busiest can get one.
func (s *Store) Missed(service int, counts map[string]uint64) {
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	t := s.index.services[service]
	for name, n := range counts {
		if _, ok := t.slotOf(name); !ok {
			t.waiting.add(name, n)
		}
	}
}

// Epoch grows whenever a slot changes hands.
func (s *Store) Epoch() uint64 { return s.index.epoch.Load() }

// Revocations grows whenever a slot is taken away: whoever remembers slots must forget them then.
func (s *Store) Revocations() uint64 { return s.index.revocations.Load() }

// Encode encodes a batch as a record to commit.
func Encode(d *Batch) []byte { return appendBatch(make([]byte, 0, 256+128*len(d.Accumulators)), d) }

// Files returns the positions in a source's files.
func (s *Store) Files(source int) []File {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	if source >= len(st.sources) {
		return nil
	}
	var all []File
	for _, f := range st.sources[source].files {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b File) int { return int(int64(a.ID) - int64(b.ID)) })
	return all
}

// Seen reports whether a request of the source was counted before.
func (s *Store) Seen(source int, each func(seen func(id uint64) bool)) {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	if source >= len(st.sources) || st.sources[source].ids == nil {
		each(func(uint64) bool { return false })
		return
	}
	each(st.sources[source].ids.has)
}
