package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// ErrStopped refuses a commit while the store is not running. The record will never be saved.
var ErrStopped = errors.New("the exporter is stopping")

// ErrUndecided means that a record may or may not be counted after a restart: it was written, and could be neither
// applied nor removed again. The sender must not be refused; it gets no answer.
var ErrUndecided = errors.New("whether the record was saved is not known")

// request is a record whose sender waits for its fate.
type request struct {
	record []byte
	done   chan error
	fate   atomic.Uint32
}

// A request is either taken by Run, which then always answers it, or withdrawn by its sender, and never both: what was
// refused must not be saved by a later Run.
const (
	queuedRequest = iota
	takenRequest
	withdrawnRequest
)

func newRequest(record []byte) *request { return &request{record: record, done: make(chan error, 1)} }

func (r *request) take() bool { return r.fate.CompareAndSwap(queuedRequest, takenRequest) }

// withdraw also frees the record: the request itself stays in the queue until the next Run.
func (r *request) withdraw() bool {
	if !r.fate.CompareAndSwap(queuedRequest, withdrawnRequest) {
		return false
	}
	r.record = nil
	return true
}

// Commit saves a record and applies it. It returns nil when a crash can no longer undo it. After any other error than
// ErrUndecided the record is not saved, and never will be.
func (s *Store) Commit(ctx context.Context, record []byte) error {
	s.statusMu.Lock()
	stopped := s.stopped
	s.statusMu.Unlock()
	r := newRequest(record)
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return ErrStopped
	case <-stopped:
		return ErrStopped
	}
	// Once it is in the queue only Run decides, or that there is none.
	select {
	case err := <-r.done:
		return err
	case <-stopped:
	}
	if r.withdraw() {
		return ErrStopped
	}
	return <-r.done
}

// queued takes what else waits: one write to the disk serves all.
func (s *Store) queued(first ...*request) []*request {
	var group []*request
	for _, r := range first {
		if r.take() {
			group = append(group, r)
		}
	}
	for range cap(s.requests) {
		select {
		case r := <-s.requests:
			if r.take() {
				group = append(group, r)
			}
		default:
			return group
		}
	}
	return group
}

// commit saves what the index decided and what was asked for, in this order.
func (s *Store) commit(group []*request) {
	err := ErrUndecided // after a panic
	defer func() {
		for _, r := range group {
			r.done <- err
		}
	}()
	s.index.mu.Lock()
	records := s.index.records
	s.index.records = nil
	s.index.mu.Unlock()
	decided := len(records)
	for _, r := range group {
		records = append(records, r.record)
	}
	if err = s.append(records); err != nil {
		s.index.mu.Lock()
		s.index.records = append(slices.Clip(records[:decided]), s.index.records...)
		s.index.mu.Unlock()
		return
	}
	if s.broken = s.applyAll(records); s.broken != nil {
		err = fmt.Errorf("%w: %w", ErrUndecided, s.broken)
	}
}

// append saves records, all of them or none. Without any it makes sure that what was saved is still there.
func (s *Store) append(records [][]byte) error {
	var err error
	noticed := s.lost == nil
	switch {
	case s.log == nil:
	case s.lost != nil:
		err = s.lost
	case len(records) > 0:
		err = s.log.Append(records...)
	default:
		err = s.log.Check()
	}
	s.statusMu.Lock()
	if err == nil {
		s.savedAt = s.now()
	}
	if s.unsaved = err != nil; s.log != nil && (len(records) > 0 || s.unsaved) {
		s.saves[failed(err)]++
	}
	s.statusMu.Unlock()
	if err == nil {
		return nil
	}
	if noticed {
		s.logger.Error("Saving tenant counters failed; sources wait", "err", err)
	}
	switch {
	case errors.Is(err, state.ErrGone):
		s.lost = err
	case errors.Is(err, state.ErrUnsettled):
		return fmt.Errorf("%w: %w", ErrUndecided, err)
	}
	return err
}

// applyAll applies records that are saved. One of our own that cannot be applied is a defect: nothing more may be
// counted, because the state in memory is no longer what the disk holds.
func (s *Store) applyAll(records [][]byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("tenant store: panic: %v\n%s", p, debug.Stack())
		}
	}()
	for _, record := range records {
		if err := s.saved.apply(record); err != nil {
			return fmt.Errorf("tenant store: %w", err)
		}
	}
	return nil
}
