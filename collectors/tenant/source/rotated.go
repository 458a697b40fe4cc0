package source

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// maxTries is how often a rotated file is tried before its rest is given up.
const maxTries = 3

// rotated looks for files that rotation moved, copied or compressed, and reads what is missing of them.
func (s *Files) rotated(ctx context.Context, paths []string) {
	seen := map[string]bool{}
	listed := s.candidates(s.logs(paths))
	for _, c := range listed {
		seen[c.path] = true
		s.classify(ctx, c)
	}
	// One that was renamed or compressed while they were listed may be missing: only what is the same twice is all.
	same := slices.Equal(listed, s.listed)
	s.listed = listed
	s.mu.Lock()
	defer s.mu.Unlock()
	now, newest, ahead, all := time.Now().UnixNano(), int64(0), false, same && s.reads == 0
	for path := range seen {
		_, looked := s.old[path]
		all = all && looked
	}
	for path, old := range s.old {
		if !seen[path] {
			delete(s.old, path)
			continue
		}
		all = all && old.judged
		if old.modified > now {
			ahead = true // it has a position, and what its time says is no bound for others
		} else {
			newest = max(newest, old.modified)
		}
	}
	if !all {
		return
	}
	// One that an earlier version raised beyond now hid every file since; it is given up when the file that raised it is
	// gone.
	stuck := s.newest > now && !ahead
	if stuck && newest == 0 {
		newest = now
	}
	if newest > s.newest || stuck {
		s.newest = newest
		record := store.Encode(&store.Batch{Source: s.Count.Number, Files: s.judged()})
		s.start(func() { _ = s.Commit(ctx, record) }) // else they are judged again after the next start
	}
	s.forget(ctx)
}

// logs adds to the logs that there are those that were read and are not there now: rotation may just have moved them.
func (s *Files) logs(paths []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(paths)
	if !strings.ContainsAny(s.Pattern, `*?[\`) {
		all = append(all, s.Pattern)
	}
	for _, f := range s.known {
		if is, _ := filepath.Match(s.Pattern, f.Path); is {
			all = append(all, f.Path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// candidate is a file that rotation may have made of a log.
type candidate struct{ path, log string }

// candidates lists what rotation may have made of logs.
func (s *Files) candidates(logs []string) []candidate {
	var all []candidate
	followed := map[string]bool{}
	for _, path := range logs {
		followed[path] = true
	}
	for _, log := range logs {
		found, _ := filepath.Glob(strings.ReplaceAll(s.Rotated, "{file}", escapeGlob(log))) // the policy was checked
		for _, path := range found {
			if !followed[path] {
				followed[path] = true
				all = append(all, candidate{path, log})
			}
		}
	}
	return all
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// settling is a rotated file as it was when last seen.
type settling struct {
	id             identity
	size, modified int64
	since          time.Time
	judged         bool
	failures       int             // of reading it
	part           bool            // all but a last line without an end was read
	not            map[uint64]bool // positions whose file begins alike and is another
}

func (s *settling) isLike(info os.FileInfo) bool {
	return s.id == identify(info) && s.size == info.Size() && s.modified == info.ModTime().UnixNano()
}

// settle returns what is known of a rotated file since it has not changed, and whether it is time to judge it.
func (s *Files) settle(path string, info os.FileInfo) (settling, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.old[path]
	if !ok || !old.isLike(info) {
		old = settling{
			id: identify(info), size: info.Size(), modified: info.ModTime().UnixNano(), since: time.Now(),
			not: map[uint64]bool{},
		}
		s.old[path] = old
	}
	wait := settleTime
	if old.part {
		wait = drainTime
	}
	return old, !old.judged && time.Since(old.since) >= wait
}

// classify decides about a file that may be a rotated one, once, when it no longer changes.
func (s *Files) classify(ctx context.Context, c candidate) {
	path := c.path
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	old, ok := s.settle(path, info)
	if !ok {
		return
	}
	s.pause(PointSettled, path)
	f, err := regularfile.Open(ctx, path)
	if err != nil {
		return
	}
	defer f.Close()
	packing, err := compressionOf(f, path)
	if err != nil {
		return
	}
	begins, err := headOf(f, packing)
	if err != nil { // perhaps it is still being compressed
		s.mu.Lock()
		defer s.mu.Unlock()
		if errors.Is(err, errUnsupported) {
			s.refuse(c, old, err)
			return
		}
		s.failed(path, old, err)
		return
	}
	l, not := look{begins, math.MaxInt64, packing != nil}, old.not
	if !l.packed {
		l.size = info.Size()
		if not, err = s.others(f, l); err != nil {
			return
		}
	}
	if len(s.orphans) > 0 && !s.knows(begins) {
		if err := s.takeOverLate(ctx, c.log); err != nil {
			return
		}
	}
	// What was read of it is of the file that has stood still, and that is how long it was.
	if info, err = f.Stat(); err != nil || !old.isLike(info) {
		return
	}
	s.pause(PointIdentified, path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.old[path]; !now.since.Equal(old.since) || s.reading(old.id) || s.beginsAsOne(begins, not) ||
		s.copying(begins, nil) {
		return // what is read of it may not be saved yet; judge it when that is over
	}
	at, ok := s.missing(c, &old, l, not)
	if at.Offset == 0 && ok && l.size < headSize && time.Since(old.since) < drainTime {
		return // it may be the beginning of a copy that is just being made
	}
	old.judged = true
	s.old[path] = old
	if ok {
		s.pending += old.size
		s.reads++
		s.busy[at.ID] = true
		s.known[at.ID] = &at
		s.start(func() { s.read(ctx, path, old, at) })
	}
}

// knows reports whether a position is that of a file that begins so.
func (s *Files) knows(begins []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.known {
		if matches(f, begins) {
			return true
		}
	}
	return false
}

// beginsAsOne reports whether a file begins as one that is being read: it is a copy. The caller holds the lock.
func (s *Files) beginsAsOne(begins []byte, not map[uint64]bool) bool {
	for id := range s.busy {
		if f := s.known[id]; f != nil && !not[id] && matches(f, begins) {
			return true
		}
	}
	return false
}

// missing decides whether anything of a rotated file was not counted. The caller holds the lock.
func (s *Files) missing(c candidate, old *settling, l look, not map[uint64]bool) (store.File, bool) {
	var match *store.File
	for _, f := range s.known {
		if f.Offset == 0 || not[f.ID] || !matches(f, l.begins) {
			continue
		}
		if match == nil || f.Offset > match.Offset {
			match = f
		}
	}
	switch {
	case len(l.begins) == 0:
		return store.File{}, false
	case match != nil:
		if l.packed && match.Done && match.Modified == old.modified || !l.packed && uint64(l.size) <= match.Offset {
			return store.File{}, false
		}
		at := *match
		at.Path, at.Modified = c.log, old.modified
		addHead(&at, l.begins)
		return at, true
	case old.modified <= s.judgedOf(c.log):
		return store.File{}, false // it was there before anything was counted
	}
	s.next++
	at := store.File{ID: s.next, Path: c.log, Modified: old.modified}
	addHead(&at, l.begins)
	return at, true
}

// read reads what is missing of a rotated file.
func (s *Files) read(ctx context.Context, path string, old settling, at store.File) {
	s.pause(PointJudged, path)
	s.Logger.Info("Reading what is missing of a rotated log", "file", path, "offset", at.Offset)
	a := &archive{
		Config: s.Config, samples: &s.samples, path: path, was: old, at: at, last: old.failures == maxTries-1,
		whole: old.part,
	}
	err := collectors.Guard(func() error { return a.run(ctx) })
	collectors.LogPanic(s.Logger, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, at.ID) // unless anything of it was saved, now or before
	for _, f := range s.Store.Files(s.Count.Number) {
		if f.ID == at.ID && f.ID != judgedID {
			s.known[f.ID] = &f
		}
	}
	delete(s.busy, at.ID)
	s.reads--
	s.pending -= old.size
	switch {
	case err == nil && a.part:
		old.part = true // until it has stood still for longer
	case err == nil:
		return
	case ctx.Err() != nil: // what was not saved is missing still
	case errors.Is(err, regularfile.ErrChanged): // it is judged as what it is now
	case errors.Is(err, errOther):
		old.not[at.ID] = true
	default:
		s.failed(path, old, err)
		return
	}
	s.judgeAgain(path, old)
}

// refuse gives up a rotated file that cannot be read, and reports that unless nothing of it can be missing: it was
// there before anything was counted, or a log that was last modified then was read to its end. The caller holds the
// lock.
func (s *Files) refuse(c candidate, old settling, err error) {
	needless := old.modified <= s.judgedOf(c.log)
	for _, f := range s.known {
		needless = needless || f.Path == c.log && f.Done && f.Modified == old.modified
	}
	if old.failures = maxTries - 1; !needless {
		s.failed(c.path, old, err)
		return
	}
	now := old
	now.judged = true
	s.replace(c.path, old, now)
}

// failed tries a rotated file again, a few times. The caller holds the lock.
func (s *Files) failed(path string, old settling, err error) {
	s.Status.Errors.Add(1)
	old.failures++
	s.Logger.Warn("Reading a rotated log failed", "file", path, "err", err, "tries", old.failures, "of", maxTries)
	if old.failures < maxTries {
		s.judgeAgain(path, old)
		return
	}
	old.judged = true
	s.replace(path, old, old)
}

// judgeAgain judges a rotated file once more when it has stood still. The caller holds the lock.
func (s *Files) judgeAgain(path string, old settling) {
	now := old
	now.judged, now.since = false, time.Now()
	s.replace(path, old, now)
}

// replace changes what is known of a rotated file, unless the file has changed since. The caller holds the lock.
func (s *Files) replace(path string, old, now settling) {
	if is, ok := s.old[path]; ok && is.since.Equal(old.since) {
		s.old[path] = now
	}
}
