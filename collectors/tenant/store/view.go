package store

import (
	"errors"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/metric"
)

// viewChunk is how many slots are read under one lock: few enough that no writer waits for a scrape.
const viewChunk = 512

// View is one scrape: the series that existed when it began, at values that only grow.
type View struct {
	state      *State
	Version    uint64
	Store      string // the identity of the saved state; empty for one that is exported once
	Thresholds []uint64
	Services   []string
	slots      int
	pending    [MaxThresholds]bool // columns that are exported at 0
	slow       [MaxThresholds]uint64
	listing    [][]listed // by service
	now        func() time.Time
}

// errThresholds ends a scrape during which the policy changed: what its columns mean is not what they hold, and
// no answer is better than a counter that seems to step back.
var errThresholds = errors.New("the latency thresholds changed during the scrape")

// Series are the counters of one tenant of one service, valid only during the call that shows them.
type Series struct {
	Service int
	Tenant  string
	Special bool // _other or _unknown
	Stale   bool // its tenant left or lost its slot; the series is removed soon
	Created int64
	// DurationsCreated is when its histogram began at 0: with its series.
	DurationsCreated int64
	Requests         *[5]uint64
	Late             *[5]uint64
	Bytes            uint64
	Slow             []uint64
	SumSeconds       uint64
	SumNanos         uint32
	Zero             uint64
	Classic          *[Classic]uint64
	durations        *durations // nil for none
}

// Native calls f with the buckets in use, by their native index.
func (s *Series) Native(f func(index int, n uint64)) {
	d := s.durations
	if d == nil {
		return
	}
	for i := range d.native {
		if n := d.bucket(i); n > 0 {
			f(FirstIndex+int(d.lo)+i, n)
		}
	}
}

// View begins a scrape.
func (s *Store) View() *View {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	v := &View{state: st, Store: st.identity, Thresholds: st.thresholds, now: s.now}
	if st.identity != "" || st.immediate {
		v.Version, v.slots, v.listing = st.version, len(st.slots), *s.listing.Load()
	}
	for _, s := range st.services {
		v.Services = append(v.Services, s.name)
	}
	for i, c := range st.columns {
		v.pending[i] = c.pending && !st.immediate
	}
	return v
}

var (
	noCounts  counts
	noClassic [Classic]uint64
)

// Each calls f with the series and, between chunks of them, flush without holding the lock. It stops at the
// first error of flush, and when the thresholds change.
func (v *View) Each(f func(*Series), flush func() error) error { return v.each(false, f, flush) }

// EachPool is Each for the tiers of services: a series' Tenant is the tier.
func (v *View) EachPool(f func(*Series), flush func() error) error { return v.each(true, f, flush) }

func (v *View) each(pools bool, f func(*Series), flush func() error) error {
	var series Series
	for start := 0; start < v.slots; start += viewChunk {
		if err := v.chunk(start, min(start+viewChunk, v.slots), pools, &series, f); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}

func (v *View) chunk(start, end int, pools bool, series *Series, f func(*Series)) error {
	v.state.mu.RLock()
	defer v.state.mu.RUnlock()
	if v.state.columnsOf > v.Version {
		return errThresholds
	}
	for i := start; i < end; i++ {
		s := &v.state.slots[i]
		if s.life == free || s.life == hidden || s.admitted > v.Version || (s.special == poolSlot) != pools {
			continue
		}
		*series = Series{
			Service: int(s.service), Tenant: s.name, Special: s.special != ordinary, Stale: s.life == stale, Created: s.created,
			Classic: &noClassic, DurationsCreated: s.durations.since,
		}
		early := (s.life == pending || s.visibleSince > v.Version) && !v.state.immediate
		c := &s.counts
		if early || s.life == stale {
			if c = s.held; c == nil {
				c = &noCounts
			}
		}
		series.Requests, series.Late, series.Bytes, series.Slow = &c.requests, &c.late, c.bytes, v.visible(c.slow[:])
		// A series that stood still and goes on during the scrape has a histogram already: 0 would be a reset.
		if s.life != pending && s.shown <= v.Version || v.state.immediate {
			d := s.durations
			series.Classic, series.durations = &d.classic, d
			series.Zero, series.SumSeconds, series.SumNanos = d.zero, d.sumSeconds, d.sumNanos
		}
		f(series)
	}
	return nil
}

// visible are the counts of slow requests, 0 for the columns that are pending.
func (v *View) visible(slow []uint64) []uint64 {
	for i := range v.Thresholds {
		v.slow[i] = slow[i]
		if v.pending[i] {
			v.slow[i] = 0
		}
	}
	return v.slow[:len(v.Thresholds)]
}

// SourceStatus is the saved state of a source.
type SourceStatus struct {
	Created, Newest, Read int64 // Unix milliseconds
	Lines, Bytes          uint64
	Outcomes              []uint64
}

// Source returns the saved state of a source, false before its first record.
func (s *Store) Source(number int) (SourceStatus, bool) {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	if number >= len(st.sources) || st.sources[number].removed {
		return SourceStatus{}, false
	}
	source := st.sources[number]
	outcomes := source.outcomes
	return SourceStatus{source.created, source.newest, source.read, source.lines, source.bytes, outcomes[:]}, true
}

// ServiceStatus is the state of a service.
type ServiceStatus struct {
	Name              string
	Created           int64
	Probes            [5]uint64
	Refused           [decode.Refusals]uint64
	Tracked           int
	Troubled          int // tenants that have series because they are or were lately in trouble
	Waiting           int // tenants in trouble for which there is no place
	Admitted, Demoted uint64
	// Off is how many requests the counters of tiers have more than those of tenants; what is not 0 is a defect.
	Off int64
}

// Services returns the state of the services.
func (s *Store) Services() []ServiceStatus {
	s.saved.mu.RLock()
	var all []ServiceStatus
	for _, service := range s.saved.services {
		all = append(all, ServiceStatus{
			Name: service.name, Created: service.created, Probes: service.probes, Refused: service.refused,
		})
	}
	s.saved.mu.RUnlock()
	s.statusMu.Lock()
	for i, off := range s.balance.off[:min(len(s.balance.off), len(all))] {
		all[i].Off = off
	}
	s.statusMu.Unlock()
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	for i := range all {
		t := s.index.services[i]
		all[i].Tracked, all[i].Admitted, all[i].Demoted = s.index.used(t), t.admitted, t.demoted
		all[i].Troubled, all[i].Waiting = len(t.troubles), t.waitingTroubled
	}
	return all
}

// Unknown returns the number of requests without a tenant, late ones included.
func (s *Store) Unknown() (n uint64) {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	for i := range st.services {
		n += st.slots[st.services[i].unknown].counted()
	}
	return n
}

// Totals returns sums over all tenants, for tests and for the summary of tenants --once.
func (s *Store) Totals() (requests, late uint64, tenants int) {
	st := s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	for i := range st.slots {
		s := &st.slots[i]
		if s.life == free || s.special == poolSlot {
			continue
		}
		requests += s.total() - s.shared
		late += s.totalLate() - s.sharedLate
		if s.name != metric.TenantOther && s.name != metric.TenantUnknown {
			tenants++
		}
	}
	return requests, late, tenants
}
