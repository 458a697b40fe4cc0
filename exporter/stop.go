package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// StopTimeout bounds the time from the request to stop to the end of the process, whatever hangs: a supervisor would
// soon be less gentle, and what has not come back by then will not.
const StopTimeout = 2 * time.Second

// The stages of a stop, as moments after its beginning. Each gives up in time for the next.
const (
	requestsUntil   = 700 * time.Millisecond  // requests under way are answered
	collectorsUntil = 1600 * time.Millisecond // collectors save
	stateUntil      = 1900 * time.Millisecond // the state directory is given back
)

// server is what a stop needs of an http.Server.
type server interface {
	Shutdown(ctx context.Context) error
	Close() error
}

// stop is a stop under way. Its zero value has not begun.
type stop struct {
	once  sync.Once
	began time.Time
}

// begin starts the clock, once.
func (s *stop) begin() { s.once.Do(func() { s.began = time.Now() }) }

// within runs f and gives up at a moment of the stop. f is then left behind, to end with the process.
func (s *stop) within(until time.Duration, what string, f func() error) error {
	s.begin()
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(time.Until(s.began.Add(until)))
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%s did not end in time", what)
	}
}

// requests lets those that are under way end, and cuts off those that do not.
func (s *stop) requests(servers []server, logger *slog.Logger) {
	s.begin()
	ctx, cancel := context.WithDeadline(context.Background(), s.began.Add(requestsUntil))
	defer cancel()
	var all sync.WaitGroup
	for _, server := range servers {
		all.Go(func() {
			if err := server.Shutdown(ctx); err != nil {
				logger.Warn("Requests were cut off", "err", err)
				_ = server.Close()
			}
		})
	}
	all.Wait()
}

// collected waits until the collectors have saved and ended.
func (s *stop) collected(ended <-chan struct{}) error {
	err := s.within(collectorsUntil, "collectors", func() error { <-ended; return nil })
	if err != nil {
		return errors.New("collectors did not stop in time; state since the last save is lost")
	}
	return nil
}
