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

// saveTimeout is how long a round waits for the disk.
const saveTimeout = 2 * time.Second

// Saving saves the state of a collector at intervals, as one document. A disk that hangs delays neither a scrape nor
// the collector's work.
type Saving struct {
	dir     *state.Dir
	name    string
	version int
	encode  func(now time.Time) ([]byte, error)
	logger  *slog.Logger
	pending <-chan error // of a save that has not come back; of the part that saves

	mu      sync.Mutex
	dirty   bool // something is not saved
	unsaved bool // the last save failed or has not come back
	at      time.Time
	counts  [2]uint64 // succeeded, failed
}

// NewSaving returns a saving of the document of a name and version in dir, which encode returns; a nil dir saves
// nothing.
func NewSaving(dir *state.Dir, logger *slog.Logger, name string, version int,
	encode func(now time.Time) ([]byte, error),
) *Saving {
	return &Saving{dir: dir, logger: logger, name: name, version: version, encode: encode, at: time.Now()}
}

// Change notes that there is something to save.
func (s *Saving) Change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = true
}

// Start saves at an interval, and what is left at the end.
func (s *Saving) Start(g *Group, interval time.Duration) {
	if s.dir != nil {
		g.Poll(Poll{Part: "saving", Interval: interval, Delay: interval, Round: s.Round, Close: s.last})
	}
}

// Round saves what has changed, and what was removed from the disk.
func (s *Saving) Round(ctx context.Context) error {
	if s.pending == nil {
		s.mu.Lock()
		dirty := s.dirty
		s.mu.Unlock()
		s.pending = Async(func() error { return s.save(dirty) })
	}
	timeout := time.NewTimer(saveTimeout)
	defer timeout.Stop()
	select {
	case err := <-s.pending:
		s.pending = nil
		return s.note(err)
	case <-timeout.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unsaved = true
	case <-ctx.Done():
	}
	return &ReasonError{
		Reason: ReasonTimeout, Err: errors.New("saving has not come back; the disk of the storage path hangs"),
	}
}

func (s *Saving) save(dirty bool) error {
	if !dirty && s.dir.Intact(s.name) {
		return nil
	}
	s.mu.Lock()
	s.dirty = false
	s.mu.Unlock()
	payload, err := s.encode(time.Now())
	if err != nil {
		return err
	}
	return s.dir.Save(s.name, s.version, payload)
}

// last saves what the rounds have not.
func (s *Saving) last() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*saveTimeout)
	defer cancel()
	if err := s.Round(ctx); err != nil {
		s.logger.Warn("The newest state is not saved for the next start", "state", s.name, "err", err)
	}
}

func (s *Saving) note(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaved = err != nil
	if err != nil {
		s.counts[1]++
		s.dirty = true
		return &ReasonError{Reason: ReasonIO, Err: err}
	}
	s.counts[0]++
	s.at = time.Now()
	return nil
}

var (
	savesFamily    = NewFamily(metric.StateSaves)
	unsavedFamily  = NewFamily(metric.StateUnsaved)
	lastSaveFamily = NewFamily(metric.StateLastSave)
)

// Collect hands out how saving fares; nothing where nothing is saved.
func (s *Saving) Collect(ch chan<- prometheus.Metric) {
	if s.dir == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := NewSnapshot(4, time.Time{})
	for i, result := range []string{metric.ResultSuccess, metric.ResultFailure} {
		e.Add(savesFamily, float64(s.counts[i]), NewLabels(metric.StateSaves.Labels, s.name, result))
	}
	unsaved := 0.0
	if s.unsaved {
		unsaved = 1
	}
	e.Add(unsavedFamily, unsaved, NewLabels(metric.StateUnsaved.Labels, s.name))
	e.Add(lastSaveFamily, float64(s.at.UnixMilli())/1000, NewLabels(metric.StateLastSave.Labels, s.name))
	e.Collect(ch)
}
