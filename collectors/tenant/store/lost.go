package store

import (
	"encoding/binary"
	"time"
)

// lostFor is how long after a loss a source may begin that was there before: as long as a start may take.
const lostFor = 10 * time.Minute

// Lost reports whether a saved state was dropped that may have had positions of the source, so that it is unknown what
// was counted of it. It does so until the source has positions, however often the process is killed before.
func (s *Store) Lost(source int) bool {
	s.saved.mu.RLock()
	defer s.saved.mu.RUnlock()
	if s.saved.lostAt == 0 {
		return false
	}
	began := s.now().UnixMilli()
	if source < len(s.saved.sources) {
		began = s.saved.sources[source].created
	}
	return began-s.saved.lostAt < lostFor.Milliseconds()
}

func appendLost(b []byte, millis int64) []byte {
	return binary.AppendUvarint(append(b, recordLost), uint64(millis))
}
