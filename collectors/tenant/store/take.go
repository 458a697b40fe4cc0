package store

import (
	"encoding/binary"
	"slices"
)

// Position is the position of a source in one of its files.
type Position struct {
	Source int
	File   File
}

// Taken is a position of a source at which another one continues.
type Taken struct {
	Source int
	ID     uint64
	As     File
}

// Positions returns all positions but those of one source, in the order of their sources and IDs.
func (s *Store) Positions(except int) []Position {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	var all []Position
	for number, s := range st.sources {
		if number == except {
			continue
		}
		first := len(all)
		for _, f := range s.files {
			all = append(all, Position{number, f})
		}
		slices.SortFunc(all[first:], func(a, b Position) int { return int(int64(a.File.ID) - int64(b.File.ID)) })
	}
	return all
}

// EncodeTake encodes a record that moves positions of other sources to a source and adds positions of its own. It is
// one record, so that at no time two sources have a position, or none.
func EncodeTake(source int, own []File, taken []Taken) []byte {
	u := binary.AppendUvarint
	b := u([]byte{recordTake}, uint64(source))
	b = u(b, uint64(len(own)))
	for i := range own {
		b = appendFile(b, &own[i])
	}
	b = u(b, uint64(len(taken)))
	for i := range taken {
		t := &taken[i]
		b = appendFile(u(u(b, uint64(t.Source)), t.ID), &t.As)
	}
	return b
}

func (st *State) applyTake(r *reader) error {
	number := r.uint()
	if number >= uint64(len(st.sources)) || st.sources[number].removed {
		return errRecord
	}
	to := st.sources[number]
	for n := r.count(9); n > 0; n-- {
		to.keep(r.file())
	}
	for n := r.count(11); n > 0; n-- {
		source, id, as := r.uint(), r.uint(), r.file()
		if source >= uint64(len(st.sources)) {
			return errRecord
		}
		if _, ok := st.sources[source].files[id]; ok {
			delete(st.sources[source].files, id)
			to.keep(as)
		}
	}
	return nil
}

// keep saves a position, or removes it.
func (s *source) keep(f File) {
	if f.Gone {
		delete(s.files, f.ID)
		return
	}
	s.files[f.ID] = f
}

// applyInherit reads a record of older versions, which gave a source the positions of another, with the same effect as
// if they had been taken. One that names a source twice said that others have its positions.
func (st *State) applyInherit(r *reader) error {
	number, successor := r.uint(), r.uint()
	if n := uint64(len(st.sources)); number >= n || successor >= n {
		return errRecord
	}
	s := st.sources[number]
	if s.removed || st.sources[successor].removed {
		return nil
	}
	if number != successor {
		st.sources[successor].files = s.files
	}
	s.files = map[uint64]File{}
	return nil
}
