package domain

import (
	"context"
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

const (
	// bootstrapAge is how old the list of RDAP servers may be, bootstrapRetry how often that is checked.
	bootstrapAge   = 7 * 24 * time.Hour
	bootstrapRetry = time.Hour
	// bootstrapTimeout bounds the disk that holds the policy's own list.
	bootstrapTimeout = 10 * time.Second
)

// bootstrapOf reads the list of RDAP servers that the policy names, nil if it names none.
func bootstrapOf(p *config.Policy) (*bootstrap, error) {
	d := p.Domains()
	if d == nil || d.Bootstrap.File == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), bootstrapTimeout)
	defer cancel()
	text, err := regularfile.Read(ctx, d.Bootstrap.File, maxBootstrap)
	if err != nil {
		return nil, fmt.Errorf("the list of RDAP servers cannot be read: %w", err)
	}
	b, err := readBootstrap(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Bootstrap.File, err)
	}
	return b, nil
}

// refreshBootstrap reads the list of RDAP servers again if it is old or comes from another address. One that cannot be
// read, or has lost half of its entries, replaces none: look-ups go on by the list in use, so that this is no failure
// of the collector.
func (c *Collector) refreshBootstrap(ctx context.Context, address string) error {
	c.mu.Lock()
	old, fresh := c.bootstrap, c.listURL == address && time.Since(c.bootstrapAt) < bootstrapAge
	c.mu.Unlock()
	if fresh {
		return nil
	}
	text, err := c.client.get(ctx, address, "application/json", maxBootstrap)
	if ctx.Err() != nil {
		return nil
	}
	var list *bootstrap
	if err == nil {
		list, err = readBootstrap(text)
	}
	if err == nil && len(list.servers) < len(old.servers)/2 {
		err = fmt.Errorf("it has %d entries, and %d before", len(list.servers), len(old.servers))
	}
	if err != nil {
		c.logger.Warn("The list of RDAP servers cannot be refreshed; the one in use stays", "err", err, "published",
			old.published)
		return nil
	}
	if !c.useBootstrap(list, address) {
		return nil
	}
	c.wake.Make()
	return c.keepBootstrap(ctx, text)
}

// useBootstrap puts a list that was read at an address in use, unless the policy has changed to another meanwhile.
func (c *Collector) useBootstrap(list *bootstrap, address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.policy.Domains(); d == nil || d.Bootstrap.URL != address {
		return false
	}
	c.bootstrap, c.listURL, c.bootstrapAt = list, address, time.Now()
	c.show()
	return true
}
