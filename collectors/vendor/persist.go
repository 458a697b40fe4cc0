package vendor

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "vendor"
	snapshotVersion = 1
	snapshotBytes   = 32 << 20
	// maxRecords bounds the vendors of which days are kept, those of the policy and those that have left it.
	maxRecords = 200
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
			c.logger.Warn("Vendors are counted anew: what was saved of them cannot be used", "err", err)
		}
		return records
	}
	for name, r := range saved {
		if r != nil && r.valid(now) {
			records[name] = r
		}
	}
	return records
}

// encode returns the records in their saved form.
func (c *Collector) encode(now time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, r := range c.records {
		gone := c.watched[name] == nil
		if gone && (now.Sub(r.Counted) > keptDays*24*time.Hour || len(c.records) > maxRecords) {
			delete(c.records, name)
		}
	}
	payload, err := json.Marshal(c.records)
	if err != nil {
		return nil, fmt.Errorf("vendors cannot be encoded: %w", err)
	}
	return payload, nil
}
