package collectors

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/metric"
)

// saveTimeout is how long the work of a collector waits for the disk.
const saveTimeout = 5 * time.Second

// Saving saves the state of a collector as one document. A disk that hangs delays no scrape, and the collector's work
// by seconds only. One part of the collector saves; others may note changes and collect.
type Saving struct {
	dir     *state.Dir
	name    string
	version int
	encode  func(now time.Time) ([]byte, error)
	created time.Time
	logger  *slog.Logger
	pending <-chan error // of a save that has not come back
	saved   func()       // what to do once it has

	mu      sync.Mutex
	dirty   bool // something is not saved, nor being saved
	saving  bool // something is being saved
	unsaved bool // the last save failed or has not come back
	at      time.Time
	counts  [2]uint64 // succeeded, failed
}

// NewSaving returns a saving of the document of a name and version in dir, which encode returns; a nil dir saves
// nothing.
func NewSaving(dir *state.Dir, logger *slog.Logger, name string, version int,
	encode func(now time.Time) ([]byte, error),
) *Saving {
	now := time.Now()
	return &Saving{dir: dir, logger: logger, name: name, version: version, encode: encode, created: now, at: now}
}

// Change notes that there is something to save.
func (s *Saving) Change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = true
}

// Changed reports whether something is not saved yet. Without a directory nothing is.
func (s *Saving) Changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return (s.dirty || s.saving) && s.dir != nil
}

// Start saves at an interval, and what is left at the end. It calls saved, which may be nil, after each save: at the
// interval too where nothing is saved for want of a directory.
func (s *Saving) Start(g *Group, interval time.Duration, saved func()) {
	if s.dir == nil && saved == nil {
		return
	}
	round := func(ctx context.Context) error { return s.Round(ctx, saved) }
	g.Poll(Poll{Part: "saving", Interval: interval, Delay: interval, Round: round, Close: func() { s.last(round) }})
}

// last saves what the rounds have not.
func (s *Saving) last(round func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	if err := round(ctx); err != nil {
		s.logger.Warn("The newest state is not saved for the next start", "state", s.name, "err", err)
	}
}

// Round saves what has changed, and what was removed from the disk, if no earlier save is pending; else it waits for
// that one. It calls saved as Save does.
func (s *Saving) Round(ctx context.Context, saved func()) error {
	if s.pending != nil {
		return s.Await(ctx)
	}
	return s.Save(ctx, saved)
}

// Save saves what has changed, and what was removed from the disk, and calls saved, which may be nil, once it is there.
// After ReasonTimeout that may come yet: the caller awaits it before it changes anything more. No save may be pending.
func (s *Saving) Save(ctx context.Context, saved func()) error {
	s.mu.Lock()
	dirty := s.dirty
	s.dirty, s.saving = false, dirty // what changes from now on is saved next
	s.mu.Unlock()
	s.saved = saved
	if s.dir == nil {
		s.finish()
		return nil
	}
	s.pending = Async(func() error {
		if !dirty && s.dir.Intact(s.name) {
			return nil
		}
		payload, err := s.encode(time.Now())
		if err != nil {
			return err
		}
		return s.dir.Save(s.name, s.version, payload)
	})
	return s.Await(ctx)
}

// Await waits until no save is pending, and returns how that one went.
func (s *Saving) Await(ctx context.Context) error {
	if s.pending == nil {
		return nil
	}
	timeout := time.NewTimer(saveTimeout)
	defer timeout.Stop()
	select {
	case err := <-s.pending:
		s.pending = nil
		return s.note(err)
	case <-timeout.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.unsaved = true
	s.mu.Unlock()
	return &ReasonError{
		Reason: ReasonTimeout, Err: errors.New("saving has not come back; the disk of the storage path hangs"),
	}
}

func (s *Saving) note(err error) error {
	s.mu.Lock()
	s.saving = false
	s.unsaved = err != nil
	if err != nil {
		s.counts[1]++
		s.dirty = true
		s.saved = nil
		s.mu.Unlock()
		return &ReasonError{Reason: ReasonIO, Err: err}
	}
	s.counts[0]++
	s.at = time.Now()
	s.mu.Unlock()
	s.finish()
	return nil
}

func (s *Saving) finish() {
	if saved := s.saved; saved != nil {
		s.saved = nil
		saved()
	}
}

// Collect hands out how saving fares; nothing where nothing is saved.
func (s *Saving) Collect(ch chan<- prometheus.Metric) {
	if s.dir == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := NewSnapshot(4, s.created)
	for i, result := range []string{metric.ResultSuccess, metric.ResultFailure} {
		e.Put(metric.StateSaves, float64(s.counts[i]), s.name, result)
	}
	unsaved := 0.0
	if s.unsaved {
		unsaved = 1
	}
	e.Put(metric.StateUnsaved, unsaved, s.name)
	e.PutTime(metric.StateLastSave, s.at, s.name)
	e.Collect(ch)
}
