package program

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
)

// clockSlack is by how much the clocks of machines may differ before a time counts as lying in the future.
const clockSlack = time.Minute

// maxAhead bounds the backups with a time in the future that are remembered for each repository.
const maxAhead = 10_000

// Ahead is a time in the future, from a clock that was ahead, and when it was first seen. The event had happened by
// then, so Seen counts in its place: the claimed time would hide, until it has passed, whatever happens later.
type Ahead struct{ Claimed, Seen time.Time }

// Future holds the ends that lie in the future, by repository and hash of the backup's ID.
type Future map[string]map[uint64]Ahead

// InFuture reports whether a time lies in the future.
func InFuture(t, now time.Time) bool { return t.After(now.Add(clockSlack)) }

// Knows reports whether the time was claimed before.
func (a Ahead) Knows(claimed, now time.Time) bool {
	return !a.Seen.IsZero() && a.Claimed.Equal(claimed) && !InFuture(a.Seen, now)
}

// Bound returns the claimed time, or, if it lies in the future or did when it was first seen, when it was first seen.
func (a Ahead) Bound(claimed, now time.Time) (time.Time, Ahead) {
	switch {
	case a.Knows(claimed, now):
		return a.Seen, a
	case InFuture(claimed, now):
		return now, Ahead{claimed, now}
	}
	return claimed, Ahead{}
}

// bound replaces the end of a backup that lies in the future.
func (s *Listing) bound(i *Item) {
	if i.status == running {
		return
	}
	id := hashOf(i.ID)
	stop, a := s.Known[i.Repository][id].Bound(i.Stop, s.Now)
	if a.Seen.IsZero() {
		return
	}
	if s.Warning == "" {
		s.Warning = fmt.Sprintf(
			"backup %s ended at %s, which was in the future; it counts as of when it was first listed, %s",
			document.Short(i.ID), i.Stop.UTC().Format(time.RFC3339), stop.UTC().Format(time.RFC3339))
	}
	if s.Ahead[i.Repository] == nil {
		s.Ahead[i.Repository] = map[uint64]Ahead{}
	}
	if len(s.Ahead[i.Repository]) < maxAhead {
		s.Ahead[i.Repository][id] = a
	}
	i.Stop = stop
	if i.Start.After(stop) {
		i.Start = time.Time{}
	}
}

// Bound replaces the time of the newest log that lies in the future.
func (a *Archive) Bound(before *Archive, now time.Time) {
	if a == nil {
		return
	}
	var known Ahead
	if before != nil {
		known = before.Ahead
	}
	if a.Ahead.Claimed.IsZero() && (InFuture(a.NewestAt, now) || known.Knows(a.NewestAt, now)) {
		a.Ahead.Claimed, a.NewestAt = a.NewestAt, time.Time{}
	}
	seen, next := known.Bound(a.Ahead.Claimed, now)
	if a.Ahead = next; seen.After(a.NewestAt) {
		a.NewestAt = seen
	}
}
