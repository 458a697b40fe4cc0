package backup

import (
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
)

// testFacts are the results of one kind of test of a backup. The last success stays known after later failures.
type testFacts struct {
	Last        *result.Result
	LastSuccess time.Time
	Duration    float64       // of the last success
	Ahead       program.Ahead // the end of the last result, where it lay in the future
}

// record stores a result, and reports whether it is new. A result with an end in the future counts from when it was
// first seen, so that it does not hide later ones.
func (t *testFacts) record(r *result.Result, now time.Time) bool {
	if r == nil {
		return false
	}
	if t.Ahead.Knows(r.Finished, now) {
		return false
	}
	if program.InFuture(r.Finished, now) {
		took := r.Finished.Sub(r.Started)
		bounded := *r
		bounded.Finished, t.Ahead = t.Ahead.Bound(r.Finished, now)
		bounded.Started = bounded.Finished.Add(-took)
		r = &bounded
	} else if t.Last != nil && !program.InFuture(t.Last.Finished, now) && !r.Finished.After(t.Last.Finished) {
		return false
	}
	t.Last = r
	if r.Success {
		t.LastSuccess, t.Duration = r.Finished, r.Duration()
	}
	return true
}
