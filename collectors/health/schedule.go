package health

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// tick is how often time is counted. It is saved as often while a check is down or changes, else every quietTick, to
// spare the disk. So a scrape shows an outage at most a second late, and a crash loses at most quietTick of observed
// time.
const (
	tick      = time.Second
	quietTick = 5 * time.Second
)

// A disk that hangs must delay neither probes nor the stop: a save that takes longer counts as failed.
const (
	saveTimeout     = 5 * time.Second
	lastSaveTimeout = 5 * time.Second
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

	saving  time.Time // when the save in flight began, zero if there is none
	saved   <-chan error
	saveErr error // of the last save
}

// maxFinished is how many probes may have ended that the scheduler has not seen: none of them keeps its stack
// meanwhile.
const maxFinished = 1000

// finished is a probe that has ended, for the scheduler.
type finished struct {
	t       *target
	fast    bool
	request request
	m       *measured // nil for one that panicked or was cut short
}

// patience is how long the tick, which is due every second, may be missing.
const patience = time.Minute

// Run probes until the context ends, and saves once more then. It does not wait for probes under way; their results are
// discarded.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	report := group.Prompt("checks", patience)
	s := &scheduler{c: c, done: make(chan finished, maxFinished)}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	group.Go("registry", func(ctx context.Context) error { return c.followRegistry(ctx, group.Report("registry")) })
	group.Poll(c.pollModules())
	group.Poll(c.pollArchives())
	timer := time.NewTimer(0)
	defer timer.Stop()
	c.mu.Lock()
	c.inFlight = 0
	for _, t := range c.targets {
		t.running, t.paced = false, false // of an earlier run
	}
	for _, g := range c.gone {
		g.target.running, g.target.paced = false, false
	}
	c.mu.Unlock()
	s.rebuild()
	for {
		select {
		case <-ctx.Done():
			return s.stop()
		case <-c.changed:
			s.rebuild()
		case f := <-s.done:
			s.finish(f)
		case s.saveErr = <-s.saved:
			s.saving, s.saved = time.Time{}, nil
		case now := <-ticker.C:
			s.tick(ctx, now, report)
		case <-timer.C:
		}
		timer.Reset(s.start(ctx, time.Now()))
	}
}

// tick accounts time, begins a save if one is due, and reports.
func (s *scheduler) tick(ctx context.Context, now time.Time, report collectors.Report) {
	start := time.Now()
	due, reopened := s.c.advance(now)
	if reopened {
		s.rebuild()
	}
	var stuck error
	switch {
	case s.saving.IsZero() && due:
		s.saving = now
		s.saved = collectors.Async(func() error { return s.c.saveNow(now, false) })
	case !s.saving.IsZero() && now.Sub(s.saving) > saveTimeout:
		stuck = &collectors.ReasonError{
			Reason: collectors.ReasonTimeout,
			Err:    fmt.Errorf("saving has not come back for more than %s", saveTimeout),
		}
	}
	s.c.mu.Lock()
	reference := s.c.reference
	s.c.mu.Unlock()
	reference.ask(ctx)
	report(errors.Join(stuck, s.saveErr), time.Since(start))
}

// stop saves for the last time, with what has ended until now.
func (s *scheduler) stop() error {
	select {
	case f := <-s.done:
		s.finish(f)
	default:
	}
	deadline := time.After(lastSaveTimeout)
	if !s.saving.IsZero() {
		select {
		case s.saveErr = <-s.saved:
		case <-deadline:
			return errors.New("saving has not come back; counters since the last save are lost")
		}
	}
	saved := collectors.Async(func() error {
		now := time.Now()
		s.c.advance(now)
		return s.c.saveNow(now, true)
	})
	select {
	case err := <-saved:
		return err
	case <-deadline:
		return errors.New("saving has not come back; counters since the last save are lost")
	}
}

// rebuild takes the collector's targets over. A target whose probe runs comes back when that has finished.
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
		if t.pace != nil && !t.paced {
			t.paced = true
			if delay := t.pace.of(t.machine).ReserveN(now, 1).DelayFrom(now); delay > 0 {
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
	fast := t.machine.fast()
	if s.running >= limit || fast && s.runningFast >= max(limit/2, 1) {
		return false
	}
	s.running++
	if fast {
		s.runningFast++
	}
	s.c.inFlight, t.running, t.paced = s.running, true, false
	request, reference := t.request, s.c.reference
	f := finished{t: t, fast: fast, request: request}
	probe := func() error {
		m := request.examine(ctx, false, reference)
		if ctx.Err() != nil {
			return nil // stopping: a probe that was cut short shows nothing
		}
		m.registry, m.log = nil, capture{}
		f.m = m
		return nil
	}
	collectors.Async(func() error {
		collectors.LogPanic(s.c.logger.With("check", t.check, "tenant", t.tenant), collectors.Guard(probe))
		select {
		case s.done <- f:
		case <-ctx.Done():
		}
		return nil
	})
	return true
}

// finish evaluates the probes that have ended, frees their places and queues their targets' next probes. No probe waits
// for the lock, with its stack and its connection: thousands may end while a scrape holds it.
func (s *scheduler) finish(f finished) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.finishOne(f)
	for range maxFinished { // and no more: what is due must begin
		select {
		case f = <-s.done:
			s.finishOne(f)
		default:
			return
		}
	}
}

// finishOne finishes one probe. The caller holds the lock.
func (s *scheduler) finishOne(f finished) {
	if r := &f.t.request; f.m != nil && !f.t.removed && f.request.target == r.target &&
		f.request.moduleName == r.moduleName {
		s.c.evaluate(f.t, f.m)
	}
	s.running--
	if f.fast {
		s.runningFast--
	}
	s.c.inFlight, f.t.running = s.running, false
	if f.t.removed {
		return
	}
	if now := time.Now(); !f.t.due.After(now) {
		f.t.due = now.Add(tick) // nothing was evaluated: the settings changed, or the probe panicked
	}
	heap.Push(&s.queue, f.t)
}

// evaluate counts a probe's result and schedules the next one. The caller holds the lock.
func (c *Collector) evaluate(t *target, m *measured) {
	health := c.policy.Health
	interval, timeout := t.spec.Interval.Std(), t.spec.Timeout.Std()
	before := t.machine.state
	t.machine.evaluate(m.outcome, interval+timeout+max(interval/2, 10*time.Second), health.Confirm.Probes)
	if after := t.machine.state; after != before {
		c.logger.Info("Check changed state", "check", t.check, "tenant", t.tenant, "from", before, "to", after, "reason",
			t.machine.reason)
	}
	t.last, t.addr, t.silent = m.outcome, m.addr, m.silent()
	t.results[slices.Index(metric.ProbeResults, m.result)]++
	c.checks[t.check].count(m)
	if !m.certificate.expiry.IsZero() || m.result == metric.ResultSuccess {
		t.certificate = m.certificate
	}
	switch {
	case t.machine.pending != nil:
		t.due = m.end.Add(health.Confirm.Interval.Std())
	case t.machine.state == metric.StateDown:
		t.due = maxTime(m.start.Add(min(health.RecheckInterval.Std(), interval)), m.end.Add(100*time.Millisecond))
	default:
		t.due = slot(t.key, interval, m.end)
	}
}

// advance credits the time up to now to every target. It reports whether that is worth saving now, and whether
// a maintenance window has ended, so that probes are due which the queue does not know of.
func (c *Collector) advance(now time.Time) (due, reopened bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.windows {
		w.open = w.Active(now)
	}
	// Saved again before the last snapshot stops being valid, also after one that came late.
	due = now.Sub(c.savedAt) >= quietTick-tick/2 || c.until.Sub(now) < trustFor/2
	for _, t := range c.targets {
		maintained := slices.ContainsFunc(t.windows, func(w *window) bool { return w.open })
		if t.machine.state == metric.StateMaintenance && !maintained {
			t.soon(now)
			reopened = true
		}
		t.machine.maintain(maintained, now)
		t.machine.advance(now)
		due = due || !t.isShown || !t.machine.quietSince(t.shown)
	}
	c.continueInMemory(now)
	return due, reopened
}
