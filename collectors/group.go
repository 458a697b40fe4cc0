package collectors

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Group runs what a collector does side by side, such as one server of several, or the refresh of a registry. Each part
// reports its rounds by itself: while one of them fails, the collector does, however often the others succeed.
type Group struct {
	ctx    context.Context // ends all parts
	report Report
	logger *slog.Logger
	wg     sync.WaitGroup

	mu      sync.Mutex
	failing map[string]bool
}

// NewGroup returns a group without parts. They end with ctx; Wait waits until they have.
func NewGroup(ctx context.Context, logger *slog.Logger, report Report) *Group {
	return &Group{ctx: ctx, report: report, logger: logger, failing: map[string]bool{}}
}

// Report returns where a part reports its rounds. Each failure is passed on, and each success while no other part
// fails.
func (g *Group) Report(part string) Report {
	return func(err error, d time.Duration) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if err != nil {
			g.failing[part] = true
		} else {
			delete(g.failing, part)
		}
		if err != nil || len(g.failing) == 0 {
			g.report(err, d)
		}
	}
}

// Prompt returns where a part reports its rounds that has them so often that a longer silence than patience is a defect
// of its own or of what it waits for. Such a silence is a failure by timeout, once for each stretch of patience.
func (g *Group) Prompt(part string, patience time.Duration) Report {
	report := g.Report(part)
	var reported atomic.Pointer[time.Time]
	note := func() {
		now := time.Now()
		reported.Store(&now)
	}
	note()
	g.wg.Go(func() {
		for Pause(g.ctx, patience/2) {
			if silent := time.Since(*reported.Load()); silent >= patience {
				note()
				report(&ReasonError{Reason: ReasonTimeout, Err: fmt.Errorf("no round has ended within %s", patience)}, silent)
			}
		}
	})
	return func(err error, d time.Duration) {
		note()
		report(err, d)
	}
}

// Go runs a part until the group's context ends. One that returns an error or panics is reported and started again
// after a pause that doubles. One that returns nil has ended. What a part exposes it takes back by itself, with defer.
func (g *Group) Go(part string, run func(ctx context.Context) error) {
	g.wg.Go(func() {
		report, failed := g.Report(part+" stopped"), false
		again(g.ctx, func() bool {
			if failed { // it has recovered when it has gone on for so long, whatever its rounds report
				defer time.AfterFunc(maxBackoff, func() { report(nil, 0) }).Stop()
			}
			start := time.Now()
			err := Guard(func() error { return run(g.ctx) })
			if err == nil || g.ctx.Err() != nil {
				return false
			}
			LogPanic(g.logger, err)
			failed = true
			report(fmt.Errorf("%s: %w", part, err), time.Since(start))
			return true
		})
	})
}

// Announcement reports that a policy was put in force. Several before the first is received are one.
type Announcement chan struct{}

// NewAnnouncement returns an announcement that was not made yet.
func NewAnnouncement() Announcement { return make(chan struct{}, 1) }

// Make makes the announcement and never waits.
func (a Announcement) Make() {
	select {
	case a <- struct{}{}:
	default:
	}
}

// Each runs the parts of one policy after the other until ctx ends. Whenever changed receives, those that start has
// started are ended, and start is called again. What start reads is therefore as new as the announcement.
func (g *Group) Each(ctx context.Context, changed Announcement, start func(*Group)) {
	for ctx.Err() == nil {
		select {
		case <-changed: // what follows reads what it announced
		default:
		}
		g.one(ctx, changed, start)
	}
}

func (g *Group) one(ctx context.Context, changed Announcement, start func(*Group)) {
	ctx, cancel := context.WithCancel(ctx)
	parts := NewGroup(ctx, g.logger, g.report)
	defer parts.Wait()
	defer cancel()
	start(parts)
	select {
	case <-ctx.Done():
	case <-changed:
	}
}

// Wait waits until all parts have ended.
func (g *Group) Wait() { g.wg.Wait() }

// again runs f until it returns false or ctx ends, with a pause before each further run: doubled each time, and the
// shortest after a run that lasted longer than the longest pause.
func again(ctx context.Context, f func() bool) {
	pause := minBackoff
	for {
		start := time.Now()
		if !f() || ctx.Err() != nil {
			return
		}
		if time.Since(start) > maxBackoff {
			pause = minBackoff
		}
		if !Pause(ctx, pause) {
			return
		}
		pause = min(2*pause, maxBackoff)
	}
}

// Pause waits and returns whether the time has passed; false means that ctx has ended.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
