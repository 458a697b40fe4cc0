// Package store keeps the counters of tenants together with the positions in their sources. Whatever changes either is
// a record of one log, and nothing is exported that is not in the log on the disk. A restart therefore reads back
// exactly what was exported.
package store

import (
	"fmt"
	"slices"
	"sync"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
)

// State is what is saved. Records change it under the lock; scrapes read it, a few slots at a time.
type State struct {
	mu         sync.RWMutex
	version    uint64 // grows with every change of which slots there are
	thresholds []uint64
	columns    []column // by threshold
	columnsOf  uint64   // the version since which they are these
	services   []service
	sources    []*source
	slots      []slot
	pending    map[uint32]uint64 // pending slots and the scrapers that have seen them, a bit each
	scraped    []savedScraper
	scratch    slot // what was counted of a tenant without series
	span       uint32
	spanAt     int64 // when it began, Unix milliseconds
	objectives objectives
	tick       uint32      // of the windows, 0 before the first
	ticks      bucketTicks // of the windows' buckets
	suspects   []uint32    // slots without series that had bad requests; not saved
	dayNumber  uint64
	date       history.Date // of the day at hand, empty before the first
	zone       string
	left       []history.Entry // of slots that were freed on the day at hand
	closed     []*history.Day  // that are not on the disk of the history yet; they do not change
	lostAt     int64           // Unix milliseconds; 0 if no saved state was ever dropped
	immediate  bool            // pending slots are exported with their counts
	identity   string
	refused    *refusals // of the last hour; nil while what was saved is read back
}

type service struct {
	name           string
	other, unknown uint32 // slots
	probes         [5]uint64
	refused        [decode.Refusals]uint64
	created        int64
	ended          uint64   // requests of slots that were freed since the start; not saved
	hidden         int      // slots
	planned        bool     // its requests do not count in windows: planned work
	counted        *windows // for how many milliseconds it was counted, nil before the first record of it
	countedTo      int64    // until when, Unix milliseconds; 0 before the first record of it
}

// source is what is saved of one source.
type source struct {
	name     string
	service  int
	created  int64
	removed  bool
	lines    uint64
	bytes    uint64
	outcomes [decode.Outcomes]uint64
	newest   int64
	read     int64
	files    map[uint64]File
	ids      *ids
}

func newState() *State { return &State{pending: map[uint32]uint64{}, ticks: newBucketTicks()} }

// The records of the log, by their first byte.
const (
	recordThresholds = iota + 1
	recordService
	recordSource
	recordRemoveSource
	recordAdmit
	recordVisible
	recordStale
	recordEnd
	recordBatch
	recordTotals
	recordVisibleThresholds
	recordLost
	recordScrapers
	recordRevive
	recordInherit // of older versions
	recordTake
	recordPool
	recordIdentity
	recordCount
	recordShow
	recordDemote
	recordHide
	recordSpan
	recordObjectives
	recordDetails
	recordDay
	recordDayWritten
	recordDays
	recordTick
	recordPeriod
	recordWindows
	recordCounted
	recordCountedRing
	recordRefused
)

// Bounds of what a record may ask for, against a damaged one that happens to have the right checksum.
const (
	maxSlots    = 4_000_000
	maxServices = 1 << 16
	maxSources  = 100_000
)

// apply changes the state as a record says. The same code runs when a record was just saved and when it is
// read back.
func (st *State) apply(record []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	r := &reader{b: record}
	var err error
	switch kind := r.byte(); kind {
	case recordThresholds:
		err = st.applyThresholds(r)
	case recordService:
		st.services = append(st.services, service{name: r.text(), created: int64(r.uint())})
		if len(st.services) > maxServices {
			err = errRecord
		}
	case recordSource:
		st.sources = append(st.sources,
			&source{name: r.text(), service: int(r.uint()), created: int64(r.uint()), files: map[uint64]File{}})
		if s := st.sources[len(st.sources)-1]; s.service >= len(st.services) || s.service < 0 ||
			len(st.sources) > maxSources {
			err = errRecord
		}
	case recordRemoveSource:
		if number := r.uint(); number < uint64(len(st.sources)) {
			s := st.sources[number]
			s.removed, s.files, s.ids = true, nil, nil
		} else {
			err = errRecord
		}
	case recordInherit:
		err = st.applyInherit(r)
	case recordTake:
		err = st.applyTake(r)
	case recordAdmit, recordCount:
		err = st.applyAdmit(r, kind)
	case recordPool:
		err = st.applyMemberships(r)
	case recordVisible, recordStale, recordDemote, recordHide, recordEnd, recordRevive:
		err = st.applyLife(r, kind)
	case recordShow:
		err = st.applyShow(r)
	case recordSpan:
		err = st.applySpan(r)
	case recordObjectives:
		err = st.applyObjectives(r)
	case recordDay:
		err = st.applyDay(r)
	case recordDayWritten:
		err = st.applyDayWritten(r)
	case recordDays:
		err = st.applyDays(r)
	case recordTick:
		err = st.applyTick(r)
	case recordPeriod:
		err = st.applyPeriod(r)
	case recordWindows:
		err = st.applyWindows(r)
	case recordCounted:
		err = st.applyCounted(r)
	case recordCountedRing:
		err = st.applyCountedRing(r)
	case recordRefused:
		err = st.applyRefused(r)
	case recordDetails:
		err = st.applyDetails(r)
	case recordBatch:
		err = st.applyBatch(r)
	case recordTotals:
		err = st.applyTotals(r)
	case recordVisibleThresholds:
		err = st.applyVisibleThresholds(r)
	case recordLost:
		st.lostAt = int64(r.uint())
	case recordIdentity:
		err = st.applyIdentity(r)
	case recordScrapers:
		err = st.applyScrapers(r)
	default:
		err = fmt.Errorf("%w: of kind %d", errRecord, kind)
	}
	if err == nil && (r.failed || len(r.b) > 0) {
		err = errRecord
	}
	return err
}

func (st *State) applyBatch(r *reader) error {
	number := r.uint()
	if number >= uint64(len(st.sources)) {
		return errRecord
	}
	s := st.sources[number]
	if s.removed {
		// It was under way when a reload gave the source to another service: a post is acknowledged, so it counts for the
		// one it was read for. Positions and ids are those of the source that is no more.
		s = &source{service: s.service, files: map[uint64]File{}}
	}
	epoch := r.uint()
	s.lines += r.uint()
	s.bytes += r.uint()
	for i := range s.outcomes[1:] {
		s.outcomes[i+1] += r.uint()
	}
	for i := range st.services[s.service].probes {
		st.services[s.service].probes[i] += r.uint()
	}
	s.observe(int64(r.uint()), int64(r.uint()))
	columns := make([]int, r.count(1))
	for i := range columns {
		columns[i] = slices.Index(st.thresholds, r.uint())
	}
	for n := r.count(9); n > 0; n-- {
		s.keep(r.file())
	}
	for n := r.count(8); n > 0; n-- {
		if s.ids == nil {
			s.ids = newIDs()
		}
		b := r.take(8)
		if b == nil {
			return errRecord
		}
		s.ids.add(le64(b))
	}
	for n := r.count(2); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(st.slots)) || r.failed {
			return errRecord
		}
		st.count(r, uint32(number), st.services[s.service].other, epoch, columns)
	}
	if len(r.b) == 0 {
		return nil
	}
	return st.readRefused(r, s.service, epoch)
}

// count reads what was counted for a slot in an epoch.
func (st *State) count(r *reader, number, other uint32, epoch uint64, columns []int) {
	s := &st.slots[number]
	pool := st.poolOf(s, epoch)
	ended := s.life == free || s.life == stale && !s.counting || s.epoch > epoch // while this was under way
	if !ended && (s.special == ordinary || s.special == unknownSlot) {
		s.beginMorning()
	}
	if !ended && s.life != hidden && s.life != stale {
		if s.special == ordinary && st.services[s.service].hidden > 0 {
			st.touch(s)
		}
		r.accumulator(s, pool, columns)
		st.countWindows(s, &r.added)
		return
	}
	st.scratch.empty()
	r.accumulator(&st.scratch, pool, columns)
	if ended {
		st.slots[other].add(&st.scratch.counts, st.scratch.durations)
		return
	}
	st.touch(s)
	st.countWindows(s, &r.added)
	s.plus(&st.scratch.counts)
	st.share(s, st.scratch.counts, st.scratch.durations)
	if !s.suspect && st.scratch.bad() {
		s.suspect = true
		st.suspects = append(st.suspects, number)
	}
}

// slack is how much later than its record another one may be saved, in milliseconds.
const slack = 60_000

// observe records the time of the newest event and when it was read; both are 0 if a record has none. A time that lies
// ahead of the clock is discarded once the source's clock is right again. Otherwise a stopped source would go
// unnoticed until the clock had caught up.
func (s *source) observe(newest, read int64) {
	if read == 0 {
		s.newest = max(s.newest, newest)
		return
	}
	if s.newest > read+slack {
		s.newest = 0
	}
	if s.read > read+slack {
		s.read = 0
	}
	s.newest, s.read = max(s.newest, newest), max(s.read, read)
}

func le64(b []byte) uint64 {
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
