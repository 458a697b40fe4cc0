package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "backup"
	snapshotVersion = 1
	snapshotBytes   = 512 << 20
)

// save writes the facts if they have changed. They are exposed as gauges only, so that a failure loses no counts.
func (c *Collector) save(now time.Time) error {
	if c.dir == nil {
		return nil
	}
	lost := !c.dir.Intact(snapshotName)
	c.mu.Lock()
	dirty := c.dirty || lost
	c.dirty = false
	known := c.copyFacts()
	c.mu.Unlock()
	var err error
	if dirty {
		var payload []byte
		if payload, err = json.Marshal(known); err == nil {
			err = c.dir.Save(snapshotName, snapshotVersion, payload)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsaved = err != nil
	if err != nil {
		c.saves[1]++
		c.dirty = true
		return &collectors.ReasonError{
			Reason: collectors.ReasonIO,
			Err:    fmt.Errorf("what is known of backups cannot be saved: %w", err),
		}
	}
	if dirty {
		c.saves[0]++
	}
	c.savedAt = now
	return nil
}

// copyFacts returns a copy that can be written while listings go on. Repositories and tenants are replaced by a
// listing, never changed, so that only what is around them is copied. The caller holds the lock.
func (c *Collector) copyFacts() map[string]*facts {
	all := make(map[string]*facts, len(c.facts))
	for name, f := range c.facts {
		one := *f
		one.Tests = make(map[string]*testFacts, len(f.Tests))
		for test, t := range f.Tests {
			found := *t
			one.Tests[test] = &found
		}
		all[name] = &one
	}
	return all
}

// load reads the facts of an earlier run. If they cannot be read, backups are listed anew.
func (c *Collector) load() map[string]*facts {
	all := map[string]*facts{}
	if c.dir == nil {
		return all
	}
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, &all); err != nil {
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
				r.Groups = map[string]*program.Group{}
			}
		}
		f.settle(time.Now())
	}
	return all
}
