package source

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// maxRemembered bounds the finished files that are recognised when they turn up again.
const maxRemembered = 64

// judgedID is the position that holds no file but up to when rotated files were judged.
const judgedID = 0

func (s *Files) judgedFile() ledger.File {
	return ledger.File{ID: judgedID, Path: s.Rotated, Modified: s.newest}
}

func (s *Files) judged(more ...ledger.File) []byte {
	return ledger.Encode(&ledger.Delta{Source: s.Count.Number, Files: append([]ledger.File{s.judgedFile()}, more...)})
}

// load reads the saved positions and reports whether there are any.
func (s *Files) load() bool {
	all := s.Book.Files(s.Count.Number)
	for _, f := range all {
		if f.ID == judgedID {
			s.newest = f.Modified
			continue
		}
		s.known[f.ID] = &f
		s.next = max(s.next, f.ID)
	}
	return len(all) > 0
}

// inherit goes on where a source left off that had another name, format or service, if it read one of the files, or one
// of what rotation made of them.
func (s *Files) inherit(ctx context.Context) error {
	var all [][]byte
	for _, path := range slices.Concat(s.paths(), s.candidates(s.paths())) {
		if begins, err := head(path); err == nil {
			all = append(all, begins)
		}
	}
	record := s.Book.Heir(s.Count.Number, func(positions []ledger.File) (read uint64) {
		for _, p := range positions {
			if slices.ContainsFunc(all, func(begins []byte) bool { return matches(&p, begins) }) {
				read += p.Offset
			}
		}
		return read
	})
	if record == nil {
		return nil
	}
	s.Logger.Info("Going on at the positions of a source that is no more in the policy")
	return s.commit(ctx, record)
}

// begin notes where a source begins that was never read: nowhere yet, or at the ends of what is there. It is one
// record, for after the next start the source is no longer new.
func (s *Files) begin(ctx context.Context) error {
	s.newest = s.baseline()
	var ends []ledger.File
	if s.FromEnd || s.Book.Lost(s.Count.Number) {
		for _, path := range s.paths() {
			if at, ok := s.end(path); ok {
				ends = append(ends, at)
			}
		}
	}
	return s.commit(ctx, s.judged(ends...))
}

// end is the position behind all that a file holds; there is none in an empty one.
func (s *Files) end(path string) (ledger.File, bool) {
	f, err := regularfile.Open(context.Background(), path)
	if err != nil {
		return ledger.File{}, false // it will be told of
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return ledger.File{}, false
	}
	begins, err := headOf(f, path)
	if err != nil {
		return ledger.File{}, false
	}
	s.next++
	id := identify(info)
	at := ledger.File{ID: s.next, Path: path, Device: id.device, Inode: id.inode, Offset: uint64(info.Size())}
	mark(&at, begins[:min(len(begins), int(info.Size()))])
	s.known[at.ID] = &at
	return at, true
}

// baseline is the modification time of the newest rotated file there is: what rotation left before the first
// start is nobody's business.
func (s *Files) baseline() int64 {
	var newest int64
	for _, c := range s.candidates(s.paths()) {
		if info, err := os.Stat(c); err == nil {
			newest = max(newest, info.ModTime().UnixNano())
		}
	}
	return newest
}

// beginsAsOne reports whether a file begins as one that is being read: it is a copy. The caller holds the lock.
func (s *Files) beginsAsOne(begins []byte) bool {
	for id := range s.busy {
		if f := s.known[id]; f != nil && matches(f, begins) {
			return true
		}
	}
	return false
}

// position finds how far a file was read before, or gives it a new position. The caller holds the lock.
func (s *Files) position(path string, id identity, size int64, begins []byte) ledger.File {
	var best *ledger.File
	for _, f := range s.known {
		if s.busy[f.ID] || f.Offset == 0 || !matches(f, begins) || uint64(size) < f.Offset {
			continue
		}
		if best == nil || (f.Inode == id.inode && f.Device == id.device) || best.Inode != id.inode && f.Offset > best.Offset {
			best = f
		}
	}
	if best != nil {
		at := *best
		at.Path, at.Device, at.Inode, at.Done = path, id.device, id.inode, false
		return at
	}
	s.next++
	at := ledger.File{ID: s.next, Path: path, Device: id.device, Inode: id.inode}
	s.known[at.ID] = &at
	return at
}

// truncated keeps the position in what a file held before it was cut off: a copy of it may have more, and
// must not be counted again. It is called by the tail's goroutine.
func (s *Files) truncated(t *tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := t.at
	s.known[old.ID] = &old
	delete(s.busy, old.ID)
	s.next++
	t.at = ledger.File{ID: s.next, Path: old.Path, Device: old.Device, Inode: old.Inode}
	s.busy[t.at.ID] = true
	clear(s.old) // judge again what lies there
}

// moved takes note of where a tail is now: what begins like its file is a copy.
func (s *Files) moved(at ledger.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[at.ID] = &at
}

// ended takes note of how far a file was read.
func (s *Files) ended(ctx context.Context, t *tail, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, ledger.ErrStopped) {
		s.Status.Errors.Add(1)
		if !errors.Is(err, fs.ErrNotExist) {
			s.Logger.Warn("Reading a log failed; trying again", "file", t.at.Path, "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := t.at
	s.known[at.ID] = &at
	delete(s.busy, at.ID)
}

// forget drops the positions of the oldest files that are done. The caller holds the lock, and has judged every
// rotated file there is: while one is open, nothing may move the time up to which they are judged.
func (s *Files) forget(ctx context.Context) {
	var done []uint64
	for id, f := range s.known {
		if f.Done && !s.busy[id] {
			done = append(done, id)
		}
	}
	if len(done) <= maxRemembered {
		return
	}
	slices.Sort(done)
	var gone []ledger.File
	for _, id := range done[:len(done)-maxRemembered] {
		gone = append(gone, ledger.File{ID: id, Gone: true})
		delete(s.known, id)
	}
	gone = append(gone, s.judgedFile())
	record := ledger.Encode(&ledger.Delta{Source: s.Count.Number, Files: gone})
	s.wg.Go(func() { _ = s.commit(ctx, record) }) // else they are dropped after the next start
}
