package collectors

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// running is an intake at work.
type running struct {
	Intake[int]
	stop func()
}

func run(t *testing.T, settle func(context.Context, []int) error) running {
	t.Helper()
	i := NewIntake[int]()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- i.Run(ctx, func(error, time.Duration) {}, settle)
	}()
	var once sync.Once
	r := running{i, func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}}
	t.Cleanup(r.stop)
	return r
}

// Reports are settled in their order, those that come in meanwhile at once, and the last ones after the end.
func TestIntakeSettlesInOrder(t *testing.T) {
	var batches [][]int
	enter, leave := make(chan bool), make(chan bool)
	r := run(t, func(_ context.Context, batch []int) error {
		if len(batch) > 0 {
			enter <- true
			<-leave
			batches = append(batches, slices.Clone(batch))
		}
		return nil
	})
	var wg sync.WaitGroup
	submit := func(n int) {
		before := len(r.queue)
		wg.Go(func() {
			if err := r.Submit(t.Context(), n); err != nil {
				t.Errorf("%d: %v", n, err)
			}
		})
		if n > 1 { // the first one is taken out at once
			testkit.Eventually(t, func() bool { return len(r.queue) > before }, "%d waits", n)
		}
	}
	submit(1)
	<-enter
	submit(2)
	submit(3)
	leave <- true
	<-enter
	submit(4)
	ended := make(chan bool)
	go func() { r.stop(); close(ended) }()
	leave <- true
	<-enter
	leave <- true
	wg.Wait()
	<-ended
	if want := [][]int{{1}, {2, 3}, {4}}; !slices.EqualFunc(batches, want, slices.Equal[[]int]) {
		t.Errorf("%v, want %v", batches, want)
	}
}

// Whoever reports what cannot be saved has an error, also if the work panics, and does not wait beyond its time.
func TestIntakeRefusesWhatIsUnsaved(t *testing.T) {
	r := run(t, func(_ context.Context, batch []int) error {
		if len(batch) > 0 {
			return errors.New("the disk is full")
		}
		return nil
	})
	if err := r.Submit(t.Context(), 1); !errors.Is(err, ErrUnsaved) {
		t.Errorf("%v, want %v", err, ErrUnsaved)
	}
	i := NewIntake[int]()
	result := make(chan error, 1)
	go func() { result <- i.Submit(t.Context(), 1) }()
	err := Guard(func() error {
		return i.Run(t.Context(), func(error, time.Duration) {}, func(_ context.Context, batch []int) error {
			if len(batch) > 0 {
				panic("a poison report")
			}
			return nil
		})
	})
	if ReasonOf(err) != ReasonPanic {
		t.Errorf("%v, want a panic", err)
	}
	if err := <-result; !errors.Is(err, ErrUnsaved) {
		t.Errorf("%v, want %v", err, ErrUnsaved)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewIntake[int]().Submit(ctx, 1); !errors.Is(err, ErrUnsaved) {
		t.Errorf("%v, want %v", err, ErrUnsaved)
	}
}
