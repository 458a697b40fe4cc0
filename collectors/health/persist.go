package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "health"
	snapshotVersion = 1
	snapshotBytes   = 512 << 20
)

// Counters of targets that are not configured any more are kept for keepFor: a registry that lost a tenant by
// mistake, or a policy that was rolled back, goes on where it was.
const (
	keepFor = 24 * time.Hour
	maxKept = 100_000
)

// snapshot is what is to be saved now. The caller holds the lock.
func (c *Collector) snapshot(now time.Time) (configured map[key]saved, all []entry) {
	configured = make(map[key]saved, len(c.targets))
	all = make([]entry, 0, len(c.targets)+len(c.kept))
	for k, t := range c.targets {
		s := saved{totals: t.judge.totals, AppService: t.spec.AppService, Location: t.location, Created: t.created}
		configured[k] = s
		all = append(all, entry{k.check, k.tenant, s})
	}
	for k, s := range c.kept {
		if s.Removed.IsZero() { // an earlier run's that this one has not been asked for
			s.Removed = now
			c.kept[k] = s
		}
		if now.Sub(s.Removed) > keepFor || len(c.kept) > maxKept {
			delete(c.kept, k)
			continue
		}
		all = append(all, entry{k.check, k.tenant, s})
	}
	return configured, all
}

// saved is what outlives a restart of one target.
type saved struct {
	totals
	AppService string    `json:"app_service"`
	Location   string    `json:"location"`
	Created    time.Time `json:"created"`
	// Removed is when the policy last had the target, zero for one that is configured.
	Removed time.Time `json:"removed,omitzero"`
}

// entry is a saved target as it is written.
type entry struct {
	Check  string `json:"check"`
	Tenant string `json:"tenant,omitempty"`
	saved
}

// save writes the counters. Without a storage path it has nothing to do.
func (c *Collector) save(entries []entry) error {
	if c.dir == nil {
		return nil
	}
	payload, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("health checks cannot be encoded: %w", err)
	}
	return c.dir.Save(snapshotName, snapshotVersion, payload)
}

// liveAfter is how long saving may fail before counters go on without it.
const liveAfter = 15 * time.Second

// published puts what was saved before the scraper's eyes, or deals with a save that failed.
func (c *Collector) published(configured map[key]saved, at time.Time, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.saved, c.savedAt, c.failing = configured, at, time.Time{}
		c.saves[0]++
		return nil
	}
	c.saves[1]++
	if c.failing.IsZero() {
		c.failing = at
	}
	// On a full disk pages must still go out, and they wait for these counters. So after a while they go on
	// unsaved. Without its file the next start begins at 0, and so this can never become a step back; where
	// even removing fails, the counters stand still.
	if at.Sub(c.failing) >= liveAfter && c.dir.Remove(snapshotName) == nil {
		c.saved = configured
	}
	return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: err}
}

// load reads the counters of an earlier run. What cannot be trusted starts at 0 with a new creation time:
// a counter that stepped back would read as an outage that never was.
func (c *Collector) load() map[key]saved {
	restored := map[key]saved{}
	if c.dir == nil {
		return restored
	}
	payload, err := c.dir.Load(snapshotName, snapshotVersion, snapshotBytes)
	if err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Health counters start at 0: the saved ones cannot be used", "err", err)
		}
		return restored
	}
	var entries []entry
	if err := json.Unmarshal(payload, &entries); err != nil {
		c.logger.Warn("Health counters start at 0: the saved ones cannot be read", "err", err)
		return restored
	}
	for _, e := range entries {
		restored[key{e.Check, e.Tenant}] = e.saved
	}
	return restored
}
