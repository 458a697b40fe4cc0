package backup

import (
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
)

// aheadOf returns the ends in the future that earlier listings found.
func (f *facts) aheadOf() program.Future {
	if f == nil {
		return nil
	}
	all := program.Future{}
	for name, r := range f.Repositories {
		all[name] = r.Ahead
	}
	return all
}

// settle replaces times in the future, from when the exporter's own clock was ahead, by now, and reports whether there
// were any. It copies what a save may be reading.
func (f *facts) settle(now time.Time) bool {
	changed := false
	past := func(t time.Time) time.Time {
		if program.InFuture(t, now) {
			changed = true
			return now
		}
		return t
	}
	f.LastAttempt = past(f.LastAttempt)
	for _, t := range f.Tests {
		t.LastSuccess = past(t.LastSuccess)
		if t.Last != nil && program.InFuture(t.Last.Finished, now) {
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
		r.Groups = map[string]*program.Group{}
		for kind, g := range old.Groups {
			next := *g
			next.Newest.Stop, next.Oldest, next.LastFailure = past(g.Newest.Stop), past(g.Oldest), past(g.LastFailure)
			r.Groups[kind] = &next
		}
		repositories[name] = &r
	}
	tenants := make(map[string]program.TenantNewest, len(f.Tenants))
	for tenant, n := range f.Tenants {
		n.Stop = past(n.Stop)
		tenants[tenant] = n
	}
	if changed {
		f.Repositories, f.Tenants = repositories, tenants
	}
	return changed
}
