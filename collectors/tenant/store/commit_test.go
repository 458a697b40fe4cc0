package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// running runs a store until stop is called.
func (d *testStore) running() (ctx context.Context, stop func()) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	for err := ErrStopped; err != nil; { // until it is at work
		if err = d.Commit(ctx, Encode(&Batch{Source: d.web.Source, Thresholds: d.Thresholds()})); err != nil &&
			!errors.Is(err, ErrStopped) {
			d.t.Fatal(err)
		}
	}
	return ctx, func() {
		d.t.Helper()
		cancel()
		if err := <-done; err != nil {
			d.t.Fatal(err)
		}
	}
}

// reread opens the saved state of a testStore and returns how many requests it holds.
func (d *testStore) reread() uint64 {
	d.t.Helper()
	path := d.path
	d.close()
	again := newTestStore(d.t, path, Config{Limit: 10, Thresholds: []uint64{300e6}})
	defer again.close()
	n, _, _ := again.Totals()
	return n
}

// A sender that was refused sends again: what a stopped store refused must not be saved by its next run.
func TestRefusedCommitIsNeverSaved(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	slot, _ := d.Admit(d.web.Service, "acme")
	_, stop := d.running()
	stop()
	const refused = 200 // more than the queue holds
	for range refused {
		if err := d.Commit(t.Context(), Encode(d.batch(slot, 1))); !errors.Is(err, ErrStopped) {
			t.Fatalf("a stopped store answers %v", err)
		}
	}
	ctx, stop := d.running()
	if err := d.Commit(ctx, Encode(d.batch(slot, 1))); err != nil {
		t.Fatal(err)
	}
	stop()
	if n, _, _ := d.Totals(); n != 1 {
		t.Errorf("%d requests counted; 1 was accepted and %d refused", n, refused)
	}
	if n := d.reread(); n != 1 {
		t.Errorf("%d requests on the disk; 1 was accepted", n)
	}
}

// Whatever moment a run ends at, what is counted is what was accepted.
func TestAcceptedIsCountedAcrossRuns(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	slot, _ := d.Admit(d.web.Service, "acme")
	var accepted, refused atomic.Uint64
	var wg sync.WaitGroup
	ended := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				switch err := d.Commit(t.Context(), Encode(d.batch(slot, 1))); {
				case err == nil:
					accepted.Add(1)
				case errors.Is(err, ErrStopped):
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	for i := 0; i < 100 || accepted.Load() == 0 || refused.Load() == 0; i++ {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		if i%2 == 0 {
			for before := accepted.Load(); accepted.Load() == before; {
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	close(ended)
	wg.Wait()
	_, stop := d.running() // what would still be in the queue
	stop()
	if n, _, _ := d.Totals(); n != accepted.Load() {
		t.Errorf("%d counted, %d accepted, %d refused", n, accepted.Load(), refused.Load())
	}
	if n := d.reread(); n != accepted.Load() {
		t.Errorf("%d on the disk, %d accepted", n, accepted.Load())
	}
}

// A record that is on the disk and cannot be applied is a defect. Its sender is not refused, for a restart may count
// it, and nothing more is counted on top of a state that differs from the disk.
func TestRecordThatCannotBeAppliedEndsTheStore(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	slot, _ := d.Admit(d.web.Service, "acme")
	done := make(chan error, 1)
	go func() { done <- d.Run(t.Context()) }()
	if err := d.Commit(t.Context(), []byte{255}); !errors.Is(err, ErrUndecided) {
		t.Errorf("the sender gets %v", err)
	}
	if err := <-done; !errors.Is(err, errRecord) {
		t.Errorf("the run ends with %v", err)
	}
	if err := d.Run(t.Context()); !errors.Is(err, errRecord) {
		t.Errorf("the next run ends with %v", err)
	}
	if err := d.Commit(t.Context(), Encode(d.batch(slot, 1))); !errors.Is(err, ErrStopped) {
		t.Errorf("the next sender gets %v", err)
	}
	if n, _, _ := d.Totals(); n != 0 {
		t.Errorf("%d counted", n)
	}
}

func TestRunAnswersEveryCommit(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10, Thresholds: []uint64{300e6}})
	d.scrape("a")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- d.Run(ctx) }()
	slot, _ := d.Admit(d.web.Service, "acme")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var saved uint64
	for range 8 {
		wg.Go(func() {
			for range 100 {
				switch err := d.Commit(ctx, Encode(d.batch(slot, 1))); {
				case err == nil:
					mu.Lock()
					saved++
					mu.Unlock()
				case !errors.Is(err, ErrStopped):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	d.scrape("a")
	if got := d.scrape("a")["acme"]; got != saved || saved != 800 {
		t.Errorf("%d counted, %d were saved", got, saved)
	}
	if err := d.Commit(t.Context(), nil); !errors.Is(err, ErrStopped) {
		t.Errorf("commit after the end: %v", err)
	}
}
