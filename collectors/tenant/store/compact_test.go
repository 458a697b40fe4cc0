package store

import (
	"slices"
	"testing"
	"time"
)

// A snapshot that cannot be written is tried again after a minute, then ever more seldom: each try keeps commits
// waiting.
func TestSnapshotThatFailsIsPutOff(t *testing.T) {
	d := newTestStore(t, t.TempDir(), Config{Limit: 10})
	at := d.clock.now()
	var waits []time.Duration
	for range 6 {
		d.putOff()
		waits = append(waits, d.retryAt.Sub(at))
	}
	if want := []time.Duration{
		1, 2, 4, 8, 16, 16,
	}; !slices.EqualFunc(waits, want, func(a, b time.Duration) bool { return a == b*time.Minute }) {
		t.Errorf("%v", waits)
	}
	// The log is long enough, and no snapshot begins before its time.
	d.snapSize = -compactAbove
	if d.compactIfDue(); d.compact != nil {
		t.Error("it is tried too early")
	}
	d.clock.add(compactRetryMax)
	d.compactIfDue()
	if d.compact == nil {
		t.Fatal("it is never tried again")
	}
	d.compacted(<-d.compact)
	if d.retryIn != 0 {
		t.Error("a success does not end it")
	}
}
