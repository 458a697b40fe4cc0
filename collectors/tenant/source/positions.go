package source

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// maxRemembered bounds the finished files that are recognised when they turn up again.
const maxRemembered = 64

// judgedID is the position that holds no file but up to when rotated files were judged.
const judgedID = 0

func (s *Files) judgedFile() store.File {
	return store.File{ID: judgedID, Path: s.Rotated, Modified: s.newest}
}

// judged is up to when the rotated files of all logs are judged, now that all of them are. The caller holds the lock.
func (s *Files) judged() []store.File {
	all := []store.File{s.judgedFile()}
	for log, f := range s.floors {
		if is, _ := filepath.Match(s.Pattern, log); is && s.judgedOf(log) > s.newest || !is && s.hasRead(log) {
			continue
		}
		all = append(all, store.File{ID: f.ID, Gone: true})
		delete(s.floors, log)
	}
	return all
}

// hasRead reports whether there is a position in a log. The caller holds the lock.
func (s *Files) hasRead(log string) bool {
	for _, f := range s.known {
		if f.Path == log {
			return true
		}
	}
	return false
}

// others returns the positions whose file begins as an open one but is another.
func (s *Files) others(f *os.File, l look) (map[uint64]bool, error) {
	type alike struct {
		at store.File
		t  *tail // nil if none reads it
	}
	var all []alike
	s.mu.Lock()
	for _, k := range s.known {
		if matches(k, l.begins) {
			all = append(all, alike{*k, s.tailAt(k.ID)})
		}
	}
	s.mu.Unlock()
	not := map[uint64]bool{}
	for i := range all {
		at, is := &all[i].at, true
		var err error
		var e ending
		switch {
		case at.Offset <= uint64(l.size):
			is, err = e.read(f, at)
		case all[i].t != nil:
			is, err = begun(f, l.size, all[i].t.file, at)
		}
		if err != nil {
			return nil, err
		}
		not[at.ID] = !is
	}
	return not, nil
}

// begun reports whether a file is what a longer one begins with that is read up to a position. So it is if that cannot
// be known.
func begun(f *os.File, size int64, longer *os.File, at *store.File) (bool, error) {
	mine, other := make([]byte, min(endSize, size)), make([]byte, min(endSize, size))
	if n, err := f.ReadAt(mine, size-int64(len(mine))); n < len(mine) {
		return true, err
	}
	if n, _ := longer.ReadAt(other, size-int64(len(other))); n < len(other) || bytes.Equal(mine, other) {
		return true, nil
	}
	_, still, err := same(longer, at) // else it was truncated, and what lies there now says nothing
	return err != nil || !still, nil
}

// tailAt is the tail that reads at a position, nil if none does. The caller holds the lock.
func (s *Files) tailAt(id uint64) *tail {
	is := func(t *tail) bool { return t.number == id }
	for _, t := range s.tails {
		if is(t) {
			return t
		}
	}
	if i := slices.IndexFunc(s.leaving, is); i >= 0 {
		return s.leaving[i]
	}
	return nil
}

// copying reports whether a file of which there is too little to know it begins as one that is being followed: it is
// perhaps just being copied. The caller holds the lock.
func (s *Files) copying(begins []byte, own *tail) bool {
	is := func(t *tail) bool {
		return t != own && len(t.begins) > len(begins) && bytes.HasPrefix(t.begins, begins) && !t.ended.Load()
	}
	if len(begins) == 0 || len(begins) >= headSize {
		return false
	}
	for _, t := range s.tails {
		if is(t) {
			return true
		}
	}
	return slices.ContainsFunc(s.leaving, is)
}

// find looks for the position of a file. wait is true if it cannot be known yet, because it begins as a file that is
// just being read, or if nothing of it is missing. The caller holds the lock.
func (s *Files) find(id identity, l look, not map[uint64]bool) (best *store.File, wait bool) {
	for _, f := range s.known {
		if not[f.ID] || !matches(f, l.begins) {
			continue
		}
		if s.busy[f.ID] {
			return nil, true
		}
		switch {
		case f.Offset == 0:
		case uint64(l.size) < f.Offset:
			// A copy that was made before the last lines of a log that was then truncated. One that is in the same place is
			// what grew there since.
			if identityOf(f) != id && s.superseded(f) {
				wait, s.kept[f.ID] = true, true
			}
		case best == nil || nearer(f, best, id):
			best = f
		}
	}
	return best, wait && best == nil
}

func identityOf(f *store.File) identity { return identity{f.Device, f.Inode} }

// nearer reports whether position a is a better guess than b. In the same place the youngest is: others are of what was
// there before it was truncated. Elsewhere it is the one that was read furthest.
func nearer(a, b *store.File, id identity) bool {
	here, there := identityOf(a) == id, identityOf(b) == id
	switch {
	case here != there:
		return here
	case here || a.Offset == b.Offset:
		return a.ID > b.ID
	}
	return a.Offset > b.Offset
}

// superseded reports whether a log was truncated since a position was reached in it. The caller holds the lock.
func (s *Files) superseded(f *store.File) bool {
	for _, k := range s.known {
		if k.ID > f.ID && identityOf(k) == identityOf(f) && f.Inode != 0 {
			return true
		}
	}
	return false
}

// position finds how far a file was read before, or gives it a new position; false if it is not to be followed now. The
// caller holds the lock.
func (s *Files) position(path string, id identity, l look, not map[uint64]bool) (store.File, bool) {
	if s.reading(id) || s.copying(l.begins, nil) {
		return store.File{}, false
	}
	best, wait := s.find(id, l, not)
	if wait {
		return store.File{}, false
	}
	if best != nil {
		at := *best
		at.Path, at.Device, at.Inode, at.Done = path, id.device, id.inode, false
		return at, true
	}
	s.next++
	at := store.File{ID: s.next, Path: path, Device: id.device, Inode: id.inode}
	s.known[at.ID] = &at
	return at, true
}

// claim notes how the file of a tail begins, before anything of it is saved. It returns false if nothing of it was
// saved yet and the file is a copy of another after all, which it was too short to show.
func (s *Files) claim(at store.File, l look, t *tail) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Offset == 0 {
		delete(s.known, at.ID) // it is not a copy of itself
		if best, wait := s.find(t.id, l, t.not); best != nil || wait || s.copying(l.begins, t) {
			return false
		}
	}
	s.known[at.ID] = &at
	t.begins = l.begins
	return true
}

// truncated keeps the position in what a file held before it was cut off: a copy of it may have more, and
// must not be counted again. It is called by the tail's goroutine.
func (s *Files) truncated(t *tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := t.at
	delete(s.busy, old.ID)
	if s.known[old.ID] = &old; old.Offset == 0 {
		delete(s.known, old.ID)
	}
	s.next++
	t.at = store.File{ID: s.next, Path: old.Path, Device: old.Device, Inode: old.Inode}
	s.known[t.at.ID], s.busy[t.at.ID] = &store.File{ID: t.at.ID, Path: old.Path, Device: old.Device, Inode: old.Inode},
		true
	t.number, t.begins = t.at.ID, nil
	clear(s.old) // judge again what lies there
}

// moved takes note of where a tail is now: what begins like its file is a copy.
func (s *Files) moved(at store.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[at.ID] = &at
}

// ended takes note of how far a file was read.
func (s *Files) ended(ctx context.Context, t *tail, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrStopped) && !errors.Is(err, errTaken) {
		s.Status.Errors.Add(1)
		collectors.LogPanic(s.Logger, err)
		if !errors.Is(err, fs.ErrNotExist) {
			s.Logger.Warn("Reading a log failed; trying again", "file", t.at.Path, "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := t.at
	if s.known[at.ID] = &at; at.Offset == 0 {
		delete(s.known, at.ID)
	}
	delete(s.busy, at.ID)
}

// forget drops the positions of the oldest files that are done, or that were truncated since. The caller holds the
// lock, and has judged every rotated file there is: while one is open, nothing may move the time up to which they are
// judged.
func (s *Files) forget(ctx context.Context) {
	var done []uint64
	now := time.Now().UnixNano()
	for id, f := range s.known {
		if f.Modified > now && len(s.known) <= maxFiles {
			continue // without it the file would be read again after the next start
		}
		if !s.busy[id] && !s.kept[id] && (f.Done || s.superseded(f)) {
			done = append(done, id)
		}
	}
	if len(done) <= maxRemembered {
		return
	}
	slices.Sort(done)
	var gone []store.File
	for _, id := range done[:len(done)-maxRemembered] {
		gone = append(gone, store.File{ID: id, Gone: true})
		delete(s.known, id)
	}
	gone = append(gone, s.judged()...)
	record := store.Encode(&store.Batch{Source: s.Count.Number, Files: gone})
	s.start(func() { _ = s.Commit(ctx, record) }) // else they are dropped after the next start
}
