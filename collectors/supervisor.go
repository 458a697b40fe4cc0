package collectors

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Pauses before a run that ended is started again: doubled each time, and forgotten after a run that
// lasted longer than the longest pause.
const (
	minBackoff = time.Second
	maxBackoff = time.Minute
)

// Supervisor keeps collectors running and exposes how they fare. One that panics or gives up is logged,
// counted and started again; the others do not notice.
type Supervisor struct {
	logger  *slog.Logger
	created time.Time
	entries []*entry
}

type entry struct {
	name      string
	collector Collector

	mu     sync.Mutex
	status Status
	errors map[string]uint64
	logged time.Time // when the last error was
}

// Status is how a collector fares.
type Status struct {
	Name        string
	Success     bool
	Duration    time.Duration
	LastSuccess time.Time // zero if there was none
	LastError   string    // of the last round that failed, also after a success
	LastErrorAt time.Time
}

// NewSupervisor returns a supervisor without collectors.
func NewSupervisor(logger *slog.Logger) *Supervisor {
	return &Supervisor{logger: logger, created: time.Now()}
}

// Add puts a collector under supervision, before Run.
func (s *Supervisor) Add(name string, c Collector) {
	s.entries = append(s.entries, &entry{
		name: name, collector: c, status: Status{Name: name}, errors: map[string]uint64{},
	})
}

// Run runs all collectors and returns when ctx has ended and every one of them has returned.
func (s *Supervisor) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, e := range s.entries {
		wg.Go(func() { s.supervise(ctx, e) })
	}
	wg.Wait()
}

func (s *Supervisor) supervise(ctx context.Context, e *entry) {
	logger := s.logger.With("collector", e.name)
	again(ctx, func() bool {
		start := time.Now()
		err := e.run(ctx, logger)
		LogPanic(logger, err)
		if ctx.Err() != nil {
			if err != nil && !errors.Is(err, ctx.Err()) {
				logger.Error("Collector failed while stopping", "err", err)
			}
			return false
		}
		e.report(err, time.Since(start))
		logger.Error("Collector stopped; starting it again", "err", err)
		return true
	})
}

// Run runs a collector alone, for a program that has no supervisor. It returns when the collector has, with its panic
// as an error, and when all that runs in its group has ended.
func Run(ctx context.Context, c Collector, logger *slog.Logger, report Report) error {
	ctx, cancel := context.WithCancel(ctx)
	group := NewGroup(ctx, logger, report)
	defer group.Wait()
	defer cancel()
	return Guard(func() error { return c.Run(ctx, group) })
}

// run runs the collector once. Whatever ends it early is an error.
func (e *entry) run(ctx context.Context, logger *slog.Logger) error {
	err := Run(ctx, e.collector, logger, func(err error, d time.Duration) {
		if news := e.report(err, d); err != nil && news {
			logger.Warn("Collector failed", "err", err, "duration", d)
		}
	})
	if err != nil || ctx.Err() != nil {
		return err
	}
	return &ReasonError{Reason: ReasonStopped, Err: errors.New("it returned before it was stopped")}
}

// report notes how a round went and returns whether that is news: the same error is logged once a minute, for
// some collectors have a round every second.
func (e *entry) report(err error, d time.Duration) (news bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	same := !e.status.Success && err != nil && err.Error() == e.status.LastError
	e.status.Success, e.status.Duration = err == nil, d
	if err == nil {
		e.status.LastSuccess = now
		return true
	}
	e.status.LastError, e.status.LastErrorAt = err.Error(), now
	e.errors[ReasonOf(err)]++
	if same && now.Sub(e.logged) < time.Minute {
		return false
	}
	e.logged = now
	return true
}

// LastSuccess returns when a round of a collector last succeeded, the zero time if none has; false if it does not run.
func (s *Supervisor) LastSuccess(name string) (time.Time, bool) {
	for _, e := range s.entries {
		if e.name == name {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.status.LastSuccess, true
		}
	}
	return time.Time{}, false
}

// Status returns how the collectors fare, in the order in which they were added.
func (s *Supervisor) Status() []Status {
	var all []Status
	for _, e := range s.entries {
		e.mu.Lock()
		all = append(all, e.status)
		e.mu.Unlock()
	}
	return all
}

var (
	successDesc     = metric.CollectorSuccess.Desc()
	durationDesc    = metric.CollectorDuration.Desc()
	lastSuccessDesc = metric.CollectorLastSuccess.Desc()
	errorsDesc      = metric.CollectorErrors.Desc()
)

// Describe implements prometheus.Collector.
func (s *Supervisor) Describe(ch chan<- *prometheus.Desc) {
	ch <- successDesc
	ch <- durationDesc
	ch <- lastSuccessDesc
	ch <- errorsDesc
}

// Collect implements prometheus.Collector. Every reason is exposed from the start.
func (s *Supervisor) Collect(ch chan<- prometheus.Metric) {
	for _, e := range s.entries {
		e.mu.Lock()
		status := e.status
		counts := make([]uint64, len(Reasons))
		for i, reason := range Reasons {
			counts[i] = e.errors[reason]
		}
		e.mu.Unlock()

		success, last := 0.0, 0.0
		if status.Success {
			success = 1
		}
		if !status.LastSuccess.IsZero() {
			last = float64(status.LastSuccess.UnixMilli()) / 1000
		}
		ch <- prometheus.MustNewConstMetric(successDesc, prometheus.GaugeValue, success, e.name)
		ch <- prometheus.MustNewConstMetric(durationDesc, prometheus.GaugeValue, status.Duration.Seconds(), e.name)
		ch <- prometheus.MustNewConstMetric(lastSuccessDesc, prometheus.GaugeValue, last, e.name)
		for i, reason := range Reasons {
			ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(errorsDesc, prometheus.CounterValue,
				float64(counts[i]), s.created, e.name, reason)
		}
	}
}
