package security

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "security"
	snapshotVersion = 1
	snapshotBytes   = 256 << 20
)

// load reads the records of an earlier run, or begins without any.
func (c *Collector) load(now time.Time) map[string]*record {
	records := map[string]*record{}
	if c.dir == nil {
		return records
	}
	saved := map[string]*record{}
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, &saved); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Findings are new again: what was saved of them cannot be used", "err", err)
		}
		return records
	}
	for name, r := range saved {
		if r != nil {
			r.complete(now)
			records[name] = r
		}
	}
	return records
}

// encode returns the records in their saved form, without those of scans that have left the policy for long.
func (c *Collector) encode(now time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, r := range c.records {
		if c.watched[name] == nil {
			if r.note(nil, now); len(r.Seen) == 0 {
				delete(c.records, name)
			}
		}
	}
	payload, err := json.Marshal(c.records)
	if err != nil {
		return nil, fmt.Errorf("findings cannot be encoded: %w", err)
	}
	return payload, nil
}
