package procedure

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

// encode returns the records that are to be saved. They do not change while they are.
func (c *Collector) encode(time.Time) ([]byte, error) {
	payload, err := json.Marshal(saved{c.next})
	if err != nil {
		return nil, fmt.Errorf("runs cannot be encoded: %w", err)
	}
	return payload, nil
}
