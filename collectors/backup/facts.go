package backup

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// facts are what is known of one backup: as of the last good listing of each repository, and of the last
// tests. They survive restarts, so that a listing that cannot be had never reads as no backup.
type facts struct {
	Program      string
	Source       string // what was listed; facts of another say nothing of this one
	Repositories map[string]*repositoryFacts
	Tests        map[string]*testFacts
	Tenants      map[string]tenantNewest
	LastAttempt  time.Time
	AsOf         ahead // the time of a listing file that lay in the future

	cover    cover
	duration time.Duration
	listings uint64
	failures map[string]uint64
	problem  string // of the last attempt
}

type repositoryFacts struct {
	Repository
	ListedAt time.Time
	Groups   map[string]*group // by kind
	Seen     map[uint64]int64
	Removed  []removal // newest last, each older at its removal than the one after it was
	// Ahead are the backups that claim to have ended in the future, by the hash of their ID.
	Ahead map[uint64]ahead `json:",omitempty"`
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

// fill makes what was loaded or is new complete.
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

// take puts a listing in the place of the older one, repository by repository: one that cannot be read now
// keeps what was known of it.
func (f *facts) take(s *listing, now time.Time) {
	at := now
	if !s.asOf.IsZero() {
		at, f.AsOf = f.AsOf.bound(s.asOf, now)
	}
	fresh := map[string]*repositoryFacts{}
	for name, r := range s.repositories {
		old := f.Repositories[name]
		if !r.readable() {
			kept := &repositoryFacts{Repository: *r, Groups: map[string]*group{}}
			if old != nil {
				*kept = *old
				kept.State, kept.Problem = r.State, r.Problem
			}
			fresh[name] = kept
			continue
		}
		next := &repositoryFacts{Repository: *r, ListedAt: at, Groups: map[string]*group{}, Seen: s.seen[name], Ahead: s.ahead[name]}
		for key, g := range s.groups {
			if key.Repository == name {
				if old != nil && !s.perTenant {
					g.recall(old.Groups[key.Kind])
				}
				next.Groups[key.Kind] = g
			}
		}
		if old == nil {
			next.WAL.bound(nil, now)
		} else {
			next.WAL.bound(old.WAL, now)
			next.Removed = old.Removed
			next.notice(old, now)
			next.WAL.remember(old.WAL, at)
		}
		fresh[name] = next
	}
	f.Repositories = fresh
	if s.perTenant {
		f.takeTenants(s)
	}
}

// takeTenants keeps what was known of tenants in a repository that cannot be read now.
func (f *facts) takeTenants(s *listing) {
	next := s.tenants
	for tenant, old := range f.Tenants {
		r, ok := s.repositories[old.Repository]
		if found, seen := next[tenant]; ok && !r.readable() && (!seen || old.Stop.After(found.Stop)) {
			next[tenant] = old
		}
	}
	f.Tenants = next
}

// coverAt is the time as of which it is known which tenants have a backup: a repository that was last read well then may
// hold newer ones. Zero while one was never read.
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

// notice finds what is gone since the older listing.
func (r *repositoryFacts) notice(old *repositoryFacts, now time.Time) {
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

// removedAge is the age at which the youngest of the lately removed backups vanished.
func (r *repositoryFacts) removedAge(now time.Time) (time.Duration, bool) {
	for _, x := range r.Removed {
		if now.Sub(x.At) <= removedMemory {
			return x.Age, true
		}
	}
	return 0, false
}
