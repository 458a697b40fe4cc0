// Package source reads request logs from files and standard input. Each file has a goroutine that counts
// whole lines and commits the counts together with its position, so that a line is counted exactly once
// whenever the process ends.
package source

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
)

// Pace of the work; tests hurry.
var (
	pollEvery = 500 * time.Millisecond
	// drainTime is how long a renamed file is still read after its last growth: its writer appends to it until a
	// signal makes it open the new one.
	drainTime = 30 * time.Second
	// settleTime is how long an unknown file must stay unchanged before it is taken for a rotated
	// one: it may still be being copied or compressed.
	settleTime = 2 * time.Second
)

const (
	// sessionTime bounds how long counts wait for their commit while a file is being caught up.
	sessionTime = time.Second
	// sampleEvery bounds how often an unreadable line is logged.
	sampleEvery = time.Minute
	maxRetry    = 10 * time.Second
)

// maxLine bounds a line. What is longer is counted as such and skipped.
const maxLine = 1 << 20

const bufferSize = 256 << 10

// Status is the state of a source, as it is exported.
type Status struct {
	Up     Up
	Errors atomic.Uint64
	Lag    atomic.Int64
	// Refused is the time of the last post that a receiver could not save, in Unix nanoseconds; 0 if it has saved one
	// since.
	Refused atomic.Int64
	// Durations samples durations that cannot be read.
	Durations Sampler
	// Rejected is a sample of the last lines that could not be read, nil if there were none.
	Rejected atomic.Pointer[Reject]
}

// Reject is a line, or a record of a post, that could not be read.
type Reject struct {
	At     time.Time
	Reason string
	// Where it is, such as a file and an offset.
	Where string
	// Like is how it is written, without what it says: it may hold secrets.
	Like string
}

// rejectEvery bounds how often a rejected line is kept as the sample.
const rejectEvery = time.Second

// Reject keeps a rejected line as the sample, unless another has just been kept. where is called if it is kept.
func (s *Status) Reject(v decode.Outcome, line []byte, where func() string) {
	now := time.Now()
	if last := s.Rejected.Load(); last != nil && now.Sub(last.At) < rejectEvery {
		return
	}
	s.Rejected.Store(&Reject{At: now, Reason: v.Reason(), Where: where(), Like: decode.Shape(line, 80)})
}

// Unreadable logs the form of a duration that cannot be read, at a bounded rate and without its content.
func (s *Status) Unreadable(l *slog.Logger, reason decode.Unreadable, text []byte) {
	if l.Enabled(context.Background(), slog.LevelDebug) && s.Durations.Allow() {
		l.Debug("A duration cannot be read", "reason", reason.Reason(), "written_like", decode.Shape(text, 32))
	}
}

func (c *Config) unread(e *decode.Event) { c.Status.Unreadable(c.Logger, e.Unreadable, e.Unread) }

// Config is what every kind of source needs.
type Config struct {
	Name        string
	Format      decode.Options
	Count       *aggregate.CountSource
	Store       *store.Store
	Aggregators *Aggregators
	Logger      *slog.Logger
	Status      *Status
	// Following is which source of the same policy follows which logs, this one included.
	Following Following
	// Pause is called at each point between a look at a file and what is done because of it. It is nil outside of tests.
	Pause func(at Point, path string)
}

// Point is where a file may become another one, or hold something else, while it is being read.
type Point string

// The points, in the order in which they are passed.
const (
	PointFollowed   Point = "followed"   // a log was opened and identified; its position is not yet chosen
	PointLooked     Point = "looked"     // a log has grown; nothing of it is read yet
	PointRead       Point = "read"       // it was read; what it holds now is not yet compared
	PointClaimed    Point = "claimed"    // its beginning is known to who looks for copies; it is not yet compared again
	PointConfirmed  Point = "confirmed"  // what was read is its own; it is not yet saved
	PointSaved      Point = "saved"      // it is saved; who looks for copies does not know yet
	PointSettled    Point = "settled"    // a rotated file has stood still; it is not yet opened
	PointIdentified Point = "identified" // a rotated file was opened and identified; it is not yet judged
	PointJudged     Point = "judged"     // something of a rotated file is missing; it is not yet opened again
	PointOpened     Point = "opened"     // a rotated file was opened again and identified; nothing of it is read yet
	PointInflated   Point = "inflated"   // a part of it was read and is not yet compared
	PointListed     Point = "listed"     // files were listed; none is opened yet
	PointMeasured   Point = "measured"   // a log was measured in order to begin at its end; it is not yet identified
)

func (c *Config) pause(at Point, path string) {
	if c.Pause != nil {
		c.Pause(at, path)
	}
}

// Aggregators is the working memory of all sources: as many of them count at a time as there are aggregators.
type Aggregators struct {
	store *store.Store
	free  chan *aggregate.Aggregator
}

// NewAggregators makes n aggregators.
func NewAggregators(st *store.Store, n int) *Aggregators {
	t := &Aggregators{store: st, free: make(chan *aggregate.Aggregator, n)}
	for range n {
		t.free <- aggregate.NewAggregator(st)
	}
	return t
}

// With waits for an aggregator, and lets f count events of a source in it. What f has not flushed when it returns is
// dropped. An aggregator whose f panics is replaced, because it may have counted half an event.
func (t *Aggregators) With(ctx context.Context, source *aggregate.CountSource,
	f func(*aggregate.Aggregator) error,
) error {
	var agg *aggregate.Aggregator
	select {
	case agg = <-t.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	sound := false
	defer func() {
		if sound {
			agg.Discard()
		} else {
			agg = aggregate.NewAggregator(t.store)
		}
		t.free <- agg
	}()
	agg.Begin(source)
	err := f(agg)
	sound = true
	return err
}

// panicked returns a function that logs a panic of a decoder with its stack, at a bounded rate.
func (c *Config) panicked(samples *Sampler) func(error) {
	return func(err error) {
		if samples.Allow() {
			collectors.LogPanic(c.Logger, err)
		}
	}
}

// Commit saves a record and tries again until it succeeds, the store stops or ctx ends. Meanwhile nothing more is read.
func (c *Config) Commit(ctx context.Context, record []byte) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, maxRetry) {
		err := c.Store.Commit(ctx, record)
		if err == nil || errors.Is(err, store.ErrStopped) {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sampler allows one message a minute.
type Sampler struct{ last atomic.Int64 }

// Allow reports whether a message may be logged now, and counts it as logged.
func (s *Sampler) Allow() bool {
	now := time.Now().UnixNano()
	last := s.last.Load()
	return (last == 0 || now-last >= int64(sampleEvery) || now < last) && s.last.CompareAndSwap(last, now)
}
