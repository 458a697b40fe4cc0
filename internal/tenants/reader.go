package tenants

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// ErrShrunk is why a list is not put in use yet: fewer than half of the tenants are left in it. More likely it is a
// file that is just being written, or a query that lost its rights to some rows, than the end of most customers.
var ErrShrunk = errors.New("the tenant registry has lost most of its tenants; it is read again before they are dropped")

// Reader reads one registry again and again. The last good list stays in use.
type Reader struct {
	File           string
	DSNFile, Query string // of PostgreSQL
	// Interval is how long after a read the next one begins.
	Interval time.Duration
	// Patience is for how long a list that has lost most of its tenants is not used.
	Patience time.Duration
	// Settle is how old a file must be before it replaces a list: what was written a moment ago may be half of it.
	Settle time.Duration
	// Errors counts the reads that failed. A source of another policy goes on with the counter of the one before.
	Errors *atomic.Uint64

	mu       sync.Mutex
	list     []Tenant
	loaded   bool
	adopted  bool
	modified time.Time // of the file as last read
	read     time.Time // last success
	shrunk   time.Time // since when most tenants are not in it
	version  uint64    // of the list
	kept     uint64    // the version that was last kept
}

// readerOf returns the reader of a policy's registry, nil if there is none. An older reader of the same registry stays
// in use, with its list.
func readerOf(r *config.Registry, old *Reader) *Reader {
	refresh := r.Refresh.Std()
	s := &Reader{File: r.File, Interval: refresh, Patience: 2 * refresh, Settle: settle, Errors: &atomic.Uint64{}}
	if old != nil {
		s.Errors = old.Errors
	}
	if r.Postgres != nil {
		s.DSNFile, s.Query = r.Postgres.DSNFile, r.Postgres.Query
	}
	switch {
	case s.File == "" && s.DSNFile == "":
		return nil
	case old != nil && old.reads(s):
		return old
	}
	return s
}

// Refresh reads the registry and reports whether there is a new list. A file that did not change is not read. ErrShrunk
// is not counted as an error.
func (s *Reader) Refresh(ctx context.Context) (bool, error) {
	s.mu.Lock()
	modified, loaded, used := s.modified, s.loaded, len(s.list) > 0
	s.mu.Unlock()
	var list []Tenant
	var err error
	if s.File != "" {
		var info fs.FileInfo
		if info, err = stat(ctx, s.File); err == nil && loaded && info.ModTime().Equal(modified) {
			s.mu.Lock()
			s.read = time.Now()
			s.mu.Unlock()
			return false, nil
		}
		if err == nil && used {
			err = wait(ctx, s.Settle-time.Since(info.ModTime()), s.Settle)
		}
		if err == nil {
			list, modified, err = LoadContext(ctx, s.File)
		}
	} else {
		list, err = Query(ctx, s.DSNFile, s.Query)
		if err == nil && len(list) == 0 {
			// A permission or a row policy that was forgotten looks like this; all customers would be unknown hosts.
			err = errors.New(
				"the query returned no tenant; those known before stay. Check it as the role that asks, and its rights to the rows")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return false, err // a reload interrupted it; a read that has had its time is an error
	}
	if err != nil {
		if s.Errors == nil {
			s.Errors = &atomic.Uint64{}
		}
		s.Errors.Add(1)
		return false, err
	}
	if s.doubtful(list) {
		return false, ErrShrunk
	}
	changed := !s.loaded || !slices.EqualFunc(list, s.list, same)
	if changed {
		s.version++
	}
	s.list, s.modified, s.read, s.loaded = list, modified, time.Now(), true
	return changed, nil
}

// settle is Source.Settle of a policy's registry.
const settle = time.Second

// wait waits, at most for so long: the clock may have been set back since a file was written.
func wait(ctx context.Context, d, most time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(min(d, most))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// doubtful reports whether a list is too short to be used yet. The caller holds the lock.
func (s *Reader) doubtful(list []Tenant) bool {
	if len(list) >= len(s.list)/2 {
		s.shrunk = time.Time{}
		return false
	}
	if s.shrunk.IsZero() {
		s.shrunk = time.Now()
	}
	return time.Since(s.shrunk) < s.Patience
}

func same(a, b Tenant) bool {
	return a.Name == b.Name && a.Tier == b.Tier && slices.Equal(a.Hosts, b.Hosts)
}

// Restore puts a list of an earlier run or of another reader in use, until the first read that succeeds. It may be
// called again with a newer list.
func (s *Reader) Restore(list []Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded {
		return
	}
	s.shrunk = time.Time{} // what was missing was missing in the list before
	if s.adopted && slices.EqualFunc(list, s.list, same) {
		return
	}
	s.list, s.adopted = list, true
	s.version++
}

// wasRead reports whether the list was read in this run.
func (s *Reader) wasRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded
}

// Version changes with the list, so that a caller of List can check for a newer one.
func (s *Reader) Version() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// List returns the tenants in use, false if none were ever read.
func (s *Reader) List() ([]Tenant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list, s.loaded || s.adopted
}

// Status returns the number of tenants, the time they were last read, and the number of failed reads.
func (s *Reader) Status() (tenants int, read time.Time, errors uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Errors != nil {
		errors = s.Errors.Load()
	}
	return len(s.list), s.read, errors
}

// stat looks at a registry's file.
func stat(ctx context.Context, name string) (fs.FileInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	return regularfile.Stat(ctx, name)
}
