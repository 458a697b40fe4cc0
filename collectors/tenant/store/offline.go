package store

import (
	"maps"
	"slices"
	"strings"
)

// What a command changes in a saved state while no exporter runs with it.

// SourceState is a source as it is saved, with its positions.
type SourceState struct {
	Number        int
	Name, Service string
	Files         []File // in the order of their paths
}

// Sources returns the sources of the saved state that have positions.
func (s *Store) Sources() []SourceState {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	var all []SourceState
	for number, source := range st.sources {
		if len(source.files) == 0 {
			continue
		}
		one := SourceState{Number: number, Name: source.name, Service: st.services[source.service].name}
		for _, f := range source.files {
			one.Files = append(one.Files, f)
		}
		slices.SortFunc(one.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
		all = append(all, one)
	}
	return all
}

// IDs returns the ids of a source's requests and messages by which copies are known, the older ones first. Among those
// of one age they are sorted, so that one state is always exported alike.
func (s *Store) IDs(source int) []uint64 {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	if source >= len(st.sources) || st.sources[source].ids == nil {
		return nil
	}
	ids := st.sources[source].ids
	return append(slices.Sorted(maps.Keys(ids.previous)), slices.Sorted(maps.Keys(ids.current))...)
}

// Add returns the number of a source with positions, which is made if need be. It is saved with the next record.
func (s *Store) Add(name, service string) int {
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	return s.add(SourceConfig{Name: name, Service: service, Reads: true}).Source
}

// Save saves records of a store that does not run, all of them or none, and applies them.
func (s *Store) Save(records ...[]byte) error {
	var group []*request
	for _, record := range records {
		group = append(group, newRequest(record))
	}
	s.commit(group)
	for _, r := range group {
		if err := <-r.done; err != nil {
			return err
		}
	}
	return nil
}
