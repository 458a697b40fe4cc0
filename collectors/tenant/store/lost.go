package store

import (
	"encoding/binary"
	"time"
)

// lostFor is how long after a loss a source may begin that was there before: as long as a start may take.
const lostFor = 10 * time.Minute

// Lost reports whether a saved state was dropped that may have had positions of the source, so that it is unknown what was counted
// of it. It does so until the source has positions, however often the process is killed before.
func (s *Store) Lost(source int) bool {
	s.State.mu.RLock()
	defer s.State.mu.RUnlock()
	if s.State.lostAt == 0 {
		return false
	}
	began := s.now().UnixMilli()
	if source < len(s.State.sources) {
		began = s.State.sources[source].created
	}
	return began-s.State.lostAt < lostFor.Milliseconds()
}

func appendLost(b []byte, millis int64) []byte {
	return binary.AppendUvarint(append(b, recordLost), uint64(millis))
}
