package business

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "business"
	snapshotVersion = 1
	snapshotBytes   = 64 << 20
)

// saved is the form in which the state is saved.
type saved struct {
	Transactions map[string]*counted  `json:"transactions"`
	Figures      map[string]*sums     `json:"figures"`
	Answered     map[string]time.Time `json:"answered"` // queries at last
}

func newSaved() *saved {
	return &saved{Transactions: map[string]*counted{}, Figures: map[string]*sums{}, Answered: map[string]time.Time{}}
}

// load reads the state of an earlier run, or begins without any.
func (c *Collector) load(now time.Time) *saved {
	s := newSaved()
	if c.dir == nil {
		return s
	}
	was := newSaved()
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, was); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Transactions are counted from 0: the saved ones cannot be used", "err", err)
		}
		return s
	}
	for name, one := range was.Transactions {
		if one != nil {
			one.complete(now)
			s.Transactions[name] = one
		}
	}
	for name, one := range was.Figures {
		if one != nil {
			s.Figures[name] = one
		}
	}
	maps.Copy(s.Answered, was.Answered)
	return s
}

// cells returns what counters have gained.
func (s *saved) cells() map[string]map[cell]float64 {
	all := map[string]map[cell]float64{}
	for name, one := range s.Figures {
		all[name] = map[cell]float64{}
		for key, v := range one.Counted {
			tenant, class, _ := strings.Cut(key, " ")
			all[name][cell{tenant, class}] = v
		}
	}
	return all
}

// encode returns the state as it is, and keeps a copy of it to be shown once it is saved.
func (c *Collector) encode(now time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, q := range c.queries {
		c.records.Answered[name] = q.succeeded
	}
	for name := range c.records.Answered {
		if c.queries[name] == nil {
			delete(c.records.Answered, name)
		}
	}
	for name, one := range c.records.Transactions {
		if c.queries[name] == nil && now.Sub(one.Through) > profileAge {
			delete(c.records.Transactions, name)
		}
	}
	c.copyState()
	payload, err := json.Marshal(c.records)
	if err != nil {
		return nil, fmt.Errorf("transactions cannot be encoded: %w", err)
	}
	return payload, nil
}

// copyState copies what is to be shown once it is saved. The caller holds the lock.
func (c *Collector) copyState() {
	c.encoded = &encoded{transactions: map[string]*counted{}, sums: c.records.cells()}
	maps.Copy(c.encoded.transactions, c.records.Transactions) // records are replaced, never changed
}

// encoded is a copy of what is saved, as far as it is shown.
type encoded struct {
	transactions map[string]*counted
	sums         map[string]map[cell]float64
}

// publish shows what is saved: a counter that was shown and not saved would fall after a crash. Without a directory it
// shows what there is.
func (c *Collector) publish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == nil {
		c.copyState()
	}
	if c.encoded != nil {
		c.shown, c.encoded = c.encoded, nil
	}
}
