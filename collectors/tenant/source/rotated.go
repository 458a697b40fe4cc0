package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/ledger"
)

// maxTries is how often a rotated file is tried before its rest is given up.
const maxTries = 3

// rotated looks for files that rotation moved, copied or compressed, and reads what is missing of them.
func (s *Files) rotated(ctx context.Context, paths []string) {
	seen := map[string]bool{}
	for _, c := range s.candidates(paths) {
		seen[c] = true
		s.candidate(ctx, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	newest, all := s.newest, s.reads == 0
	for path, old := range s.old {
		if !seen[path] {
			delete(s.old, path)
			delete(s.failures, path)
			continue
		}
		all = all && old.judged
		newest = max(newest, old.modified)
	}
	if !all {
		return
	}
	if newest > s.newest {
		s.newest = newest
		record := s.judged()
		s.wg.Go(func() { _ = s.commit(ctx, record) }) // else they are judged again after the next start
	}
	s.forget(ctx)
}

// candidates lists what rotation may have made of files.
func (s *Files) candidates(paths []string) []string {
	var all []string
	followed := map[string]bool{}
	for _, path := range paths {
		followed[path] = true
	}
	for _, path := range paths {
		found, _ := filepath.Glob(strings.ReplaceAll(s.Rotated, "{file}", escapeGlob(path))) // the policy was checked
		for _, c := range found {
			if !followed[c] {
				followed[c] = true
				all = append(all, c)
			}
		}
	}
	return all
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// candidate judges one file that may be a rotated one, once, when it no longer changes.
func (s *Files) candidate(ctx context.Context, path string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	s.mu.Lock()
	old, ok := s.old[path]
	if !ok || old.size != info.Size() || old.modified != info.ModTime().UnixNano() {
		old = settling{info.Size(), info.ModTime().UnixNano(), time.Now(), false}
		s.old[path] = old
	}
	s.mu.Unlock()
	if old.judged || time.Since(old.since) < settleTime {
		return
	}
	begins, err := head(path)
	if err != nil || len(begins) == 0 {
		return // perhaps it is still being compressed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading(identify(info)) || s.beginsAsOne(begins) {
		return // what is read of it may not be saved yet; judge it when that is over
	}
	if at, ok := s.missing(path, info, begins); ok {
		s.pending += info.Size()
		s.reads++
		s.busy[at.ID] = true
		s.known[at.ID] = &at
		s.wg.Go(func() { s.read(ctx, path, info.Size(), at) })
	}
	old.judged = true
	s.old[path] = old
}

// missing decides whether anything of a rotated file was not counted. The caller holds the lock.
func (s *Files) missing(path string, info os.FileInfo, begins []byte) (ledger.File, bool) {
	var match *ledger.File
	for _, f := range s.known {
		if f.Offset == 0 || !matches(f, begins) {
			continue
		}
		if match == nil || f.Offset > match.Offset {
			match = f
		}
	}
	switch {
	case match != nil:
		if match.Done && compressed(path) || !compressed(path) && uint64(info.Size()) <= match.Offset {
			return ledger.File{}, false
		}
		at := *match
		at.Path, at.Modified = path, info.ModTime().UnixNano()
		mark(&at, begins)
		return at, true
	case info.ModTime().UnixNano() <= s.newest:
		return ledger.File{}, false // it was there before anything was counted
	}
	s.next++
	at := ledger.File{ID: s.next, Path: path, Modified: info.ModTime().UnixNano()}
	mark(&at, begins)
	return at, true
}

// read reads what is missing of a rotated file.
func (s *Files) read(ctx context.Context, path string, size int64, at ledger.File) {
	s.Logger.Info("Reading what is missing of a rotated log", "file", path, "offset", at.Offset)
	s.mu.Lock()
	last := s.failures[path] == maxTries-1
	s.mu.Unlock()
	err := archive(ctx, s.Config, path, at, &s.samples, last)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.Book.Files(s.Count.Number) {
		if f.ID == at.ID && f.ID != judgedID {
			s.known[f.ID] = &f
		}
	}
	delete(s.busy, at.ID)
	s.reads--
	s.pending -= size
	if err != nil && ctx.Err() == nil {
		s.Status.Errors.Add(1)
		s.failures[path]++
		s.Logger.Warn("Reading a rotated log failed", "file", path, "err", err, "tries", s.failures[path], "of", maxTries)
		if s.failures[path] < maxTries {
			delete(s.old, path)
		}
	}
}
