package domain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "domain"
	bootstrapName   = "domain-servers"
	snapshotVersion = 1
	snapshotBytes   = 16 << 20

	saveInterval = 15 * time.Second
	// saveTimeout is how long a round waits for the disk.
	saveTimeout = 2 * time.Second
	// forgetAfter is how long a domain is remembered that is no longer watched.
	forgetAfter = 7 * 24 * time.Hour
)

// saved is the form in which the state is saved.
type saved struct {
	Domains    map[string]*record   `json:"domains"`
	Registries map[string]*registry `json:"registries"`
}

// saving is how saving fares. The lock of the collector guards it, except for pending, which one part uses.
type saving struct {
	dirty   bool // something is not saved
	unsaved bool // the last save failed or has not come back
	at      time.Time
	counts  [2]uint64    // succeeded, failed
	pending <-chan error // of a save that has not come back
}

// earlier is what the disk holds of an earlier run, as far as it is needed.
type earlier struct {
	saved
	servers *bootstrap // nil where another list is in use or put in use
}

// read reads from the disk what a policy needs. servers is the list of the policy's own file, nil without one.
func (c *Collector) read(servers *bootstrap) earlier {
	c.mu.Lock()
	begin := c.records == nil
	list := servers == nil && (c.bootstrap == nil || c.listFile)
	c.mu.Unlock()
	var was earlier
	if begin {
		was.saved = c.load()
	}
	if list {
		was.servers = c.kept()
	}
	return was
}

// load reads the state of an earlier run, or begins without one.
func (c *Collector) load() saved {
	was := saved{map[string]*record{}, map[string]*registry{}}
	if c.dir == nil {
		return was
	}
	var s saved
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, &s); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Registrations are looked up anew: the saved ones cannot be used", "err", err)
		}
		return was
	}
	for name, r := range s.Domains {
		if r != nil {
			was.Domains[name] = r
		}
	}
	for host, r := range s.Registries {
		if r != nil {
			was.Registries[host] = r
		}
	}
	return was
}

// encode returns the state in its saved form, without what is no longer needed. The caller holds the lock.
func (c *Collector) encode(now time.Time) ([]byte, error) {
	s := saved{map[string]*record{}, map[string]*registry{}}
	for _, w := range c.domains {
		s.Domains[w.name] = c.records[w.name]
	}
	for name, r := range c.records {
		if now.Sub(r.LastSuccess) < forgetAfter {
			s.Domains[name] = r
		}
	}
	for host, r := range c.registries {
		if r.Next.After(now) || r.Failures > 0 {
			s.Registries[host] = r
		}
	}
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("registrations cannot be encoded: %w", err)
	}
	c.records, c.registries = s.Domains, s.Registries
	return payload, nil
}

// save saves what has changed, and what was removed from the disk. A disk that hangs delays neither a scrape nor a
// look-up.
func (c *Collector) save(ctx context.Context) error {
	if c.saving.pending == nil {
		c.mu.Lock()
		dirty := c.saving.dirty
		c.mu.Unlock()
		c.saving.pending = collectors.Async(func() error {
			if !dirty && c.dir.Intact(snapshotName) {
				return nil
			}
			c.mu.Lock()
			payload, err := c.encode(time.Now())
			c.saving.dirty = false
			c.mu.Unlock()
			if err != nil {
				return err
			}
			return c.dir.Save(snapshotName, snapshotVersion, payload)
		})
	}
	timeout := time.NewTimer(saveTimeout)
	defer timeout.Stop()
	select {
	case err := <-c.saving.pending:
		c.saving.pending = nil
		return c.noteSave(err)
	case <-timeout.C:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.saving.unsaved = true
		c.show()
	case <-ctx.Done():
	}
	return &collectors.ReasonError{
		Reason: collectors.ReasonTimeout, Err: errors.New("saving has not come back; the disk of the storage path hangs"),
	}
}

// saveLast saves what the rounds have not, so that an exporter that is started again and again looks nothing up twice.
func (c *Collector) saveLast() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*saveTimeout)
	defer cancel()
	if err := c.save(ctx); err != nil {
		c.logger.Warn("Registrations are not saved for the next start", "err", err)
	}
}

func (c *Collector) noteSave(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.show()
	c.saving.unsaved = err != nil
	if err != nil {
		c.saving.counts[1]++
		c.saving.dirty = true
		return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: err}
	}
	c.saving.counts[0]++
	c.saving.at = time.Now()
	return nil
}

// keepBootstrap saves a list of RDAP servers for the next start. One that is not saved is read again then.
func (c *Collector) keepBootstrap(ctx context.Context, text []byte) error {
	if c.dir == nil {
		return nil
	}
	select {
	case err := <-collectors.Async(func() error { return c.dir.Save(bootstrapName, snapshotVersion, text) }):
		return err
	case <-ctx.Done():
		return nil
	}
}

// kept returns the list of RDAP servers that was saved, else the one that the exporter brings along.
func (c *Collector) kept() *bootstrap {
	ours, err := readBootstrap(vendored)
	if err != nil {
		panic(err) // a test reads it
	}
	if c.dir != nil {
		if text, err := c.dir.Load(bootstrapName, snapshotVersion, maxBootstrap); err == nil {
			if saved, err := readBootstrap(text); err == nil && saved.published.After(ours.published) {
				return saved
			}
		}
	}
	return ours
}
