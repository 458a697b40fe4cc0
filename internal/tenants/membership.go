package tenants

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

const (
	membershipName    = "tenant-memberships"
	membershipVersion = 1
	membershipBytes   = 512 << 20
	// membershipKept is for how long a membership that has ended is remembered: as long as histories are.
	membershipKept = 400 * 24 * time.Hour
)

// Membership is a time in which a tenant was in the registry, in one tier. A tenant that joins, leaves or changes its
// tier does so when the registry was read.
type Membership struct {
	Tenant string `json:"tenant"`
	Tier   string `json:"tier,omitempty"`
	// From is zero for a tenant that was there when the record began, To while the membership goes on.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// memberships are the record, in the order of tenants and time. The registry's lock guards it; list is replaced as a
// whole.
type memberships struct {
	loaded  bool
	list    []Membership
	reader  *Reader // whose list was recorded last, and its version
	version uint64
}

// Memberships returns the record of a tenant, nil where none is kept.
func (r *Registry) Memberships(tenant string) []Membership {
	r.mu.Lock()
	list := r.members.list
	r.mu.Unlock()
	return membershipsOf(list, tenant)
}

func membershipsOf(list []Membership, tenant string) []Membership {
	i, _ := slices.BinarySearchFunc(list, tenant, func(m Membership, t string) int { return strings.Compare(m.Tenant, t) })
	end := i
	for end < len(list) && list[end].Tenant == tenant {
		end++
	}
	return slices.Clone(list[i:end])
}

// Members returns the tenants whose membership has a part between two moments, in order. Without a record it is those
// of the list in force.
func (r *Registry) Members(from, to time.Time) []string {
	r.mu.Lock()
	list, newest := r.members.list, r.newest
	r.mu.Unlock()
	if len(list) == 0 && newest != nil {
		tenants, _ := newest.List()
		for _, t := range tenants {
			list = append(list, Membership{Tenant: t.Name})
		}
	}
	return members(list, from, to)
}

func members(list []Membership, from, to time.Time) []string {
	var names []string
	for _, m := range list {
		if m.From.Before(to) && (m.To.IsZero() || m.To.After(from)) {
			names = append(names, m.Tenant)
		}
	}
	return slices.Compact(names)
}

// ReadMemberships returns the record in a state directory that another process may hold.
func ReadMemberships(path string) (*Record, error) {
	payload, err := state.Read(path, membershipName, membershipVersion, membershipBytes)
	if errors.Is(err, state.ErrNotFound) {
		return &Record{}, nil
	}
	var list []Membership
	if err == nil {
		err = json.Unmarshal(payload, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("the record of memberships cannot be used: %w", err)
	}
	sortMemberships(list)
	return &Record{list}, nil
}

// Record is a record of memberships that was read once.
type Record struct{ list []Membership }

// Of returns the record of a tenant.
func (r *Record) Of(tenant string) []Membership { return membershipsOf(r.list, tenant) }

// Members returns the tenants whose membership has a part between two moments.
func (r *Record) Members(from, to time.Time) []string { return members(r.list, from, to) }

func sortMemberships(list []Membership) {
	slices.SortFunc(list, func(a, b Membership) int {
		return cmp.Or(strings.Compare(a.Tenant, b.Tenant), a.From.Compare(b.From))
	})
}

// loadMemberships reads the record of an earlier run, so that it is known before the first read of the registry. The
// caller holds the lock.
func (r *Registry) loadMemberships() {
	if r.members.loaded || r.dir == nil {
		return
	}
	r.members.loaded = true
	err := r.dir.LoadJSON(membershipName, membershipVersion, membershipBytes, &r.members.list)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		r.logger.Warn("When tenants joined and left is not known from before: the record cannot be used", "err", err)
		r.members.list = nil
	}
	sortMemberships(r.members.list)
}

// recordMembers records what a list that was read has changed, and saves the record. While it cannot be saved, it is
// recorded again with the next save.
func (r *Registry) recordMembers(s *Reader) error {
	s.mu.Lock()
	list, version, at, loaded := s.list, s.version, s.read, s.loaded
	s.mu.Unlock()
	r.mu.Lock()
	r.loadMemberships()
	before, done := r.members.list, r.members.reader == s && r.members.version == version
	r.mu.Unlock()
	if done || !loaded {
		return nil
	}
	next := changed(before, list, at)
	if !slices.Equal(before, next) {
		payload, err := json.Marshal(next)
		if err == nil {
			err = r.dir.Save(membershipName, membershipVersion, payload)
		}
		if err != nil {
			return fmt.Errorf("the record of memberships cannot be kept: %w", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members.list, r.members.reader, r.members.version = next, s, version
	return nil
}

// changed returns a record with a list that was read at a moment.
func changed(before []Membership, list []Tenant, at time.Time) []Membership {
	at = at.UTC().Round(0)
	tiers := make(map[string]string, len(list))
	for _, t := range list {
		tiers[t.Name] = t.Tier
	}
	since := at
	if len(before) == 0 {
		since = time.Time{} // when they joined is not known
	}
	next := make([]Membership, 0, len(before)+len(list))
	for _, m := range before {
		if !m.To.IsZero() && at.Sub(m.To) > membershipKept {
			continue
		}
		if m.To.IsZero() {
			if tier, ok := tiers[m.Tenant]; ok && tier == m.Tier {
				delete(tiers, m.Tenant)
			} else {
				m.To = at
			}
		}
		next = append(next, m)
	}
	for name, tier := range tiers {
		next = append(next, Membership{Tenant: name, Tier: tier, From: since})
	}
	sortMemberships(next)
	return next
}
