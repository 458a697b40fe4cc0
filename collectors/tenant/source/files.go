package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// maxFiles bounds the files that one glob follows.
const maxFiles = 10_000

// Files follows the files of a glob, and what rotation made of them.
type Files struct {
	*Config
	Pattern string
	Rotated string // glob with {file} for the name of each file
	FromEnd bool   // begin at the end of files that were never read

	listed   []candidate          // at the last scan
	orphans  []store.Position     // that may belong to its logs
	judgedBy map[int][]store.File // up to when their sources have judged rotated files

	mu sync.Mutex
	// up to when rotated files are judged of logs that others read before, where it is not newest
	floors  map[string]store.File
	known   map[uint64]*store.File // positions
	next    uint64
	tails   map[string]*tail // by path
	leaving []*tail
	old     map[string]settling // rotated files by path
	busy    map[uint64]bool     // positions being read
	kept    map[uint64]bool     // positions of which there are copies that are not followed
	samples Sampler
	wg      sync.WaitGroup
	// newest is the modification time up to which every rotated file was judged. An unknown file that is not younger
	// predates the exporter.
	newest  int64
	pending int64 // bytes of rotated files that wait
	reads   int   // of rotated files under way
}

// Run follows until ctx ends.
func (s *Files) Run(ctx context.Context) error {
	s.known, s.tails, s.old, s.busy = map[uint64]*store.File{}, map[string]*tail{}, map[string]settling{},
		map[uint64]bool{}
	s.kept = map[uint64]bool{}
	s.floors = map[string]store.File{}
	defer s.wg.Wait()
	if s.begin(ctx) != nil {
		return nil // it is ending
	}
	for first := true; ; first = false {
		s.scan(ctx, first)
		if err := sleep(ctx, pollEvery); err != nil {
			return nil
		}
	}
}

// start runs f beside the others; Run waits for it.
func (s *Files) start(f func()) {
	s.wg.Add(1)
	collectors.Async(func() error {
		defer s.wg.Done()
		err := collectors.Guard(func() error { f(); return nil })
		collectors.LogPanic(s.Logger, err)
		return err
	})
}

func (s *Files) scan(ctx context.Context, first bool) {
	paths := s.paths()
	found := map[string]bool{}
	up := true
	var lag int64
	for _, path := range paths {
		s.pause(PointListed, path)
		err := s.follow(ctx, path)
		if regularfile.Gone(path, err) {
			continue // rotation has taken it away since it was listed
		}
		found[path] = true
		if err != nil {
			if ctx.Err() != nil {
				return // a reload interrupted it
			}
			up = false
			if s.Status.Up.Load() || first {
				s.Logger.Warn("A log cannot be read", "file", path, "err", err)
			}
			s.Status.Errors.Add(1)
		}
	}
	s.mu.Lock()
	for path, t := range s.tails {
		if t.ended.Load() {
			delete(s.tails, path)
		} else if !found[path] {
			s.leave(path, t)
		}
	}
	s.leaving = slices.DeleteFunc(s.leaving, func(t *tail) bool { return t.ended.Load() })
	s.mu.Unlock()
	s.rotated(ctx, paths)
	s.mu.Lock()
	for _, t := range s.tails {
		lag += t.lag()
	}
	for _, t := range s.leaving {
		lag += t.lag()
	}
	lag += s.pending
	s.mu.Unlock()
	s.Status.Lag.Store(lag)
	if len(found) == 0 && (first || s.Status.Up.Load()) {
		s.Logger.Warn("No log is there yet", "file", s.Pattern)
	}
	s.Status.Up.Store(up && len(found) > 0)
}

// paths lists the files to follow. A compressed file is one that was rotated.
func (s *Files) paths() []string {
	paths, err := filepath.Glob(s.Pattern)
	if err != nil {
		return nil // the policy was checked
	}
	paths = slices.DeleteFunc(paths, compressed)
	return paths[:min(len(paths), maxFiles)]
}

// follow makes sure that a tail reads the file that a path leads to now.
func (s *Files) follow(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	t := s.tails[path]
	if t != nil && t.id == identify(info) && !t.ended.Load() {
		s.mu.Unlock()
		return nil
	}
	if t != nil {
		s.leave(path, t)
	}
	s.mu.Unlock()
	f, err := regularfile.Open(ctx, path)
	if errors.Is(err, regularfile.ErrNotRegular) {
		err = fmt.Errorf("%w; use stdin for a pipe", err)
	}
	if err != nil {
		return err
	}
	if info, err = f.Stat(); err != nil {
		return errors.Join(err, f.Close())
	}
	id := identify(info)
	l, _, err := same(f, &store.File{})
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if len(s.orphans) > 0 && len(l.begins) > 0 && !s.knows(l.begins) {
		if err := s.takeOverLate(ctx, path); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	not, err := s.others(f, l)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.pause(PointFollowed, path)
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.position(path, id, l, not)
	if !ok {
		return f.Close() // a glob that covers rotated files too; look again when the reading is done
	}
	t, err = newTail(s, f, at, l.begins, not)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	t.id = id
	if at.Offset > 0 {
		t.known = store.Encode(&store.Batch{Source: s.Count.Number, Files: []store.File{at}})
	}
	s.tails[path], s.busy[at.ID] = t, true
	s.start(func() { s.ended(ctx, t, collectors.Guard(func() error { return t.run(ctx) })) })
	return nil
}

// reading reports whether a tail reads the file. The caller holds the lock.
func (s *Files) reading(id identity) bool {
	is := func(t *tail) bool { return t.id == id && !t.ended.Load() }
	for _, t := range s.tails {
		if is(t) {
			return true
		}
	}
	return slices.ContainsFunc(s.leaving, is)
}

// leave lets a tail go whose file is no longer where it was. The caller holds the lock.
func (s *Files) leave(path string, t *tail) {
	delete(s.tails, path)
	if !t.ended.Load() {
		t.leaving.Store(true)
		s.leaving = append(s.leaving, t)
	}
}
