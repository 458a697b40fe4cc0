package incident

import (
	"context"
	"sync"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// saver saves for many at once: whoever waits is answered by a save that began after the call, and while one is under
// way the others share the next.
type saver struct {
	save func() error

	mu   sync.Mutex
	busy bool
	next *saving
}

// saving is one save.
type saving struct {
	done chan struct{}
	err  error
}

// wait waits for a save that holds everything so far.
func (s *saver) wait(ctx context.Context) error {
	s.mu.Lock()
	if s.next == nil {
		s.next = &saving{done: make(chan struct{})}
	}
	mine := s.next
	if !s.busy {
		s.busy = true
		collectors.Async(s.work)
	}
	s.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work saves until no caller waits.
func (s *saver) work() error {
	for {
		s.mu.Lock()
		now := s.next
		s.next = nil
		if now == nil {
			s.busy = false
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		now.err = <-collectors.Async(s.save) // a panic is an error of those who wait
		close(now.done)
	}
}
