package backup

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of one listing. A larger one is rejected as a whole.
const (
	maxItems        = 1_000_000
	maxRepositories = 64
	maxTenants      = 1_000_000
	earlierSizes    = 10 // how many sizes before the newest the median is of
	minEarlier      = 3
)

// listing collects the items of an adapter, and keeps only what is exported: a listing of a
// hundred thousand objects needs no more memory than one of ten.
type listing struct {
	perTenant    bool
	asOf         time.Time // when the listing was made, if it was not made just now
	repositories map[string]*Repository
	groups       map[groupKey]*group
	seen         map[string]map[uint64]int64 // repository, hash of a good backup's ID: when it ended
	tenants      map[string]tenantNewest
	items        int
	keep         bool   // keep every item, for the commands
	warning      string // of the program, which printed its listing nevertheless
	stderr       string // what the program wrote to standard error
	now          time.Time
	before       map[string]map[uint64]ahead // repository, hash of an ID: ends in the future, as known before
	ahead        map[string]map[uint64]ahead // and as found now
	all          []Item
}

type groupKey struct{ Repository, Kind string }

// group is the state of the backups of one kind in one repository.
type group struct {
	Newest      Item // zero if no good one exists
	Retained    int
	Flawed      int
	Oldest      time.Time
	LastFailure time.Time
	Sizes       []sized // of the newest good ones, newest first, also of those that were deleted since
	Earlier     int64   // median size of those before the newest
}

type sized struct {
	Stop time.Time
	Size int64
}

type tenantNewest struct {
	Stop             time.Time
	Kind, Repository string
}

func newListing(perTenant bool) *listing {
	return &listing{
		perTenant: perTenant, repositories: map[string]*Repository{}, groups: map[groupKey]*group{},
		seen: map[string]map[uint64]int64{}, tenants: map[string]tenantNewest{},
		now: time.Now(), ahead: map[string]map[uint64]ahead{},
	}
}

// repository adds a repository. Each readable one must be added, also one without any backup.
func (s *listing) repository(r Repository) error {
	if len(s.repositories) >= maxRepositories {
		return fmt.Errorf("%w: more than %d repositories", errMalformed, maxRepositories)
	}
	if !repositoryRE.MatchString(r.Name) {
		return fmt.Errorf("%w: invalid repository name %q", errMalformed, short(r.Name))
	}
	s.repositories[r.Name] = &r
	return nil
}

// add adds one backup.
func (s *listing) add(i Item) error {
	if s.items++; s.items > maxItems {
		return fmt.Errorf("%w: more than %d backups", errTooLarge, maxItems)
	}
	if _, ok := s.repositories[i.Repository]; !ok {
		if err := s.repository(Repository{Name: i.Repository}); err != nil {
			return err
		}
	}
	if !slices.Contains(metric.BackupKinds, i.Kind) || i.Kind == metric.KindWAL {
		return fmt.Errorf("%w: invalid kind of backup %q", errMalformed, short(i.Kind))
	}
	if i.status != running && (i.Stop.Year() < 1990 || i.Stop.Year() > 2200) {
		return fmt.Errorf("%w: backup %q has an invalid end time", errMalformed, short(i.ID))
	}
	if s.keep {
		s.all = append(s.all, i)
	}
	s.bound(&i)
	key := groupKey{i.Repository, i.Kind}
	g, ok := s.groups[key]
	if !ok {
		g = &group{Earlier: unknown}
		s.groups[key] = g
	}
	g.add(i)
	if i.status == good || i.status == flawed {
		s.remember(i)
	}
	return nil
}

func (g *group) add(i Item) {
	if i.status == running {
		return
	}
	if g.Oldest.IsZero() || i.Stop.Before(g.Oldest) {
		g.Oldest = i.Stop
	}
	switch i.status {
	case failed:
		if i.Stop.After(g.LastFailure) {
			g.LastFailure = i.Stop
		}
		return
	case flawed:
		g.Flawed++
		return
	}
	g.Retained++
	if g.Newest.Stop.IsZero() || i.Stop.After(g.Newest.Stop) {
		g.Newest = i
	}
	if i.Size == unknown {
		return
	}
	g.size(sized{i.Stop, i.Size})
}

func (g *group) size(s sized) {
	at, _ := slices.BinarySearchFunc(g.Sizes, s.Stop, func(s sized, t time.Time) int { return t.Compare(s.Stop) })
	if at <= earlierSizes {
		g.Sizes = slices.Insert(g.Sizes, at, s)
		g.Sizes = g.Sizes[:min(len(g.Sizes), earlierSizes+1)]
	}
}

// mergeSizes adds the sizes of an earlier listing: where few backups are kept, the present ones are too few to compare
// with.
func (g *group) mergeSizes(old *group) {
	if old == nil {
		return
	}
	listed := slices.Clone(g.Sizes)
	for _, s := range old.Sizes {
		known := slices.ContainsFunc(listed, func(l sized) bool { return l.Stop.Equal(s.Stop) })
		if !known && s.Stop.Before(g.Newest.Stop) {
			g.size(s)
		}
	}
	g.compare()
}

// compare computes the size with which the newest is compared.
func (g *group) compare() {
	g.Earlier = unknown
	if len(g.Sizes) <= minEarlier {
		return
	}
	var earlier []int64
	for _, s := range g.Sizes[1:] {
		earlier = append(earlier, s.Size)
	}
	slices.Sort(earlier)
	g.Earlier = earlier[len(earlier)/2]
}

// remember records that a good backup exists, so that its removal is detected.
func (s *listing) remember(i Item) {
	if s.perTenant && i.Tenant != "" && i.status == good {
		if old, ok := s.tenants[i.Tenant]; (!ok && len(s.tenants) < maxTenants) || i.Stop.After(old.Stop) {
			s.tenants[i.Tenant] = tenantNewest{i.Stop, i.Kind, i.Repository}
		}
	}
	seen := s.seen[i.Repository]
	if seen == nil {
		seen = map[uint64]int64{}
		s.seen[i.Repository] = seen
	}
	seen[hashOf(i.ID)] = i.Stop.Unix()
}

// finish computes what depends on the whole listing. kind is that of the source's backups in an empty
// repository.
func (s *listing) finish(kind string) {
	for name, r := range s.repositories {
		count, restorable := 0, 0
		for key, g := range s.groups {
			if key.Repository != name {
				continue
			}
			count += g.Retained + g.Flawed
			if key.Kind == metric.KindFull || key.Kind == metric.KindSnapshot {
				restorable += g.Retained
			}
		}
		r.settle(count)
		if r.readable() && r.Problem == "" {
			r.Problem = s.warning
		}
		// Also beside incremental ones, which nothing can be restored from alone.
		if key := (groupKey{name, kind}); r.readable() && s.groups[key] == nil && restorable == 0 {
			s.groups[key] = &group{Earlier: unknown}
		}
	}
	for _, g := range s.groups {
		if s.perTenant {
			g.Sizes = nil // the backups of different tenants are not to be compared
		}
		g.compare()
	}
}

// sortedRepositories returns the repositories by name.
func (s *listing) sortedRepositories() []*Repository {
	var all []*Repository
	for _, r := range s.repositories {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Repository) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// short bounds a text from outside for an error.
func short(text string) string {
	text = secret.Mask(text) // before it is cut
	if len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}

// has reports whether a good backup was added already.
func (s *listing) has(repository, id string) bool {
	_, ok := s.seen[repository][hashOf(id)]
	return ok
}

func hashOf(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}
