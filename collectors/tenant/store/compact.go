package store

import (
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// A snapshot that could not be written is tried again after a minute, and ever more seldom: encoding it keeps commits
// waiting, and a disk that is full stays so for a while.
const (
	compactRetry    = time.Minute
	compactRetryMax = 16 * time.Minute
)

// compactAbove is the size of the log from which a snapshot replaces it, beside twice the last snapshot's.
const compactAbove = 16 << 20

// anewRetry is how long a state that is gone from the disk, and cannot be saved anew, waits until that is tried again.
const anewRetry = 5 * time.Second

// compactIfDue replaces a long log by a snapshot. Only encoding it keeps commits waiting; it is written
// beside them.
func (s *Store) compactIfDue() {
	if s.log == nil || s.compact != nil || s.lost != nil || s.log.Size() < compactAbove+2*s.snapSize ||
		s.now().Before(s.retryAt) {
		return
	}
	segment, err := s.log.Rotate()
	if err != nil {
		s.logger.Warn("Beginning a new segment of the tenant log failed", "err", err)
		s.putOff()
		return
	}
	payload := s.saved.snapshot(segment)
	s.segment, s.snapSize = segment, int64(len(payload))
	s.compact = collectors.Async(func() error { return s.dir.Save(snapshotName, snapshotVersion, payload) })
}

func (s *Store) compacted(err error) {
	s.compact = nil
	if err == nil {
		err = s.log.Drop(s.segment)
	}
	if err != nil {
		s.logger.Warn("Compacting the tenant log failed", "err", err)
		s.putOff()
		return
	}
	s.retryIn = 0
}

func (s *Store) putOff() {
	s.retryIn = min(max(2*s.retryIn, compactRetry), compactRetryMax)
	s.retryAt = s.now().Add(s.retryIn)
}

// saveAnew saves all that is counted, because what was saved of it is gone. Until it succeeds every commit is refused.
func (s *Store) saveAnew() {
	s.anewAt = s.now().Add(anewRetry)
	if s.compact != nil {
		s.compacted(<-s.compact)
	}
	segment, err := s.log.Restart()
	if err == nil {
		payload := s.saved.snapshot(segment)
		s.snapSize = int64(len(payload))
		err = s.dir.Save(snapshotName, snapshotVersion, payload)
	}
	if err != nil {
		s.logger.Error("The tenant state that was removed cannot be saved anew; sources wait", "err", err)
		return
	}
	if err := s.log.Drop(segment); err != nil {
		s.logger.Warn("Segments of the tenant log that was removed are left", "err", err)
	}
	s.lost = nil
	s.logger.Info("The tenant state that was removed is saved anew")
}
