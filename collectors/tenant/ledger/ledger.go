// Package ledger keeps the counters of tenants and the positions in their sources, together: whatever changes
// either is a record of one log, and nothing is shown that is not in the log on the disk. What a restart
// reads back is therefore what was shown, to the digit.
package ledger

import (
	"fmt"
	"slices"
	"sync"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
)

// Ledger is the saved state. Apply changes it under the lock; scrapes read it, a few slots at a time.
type Ledger struct {
	mu         sync.RWMutex
	version    uint64 // grows with every change of which slots there are
	thresholds []uint64
	columns    []column // by threshold
	columnsOf  uint64   // the version since which they are these
	services   []service
	sources    []*source
	slots      []slot
	held       map[uint32]uint64 // held slots and the scrapers that have seen them, a bit each
	scraped    []savedScraper
	scratch    slot
	lostAt     int64 // Unix milliseconds; 0 if no saved state was ever dropped
	immediate  bool  // held slots are shown with their counts
}

type service struct {
	name           string
	other, unknown uint32 // slots
	probes         [5]uint64
	created        int64
}

// source is what is saved of one source.
type source struct {
	name     string
	service  int
	created  int64
	removed  bool
	lines    uint64
	bytes    uint64
	verdicts [decode.Verdicts]uint64
	newest   int64
	read     int64
	files    map[uint64]File
	ids      *ids
}

func newLedger() *Ledger { return &Ledger{held: map[uint32]uint64{}} }

// The records of the log, by their first byte.
const (
	recordThresholds = iota + 1
	recordService
	recordSource
	recordRemoveSource
	recordAdmit
	recordRelease
	recordFreeze
	recordEnd
	recordDelta
	recordTotals
	recordReleaseThresholds
	recordLost
	recordScrapers
	recordRevive
	recordInherit // of older versions
	recordTake
)

// Bounds of what a record may ask for, against a damaged one that happens to have the right checksum.
const (
	maxSlots    = 4_000_000
	maxServices = 1 << 16
	maxSources  = 100_000
)

// apply changes the state as a record says. The same code runs when a record was just saved and when it is
// read back.
func (l *Ledger) apply(record []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &reader{b: record}
	var err error
	switch kind := r.byte(); kind {
	case recordThresholds:
		err = l.applyThresholds(r)
	case recordService:
		l.services = append(l.services, service{name: r.text(), created: int64(r.uint())})
		if len(l.services) > maxServices {
			err = errRecord
		}
	case recordSource:
		l.sources = append(l.sources, &source{name: r.text(), service: int(r.uint()), created: int64(r.uint()), files: map[uint64]File{}})
		if s := l.sources[len(l.sources)-1]; s.service >= len(l.services) || s.service < 0 || len(l.sources) > maxSources {
			err = errRecord
		}
	case recordRemoveSource:
		if number := r.uint(); number < uint64(len(l.sources)) {
			s := l.sources[number]
			s.removed, s.files, s.ids = true, nil, nil
		} else {
			err = errRecord
		}
	case recordInherit:
		err = l.applyInherit(r)
	case recordTake:
		err = l.applyTake(r)
	case recordAdmit:
		err = l.applyAdmit(r)
	case recordRelease, recordFreeze, recordEnd, recordRevive:
		err = l.applyLife(r, kind)
	case recordDelta:
		err = l.applyDelta(r)
	case recordTotals:
		err = l.applyTotals(r)
	case recordReleaseThresholds:
		err = l.applyReleaseThresholds(r)
	case recordLost:
		l.lostAt = int64(r.uint())
	case recordScrapers:
		err = l.applyScrapers(r)
	default:
		err = fmt.Errorf("%w: of kind %d", errRecord, kind)
	}
	if err == nil && (r.failed || len(r.b) > 0) {
		err = errRecord
	}
	return err
}

// admission is a tenant that is given a slot.
type admission struct {
	slot    uint32
	service int
	special special
	created int64
	epoch   uint64
	name    string
}

func (l *Ledger) applyAdmit(r *reader) error {
	l.version++
	for n := r.count(6); n > 0; n-- {
		number := r.uint()
		a := admission{slot: uint32(number), service: int(r.uint()), special: special(r.byte()), created: int64(r.uint()), epoch: r.uint(), name: r.text()}
		if r.failed || number > maxSlots || a.service < 0 || a.service >= len(l.services) || a.special > unknownSlot {
			return errRecord
		}
		if grow := int(a.slot) + 1 - len(l.slots); grow > 0 {
			l.slots = append(l.slots, make([]slot, grow)...)
		}
		s := &l.slots[a.slot]
		if s.life != free {
			return errRecord
		}
		*s = slot{
			name: a.name, service: uint16(a.service), life: held, special: a.special, created: a.created,
			epoch: a.epoch, admitted: l.version, slow: make([]uint64, len(l.thresholds)), native: s.native[:0],
		}
		clear(s.native[:cap(s.native)])
		l.held[a.slot] = 0
		switch a.special {
		case otherSlot:
			l.services[a.service].other = a.slot
		case unknownSlot:
			l.services[a.service].unknown = a.slot
		}
	}
	return nil
}

func (l *Ledger) applyLife(r *reader, kind byte) error {
	l.version++
	for n := r.count(1); n > 0; n-- {
		number := r.uint()
		if number >= uint64(len(l.slots)) {
			return errRecord
		}
		s := &l.slots[number]
		switch kind {
		case recordRelease:
			if s.life == held {
				s.life, s.released = shown, l.version
			}
		case recordFreeze:
			// What was counted but never shown belongs to the others, or it would be lost.
			if s.life == held {
				other := &l.slots[l.services[s.service].other]
				other.add(s)
				name, service, created := s.name, s.service, s.created
				*s = slot{name: name, service: service, created: created, slow: make([]uint64, len(l.thresholds))}
			}
			if s.special != ordinary {
				return errRecord
			}
			s.life = frozen
		case recordEnd:
			s.life, s.name = free, ""
		case recordRevive: // it goes on counting where it stopped
			if s.life != frozen {
				return errRecord
			}
			if s.life = shown; s.unused() {
				s.life, l.held[uint32(number)] = held, 0
				continue
			}
		}
		delete(l.held, uint32(number))
	}
	return nil
}

func (l *Ledger) applyDelta(r *reader) error {
	number := r.uint()
	if number >= uint64(len(l.sources)) {
		return errRecord
	}
	s := l.sources[number]
	if s.removed {
		// It was under way when a reload gave the source to another service: a post is acknowledged, so it counts for the
		// one it was read for. Positions and ids are those of the source that is no more.
		s = &source{service: s.service, files: map[uint64]File{}}
	}
	epoch := r.uint()
	s.lines += r.uint()
	s.bytes += r.uint()
	for i := range s.verdicts[1:] {
		s.verdicts[i+1] += r.uint()
	}
	for i := range l.services[s.service].probes {
		l.services[s.service].probes[i] += r.uint()
	}
	s.observe(int64(r.uint()), int64(r.uint()))
	columns := make([]int, r.count(1))
	for i := range columns {
		columns[i] = slices.Index(l.thresholds, r.uint())
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
		if number >= uint64(len(l.slots)) || r.failed {
			return errRecord
		}
		if c := &l.slots[number]; (c.life == held || c.life == shown) && c.epoch <= epoch {
			r.cell(c, columns)
			continue
		}
		// The tenant lost its slot while this was under way.
		l.scratch = slot{slow: make([]uint64, len(l.thresholds))}
		r.cell(&l.scratch, columns)
		l.slots[l.services[s.service].other].add(&l.scratch)
	}
	return nil
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
