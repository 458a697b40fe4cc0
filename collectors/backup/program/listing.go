package program

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/document"
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

// Listing collects the backups of a program and keeps only what is exported: a listing of a hundred thousand objects
// needs no more memory than one of ten.
type Listing struct {
	PerTenant    bool
	AsOf         time.Time // when another program wrote the listing; zero for a listing of now
	Repositories map[string]*Repository
	Groups       map[GroupKey]*Group
	Seen         map[string]map[uint64]int64 // repository, hash of a good backup's ID: when it ended, in Unix seconds
	Tenants      map[string]TenantNewest
	Warning      string // of a program whose output is valid all the same
	Now          time.Time
	Known        Future // ends in the future that earlier listings found
	Ahead        Future // ends in the future of this listing

	items  int
	stderr string // what the program wrote to standard error
	keep   bool   // keep every backup, for a command that prints them
	all    []Item
}

// GroupKey identifies a group within a listing.
type GroupKey struct{ Repository, Kind string }

// Group is the state of the backups of one kind in one repository.
type Group struct {
	Newest      Item // zero if no good one exists
	Retained    int
	Flawed      int
	Oldest      time.Time
	LastFailure time.Time
	Sizes       []Sized // of the newest good ones, newest first, also of those that were deleted since
	Earlier     int64   // median size of those before the newest
}

// Sized is the size of one backup.
type Sized struct {
	Stop time.Time
	Size int64
}

// TenantNewest is the newest good backup of a tenant.
type TenantNewest struct {
	Stop             time.Time
	Kind, Repository string
}

// NewListing returns an empty listing.
func NewListing(perTenant bool) *Listing {
	return &Listing{
		PerTenant: perTenant, Repositories: map[string]*Repository{}, Groups: map[GroupKey]*Group{},
		Seen: map[string]map[uint64]int64{}, Tenants: map[string]TenantNewest{}, Now: time.Now(), Ahead: Future{},
	}
}

// AddRepository adds a repository. Each readable one must be added, also one without any backup.
func (s *Listing) AddRepository(r Repository) error {
	if len(s.Repositories) >= maxRepositories {
		return fmt.Errorf("%w: more than %d repositories", document.ErrMalformed, maxRepositories)
	}
	if !repositoryRE.MatchString(r.Name) {
		return fmt.Errorf("%w: invalid repository name %q", document.ErrMalformed, document.Short(r.Name))
	}
	s.Repositories[r.Name] = &r
	return nil
}

// Add adds one backup.
func (s *Listing) Add(i Item) error {
	if s.items++; s.items > maxItems {
		return fmt.Errorf("%w: more than %d backups", document.ErrTooLarge, maxItems)
	}
	if _, ok := s.Repositories[i.Repository]; !ok {
		if err := s.AddRepository(Repository{Name: i.Repository}); err != nil {
			return err
		}
	}
	if !slices.Contains(metric.BackupKinds, i.Kind) || i.Kind == metric.KindWAL {
		return fmt.Errorf("%w: invalid kind of backup %q", document.ErrMalformed, document.Short(i.Kind))
	}
	if i.status != running && (i.Stop.Year() < 1990 || i.Stop.Year() > 2200) {
		return fmt.Errorf("%w: backup %q has an invalid end time", document.ErrMalformed, document.Short(i.ID))
	}
	if s.keep {
		s.all = append(s.all, i)
	}
	s.bound(&i)
	key := GroupKey{i.Repository, i.Kind}
	g, ok := s.Groups[key]
	if !ok {
		g = &Group{Earlier: Unknown}
		s.Groups[key] = g
	}
	g.add(i)
	if i.status == good || i.status == flawed {
		s.remember(i)
	}
	return nil
}

func (g *Group) add(i Item) {
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
	if i.Size == Unknown {
		return
	}
	g.size(Sized{i.Stop, i.Size})
}

func (g *Group) size(s Sized) {
	at, _ := slices.BinarySearchFunc(g.Sizes, s.Stop, func(s Sized, t time.Time) int { return t.Compare(s.Stop) })
	if at <= earlierSizes {
		g.Sizes = slices.Insert(g.Sizes, at, s)
		g.Sizes = g.Sizes[:min(len(g.Sizes), earlierSizes+1)]
	}
}

// MergeSizes adds the sizes of an earlier listing: where few backups are kept, the present ones are too few to compare
// with.
func (g *Group) MergeSizes(old *Group) {
	if old == nil {
		return
	}
	listed := slices.Clone(g.Sizes)
	for _, s := range old.Sizes {
		known := slices.ContainsFunc(listed, func(l Sized) bool { return l.Stop.Equal(s.Stop) })
		if !known && s.Stop.Before(g.Newest.Stop) {
			g.size(s)
		}
	}
	g.compare()
}

// compare computes the size with which the newest is compared.
func (g *Group) compare() {
	g.Earlier = Unknown
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
func (s *Listing) remember(i Item) {
	if s.PerTenant && i.Tenant != "" && i.status == good {
		if old, ok := s.Tenants[i.Tenant]; (!ok && len(s.Tenants) < maxTenants) || i.Stop.After(old.Stop) {
			s.Tenants[i.Tenant] = TenantNewest{i.Stop, i.Kind, i.Repository}
		}
	}
	seen := s.Seen[i.Repository]
	if seen == nil {
		seen = map[uint64]int64{}
		s.Seen[i.Repository] = seen
	}
	seen[hashOf(i.ID)] = i.Stop.Unix()
}

// Finish computes what depends on the whole listing. kind is that of the source's backups in an empty
// repository.
func (s *Listing) Finish(kind string) {
	for name, r := range s.Repositories {
		count, restorable := 0, 0
		for key, g := range s.Groups {
			if key.Repository != name {
				continue
			}
			count += g.Retained + g.Flawed
			if key.Kind == metric.KindFull || key.Kind == metric.KindSnapshot {
				restorable += g.Retained
			}
		}
		r.settle(count)
		if r.Readable() && r.Problem == "" {
			r.Problem = s.Warning
		}
		// Also beside incremental ones, which nothing can be restored from alone.
		if key := (GroupKey{name, kind}); r.Readable() && s.Groups[key] == nil && restorable == 0 {
			s.Groups[key] = &Group{Earlier: Unknown}
		}
	}
	for _, g := range s.Groups {
		if s.PerTenant {
			g.Sizes = nil // the backups of different tenants are not to be compared
		}
		g.compare()
	}
}

// SortedRepositories returns the repositories by name.
func (s *Listing) SortedRepositories() []*Repository {
	var all []*Repository
	for _, r := range s.Repositories {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Repository) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// has reports whether a good backup was added already.
func (s *Listing) has(repository, id string) bool {
	_, ok := s.Seen[repository][hashOf(id)]
	return ok
}

func hashOf(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}
