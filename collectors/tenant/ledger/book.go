package ledger

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Intervals of background saves and of slot changes.
const (
	saveEvery      = time.Second
	rebalanceEvery = time.Minute
)

// Book is a ledger with its log: what changes it, and what reads it.
type Book struct {
	*Ledger
	directory
	logger   *slog.Logger
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

	statusMu sync.Mutex
	savedAt  time.Time
	saves    [2]uint64
	unsaved  bool // the last save failed, or what it saved is gone
}

// Options are what a book needs.
type Options struct {
	Logger *slog.Logger
	State  *state.Dir
	Now    func() time.Time // for tests; its monotonic part measures
	// Immediate shows new series with their counts at once: for who shows them only once.
	Immediate bool
}

// Open reads the saved state back. One that cannot be trusted is dropped: every counter starts at 0.
func Open(o Options) (*Book, error) {
	b, err := open(o)
	if !unusable(err) {
		return b, err
	}
	o.Logger.Error("Tenant counters start at 0 and files are read from their ends: the saved state cannot be used", "err", err)
	if err := o.State.ResetLog(snapshotName); err != nil {
		return nil, err
	}
	if b, err = open(o); err == nil {
		b.lostAt = b.now().UnixMilli()
		b.pending = append(b.pending, appendLost(nil, b.lostAt))
	}
	return b, err
}

func unusable(err error) bool {
	return errors.Is(err, state.ErrCorrupt) || errors.Is(err, state.ErrRolledBack) || errors.Is(err, state.ErrVersion) || errors.Is(err, errRecord)
}

func open(o Options) (*Book, error) {
	b := &Book{
		Ledger: newLedger(), logger: o.Logger, dir: o.State, requests: make(chan *request, 64),
		stopped: make(chan struct{}), scrapers: scrapers{seen: map[uint64]scraper{}},
	}
	b.now, b.numbers, b.immediate = time.Now, map[sourceKey]int{}, o.Immediate
	if o.Now != nil {
		b.now = o.Now
	}
	if b.dir != nil {
		segment := uint64(1)
		payload, err := b.dir.Load(snapshotName, snapshotVersion, snapshotBytes)
		switch {
		case errors.Is(err, state.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			if segment, err = b.restore(payload); err != nil {
				return nil, err
			}
			b.snapSize = int64(len(payload))
		}
		if b.log, err = b.dir.OpenLog(snapshotName, segment, b.apply); err != nil {
			return nil, err
		}
		if n := b.log.Dropped(); n > 0 {
			b.logger.Warn("Bytes behind the last saved record of the tenant log are no continuation of it and are dropped", "bytes", n)
		}
	}
	b.adopt(b.Ledger)
	b.savedAt = b.now()
	b.scrapers.remember(b.scraped, b.savedAt)
	return b, nil
}

// Begin lets commits wait for a Run that is about to begin, which closes the channel when it ends.
func (b *Book) Begin() chan struct{} {
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	select {
	case <-b.stopped:
		b.stopped = make(chan struct{})
	default:
	}
	return b.stopped
}

// Run saves until ctx ends; then it saves what is still in the queue. Commits that come later are refused until it runs again.
func (b *Book) Run(ctx context.Context) error {
	defer close(b.Begin())
	save := time.NewTicker(saveEvery)
	defer save.Stop()
	balance := time.NewTicker(rebalanceEvery)
	defer balance.Stop()
	for {
		if b.broken != nil {
			return b.broken
		}
		if b.lost != nil && !b.now().Before(b.anewAt) {
			b.saveAnew()
		}
		select {
		case r := <-b.requests:
			b.commit(b.queued(r))
		case <-save.C:
			b.thaw()
			b.commit(b.queued())
			b.compactIfDue()
		case <-balance.C:
			b.rebalance(b.Ledger)
		case err := <-b.compact:
			b.compacted(err)
		case <-ctx.Done():
			b.commit(b.queued())
			if b.compact != nil {
				b.compacted(<-b.compact)
			}
			if b.lost != nil {
				b.saveAnew()
			}
			return b.broken
		}
	}
}

// Close gives the log back. It may follow only when Run has returned.
func (b *Book) Close() error {
	if b.log == nil {
		return nil
	}
	return b.log.Close()
}

func failed(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// Saves returns how many saves succeeded and failed, and the time up to which everything is saved.
func (b *Book) Saves() (saves [2]uint64, at time.Time) {
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	return b.saves, b.savedAt
}

// Unsaved reports whether the last save failed, or what it saved is gone from the disk.
func (b *Book) Unsaved() bool {
	b.statusMu.Lock()
	defer b.statusMu.Unlock()
	return b.unsaved
}

// Persistent reports whether the book outlives the process.
func (b *Book) Persistent() bool { return b.log != nil }
