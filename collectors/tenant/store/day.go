package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The day at hand is in the state: what each slot had counted when it counted first on that day. When the day is over,
// one record closes it, and it is kept in the state until its file is on the disk.

// historyName is the directory of the days that are over, in the state directory.
const historyName = "tenant-history"

// maxClosed bounds the days that wait for the disk of the history.
const maxClosed = 4

// dayRetry is how long a day that could not be written waits until that is tried again.
const dayRetry = time.Minute

// daily are the counters that the history has.
type daily struct {
	requests, failed, late, lateFailed, bytes uint64
	slow                                      [MaxThresholds]uint64
}

func (c *counts) daily() daily {
	return daily{c.total(), c.requests[4], c.totalLate(), c.late[4], c.bytes, c.slow}
}

// passed returns what was counted of a slot on the day at hand.
func (s *slot) passed() daily {
	d := s.daily()
	d.lower(s.morning)
	return d
}

func (d *daily) lower(by *daily) {
	d.requests -= by.requests
	d.failed -= by.failed
	d.late -= by.late
	d.lateFailed -= by.lateFailed
	d.bytes -= by.bytes
	for i := range d.slow {
		d.slow[i] -= by.slow[i]
	}
}

func (d *daily) append(b []byte, thresholds int) []byte {
	u := binary.AppendUvarint
	b = u(u(u(u(u(b, d.requests), d.failed), d.late), d.lateFailed), d.bytes)
	for _, n := range d.slow[:thresholds] {
		b = u(b, n)
	}
	return b
}

func (r *reader) daily(thresholds int) daily {
	d := daily{requests: r.uint(), failed: r.uint(), late: r.uint(), lateFailed: r.uint(), bytes: r.uint()}
	for i := range d.slow[:thresholds] {
		d.slow[i] = r.uint()
	}
	return d
}

func (d *daily) entry(service, tenant string, thresholds int) history.Entry {
	return history.Entry{Service: service, Tenant: tenant, Counts: history.Counts{
		Requests: d.requests, Failed: d.failed, Late: d.late, LateFailed: d.lateFailed, Bytes: d.bytes,
		Slow: slices.Clone(d.slow[:thresholds]),
	}}
}

// beginMorning makes the counters of a slot at the beginning of the day known, before something is counted for it.
func (s *slot) beginMorning() {
	if s.morning == nil {
		begin := s.daily()
		s.morning = &begin
	}
}

// today returns what is counted of a slot on the day at hand, false if that is nothing or not the history's.
func (st *State) today(s *slot) (history.Entry, bool) {
	if s.morning == nil || s.life == free || s.special != ordinary && s.special != unknownSlot {
		return history.Entry{}, false
	}
	d := s.passed()
	if d.requests == 0 && d.late == 0 {
		return history.Entry{}, false
	}
	return d.entry(st.services[s.service].name, s.name, len(st.thresholds)), true
}

// leave keeps what a slot that is freed has counted on the day at hand.
func (st *State) leave(s *slot) {
	if e, ok := st.today(s); ok {
		st.left = append(st.left, e)
	}
}

// appendDay encodes the beginning of a day, which closes the one before.
func appendDay(b []byte, date history.Date, zone string) []byte {
	return appendText(appendText(append(b, recordDay), string(date)), zone)
}

func (st *State) applyDay(r *reader) error {
	date, zone := history.Date(r.text()), r.text()
	if r.failed || date == st.date && zone == st.zone {
		return nil
	}
	if st.date != "" {
		if day := st.day(); len(day.Entries) > 0 {
			st.closed = append(st.closed, day)
			st.closed = st.closed[max(0, len(st.closed)-maxClosed):]
		}
	}
	for i := range st.slots {
		st.slots[i].morning = nil
	}
	st.left, st.date, st.zone = nil, date, zone
	st.dayNumber++
	return nil
}

// part names the day at hand among those of the same date.
func (st *State) part() string { return st.identity + "." + strconv.FormatUint(st.dayNumber, 10) }

// day returns what is counted on the day at hand.
func (st *State) day() *history.Day {
	day := &history.Day{
		Date: st.date, Part: st.part(), Zone: st.zone, Thresholds: slices.Clone(st.thresholds),
	}
	for i := range st.slots {
		if e, ok := st.today(&st.slots[i]); ok {
			day.Entries = append(day.Entries, e)
		}
	}
	if len(st.left) > 0 {
		day.Entries = merge(append(day.Entries, st.left...))
	}
	return day
}

// merge adds up the entries of tenants that had several slots on a day.
func merge(all []history.Entry) []history.Entry {
	type key struct{ service, tenant string }
	at := make(map[key]int, len(all))
	merged := all[:0]
	for _, e := range all {
		k := key{e.Service, e.Tenant}
		if i, ok := at[k]; ok {
			merged[i].Add(e.Counts)
			continue
		}
		at[k] = len(merged)
		merged = append(merged, e)
	}
	return merged
}

// applyDayWritten forgets a closed day whose file is on the disk.
func (st *State) applyDayWritten(r *reader) error {
	part := r.text()
	st.closed = slices.DeleteFunc(st.closed, func(d *history.Day) bool { return d.Part == part })
	return nil
}

// beginDay begins a day when the clock and the time zone of the policy say so.
func (s *Store) beginDay() {
	if s.saved.immediate && s.log == nil {
		return // what is read once has no days
	}
	zone := s.zone.Load()
	if zone == nil {
		return // no policy is in force yet
	}
	s.saved.mu.RLock()
	date, of := s.saved.date, s.saved.zone
	s.saved.mu.RUnlock()
	if now := history.DateOf(s.now().In(zone)); now != date || zone.String() != of {
		s.index.mu.Lock()
		defer s.index.mu.Unlock()
		s.index.records = append(s.index.records, appendDay(nil, now, zone.String()))
	}
}

// moved returns counts of slow requests in other columns.
func moved(slow []uint64, from []int) []uint64 {
	next := make([]uint64, len(from))
	for i, k := range from {
		if k >= 0 && k < len(slow) {
			next[i] = slow[k]
		}
	}
	return next
}

// appendDays encodes the days of a snapshot: the date at hand with what freed slots counted on it, and the closed days.
func (st *State) appendDays(b []byte) []byte {
	b = binary.AppendUvarint(append(b, recordDays), st.dayNumber)
	b = appendText(appendText(b, string(st.date)), st.zone)
	b = appendEntries(b, st.left, len(st.thresholds))
	b = binary.AppendUvarint(b, uint64(len(st.closed)))
	for _, d := range st.closed {
		b = appendText(appendText(appendText(b, string(d.Date)), d.Part), d.Zone)
		b = binary.AppendUvarint(b, uint64(len(d.Thresholds)))
		for _, t := range d.Thresholds {
			b = binary.AppendUvarint(b, t)
		}
		b = appendEntries(b, d.Entries, len(d.Thresholds))
	}
	return b
}

func (st *State) applyDays(r *reader) error {
	st.dayNumber, st.date, st.zone = r.uint(), history.Date(r.text()), r.text()
	st.left, st.closed = r.entries(len(st.thresholds)), nil
	for n := r.count(5); n > 0; n-- {
		d := &history.Day{Date: history.Date(r.text()), Part: r.text(), Zone: r.text()}
		for range min(r.count(1), MaxThresholds) {
			d.Thresholds = append(d.Thresholds, r.uint())
		}
		d.Entries = r.entries(len(d.Thresholds))
		st.closed = append(st.closed, d)
	}
	return nil
}

func appendEntries(b []byte, all []history.Entry, thresholds int) []byte {
	u := binary.AppendUvarint
	b = u(b, uint64(len(all)))
	for i := range all {
		e := &all[i]
		b = appendText(appendText(b, e.Service), e.Tenant)
		b = u(u(u(u(u(b, e.Requests), e.Failed), e.Late), e.LateFailed), e.Bytes)
		for _, n := range e.Slow[:thresholds] {
			b = u(b, n)
		}
	}
	return b
}

func (r *reader) entries(thresholds int) (all []history.Entry) {
	for n := r.count(7); n > 0; n-- {
		e := history.Entry{Service: r.text(), Tenant: r.text()}
		e.Counts = history.Counts{
			Requests: r.uint(), Failed: r.uint(), Late: r.uint(), LateFailed: r.uint(), Bytes: r.uint(),
		}
		e.Slow = make([]uint64, thresholds)
		for i := range e.Slow {
			e.Slow[i] = r.uint()
		}
		all = append(all, e)
	}
	return all
}

// writeDays writes the oldest closed day beside the commits.
func (s *Store) writeDays() {
	if s.history == nil || s.writing != nil || len(s.saved.closed) == 0 || s.now().Before(s.writeAt) {
		return
	}
	day := s.saved.closed[0] // it does not change any more
	s.writingPart = day.Part
	s.writing = collectors.Async(func() error { return s.history.Write(day) })
}

// dayWritten takes note of a day that was written.
func (s *Store) dayWritten(err error) {
	s.writing = nil
	if err != nil {
		s.logger.Error("A day of the tenants' history could not be written; it is tried again", "err", err)
		s.writeAt = s.now().Add(dayRetry)
		return
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	s.index.records = append(s.index.records, appendText([]byte{recordDayWritten}, s.writingPart))
}

// History returns what was counted of a tenant from one date to another, both included, in the order of the dates. The
// error names the files that cannot be read, whose dates are unreadable.
func (s *Store) History(ctx context.Context, tenant string, from, to history.Date) (all []history.Record,
	unreadable []history.Date, err error,
) {
	present := s.today(tenant) // first: a day that is written meanwhile is in both
	if s.history != nil {
		all, unreadable, err = s.history.Read(ctx, tenant, from, to)
		all = slices.DeleteFunc(all, func(r history.Record) bool {
			return slices.ContainsFunc(present, func(p history.Record) bool { return p.Date == r.Date && p.Part == r.Part })
		})
	}
	for _, r := range present {
		if r.Date >= from && r.Date <= to {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b history.Record) int { return cmp.Compare(a.Date, b.Date) })
	return all, unreadable, err
}

// HistoryStatus returns how many days are kept on the disk in how many bytes, and the errors since the start.
func (s *Store) HistoryStatus() (days int, bytes int64, errors history.Errors) {
	if s.history == nil {
		return 0, 0, history.Errors{}
	}
	return s.history.Status()
}

// today returns what is counted of a tenant on the day at hand, and on days that are over and not written yet.
func (s *Store) today(tenant string) []history.Record {
	slots, st := s.index.slotsOf(tenant), s.saved
	st.mu.RLock()
	defer st.mu.RUnlock()
	if len(slots) == 0 { // the end of one that has left may not be saved yet
		for i := range st.slots {
			if s := &st.slots[i]; s.name == tenant && s.life != free && s.special == ordinary {
				slots = append(slots, uint32(i))
			}
		}
	}
	var all []history.Record
	for _, day := range st.closed {
		for _, e := range day.Entries {
			if e.Tenant == tenant {
				all = append(all, history.Record{
					Date: day.Date, Part: day.Part, Zone: day.Zone, Thresholds: day.Thresholds, Entry: e,
				})
			}
		}
	}
	var entries []history.Entry
	for _, slot := range slots {
		if int(slot) < len(st.slots) && st.slots[slot].name == tenant {
			if e, ok := st.today(&st.slots[slot]); ok {
				entries = append(entries, e)
			}
		}
	}
	for _, e := range st.left {
		if e.Tenant == tenant {
			entries = append(entries, e)
		}
	}
	for _, e := range merge(entries) {
		all = append(all, history.Record{
			Date: st.date, Part: st.part(), Zone: st.zone, Thresholds: slices.Clone(st.thresholds), Entry: e,
		})
	}
	return all
}

func (ix *slotIndex) slotsOf(tenant string) []uint32 {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	var all []uint32
	for _, t := range ix.services {
		if tenant == metric.TenantUnknown {
			all = append(all, t.unknown)
		} else if slot, ok := t.slotOf(tenant); ok {
			all = append(all, slot)
		} else if f, ok := t.stale[tenant]; ok {
			all = append(all, f.slot)
		}
	}
	return all
}
