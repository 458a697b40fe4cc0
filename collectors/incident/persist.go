package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "incident"
	snapshotVersion = 1
	snapshotBytes   = 64 << 20
)

// encode returns the tracker in its saved form. The caller holds the lock.
func (c *Collector) encode() ([]byte, error) {
	payload, err := json.Marshal(c.tracker)
	if err != nil {
		return nil, fmt.Errorf("incidents cannot be encoded: %w", err)
	}
	return payload, nil
}

// save writes the tracker. Without a storage path it has nothing to do.
func (c *Collector) save(payload []byte) error {
	if c.dir == nil {
		return nil
	}
	return c.dir.Save(snapshotName, snapshotVersion, payload)
}

// savePast writes the incidents that are over.
func (c *Collector) savePast(list []Incident) error {
	if c.dir == nil {
		return nil
	}
	payload, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("past incidents cannot be encoded: %w", err)
	}
	return c.dir.Save(pastName, snapshotVersion, payload)
}

// load reads the tracker of an earlier run, or begins a new one.
func (c *Collector) load() *tracker {
	fresh := newTracker(time.Now())
	if c.dir == nil {
		return fresh
	}
	restored := newTracker(time.Time{})
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, restored); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Incidents are counted from 0: the saved ones cannot be used", "err", err)
		}
		return fresh
	}
	restored.Counters.complete()
	if restored.Closing == nil { // an earlier version wrote none
		restored.Closing = map[string]*entry{}
	}
	for fingerprint, e := range restored.Closing {
		if e == nil || config.PriorityRank(e.Priority) == 0 {
			delete(restored.Closing, fingerprint)
		}
	}
	for fingerprint, e := range restored.Incidents {
		if e == nil || config.PriorityRank(e.Priority) == 0 {
			delete(restored.Incidents, fingerprint)
			continue
		}
		if e.Waiting.IsZero() {
			e.condition = handled // or hidden, until the next answer
		}
	}
	return restored
}
