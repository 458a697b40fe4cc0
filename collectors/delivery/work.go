package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Bounds of the posts that wait to be saved.
const (
	maxQueue = 256
	// patience is how long the work waits for the disk.
	patience = 5 * time.Second
	// sweep is how often what has settled is evaluated, and what a commit has left is saved.
	sweep = 15 * time.Second
	// maxSeen is how many ids of deliveries are remembered.
	maxSeen = 1024
)

// errUnsaved means that a post was not saved in time. It may be saved yet.
var errUnsaved = errors.New("the deployment cannot be saved now; send it again")

// post is what a source reports, whose sender waits for the disk.
type post struct {
	received
	again bool // it was delivered before
	done  chan error
}

// submit returns when what a source reports is saved, and whether it was delivered before.
func (c *Collector) submit(ctx context.Context, got received) (again bool, err error) {
	p := &post{received: got, done: make(chan error, 1)}
	select {
	case c.queue <- p:
	case <-ctx.Done():
		return false, errUnsaved
	}
	select {
	case err := <-p.done:
		return p.again, err
	case <-ctx.Done():
		return false, errUnsaved
	}
}

// work applies posts in the order in which they come in, as many at once as have come while the last ones were saved.
func (c *Collector) work(ctx context.Context, status collectors.Report) error {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		start := time.Now()
		status(c.settle(ctx, c.queued(nil)), time.Since(start)) // also what a commit has left
		select {
		case <-ctx.Done():
			return c.drain()
		case <-tick.C:
		case first := <-c.queue:
			start = time.Now()
			status(c.settle(ctx, c.queued(first)), time.Since(start))
		}
	}
}

// drain saves what has come in before the end, so that a policy that is reloaded loses no post.
func (c *Collector) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.settle(ctx, c.queued(nil)) // whoever posts has the error
	return nil
}

func (c *Collector) queued(first *post) (batch []*post) {
	if first != nil {
		batch = append(batch, first)
	}
	for len(batch) < maxQueue {
		select {
		case p := <-c.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// settle applies posts, saves what is new, and only then exposes it and answers.
func (c *Collector) settle(ctx context.Context, batch []*post) (err error) {
	result := errUnsaved // also of a panic
	defer func() {
		for _, p := range batch {
			p.done <- result
		}
	}()
	if err := c.awaitSave(ctx); err != nil {
		return err
	}
	if err := c.save(ctx, batch); err != nil {
		return err
	}
	result = nil
	return nil
}

// apply applies posts and evaluates what has settled. The caller holds the lock.
func (c *Collector) apply(batch []*post, now time.Time) {
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
		c.dirty = c.dirty || news
	}
	for _, name := range c.names() {
		c.dirty = c.services[name].evaluate(c.rules, now) || c.dirty
	}
}
