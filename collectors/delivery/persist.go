package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

// encode returns all services, as they are when it is called.
func (c *Collector) encode(time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	payload, err := json.Marshal(saved{c.services, c.seen})
	if err != nil {
		return nil, fmt.Errorf("deployments cannot be encoded: %w", err)
	}
	return payload, nil
}
