package health

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// tick is how often time is accounted, and saved while anything but quiet time passes; while nothing is
// down or changes, saving every quietTick spares the disk. So a scrape shows an outage a second late at the
// most, and a crash loses at most quietTick of observed time.
const (
	tick      = time.Second
	quietTick = 5 * time.Second
)

// queue orders targets by when their next probe is due.
type queue []*target

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*target)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return t
}

// scheduler starts probes when they are due, within the concurrency. Confirmations and probes of what is
// down may use half of it, so that many hanging targets never hold up the others.
type scheduler struct {
	c           *Collector
	queue       queue
	waiting     []*target // due, but no place was free
	running     int
	runningFast int
	done        chan finished
}

// finished is a probe's end on its way back to the scheduler.
type finished struct {
	t    *target
	fast bool
}

// Run probes until the context ends, and saves once more then.
func (c *Collector) Run(ctx context.Context, report collectors.Report) error {
	s := &scheduler{c: c, done: make(chan finished)}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	registry := time.NewTicker(c.registryInterval())
	defer registry.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	s.rebuild()
	for {
		select {
		case <-ctx.Done():
			for s.running > 0 {
				s.finish(<-s.done)
			}
			return c.account(time.Now(), true)
		case <-c.changed:
			s.rebuild()
			registry.Reset(c.registryInterval())
		case f := <-s.done:
			s.finish(f)
		case <-ticker.C:
			start := time.Now()
			report(c.account(start, false), time.Since(start))
		case <-registry.C:
			if err := c.refreshRegistry(); err != nil {
				c.logger.Warn("The tenant registry cannot be refreshed; the last good one stays", "err", err)
				report(&collectors.ReasonError{Reason: "config", Err: err}, 0)
			}
		case <-timer.C:
		}
		timer.Reset(s.start(ctx, time.Now()))
	}
}

func (c *Collector) registryInterval() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == nil {
		return time.Minute
	}
	return max(c.policy.Tenants.Registry.Refresh.Std(), time.Second)
}

// rebuild takes the collector's targets over. Probes that run go on; their result is theirs to keep.
func (s *scheduler) rebuild() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.queue, s.waiting = nil, nil
	for _, t := range s.c.targets {
		if !t.running {
			s.queue = append(s.queue, t)
		}
	}
	heap.Init(&s.queue)
}

// start begins every probe that is due and returns how long to sleep until the next is.
func (s *scheduler) start(ctx context.Context, now time.Time) time.Duration {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(t *target) bool { return s.begin(ctx, t) })
	for len(s.queue) > 0 && !s.queue[0].due.After(now) {
		t := heap.Pop(&s.queue).(*target)
		if t.limiter != nil && !t.reserved {
			t.reserved = true
			if delay := t.limiter.ReserveN(now, 1).DelayFrom(now); delay > 0 {
				s.c.delayed++
				t.due = now.Add(delay)
				heap.Push(&s.queue, t)
				continue
			}
		}
		if !s.begin(ctx, t) {
			s.c.delayed++
			s.waiting = append(s.waiting, t)
		}
	}
	if len(s.queue) == 0 {
		return tick
	}
	return max(s.queue[0].due.Sub(now), 0)
}

// begin starts a probe if there is a place for it. The caller holds the lock.
func (s *scheduler) begin(ctx context.Context, t *target) bool {
	limit := s.c.policy.Health.Concurrency
	fast := t.judge.fast()
	if s.running >= limit || fast && s.runningFast >= max(limit/2, 1) {
		return false
	}
	s.running++
	if fast {
		s.runningFast++
	}
	s.c.inFlight, t.running, t.reserved = s.running, true, false
	reference := s.c.reference
	go func() {
		s.c.probe(ctx, t, reference)
		s.done <- finished{t, fast}
	}()
	return true
}

// finish frees a probe's place and queues the target's next probe.
func (s *scheduler) finish(f finished) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.running--
	if f.fast {
		s.runningFast--
	}
	s.c.inFlight, f.t.running = s.running, false
	next := f.t
	if f.t.retired {
		// The policy changed meanwhile: the target that took its place goes on.
		var ok bool
		if next, ok = s.c.targets[f.t.key]; !ok || next.running || slices.Contains(s.queue, next) {
			return
		}
	}
	heap.Push(&s.queue, next)
}

// probe runs one probe and judges it.
func (c *Collector) probe(ctx context.Context, t *target, reference *reference) {
	m := t.request.run(ctx, false)
	if m.result == metric.ResultFailure && m.reason == reasonStatus && t.request.challenged(ctx) {
		m.result, m.reason = metric.ResultUnknown, reasonChallenge
	}
	if m.result == metric.ResultFailure && reference.isOffline(ctx) {
		m.result, m.reason = metric.ResultUnknown, reasonProberOffline
	}
	if ctx.Err() != nil {
		return // we are stopping: a probe that was cut short says nothing
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judge(t, m)
}

// judge counts a probe's result and schedules the next one. The caller holds the lock.
func (c *Collector) judge(t *target, m measured) {
	health := c.policy.Health
	interval, timeout := t.check.Interval.Std(), t.check.Timeout.Std()
	before := t.judge.state
	t.judge.observe(m.outcome, interval+timeout+max(interval/2, 10*time.Second), health.Confirm.Probes)
	if after := t.judge.state; after != before {
		c.logger.Info("Check changed state", "check", t.key.check, "tenant", t.tenant, "from", before, "to", after, "reason", t.judge.reason)
	}
	t.last = m.outcome
	t.results[slices.Index(metric.ProbeResults, m.result)]++
	t.series.count(m)
	if m.certExpiry > 0 {
		t.expiry = m.certExpiry
	}
	switch {
	case t.judge.pending != nil:
		t.due = m.end.Add(health.Confirm.Interval.Std())
	case t.judge.state == metric.StateDown:
		t.due = maxTime(m.start.Add(min(health.RecheckInterval.Std(), interval)), m.end.Add(100*time.Millisecond))
	default:
		// Keep the target's own phase, whatever confirmations moved.
		missed := max(m.end.Sub(t.due)/interval, 0)
		t.due = t.due.Add(interval * (missed + 1))
		if wait := t.due.Sub(m.end); wait > interval {
			t.due = m.end.Add(interval)
		}
	}
}

// account credits the time up to now to every target. If that is worth saving now, it saves the counters and
// publishes what was saved.
func (c *Collector) account(now time.Time, last bool) error {
	c.mu.Lock()
	due := last || now.Sub(c.savedAt) >= quietTick-tick/2
	for k, t := range c.targets {
		maintained := slices.ContainsFunc(t.windows, func(m *config.Maintenance) bool { return active(m, now) })
		t.judge.maintain(maintained, now)
		t.judge.advance(now)
		before, shown := c.saved[k]
		due = due || !shown || !t.judge.totals.quietSince(before.totals)
	}
	if !due {
		c.mu.Unlock()
		return nil
	}
	snapshot := make(map[key]saved, len(c.targets))
	for k, t := range c.targets {
		snapshot[k] = saved{totals: t.judge.totals, AppService: t.check.AppService, Created: t.created}
	}
	c.mu.Unlock()
	err := c.save(snapshot)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.saved, c.savedAt = snapshot, now
		c.saves[0]++
		return nil
	}
	c.saves[1]++
	// On a full disk pages must still go out. Without its file the next start begins at 0, so exposing what
	// is not saved can never become a step back; where even removing fails, the counters stand still.
	if c.dir.Remove(snapshotName) == nil {
		c.saved = snapshot
	}
	return &collectors.ReasonError{Reason: "io", Err: err}
}
