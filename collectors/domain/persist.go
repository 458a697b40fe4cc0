package domain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	snapshotName    = "domain"
	bootstrapName   = "domain-servers"
	snapshotVersion = 1
	snapshotBytes   = 16 << 20

	saveInterval = 15 * time.Second
	// forgetAfter is how long a domain is remembered that is no longer watched.
	forgetAfter = 7 * 24 * time.Hour
)

// saved is the form in which the state is saved.
type saved struct {
	Domains    map[string]*record   `json:"domains"`
	Registries map[string]*registry `json:"registries"`
}

// earlier is what the disk holds of an earlier run, as far as it is needed.
type earlier struct {
	saved
	servers *bootstrap // nil where another list is in use or put in use
}

// read reads from the disk what a policy needs. servers is the list of the policy's own file, nil without one.
func (c *Collector) read(servers *bootstrap) earlier {
	c.mu.Lock()
	begin := c.records == nil
	list := servers == nil && (c.bootstrap == nil || c.listFile)
	c.mu.Unlock()
	var was earlier
	if begin {
		was.saved = c.load()
	}
	if list {
		was.servers = c.kept()
	}
	return was
}

// load reads the state of an earlier run, or begins without one.
func (c *Collector) load() saved {
	was := saved{map[string]*record{}, map[string]*registry{}}
	if c.dir == nil {
		return was
	}
	var s saved
	if err := c.dir.LoadJSON(snapshotName, snapshotVersion, snapshotBytes, &s); err != nil {
		if !errors.Is(err, state.ErrNotFound) {
			c.logger.Warn("Registrations are looked up anew: the saved ones cannot be used", "err", err)
		}
		return was
	}
	for name, r := range s.Domains {
		if r != nil {
			was.Domains[name] = r
		}
	}
	for host, r := range s.Registries {
		if r != nil {
			was.Registries[host] = r
		}
	}
	return was
}

// encode returns the state in its saved form, without what can be dropped.
func (c *Collector) encode(now time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := saved{map[string]*record{}, map[string]*registry{}}
	for _, w := range c.domains {
		s.Domains[w.name] = c.records[w.name]
	}
	for name, r := range c.records {
		if now.Sub(r.LastSuccess) < forgetAfter {
			s.Domains[name] = r
		}
	}
	for host, r := range c.registries {
		if r.Next.After(now) || r.Failures > 0 {
			s.Registries[host] = r
		}
	}
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("registrations cannot be encoded: %w", err)
	}
	c.records, c.registries = s.Domains, s.Registries
	return payload, nil
}

// keepBootstrap saves a list of RDAP servers for the next start. One that is not saved is read again then.
func (c *Collector) keepBootstrap(ctx context.Context, text []byte) error {
	if c.dir == nil {
		return nil
	}
	select {
	case err := <-collectors.Async(func() error { return c.dir.Save(bootstrapName, snapshotVersion, text) }):
		return err
	case <-ctx.Done():
		return nil
	}
}

// kept returns the list of RDAP servers that was saved, else the one that the exporter brings along.
func (c *Collector) kept() *bootstrap {
	ours, err := readBootstrap(vendored)
	if err != nil {
		panic(err) // a test reads it
	}
	if c.dir != nil {
		if text, err := c.dir.Load(bootstrapName, snapshotVersion, maxBootstrap); err == nil {
			if saved, err := readBootstrap(text); err == nil && saved.published.After(ours.published) {
				return saved
			}
		}
	}
	return ours
}
