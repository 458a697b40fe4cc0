package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "backup"
	snapshotVersion = 1
	snapshotBytes   = 512 << 20
)

// save writes what is known, if it changed. All of it is gauges, so that nothing is lost but memory if it fails.
func (c *Collector) save(now time.Time) error {
	if c.dir == nil {
		return nil
	}
	c.mu.Lock()
	dirty := c.dirty
	c.dirty = false
	payload, err := json.Marshal(c.facts)
	c.mu.Unlock()
	if err == nil && dirty {
		err = c.dir.Save(snapshotName, snapshotVersion, payload)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.saves[1]++
		c.dirty = true
		return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: fmt.Errorf("what is known of backups cannot be saved: %w", err)}
	}
	if dirty {
		c.saves[0]++
	}
	c.savedAt = now
	return nil
}

// load reads what was known before the start. What cannot be read is listed anew.
func (c *Collector) load() map[string]*facts {
	all := map[string]*facts{}
	if c.dir == nil {
		return all
	}
	payload, err := c.dir.Load(snapshotName, snapshotVersion, snapshotBytes)
	if err == nil {
		err = json.Unmarshal(payload, &all)
	}
	if err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("What was known of backups cannot be used; they are listed anew", "err", err)
		}
		return map[string]*facts{}
	}
	for name, f := range all {
		if f == nil {
			delete(all, name)
			continue
		}
		f.fill()
		for _, r := range f.Repositories {
			if r.Groups == nil {
				r.Groups = map[string]*group{}
			}
		}
	}
	return all
}
