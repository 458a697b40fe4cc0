package procedure

import (
	"context"
	"maps"
	"time"
)

// patience is how long whoever reports waits.
const patience = 5 * time.Second

// submit returns when an event is saved.
func (c *Collector) submit(ctx context.Context, e event) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.intake.Submit(ctx, e) //nolint:wrapcheck // It says what to do.
}

// settle applies events to a copy of the records, saves it, and only then exposes it.
func (c *Collector) settle(ctx context.Context, batch []event) error {
	if err := c.saving.Await(ctx); err != nil {
		return err //nolint:wrapcheck // It has a reason.
	}
	changed, all := c.applied(batch, time.Now())
	if len(changed) > 0 {
		c.saving.Change()
	}
	c.next = all
	defer c.changeAgain(all)
	return c.saving.Save(ctx, func() { c.publish(changed) }) //nolint:wrapcheck // It has a reason.
}

// changeAgain has what a reload declared saved, if it came between the copy that was saved and the save.
func (c *Collector) changeAgain(saved map[string]*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, r := range c.records {
		if saved[name] != r {
			c.saving.Change()
			return
		}
	}
}

// applied returns the records that events change, and all records with them.
func (c *Collector) applied(batch []event, now time.Time) (changed, all map[string]*record) {
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
	for _, e := range batch {
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
