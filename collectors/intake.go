package collectors

import (
	"context"
	"errors"
	"time"
)

// Bounds of what waits to be saved.
const (
	// maxIntake is how many reports wait at once.
	maxIntake = 256
	// sweep is how often there is a round without a report: what a commit has left is saved then.
	sweep = 15 * time.Second
)

// ErrUnsaved means that a report was not saved in time. It may be saved yet.
var ErrUnsaved = errors.New("it cannot be saved now; send it again")

// Intake hands what many report to one part that applies and saves it, as much at once as has come in while the last
// was saved. Whoever reports waits until it is saved.
type Intake[T any] struct{ queue chan reported[T] }

type reported[T any] struct {
	value T
	done  chan error
}

// NewIntake returns an empty intake.
func NewIntake[T any]() Intake[T] { return Intake[T]{make(chan reported[T], maxIntake)} }

// Submit returns when a report is saved, and ErrUnsaved if it is not before ctx ends.
func (i Intake[T]) Submit(ctx context.Context, value T) error {
	r := reported[T]{value, make(chan error, 1)}
	select {
	case i.queue <- r:
	case <-ctx.Done():
		return ErrUnsaved
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ErrUnsaved
	}
}

// Run calls settle, which applies and saves, with the reports in the order in which they came in, and now and then
// without any. At the end it calls it once more, so that a policy that is reloaded loses no report.
func (i Intake[T]) Run(ctx context.Context, status Report, settle func(context.Context, []T) error) error {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	round := func(ctx context.Context, first ...reported[T]) {
		start := time.Now()
		status(i.settle(ctx, i.queued(first), settle), time.Since(start))
	}
	for round(ctx); ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
			defer cancel()
			round(last)
			return nil
		case <-tick.C:
			round(ctx)
		case first := <-i.queue:
			round(ctx, first)
		}
	}
}

// settle answers all of a batch, also if the work panics.
func (i Intake[T]) settle(ctx context.Context, batch []reported[T],
	settle func(context.Context, []T) error,
) error {
	result := ErrUnsaved
	defer func() {
		for _, r := range batch {
			r.done <- result
		}
	}()
	values := make([]T, 0, len(batch))
	for _, r := range batch {
		values = append(values, r.value)
	}
	if err := settle(ctx, values); err != nil {
		return err
	}
	result = nil
	return nil
}

func (i Intake[T]) queued(batch []reported[T]) []reported[T] {
	for len(batch) < maxIntake {
		select {
		case r := <-i.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}
