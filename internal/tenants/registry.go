package tenants

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// retryInterval is the pace at which a registry that was never read is read.
const retryInterval = 5 * time.Second

// Registry is the one tenant registry of an exporter. It is read once and saved once, whatever the number of collectors
// that subscribe to it.
type Registry struct {
	dir    *state.Dir // nil keeps nothing
	logger *slog.Logger
	errors atomic.Uint64

	mu       sync.Mutex // taken before a reader's own
	newest   *Reader    // that was put in force last
	prepared *Reader    // that was prepared last
	reading  bool
	due      time.Time // of the next read
	last     Update
	changed  chan struct{} // closed with each update and whenever a reader is put in force
	replaced bool          // the list of an earlier release is saved under its own name
	saving   saving
	members  memberships
}

// Update is the outcome of one read. A save takes place after its read: when it begins or ceases to fail, the update of
// the read is repeated with another NotKept.
type Update struct {
	// Err is why the registry could not be read; the tenants known before stay in use.
	Err error
	// NotKept is why the list could not be saved for the next start.
	NotKept error
	// Duration is how long the read took.
	Duration time.Duration

	reader *Reader
	number uint64 // counts the updates
}

// NewRegistry returns a registry that no policy names yet. Good lists are kept in the directory, if there is one.
func NewRegistry(dir *state.Dir, logger *slog.Logger) *Registry {
	return &Registry{dir: dir, logger: logger, changed: make(chan struct{}), saving: saving{patience: savePatience}}
}

// Errors returns how many reads have failed since the start, whatever the policy.
func (r *Registry) Errors() uint64 { return r.errors.Load() }

// Subscribe returns a subscription without a reader.
func (r *Registry) Subscribe() *Subscription { return &Subscription{registry: r} }

// Prepare returns the reader of the registry that a policy names, nil if it names none, and puts nothing in force. It
// reads a file at once, and returns the reader beside the error if that fails. A database need not answer: until it
// does the tenants of an earlier run are known, or those of the reader before. A list that lacks most of them is
// doubted, at the start as later.
func (r *Registry) Prepare(c *config.Registry) (*Reader, error) {
	s := r.prepare(c)
	if s == nil || s.File == "" {
		return s, nil
	}
	if _, err := s.Refresh(context.Background()); err != nil && !errors.Is(err, ErrShrunk) {
		return s, err
	}
	return s, nil
}

func (r *Registry) prepare(c *config.Registry) *Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := readerOf(c, r.newest)
	if s == nil || s == r.newest {
		return s
	}
	again := r.prepared != nil && r.prepared.reads(s) // for another collector, or after a policy that was refused
	if again {
		s = r.prepared
	} else {
		s.Errors = &r.errors
	}
	r.loadMemberships()
	var before []Tenant
	switch {
	case r.newest == nil && !again:
		before = r.earlier()
	case r.newest != nil && (s.File == "" || s.File == r.newest.File): // another file is meant to be another list
		before, _ = r.newest.List()
	}
	if len(before) > 0 {
		s.Restore(before)
	}
	r.prepared = s
	return s
}

// earlier returns the list of an earlier run.
func (r *Registry) earlier() []Tenant {
	list, err := Kept(r.dir, keptName)
	if before, errBefore := Kept(r.dir, keptNameOfHealth); len(before) > 0 {
		r.replaced = true
		if len(list) == 0 {
			list, err = before, errBefore
		}
	}
	if err != nil {
		r.logger.Warn("Tenants are not known until the registry answers", "err", err)
	}
	return list
}

// read reads the registry if that is due. While another subscription reads it, it does nothing.
func (r *Registry) read(ctx context.Context) {
	r.mu.Lock()
	s := r.newest
	if r.reading || s == nil || time.Now().Before(r.due) {
		r.mu.Unlock()
		return
	}
	r.reading = true
	r.mu.Unlock()
	u := Update{Err: errors.New("the read of the tenant registry panicked")} // replaced unless it does
	start := time.Now()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reading = false
		// A read that was cut short, or that of a reader that has been replaced, is no outcome: the next one follows at once.
		if ctx.Err() == nil && r.newest == s {
			u.Duration, u.NotKept = time.Since(start), r.saving.err
			u.reader, u.number = s, r.last.number+1
			r.last, r.due = u, start.Add(s.pace())
			r.save()
		}
		r.announce()
	}()
	u.Err = r.refresh(ctx, s)
}

// refresh reads the registry. A list that is doubted is no error.
func (r *Registry) refresh(ctx context.Context, s *Reader) error {
	_, err := s.Refresh(ctx)
	if errors.Is(err, ErrShrunk) && ctx.Err() == nil {
		r.logger.Warn("Tenants are not dropped yet", "err", err)
		return nil
	}
	return err
}

// announce wakes the subscriptions. The caller holds the lock.
func (r *Registry) announce() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Subscription is one collector's use of the registry. While its policy needs no registry, it reads nothing.
type Subscription struct {
	registry *Registry

	reader atomic.Pointer[Reader] // in force
}

// Prepare returns the reader of the registry that a policy names, as Registry.Prepare does.
func (s *Subscription) Prepare(c *config.Registry) (*Reader, error) { return s.registry.Prepare(c) }

// Use puts a prepared reader in force, nil for none.
func (s *Subscription) Use(reader *Reader) {
	r := s.registry
	s.reader.Store(reader)
	r.mu.Lock()
	defer r.mu.Unlock()
	if reader != nil {
		r.newest = reader
		r.due = time.Time{}
	}
	r.announce()
}

// Reader returns the reader in force, nil if there is none.
func (s *Subscription) Reader() *Reader { return s.reader.Load() }

// Memberships returns the record of when a tenant was in the registry, and in which tier.
func (s *Subscription) Memberships(tenant string) []Membership { return s.registry.Memberships(tenant) }

// Members returns the tenants that were in the registry between two moments.
func (s *Subscription) Members(from, to time.Time) []string { return s.registry.Members(from, to) }

// Errors returns how many reads of the registry have failed.
func (s *Subscription) Errors() uint64 { return s.registry.Errors() }

// Refresh reads the registry in force now and saves its list, for a command that needs it at once.
func (s *Subscription) Refresh(ctx context.Context) error {
	reader := s.reader.Load()
	if reader == nil {
		return nil
	}
	if err := s.registry.refresh(ctx, reader); err != nil || ctx.Err() != nil {
		return err
	}
	return s.registry.keep(reader)
}

// Run calls use with each update of the registry in force, until the context ends. Of all subscriptions that run, the
// first one to notice that a read is due makes it.
func (s *Subscription) Run(ctx context.Context, use func(Update)) {
	r := s.registry
	var seen uint64
	for ctx.Err() == nil {
		reader := s.reader.Load()
		r.mu.Lock()
		last, changed := r.last, r.changed
		wait := time.Until(r.due)
		idle := reader == nil || reader != r.newest || r.reading
		r.mu.Unlock()
		if reader != nil && last.reader == reader && last.number != seen {
			seen = last.number
			use(last)
			continue
		}
		var due <-chan time.Time
		timer := time.NewTimer(max(wait, 0))
		if !idle {
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-due:
			r.read(ctx)
		}
		timer.Stop()
	}
}

// pace is how long after a read the next one begins.
func (s *Reader) pace() time.Duration {
	interval := max(s.Interval, time.Second)
	if _, read, _ := s.Status(); read.IsZero() {
		return min(interval, retryInterval)
	}
	return interval
}

// reads reports whether two readers read the same list at the same pace.
func (s *Reader) reads(other *Reader) bool {
	return s.File == other.File && s.DSNFile == other.DSNFile && s.Query == other.Query && s.Interval == other.Interval
}
