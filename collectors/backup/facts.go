package backup

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/metric"
)

// facts are the state of one backup: the last good listing of each repository, and the last tests. They survive
// restarts, so that a failed listing never reads as no backup.
type facts struct {
	Program      string
	Source       string // what was listed; facts of another source do not apply
	Repositories map[string]*repositoryFacts
	Tests        map[string]*testFacts
	Tenants      map[string]program.TenantNewest
	LastAttempt  time.Time
	AsOf         program.Ahead // the time of a listing file that lay in the future

	cover    cover
	duration time.Duration
	listings uint64
	failures map[string]uint64
	problem  string // of the last attempt
}

type repositoryFacts struct {
	program.Repository
	ListedAt time.Time
	Groups   map[string]*program.Group // by kind
	Seen     map[uint64]int64
	Removed  []removal // newest last, each older at its removal than the one after it was
	// Ahead are the backups that claim to have ended in the future, by the hash of their ID.
	Ahead map[uint64]program.Ahead `json:",omitempty"`
}

// removal is a backup that vanished.
type removal struct {
	At  time.Time
	Age time.Duration
}

// removedMemory is how long a removal is exported.
const removedMemory = 7 * 24 * time.Hour

func newFacts(program string) *facts {
	f := &facts{Program: program}
	f.fill()
	return f
}

// fill completes loaded or new facts with empty maps and zero counts.
func (f *facts) fill() {
	if f.Repositories == nil {
		f.Repositories = map[string]*repositoryFacts{}
	}
	if f.Tests == nil {
		f.Tests = map[string]*testFacts{}
	}
	for _, test := range metric.BackupTests {
		if f.Tests[test] == nil {
			f.Tests[test] = &testFacts{}
		}
	}
	f.failures = map[string]uint64{}
	for _, reason := range metric.ListingReasons {
		f.failures[reason] = 0
	}
}

// merge replaces the older listing, repository by repository. A repository that cannot be read now keeps its older
// facts.
func (f *facts) merge(s *program.Listing, now time.Time) {
	at := now
	if !s.AsOf.IsZero() {
		at, f.AsOf = f.AsOf.Bound(s.AsOf, now)
	}
	fresh := map[string]*repositoryFacts{}
	for name, r := range s.Repositories {
		old := f.Repositories[name]
		if !r.Readable() {
			kept := &repositoryFacts{Repository: *r, Groups: map[string]*program.Group{}}
			if old != nil {
				*kept = *old
				kept.State, kept.Problem = r.State, r.Problem
			}
			fresh[name] = kept
			continue
		}
		next := &repositoryFacts{
			Repository: *r, ListedAt: at, Groups: map[string]*program.Group{}, Seen: s.Seen[name],
			Ahead: s.Ahead[name],
		}
		for key, g := range s.Groups {
			if key.Repository == name {
				if old != nil && !s.PerTenant {
					g.MergeSizes(old.Groups[key.Kind])
				}
				next.Groups[key.Kind] = g
			}
		}
		if old == nil {
			next.WAL.Bound(nil, now)
		} else {
			next.WAL.Bound(old.WAL, now)
			next.Removed = old.Removed
			next.detectRemovals(old, now)
			next.WAL.EstimateArrival(old.WAL, at)
		}
		fresh[name] = next
	}
	f.Repositories = fresh
	if s.PerTenant {
		f.mergeTenants(s)
	}
}

// mergeTenants keeps the older facts of tenants in a repository that cannot be read now.
func (f *facts) mergeTenants(s *program.Listing) {
	next := s.Tenants
	for tenant, old := range f.Tenants {
		r, ok := s.Repositories[old.Repository]
		if found, seen := next[tenant]; ok && !r.Readable() && (!seen || old.Stop.After(found.Stop)) {
			next[tenant] = old
		}
	}
	f.Tenants = next
}

// coverAt returns the time up to which the cover of tenants is known: the oldest last good read of any repository. It
// is zero until every repository was read once.
func (f *facts) coverAt() time.Time {
	var at time.Time
	if f == nil {
		return at
	}
	for _, r := range f.Repositories {
		if r.ListedAt.IsZero() {
			return time.Time{}
		}
		if at.IsZero() || r.ListedAt.Before(at) {
			at = r.ListedAt
		}
	}
	return at
}

// detectRemovals finds the backups that vanished since the older listing.
func (r *repositoryFacts) detectRemovals(old *repositoryFacts, now time.Time) {
	youngest := time.Duration(-1)
	for id, stop := range old.Seen {
		if _, ok := r.Seen[id]; ok {
			continue
		}
		if age := now.Sub(time.Unix(stop, 0)); youngest < 0 || age < youngest {
			youngest = max(age, 0)
		}
	}
	r.Removed = slices.DeleteFunc(slices.Clone(r.Removed), func(x removal) bool {
		return now.Sub(x.At) > removedMemory || youngest >= 0 && x.Age >= youngest
	})
	if youngest >= 0 {
		r.Removed = append(r.Removed, removal{now, youngest})
	}
}

// removedAge returns the age at which the youngest recently removed backup vanished.
func (r *repositoryFacts) removedAge(now time.Time) (time.Duration, bool) {
	for _, x := range r.Removed {
		if now.Sub(x.At) <= removedMemory {
			return x.Age, true
		}
	}
	return 0, false
}
