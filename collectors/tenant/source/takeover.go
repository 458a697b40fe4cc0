package source

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// Following is which logs the sources of one policy follow, by the number of the source: a glob, or the name of a
// stream. Other policies may already be in force while a source still reads for this one; what counts is who reads at
// the same time.
type Following map[int]string

// follows reports whether a source of the policy follows a log.
func (f Following) follows(source int, log string) bool {
	pattern, ok := f[source]
	if !ok {
		return false
	}
	is, _ := filepath.Match(pattern, log) // the policy was checked
	return is
}

// orphans are the positions in files that no source of this policy reads: the source that did is not in it any more,
// has another name or counts for another service, or follows other logs. They do not change while this policy is read.
func (s *Files) findOrphans() {
	s.orphans, s.judgedBy = nil, map[int][]store.File{}
	for _, p := range s.Store.Positions(s.Count.Number) {
		switch {
		case p.File.Stream:
		case p.File.ID == judgedID || p.File.Judged:
			s.judgedBy[p.Source] = append(s.judgedBy[p.Source], p.File)
		case p.File.Offset > 0 && !s.Following.follows(p.Source, p.File.Path):
			s.orphans = append(s.orphans, p)
		}
	}
}

// judgedUpTo is up to when a source has judged the rotated files of a log.
func judgedUpTo(all []store.File, log string) (newest int64) {
	for _, f := range all {
		if f.Judged && f.Path == log {
			return f.Modified
		}
		if f.ID == judgedID {
			newest = f.Modified
		}
	}
	return newest
}

// predecessors are the positions of earlier sources at which a source continues.
type predecessors struct {
	taken  []store.Taken
	judged map[string]int64 // by log, up to when who read it before has judged its rotated files
}

// predecessorsOf finds the orphans that belong to logs: they were in the same place, or begin as a log or what rotation
// made of it.
func (s *Files) predecessorsOf(ctx context.Context, logs []string) predecessors {
	h := predecessors{judged: map[string]int64{}}
	for _, log := range logs {
		if len(s.orphans) == 0 {
			break
		}
		var begin [][]byte
		for _, c := range append(s.candidates([]string{log}), candidate{log, log}) {
			s.pause(PointListed, c.path)
			if begins, err := head(ctx, c.path); err == nil {
				begin = append(begin, begins)
			}
		}
		s.orphans = slices.DeleteFunc(s.orphans, func(o store.Position) bool {
			f := o.File
			if f.Path != log && !slices.ContainsFunc(begin, func(begins []byte) bool { return matches(&f, begins) }) {
				return false
			}
			h.judged[log] = max(h.judged[log], judgedUpTo(s.judgedBy[o.Source], log))
			f.Path = log
			h.taken = append(h.taken, store.Taken{Source: o.Source, ID: o.File.ID, As: f})
			return true
		})
	}
	return h
}

// markers note up to when the rotated files of logs are judged, where that differs from the others of this source. The
// caller holds the lock.
func (s *Files) markers(h predecessors) (all []store.File) {
	for log, newest := range h.judged {
		if _, ok := s.floors[log]; ok || newest != s.newest {
			all = append(all, s.floor(log, newest))
		}
	}
	return all
}

// floor changes up to when the rotated files of a log are judged. The caller holds the lock.
func (s *Files) floor(log string, newest int64) store.File {
	f, ok := s.floors[log]
	if !ok {
		s.next++
		f = store.File{ID: s.next, Path: log, Judged: true}
	}
	f.Modified = newest
	s.floors[log] = f
	return f
}

// leftBehind notes up to when the rotated files are judged of logs that the source read and does not read any more, so
// that it is known if it, or another, reads them again.
func (s *Files) leftBehind() (all []store.File) {
	for _, f := range s.known {
		if is, _ := filepath.Match(s.Pattern, f.Path); is {
			continue
		}
		if _, ok := s.floors[f.Path]; !ok {
			all = append(all, s.floor(f.Path, s.newest))
		}
	}
	return all
}

// takeOver saves the positions at which a source continues, and positions of its own beside it.
func (s *Files) takeOver(ctx context.Context, h predecessors, own []store.File) error {
	s.mu.Lock()
	for i := range h.taken {
		s.next++
		h.taken[i].As.ID = s.next
	}
	markers := s.markers(h)
	s.mu.Unlock()
	if len(h.taken) > 0 {
		s.Logger.Info("Going on at the positions of sources that do not read these logs any more", "positions", len(h.taken))
	}
	if err := s.Commit(ctx, store.EncodeTake(s.Count.Number, append(own, markers...), h.taken)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range h.taken {
		s.known[t.As.ID] = &t.As
	}
	return nil
}

// takeOverLate takes over the positions in a log that could not be found when the policy came into force: it, or what
// rotation made of it, was not there or not readable.
func (s *Files) takeOverLate(ctx context.Context, log string) error {
	if len(s.orphans) == 0 {
		return nil
	}
	h := s.predecessorsOf(ctx, []string{log})
	if len(h.taken) == 0 {
		return nil
	}
	return s.takeOver(ctx, h, nil)
}

// judgedOf is up to when the rotated files of a log are judged. The caller holds the lock.
func (s *Files) judgedOf(log string) int64 {
	if f, ok := s.floors[log]; ok {
		return f.Modified
	}
	return s.newest
}
