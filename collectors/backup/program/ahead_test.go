package program

import (
	"testing"
	"time"
)

// One segment of a clock that was ahead does not hide those that came later.
func TestSegmentFromTheFuture(t *testing.T) {
	now := time.Now()
	var a Archive
	segments := segmentsOf(t, "000000010000000000000001", "000000010000000000000002", "000000010000000000000003")
	a.look([]archiveFile{
		{segments[0], now.AddDate(1, 0, 0), 1},
		{segments[1], now.Add(-time.Hour), 1},
		{segments[2], now.Add(-time.Minute), 1},
	}, nil)
	a.Bound(nil, now)
	if !a.NewestAt.Equal(now) {
		t.Errorf("the newest came at %s", a.NewestAt)
	}
	next := Archive{}
	later := now.Add(time.Hour)
	next.look([]archiveFile{{segments[0], now.AddDate(1, 0, 0), 1}, {segments[2], now.Add(-time.Minute), 1}}, nil)
	next.Bound(&a, later)
	if !next.NewestAt.Equal(now) {
		t.Errorf("an hour later the newest came at %s, want %s", next.NewestAt, now)
	}
}
