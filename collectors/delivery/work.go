package delivery

import (
	"context"
	"slices"
	"time"
)

// maxSeen is how many ids of deliveries are remembered.
const maxSeen = 1024

// post is what a source reports, and whether it was delivered before.
type post struct {
	received
	again bool
}

// submit returns when what a source reports is saved, and whether it was delivered before.
func (c *Collector) submit(ctx context.Context, got received) (again bool, err error) {
	p := &post{received: got}
	if err := c.intake.Submit(ctx, p); err != nil {
		return false, err //nolint:wrapcheck // It says what to do.
	}
	return p.again, nil
}

// settle applies posts, saves what is new, and only then exposes it. Nothing changes while a save is pending, so that
// what is exposed then is what was saved.
func (c *Collector) settle(ctx context.Context, batch []*post) error {
	if err := c.saving.Await(ctx); err != nil {
		return err //nolint:wrapcheck // It has a reason.
	}
	c.mu.Lock()
	c.apply(batch, time.Now())
	c.mu.Unlock()
	return c.saving.Save(ctx, func() { //nolint:wrapcheck // It has a reason.
		c.mu.Lock()
		defer c.mu.Unlock()
		c.show(time.Now())
	})
}

// apply applies posts and evaluates what has settled. The caller holds the lock.
func (c *Collector) apply(batch []*post, now time.Time) {
	changed := false
	for _, p := range batch {
		if p.again = p.id != "" && slices.Contains(c.seen, p.id); p.again {
			continue
		}
		news := p.id != ""
		for _, one := range p.changes {
			if s := c.services[one.service]; s != nil {
				news = s.apply(one, c.rules, now) || news
			}
		}
		if p.runs != nil {
			if s := c.services[p.runs.service]; s != nil {
				news = s.applyRuns(p.runs, now) || news
			}
		}
		if p.id != "" {
			c.seen = append(c.seen, p.id)
			c.seen = c.seen[max(0, len(c.seen)-maxSeen):]
		}
		changed = changed || news
	}
	for _, name := range c.names() {
		changed = c.services[name].evaluate(c.rules, now) || changed
	}
	if changed {
		c.saving.Change()
	}
}
