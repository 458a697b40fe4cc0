package store

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Intervals of background saves and of slot changes.
const (
	saveEvery      = time.Second
	rebalanceEvery = time.Minute
)

// Store is the saved state with its log and with the index of its slots. Locks are taken in the order of index.mu and
// saved.mu; those of scrapers and statusMu are held alone.
type Store struct {
	saved    *State
	index    slotIndex
	logger   *slog.Logger
	now      func() time.Time
	dir      *state.Dir // nil keeps everything in memory only
	log      *state.Log
	requests chan *request
	stopped  chan struct{} // closed while Run does not run any more; guarded by statusMu
	compact  <-chan error  // of the snapshot that is being written, nil if none is
	segment  uint64        // that the snapshot being written names
	snapSize int64
	retryIn  time.Duration // after a snapshot that failed, 0 if none did
	retryAt  time.Time
	lost     error     // why the saved state is gone; nothing is saved until all of it is saved anew
	anewAt   time.Time // when that is tried again
	broken   error     // why what is in memory is not what is on the disk
	scrapers scrapers
	zone     atomic.Pointer[time.Location] // of the days, nil before the first policy
	listing  atomic.Pointer[[][]listed]    // by service: whose windows are exported

	history     *history.Dir // nil keeps no days that are over
	writing     <-chan error // of the day that is being written, nil if none is
	writingPart string
	writeAt     time.Time // when a day that could not be written is tried again

	statusMu sync.Mutex
	savedAt  time.Time
	saves    [2]uint64
	unsaved  bool // the last save failed, or what it saved is gone
	balance  balance
}

// Options are what a store needs.
type Options struct {
	Logger *slog.Logger
	State  *state.Dir
	Now    func() time.Time // for tests; its monotonic part measures
	// Immediate exports new series with their counts at once, for an exposition that is written only once.
	Immediate bool
	// Intact refuses a saved state that cannot be trusted instead of dropping it.
	Intact bool
}

// Open reads the saved state back. One that cannot be trusted is dropped: every counter starts at 0.
func Open(o Options) (*Store, error) {
	s, err := open(o)
	if err == nil {
		s.identify()
		return s, nil
	}
	if o.Intact || !unusable(err) {
		return nil, err
	}
	o.Logger.Error("Tenant counters start at 0 and files are read from their ends: the saved state cannot be used",
		"err", err)
	if err := o.State.ResetLog(snapshotName); err != nil {
		return nil, err
	}
	if s, err = open(o); err == nil {
		s.saved.lostAt = s.now().UnixMilli()
		s.index.records = append(s.index.records, appendLost(nil, s.saved.lostAt))
		s.identify()
	}
	return s, err
}

func unusable(err error) bool {
	return errors.Is(err, state.ErrCorrupt) || errors.Is(err, state.ErrRolledBack) || errors.Is(err, state.ErrVersion) ||
		errors.Is(err, errRecord)
}

func open(o Options) (*Store, error) {
	s := &Store{
		saved: newState(), logger: o.Logger, dir: o.State, now: time.Now, requests: make(chan *request, 64),
		stopped: make(chan struct{}), scrapers: scrapers{seen: map[uint64]scraper{}},
	}
	if o.Now != nil {
		s.now = o.Now
	}
	s.saved.immediate = o.Immediate
	if s.dir != nil {
		s.history = history.Open(filepath.Join(s.dir.Path(), historyName))
		segment := uint64(1)
		payload, err := s.dir.Load(snapshotName, snapshotVersion, snapshotBytes)
		switch {
		case errors.Is(err, state.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			if segment, err = s.saved.restore(payload); err != nil {
				return nil, err
			}
			s.snapSize = int64(len(payload))
		}
		if s.log, err = s.dir.OpenLog(snapshotName, segment, s.saved.apply); err != nil {
			return nil, err
		}
		if n := s.log.Dropped(); n > 0 {
			s.logger.Warn("Bytes behind the last saved record of the tenant log are no continuation of it and are dropped",
				"bytes", n)
		}
	}
	s.index.now, s.index.numbers = s.now, map[sourceKey]int{}
	s.index.rebuildIndex(s.saved)
	s.saved.suspectAll()
	s.relist()
	s.saved.refused = newRefusals(s.now())
	s.savedAt = s.now()
	s.scrapers.remember(s.saved.scraped, s.savedAt)
	return s, nil
}

// Begin lets commits wait for a Run that is about to begin, which closes the channel when it ends.
func (s *Store) Begin() chan struct{} {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	select {
	case <-s.stopped:
		s.stopped = make(chan struct{})
	default:
	}
	return s.stopped
}

// Run saves until ctx ends; then it saves what is still in the queue. Commits that come later are refused until it runs
// again.
func (s *Store) Run(ctx context.Context) error {
	defer close(s.Begin())
	save := time.NewTicker(saveEvery)
	defer save.Stop()
	balance := time.NewTicker(rebalanceEvery)
	defer balance.Stop()
	list := time.NewTicker(listEvery)
	defer list.Stop()
	for {
		if s.broken != nil {
			return s.broken
		}
		if s.lost != nil && !s.now().Before(s.anewAt) {
			s.saveAnew()
		}
		select {
		case r := <-s.requests:
			s.commit(s.queued(r))
		case <-save.C:
			s.index.releaseStale()
			s.beginTick()
			s.beginSpan()
			s.beginDay()
			s.index.admitTroubled(s.saved)
			s.forgetRefused()
			s.commit(s.queued())
			s.compactIfDue()
			s.writeDays()
		case err := <-s.writing:
			s.dayWritten(err)
		case <-balance.C:
			s.index.rebalance(s.saved)
			s.compareCounters()
		case <-list.C:
			s.relist()
		case err := <-s.compact:
			s.compacted(err)
		case <-ctx.Done():
			if s.writing != nil {
				s.dayWritten(<-s.writing)
			}
			s.commit(s.queued())
			if s.compact != nil {
				s.compacted(<-s.compact)
			}
			if s.lost != nil {
				s.saveAnew()
			}
			return s.broken
		}
	}
}

// Close closes the log. It may be called only after Run has returned.
func (s *Store) Close() error {
	if s.log == nil {
		return nil
	}
	return s.log.Close()
}

func failed(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// Saves returns how many saves succeeded and failed, and the time up to which everything is saved.
func (s *Store) Saves() (saves [2]uint64, at time.Time) {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	return s.saves, s.savedAt
}

// Unsaved reports whether the last save failed, or what it saved is gone from the disk.
func (s *Store) Unsaved() bool {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	return s.unsaved
}

// Persistent reports whether the store outlives the process.
func (s *Store) Persistent() bool { return s.log != nil }
