package stream

import (
	"sync/atomic"
	"time"
)

// Status is how far a source is behind its stream, as it is exported.
type Status struct {
	behind   atomic.Int64  // messages
	caughtUp atomic.Int64  // up to when all messages are counted, Unix nanoseconds
	missed   atomic.Uint64 // messages that were deleted before they were read, saved
	missedAt atomic.Int64  // when that was last found, Unix nanoseconds
	foreign  atomic.Int64  // partitions of this shard that another one has read
	owned    atomic.Int64  // partitions that are read
	retired  atomic.Bool
}

// Retired reports whether all partitions of the exporter have moved to others. It keeps what it counted and does not
// count as a shard.
func (s *Status) Retired() bool { return s.retired.Load() }

// Behind is how many messages are not yet counted and saved, as far as the engine says.
func (s *Status) Behind() int64 { return s.behind.Load() }

// Missed is how many messages the engine had deleted before they were read, and when that was last found in Unix
// nanoseconds, 0 if never. Both are kept across restarts.
func (s *Status) Missed() (n uint64, at int64) { return s.missed.Load(), s.missedAt.Load() }

func (s *Status) misses(p *progress) {
	s.missed.Store(p.missed)
	s.missedAt.Store(p.missedAt)
}

// Partitions is how many partitions are read, and how many of this shard are not, for another shard has read them.
func (s *Status) Partitions() (read, foreign int64) { return s.owned.Load(), s.foreign.Load() }

// Lag is how long ago all messages that there were had been counted: 0 while they are. A source whose engine does not
// answer is behind for as long as that.
func (s *Status) Lag(up bool, now time.Time) time.Duration {
	at := s.caughtUp.Load()
	if at == 0 || up && s.behind.Load() <= 0 {
		return 0
	}
	return max(0, now.Sub(time.Unix(0, at)))
}

// caught notes that everything was counted that was written up to a time.
func (s *Status) caught(at time.Time) {
	if n := at.UnixNano(); n > s.caughtUp.Load() {
		s.caughtUp.Store(n)
	}
}
