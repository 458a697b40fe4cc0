package backup

import (
	"fmt"
	"time"
)

// clockSlack is by how much the clocks of machines may differ before a time counts as lying in the future.
const clockSlack = time.Minute

// maxAhead bounds the backups with a time in the future that are remembered for each repository.
const maxAhead = 10_000

// ahead is a time in the future that a clock claimed which was ahead, and when it was first seen. Whatever it is the time
// of had happened by then, so that counts in its place: else it would hide, until it has passed, what happens later.
type ahead struct{ Claimed, Seen time.Time }

// inFuture reports whether a time lies in the future.
func inFuture(t, now time.Time) bool { return t.After(now.Add(clockSlack)) }

// knows reports whether it is about that claim.
func (a ahead) knows(claimed, now time.Time) bool {
	return !a.Seen.IsZero() && a.Claimed.Equal(claimed) && !inFuture(a.Seen, now)
}

// bound returns a time, or, where that lies in the future or did when it was first seen, when that was.
func (a ahead) bound(claimed, now time.Time) (time.Time, ahead) {
	switch {
	case a.knows(claimed, now):
		return a.Seen, a
	case inFuture(claimed, now):
		return now, ahead{claimed, now}
	}
	return claimed, ahead{}
}

// bound replaces the end of a backup that lies in the future.
func (s *listing) bound(i *Item) {
	if i.status == running {
		return
	}
	id := hashOf(i.ID)
	stop, a := s.before[i.Repository][id].bound(i.Stop, s.now)
	if a.Seen.IsZero() {
		return
	}
	if s.warning == "" {
		s.warning = fmt.Sprintf("backup %s ended at %s, which was in the future; it counts as of when it was first listed, %s",
			short(i.ID), i.Stop.UTC().Format(time.RFC3339), stop.UTC().Format(time.RFC3339))
	}
	if s.ahead[i.Repository] == nil {
		s.ahead[i.Repository] = map[uint64]ahead{}
	}
	if len(s.ahead[i.Repository]) < maxAhead {
		s.ahead[i.Repository][id] = a
	}
	i.Stop = stop
	if i.Start.After(stop) {
		i.Start = time.Time{}
	}
}

// bound replaces the time of the newest log that lies in the future.
func (a *Archive) bound(before *Archive, now time.Time) {
	if a == nil {
		return
	}
	var known ahead
	if before != nil {
		known = before.Ahead
	}
	if a.Ahead.Claimed.IsZero() && (inFuture(a.NewestAt, now) || known.knows(a.NewestAt, now)) {
		a.Ahead.Claimed, a.NewestAt = a.NewestAt, time.Time{}
	}
	seen, next := known.bound(a.Ahead.Claimed, now)
	if a.Ahead = next; seen.After(a.NewestAt) {
		a.NewestAt = seen
	}
}

// aheadOf returns the ends in the future that earlier listings found.
func (f *facts) aheadOf() map[string]map[uint64]ahead {
	if f == nil {
		return nil
	}
	all := map[string]map[uint64]ahead{}
	for name, r := range f.Repositories {
		all[name] = r.Ahead
	}
	return all
}

// settle replaces what is known as of the future, after the exporter's own clock was ahead, by now. It reports whether
// there was any. What a save may be reading is copied, not changed.
func (f *facts) settle(now time.Time) bool {
	changed := false
	past := func(t time.Time) time.Time {
		if inFuture(t, now) {
			changed = true
			return now
		}
		return t
	}
	f.LastAttempt = past(f.LastAttempt)
	for _, t := range f.Tests {
		t.LastSuccess = past(t.LastSuccess)
		if t.Last != nil && inFuture(t.Last.Finished, now) {
			t.record(t.Last, now)
			changed = true
		}
	}
	repositories := map[string]*repositoryFacts{}
	for name, old := range f.Repositories {
		r := *old
		r.ListedAt = past(old.ListedAt)
		r.Removed = nil
		for _, x := range old.Removed {
			r.Removed = append(r.Removed, removal{past(x.At), x.Age})
		}
		if old.WAL != nil {
			w := *old.WAL
			w.NewestAt = past(w.NewestAt)
			r.WAL = &w
		}
		r.Groups = map[string]*group{}
		for kind, g := range old.Groups {
			next := *g
			next.Newest.Stop, next.Oldest, next.LastFailure = past(g.Newest.Stop), past(g.Oldest), past(g.LastFailure)
			r.Groups[kind] = &next
		}
		repositories[name] = &r
	}
	tenants := make(map[string]tenantNewest, len(f.Tenants))
	for tenant, n := range f.Tenants {
		n.Stop = past(n.Stop)
		tenants[tenant] = n
	}
	if changed {
		f.Repositories, f.Tenants = repositories, tenants
	}
	return changed
}
