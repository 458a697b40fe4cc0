package delivery

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
	snapshotName    = "delivery"
	snapshotVersion = 1
	snapshotBytes   = 64 << 20
)

// saved is the form in which the state is saved.
type saved struct {
	Services map[string]*service `json:"services"`
	Seen     []string            `json:"seen,omitempty"`
}

// saving is how saving fares. The lock of the collector guards it, except for pending, which one part uses.
type saving struct {
	unsaved bool // the last save failed or has not come back
	at      time.Time
	counts  [2]uint64 // succeeded, failed
	pending <-chan error
}

// load reads the state of an earlier run, or begins without.
func (c *Collector) load() *saved {
	s := &saved{Services: map[string]*service{}}
	if c.dir == nil {
		return s
	}
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, s); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Deployments are counted from 0: the saved ones cannot be used", "err", err)
		}
		return &saved{Services: map[string]*service{}}
	}
	if s.Services == nil {
		s.Services = map[string]*service{}
	}
	for name, one := range s.Services {
		if one == nil || one.Created.IsZero() {
			delete(s.Services, name)
			continue
		}
		one.complete()
	}
	return s
}

// save applies posts, saves all services if anything has changed or they were removed from the disk, and exposes them.
func (c *Collector) save(ctx context.Context, batch []*post) error {
	now := time.Now()
	c.mu.Lock()
	c.apply(batch, now)
	if c.dir == nil {
		c.dirty = false
		c.show(now)
		c.mu.Unlock()
		return nil
	}
	dirty := c.dirty
	c.dirty = false // what a commit adds from now on is saved next
	var payload []byte
	var err error
	if dirty {
		payload, err = json.Marshal(saved{c.services, c.seen})
	}
	c.mu.Unlock()
	if err != nil {
		return c.noteSave(fmt.Errorf("deployments cannot be encoded: %w", err))
	}
	c.saving.pending = collectors.Async(func() error {
		if !dirty && c.dir.Intact(snapshotName) {
			return nil
		}
		if !dirty {
			c.mu.Lock()
			payload, err = json.Marshal(saved{c.services, c.seen})
			c.mu.Unlock()
			if err != nil {
				return err
			}
		}
		return c.dir.Save(snapshotName, snapshotVersion, payload)
	})
	return c.awaitSave(ctx)
}

// awaitSave waits until no save is pending, and notes how it went. One that does not come back in time is waited for
// again before the next: nothing changes until then.
func (c *Collector) awaitSave(ctx context.Context) error {
	if c.saving.pending == nil {
		return nil
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case err := <-c.saving.pending:
		c.saving.pending = nil
		return c.noteSave(err)
	case <-timeout.C:
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.saving.unsaved = true
	c.mu.Unlock()
	return &collectors.ReasonError{
		Reason: collectors.ReasonTimeout, Err: errors.New("saving has not come back; the disk of the storage path hangs"),
	}
}

// noteSave notes a save. Nothing changes while one is under way, so that what is exposed then is what was saved.
func (c *Collector) noteSave(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saving.unsaved = err != nil
	if err != nil {
		c.saving.counts[1]++
		c.dirty = true
		return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: err}
	}
	c.saving.counts[0]++
	c.saving.at = time.Now()
	c.show(c.saving.at)
	return nil
}
