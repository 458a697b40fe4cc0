package ledger

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
func (b *Book) compactIfDue() {
	if b.log == nil || b.compact != nil || b.lost != nil || b.log.Size() < compactAbove+2*b.snapSize || b.now().Before(b.retryAt) {
		return
	}
	segment, err := b.log.Rotate()
	if err != nil {
		b.logger.Warn("Beginning a new segment of the tenant log failed", "err", err)
		b.putOff()
		return
	}
	payload := b.snapshot(segment)
	b.segment, b.snapSize = segment, int64(len(payload))
	b.compact = collectors.Async(func() error { return b.dir.Save(snapshotName, snapshotVersion, payload) })
}

func (b *Book) compacted(err error) {
	b.compact = nil
	if err == nil {
		err = b.log.Drop(b.segment)
	}
	if err != nil {
		b.logger.Warn("Compacting the tenant log failed", "err", err)
		b.putOff()
		return
	}
	b.retryIn = 0
}

func (b *Book) putOff() {
	b.retryIn = min(max(2*b.retryIn, compactRetry), compactRetryMax)
	b.retryAt = b.now().Add(b.retryIn)
}

// saveAnew saves all that is counted, because what was saved of it is gone. Until it succeeds every commit is refused.
func (b *Book) saveAnew() {
	b.anewAt = b.now().Add(anewRetry)
	if b.compact != nil {
		b.compacted(<-b.compact)
	}
	segment, err := b.log.Restart()
	if err == nil {
		payload := b.snapshot(segment)
		b.snapSize = int64(len(payload))
		err = b.dir.Save(snapshotName, snapshotVersion, payload)
	}
	if err != nil {
		b.logger.Error("The tenant state that was removed cannot be saved anew; sources wait", "err", err)
		return
	}
	if err := b.log.Drop(segment); err != nil {
		b.logger.Warn("Segments of the tenant log that was removed are left", "err", err)
	}
	b.lost = nil
	b.logger.Info("The tenant state that was removed is saved anew")
}
