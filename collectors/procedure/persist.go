package procedure

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
	snapshotName    = "procedure"
	snapshotVersion = 1
	snapshotBytes   = 32 << 20

	// forgetAfter is how long a procedure is remembered that is no longer watched.
	forgetAfter = 30 * 24 * time.Hour
)

// saved is the form in which the state is saved.
type saved struct {
	Procedures map[string]*record `json:"procedures"`
}

// saving is how saving fares. The lock of the collector guards it, except for pending, which one part uses.
type saving struct {
	unsaved bool // the last save failed or has not come back
	at      time.Time
	counts  [2]uint64 // succeeded, failed
	pending <-chan error
	publish func() // what the pending save makes true
}

// load reads the records of an earlier run, or begins without.
func (c *Collector) load(now time.Time) map[string]*record {
	records := map[string]*record{}
	if c.dir == nil {
		return records
	}
	var s saved
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, &s); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Procedures are due anew: their saved runs cannot be used", "err", err)
		}
		return records
	}
	for name, r := range s.Procedures {
		if r != nil && !r.Created.IsZero() {
			records[name] = r.sane(now)
		}
	}
	return records
}

// save saves all records, if any has changed or they were removed from the disk, and exposes those that have changed.
func (c *Collector) save(ctx context.Context, changed, all map[string]*record) error {
	if c.dir == nil {
		c.publish(changed)
		return nil
	}
	c.mu.Lock()
	news := c.dirty || len(changed) > 0
	c.dirty = false // what a commit adds from now on is saved next
	c.mu.Unlock()
	c.saving.publish = func() { c.publish(changed) }
	c.saving.pending = collectors.Async(func() error {
		if !news && c.dir.Intact(snapshotName) {
			return nil
		}
		payload, err := json.Marshal(saved{all})
		if err != nil {
			return fmt.Errorf("runs cannot be encoded: %w", err)
		}
		return c.dir.Save(snapshotName, snapshotVersion, payload)
	})
	return c.awaitSave(ctx)
}

// awaitSave waits until no save is pending, and notes how it went. One that does not come back in time is waited for
// again before the next: its reports may be on the disk.
func (c *Collector) awaitSave(ctx context.Context) error {
	if c.saving.pending == nil {
		return nil
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case err := <-c.saving.pending:
		publish := c.saving.publish
		c.saving.pending, c.saving.publish = nil, nil
		if err == nil {
			publish()
		}
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
	return nil
}
