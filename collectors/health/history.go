package health

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

// History is kept for historyDays: of each target the outages, and the seconds of each day. What is new of it is in the
// snapshot (persist.go): the day so far, the open outage, and what has ended since it was last archived. What has ended
// is moved to an archive every archiveInterval, one for each calendar month. So a save never writes more than what is
// new, a month that is over is not written again, and damage to a file costs one month.
//
// What ended has a sequence number, which the archive that took it contains. Whenever the exporter is killed, an entry
// is in the snapshot, or in the archive, or in both with a number by which it counts once.
const (
	historyDays     = 400
	archiveInterval = time.Minute
	archiveTimeout  = time.Minute
	archiveVersion  = 1
	archiveBytes    = 256 << 20
	// maxArchives is how many calendar months 400 days can touch. One slot more is free for the next.
	maxArchives  = 15
	archiveSlots = maxArchives + 1
	// maxEnded is how many entries wait for a disk that takes none; of more, the oldest are dropped.
	maxEnded = 200_000
)

// place identifies a target in the history.
type place struct{ check, tenant, location string }

func (p place) compare(o place) int {
	if c := strings.Compare(p.check, o.check); c != 0 {
		return c
	}
	if c := strings.Compare(p.tenant, o.tenant); c != 0 {
		return c
	}
	return strings.Compare(p.location, o.location)
}

// ended is a day or an outage that is over.
type ended struct {
	Sequence uint64  `json:"sequence"`
	Check    string  `json:"check"`
	Tenant   string  `json:"tenant,omitempty"`
	Location string  `json:"location"`
	Day      day     `json:"day,omitzero"`
	Outage   outage  `json:"outage,omitzero"`
	Month    monthID `json:"month"` // of the date in the time zone of that time
}

func (e *ended) place() place { return place{e.Check, e.Tenant, e.Location} }

// monthID is a calendar month: twelve times the year, plus the month from 0.
type monthID int32

func (d date) month() monthID {
	y, m, _ := d.midnight().Date()
	return monthID(y*12 + int(m) - 1)
}

// first returns the month's first date.
func (m monthID) first() date {
	return date(time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC).Unix() /
		int64(dayLength/time.Second))
}

// slotName is the name under which an archive is saved. Which month is in a slot, the archive says: names that followed
// the calendar would be ever more, and the state directory records each that it ever saw.
func slotName(slot int) string { return fmt.Sprintf("health_history_%02d", slot) }

// history is what the collector remembers beyond its counters. The collector's lock guards all but archiving.
type history struct {
	archiving sync.Mutex // held while archives are read or written; taken before the collector's lock
	loaded    bool       // what was archived before is in months
	months    map[monthID]*archive
	sequence  uint64
	waiting   []ended // not archived, by sequence
	saved     []ended // the same, as they were last saved
	dropped   int     // since the last round
}

// take moves what is over from a target's state machine to what waits. It is rounded as in the archive, so that nothing
// changes when it gets there.
func (h *history) take(p place, m *stateMachine) {
	zone := m.days.zone
	for _, d := range m.days.ended {
		h.add(p, ended{Day: d.rounded(), Month: d.Date.month()})
	}
	for _, o := range m.ended {
		h.add(p, ended{Outage: o.rounded(), Month: dateOf(o.Begin, zone).month()})
	}
	m.days.ended, m.ended = nil, nil
}

func (h *history) add(p place, e ended) {
	h.sequence++
	e.Sequence, e.Check, e.Tenant, e.Location = h.sequence, p.check, p.tenant, p.location
	h.waiting = append(h.waiting, e)
	if n := len(h.waiting) - maxEnded; n > 0 {
		h.waiting = slices.Clone(h.waiting[n:])
		h.dropped += n
	}
}

// endKept takes what was kept of a target that does not come back.
func (h *history) endKept(id identity, s *saved, zone *time.Location) {
	m := &stateMachine{totals: s.totals, days: calendar{zone: zone}}
	m.endOutage(endRemoved)
	m.endDay()
	h.take(place{id.check, id.tenant, id.location}, m)
}

// archived reports whether an entry is in its archive.
func (h *history) archived(e *ended) bool {
	a := h.months[e.Month]
	return a != nil && e.Sequence <= a.sequence
}

// forget drops entries that are archived.
func (h *history) forget() {
	h.waiting = slices.DeleteFunc(slices.Clone(h.waiting), func(e ended) bool { return h.archived(&e) })
	h.saved = slices.DeleteFunc(slices.Clone(h.saved), func(e ended) bool { return h.archived(&e) })
}

// shown returns the entries that may be shown: those that are saved, or all while nothing can be saved.
func (h *history) shown(live bool) []ended {
	if live {
		return h.waiting
	}
	return h.saved
}

// loadHistory reads the archives once. One that cannot be read is an error, and its month begins anew.
func (c *Collector) loadHistory() error {
	if c.historyLoaded() {
		return nil
	}
	c.history.archiving.Lock()
	defer c.history.archiving.Unlock()
	return c.loadArchives()
}

func (c *Collector) historyLoaded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.history.loaded
}

// loadArchives is loadHistory for a caller that holds archiving.
func (c *Collector) loadArchives() error {
	if c.historyLoaded() {
		return nil
	}
	months, sequence, err := c.readArchives()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history.months, c.history.loaded = months, true
	c.history.sequence = max(c.history.sequence, sequence)
	c.history.forget()
	return err
}

func (c *Collector) readArchives() (months map[monthID]*archive, sequence uint64, err error) {
	months = map[monthID]*archive{}
	if c.dir == nil {
		return months, 0, nil
	}
	var errs []error
	for slot := range archiveSlots {
		payload, err := c.dir.Load(slotName(slot), archiveVersion, archiveBytes)
		var a *archive
		if err == nil {
			a, err = parseArchive(payload)
		}
		switch {
		case errors.Is(err, state.ErrNotFound):
		case err != nil:
			err = fmt.Errorf("history: %w; the days and outages of a month are lost", err)
			c.logger.Error("A month of the history cannot be read", "slot", slotName(slot), "err", err)
			errs = append(errs, err)
			if errors.Is(err, state.ErrCorrupt) || errors.Is(err, errArchive) { // reported once
				errs = append(errs, c.dir.Remove(slotName(slot)))
			}
		default:
			a.slot = slot
			sequence = max(sequence, a.sequence)
			if other := months[a.month]; other == nil || other.sequence < a.sequence {
				months[a.month] = a
			}
		}
	}
	return months, sequence, errors.Join(errs...)
}

// freeSlot returns a slot in which no month is.
func freeSlot(months map[monthID]*archive) int {
	used := map[int]bool{}
	for _, a := range months {
		used[a.slot] = true
	}
	slot := 0
	for used[slot] {
		slot++
	}
	return slot
}

// pollArchives moves what has ended to the archives.
func (c *Collector) pollArchives() collectors.Poll {
	return collectors.Poll{
		Part: "history", Interval: archiveInterval,
		Round: func(ctx context.Context) error {
			select {
			case err := <-collectors.Async(c.archive):
				return err
			case <-time.After(archiveTimeout):
				return errArchiveHangs
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

var errArchiveHangs = &collectors.ReasonError{
	Reason: collectors.ReasonTimeout,
	Err:    fmt.Errorf("history: an archive has not been written within %s; the disk hangs", archiveTimeout),
}

// archive moves what has ended and is saved to the archives, and removes archives that are too old.
func (c *Collector) archive() error {
	if !c.history.archiving.TryLock() {
		return errArchiveHangs // of an earlier round
	}
	defer c.history.archiving.Unlock()
	errs := []error{c.loadArchives()}
	c.mu.Lock()
	fresh := map[monthID][]ended{}
	for _, e := range c.history.saved {
		if !c.history.archived(&e) {
			fresh[e.Month] = append(fresh[e.Month], e)
		}
	}
	months, dropped := c.history.months, c.history.dropped
	c.history.dropped = 0
	c.mu.Unlock()
	if dropped > 0 {
		errs = append(errs, fmt.Errorf("history: %d ended days and outages were dropped, as nothing could be saved", dropped))
	}
	if len(fresh) == 0 {
		return historyError(errs)
	}
	months = maps.Clone(months)
	for _, month := range slices.Sorted(maps.Keys(fresh)) {
		before := months[month]
		if before == nil {
			before = &archive{month: month, slot: freeSlot(months)}
		}
		a, err := before.with(fresh[month])
		if err == nil && c.dir != nil {
			err = c.dir.Save(slotName(a.slot), archiveVersion, a.data)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("history: %w", err))
			continue
		}
		months[month] = a
		// By number and not by the clock, which may be wrong for a moment.
		if old := slices.Min(slices.Collect(maps.Keys(months))); len(months) > maxArchives {
			if c.dir != nil {
				errs = append(errs, c.dir.Remove(slotName(months[old].slot)))
			}
			delete(months, old)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history.months = months
	c.history.forget()
	return historyError(errs)
}

func historyError(errs []error) error {
	if err := errors.Join(errs...); err != nil {
		return &collectors.ReasonError{Reason: collectors.ReasonIO, Err: err}
	}
	return nil
}
