package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "health"
	snapshotVersion = 1
	snapshotBytes   = 512 << 20
)

// saved is what outlives a restart of one target.
type saved struct {
	totals
	AppService string    `json:"app_service"`
	Created    time.Time `json:"created"`
}

// entry is a saved target as it is written.
type entry struct {
	Check  string `json:"check"`
	Tenant string `json:"tenant,omitempty"`
	saved
}

// save writes the counters. Without a storage path it has nothing to do.
func (c *Collector) save(snapshot map[key]saved) error {
	if c.dir == nil {
		return nil
	}
	entries := make([]entry, 0, len(snapshot))
	for k, s := range snapshot {
		entries = append(entries, entry{k.check, k.tenant, s})
	}
	payload, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("health checks cannot be encoded: %w", err)
	}
	return c.dir.Save(snapshotName, snapshotVersion, payload)
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
