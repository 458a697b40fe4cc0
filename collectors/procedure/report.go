package procedure

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Bounds of the reports that wait to be saved.
const (
	maxQueue = 256
	// patience is how long whoever reports waits, and the work for the disk.
	patience = 5 * time.Second
	// sweep is how often times are looked at that a clock which was set back has left in the future, and what the
	// commit of a policy has left to save.
	sweep = 15 * time.Second
)

// errUnsaved means that a report was not saved in time. It may be saved yet.
var errUnsaved = errors.New("the report cannot be saved now; send it again")

// report is an event whose reporter waits for the disk.
type report struct {
	event event
	done  chan error
}

// submit returns when an event is saved.
func (c *Collector) submit(ctx context.Context, e event) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := &report{e, make(chan error, 1)}
	select {
	case c.queue <- r:
	case <-ctx.Done():
		return errUnsaved
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return errUnsaved
	}
}

// work applies reports in the order in which they come in, as many at once as have come while the last ones were saved.
func (c *Collector) work(ctx context.Context, status collectors.Report) error {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		start := time.Now()
		status(c.settle(ctx, c.takeQueued(nil)), time.Since(start)) // also what a commit has left
		select {
		case <-ctx.Done():
			return c.drain()
		case <-tick.C:
		case first := <-c.queue:
			start = time.Now()
			status(c.settle(ctx, c.takeQueued(first)), time.Since(start))
		}
	}
}

// drain saves what has come in before the end, so that a policy that is reloaded loses no report.
func (c *Collector) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.settle(ctx, c.takeQueued(nil)) // whoever reports has the error
	return nil
}

func (c *Collector) takeQueued(first *report) (batch []*report) {
	if first != nil {
		batch = append(batch, first)
	}
	for len(batch) < maxQueue {
		select {
		case r := <-c.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// settle applies reports to a copy of the records, saves it, and only then exposes it and answers.
func (c *Collector) settle(ctx context.Context, batch []*report) (err error) {
	answered := false
	defer func() {
		if !answered {
			for _, r := range batch {
				r.done <- errUnsaved
			}
		}
	}()
	if err := c.awaitSave(ctx); err != nil {
		return err
	}
	changed, all := c.applied(batch, time.Now())
	if err := c.save(ctx, changed, all); err != nil {
		return err
	}
	answered = true
	for _, r := range batch {
		r.done <- nil
	}
	return nil
}

// applied returns the records that reports change, and all records with them.
func (c *Collector) applied(batch []*report, now time.Time) (changed, all map[string]*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, all = map[string]*record{}, maps.Clone(c.records)
	for name, r := range all {
		if _, ok := c.watched[name]; !ok && now.Sub(latest(r.Since, latest(r.Success, r.Failure))) > forgetAfter {
			changed[name], all[name] = nil, nil
			delete(all, name)
		} else if s := r.sane(now); s != r {
			changed[name], all[name] = s, s
		}
	}
	for _, one := range batch {
		e := one.event
		before := all[e.procedure]
		if before == nil { // the policy has changed meanwhile
			continue
		}
		e.logged = c.watched[e.procedure] != nil && c.watched[e.procedure].listed
		if after := before.apply(e); after != before {
			changed[e.procedure], all[e.procedure] = after, after
		}
	}
	return changed, all
}

// publish exposes records that are saved.
func (c *Collector) publish(changed map[string]*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, r := range changed {
		if r == nil {
			delete(c.records, name)
			continue
		}
		c.records[name] = r
		if w := c.watched[name]; w != nil && r.Schedule == w.identity {
			c.due[name] = w.due(r)
		} else if w != nil { // the policy has changed meanwhile
			c.declare(time.Now())
		}
	}
}
