package health

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
	"time"
)

// Bounds of an archive. A target keeps as many outages of a month as are its share, the longest; that it had more shows
// in its days, which count all of them.
const (
	maxArchived       = 100_000 // targets
	maxArchiveOutages = 200_000 // of all targets
	minKeptOutages    = 20      // of one target
	maxKeptOutages    = 200
	maxArchiveName    = 1024 // bytes of a check, a tenant or a location
	maxReason         = 64
)

// archive is the history of a calendar month as it is saved, which is also its form in memory: the month, the number of
// its last entry, then the targets in order, each with its length. It is never changed.
//
// Numbers are varints, times are milliseconds. A target is its check, tenant and location, each with its length, then
// its days and its outages, each with their number. Days that are alike and follow each other are one entry: the first
// day of the month, how many they are, seconds down, unknown and in maintenance, what observed, unknown and maintenance
// lack of 24 hours, and outages. So a target of which there is nothing to say takes seven bytes more than its name.
type archive struct {
	month    monthID
	slot     int    // in which it is saved
	sequence uint64 // up to which entries are in it
	data     []byte
	starts   []uint32 // of the targets in data
}

// archivedTarget is the history of a target in a month.
type archivedTarget struct {
	place
	days    []day    // by date, one for each
	outages []outage // by beginning
}

var errArchive = errors.New("damaged archive")

// parseArchive returns an archive. It decodes everything once, so that later reads find nothing invalid.
func parseArchive(data []byte) (*archive, error) {
	last, n := place{}, 0
	return indexArchive(data, func(encoded []byte, month monthID) error {
		t, err := decodeTarget(encoded, month)
		switch {
		case err != nil:
			return fmt.Errorf("%w: target %d: %w", errArchive, n, err)
		case n > 0 && last.compare(t.place) >= 0:
			return fmt.Errorf("%w: targets are not in order", errArchive)
		}
		last, n = t.place, n+1
		return nil
	})
}

// indexArchive finds the targets of an archive, and calls check, if there is one, with each.
func indexArchive(data []byte, check func(encoded []byte, month monthID) error) (*archive, error) {
	r := reader{data: data}
	a := &archive{month: monthID(r.below(maxMonth)), sequence: r.uint(), data: data}
	for len(r.data) > 0 && r.err == nil {
		if len(a.starts) >= maxArchived {
			return nil, fmt.Errorf("%w: more than %d targets", errArchive, maxArchived)
		}
		start := len(data) - len(r.data)
		encoded := r.bytes(len(data))
		if r.err == nil && check != nil {
			if err := check(encoded, a.month); err != nil {
				return nil, err
			}
		}
		a.starts = append(a.starts, uint32(start))
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", errArchive, r.err)
	}
	return a, nil
}

// at returns the place of a target and its encoded form.
func (a *archive) at(i int) (place, []byte) {
	r := reader{data: a.data[a.starts[i]:]}
	encoded := r.bytes(len(r.data))
	in := reader{data: encoded}
	return in.place(), encoded
}

// from returns the index of the first target that does not come before a place. The one that is likely is tried first:
// most targets are at the same index in every month.
func (a *archive) from(p place, likely int) int {
	if n := len(a.starts); likely > 0 && likely < n && a.compareAt(likely, p) >= 0 && a.compareAt(likely-1, p) < 0 {
		return likely
	}
	return sort.Search(len(a.starts), func(i int) bool { return a.compareAt(i, p) >= 0 })
}

// find returns the index of a place as from does, and whether it is that of the place itself.
func (a *archive) find(p place, likely int) (i int, found bool) {
	i = a.from(p, likely)
	return i, i < len(a.starts) && a.compareAt(i, p) == 0
}

// read returns the days of a target from one to another, both included, and all of its outages.
func (a *archive) read(i int, first, last date) ([]day, []outage) {
	r := reader{data: a.data[a.starts[i]:]}
	in := reader{data: r.bytes(len(r.data))}
	in.skipPlace()
	var t archivedTarget
	t.decode(&in, a.month, first, last) // which succeeded when the archive was read
	return t.days, t.outages
}

// compareAt compares the place of a target with another, without making strings of it.
func (a *archive) compareAt(i int, p place) int {
	r := reader{data: a.data[a.starts[i]:]}
	in := reader{data: r.bytes(len(r.data))}
	for _, name := range [3]string{p.check, p.tenant, p.location} {
		switch own := in.bytes(maxArchiveName); {
		case string(own) < name:
			return -1
		case string(own) > name:
			return 1
		}
	}
	return 0
}

// checks returns the names of all checks.
func (a *archive) checks() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(a.starts); {
			at, _ := a.at(i)
			if !yield(at.check) {
				return
			}
			i = a.from(place{check: at.check + "\x00"}, 0)
		}
	}
}

// with returns the archive with more entries of its month. Names that are too long, and targets beyond the bound, are
// left out.
func (a *archive) with(more []ended) (*archive, error) {
	sequence := a.sequence
	fresh := map[place][]ended{}
	for _, e := range more {
		sequence = max(sequence, e.Sequence)
		fresh[e.place()] = append(fresh[e.place()], e)
	}
	places := make([]place, 0, len(fresh))
	for p := range fresh {
		if max(len(p.check), len(p.tenant), len(p.location)) <= maxArchiveName {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, place.compare)
	limit := min(max(maxArchiveOutages/max(len(a.starts), len(places), 1), minKeptOutages), maxKeptOutages)
	out := &archive{
		month: a.month, slot: a.slot, sequence: sequence, data: make([]byte, 0, len(a.data)+64*len(places)),
		starts: make([]uint32, 0, len(a.starts)+len(places)),
	}
	out.data = binary.AppendUvarint(binary.AppendUvarint(out.data, uint64(a.month)), sequence)
	var scratch []byte
	merge := func(t archivedTarget) {
		t.merge(fresh[t.place], a.month, limit)
		scratch = t.encode(scratch[:0], a.month)
		out.append(scratch)
	}
	for i := range a.starts {
		at, encoded := a.at(i)
		for len(places) > 0 && places[0].compare(at) < 0 {
			merge(archivedTarget{place: places[0]})
			places = places[1:]
		}
		if len(places) == 0 || places[0] != at {
			out.append(encoded)
			continue
		}
		t, err := decodeTarget(encoded, a.month)
		if err != nil {
			return nil, err
		}
		merge(t)
		places = places[1:]
	}
	for _, p := range places {
		merge(archivedTarget{place: p})
	}
	if len(out.data) > archiveBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", slotName(a.slot), len(out.data), archiveBytes)
	}
	return out, nil
}

func (a *archive) append(encoded []byte) {
	if len(a.starts) >= maxArchived {
		return
	}
	a.starts = append(a.starts, uint32(len(a.data)))
	a.data = append(binary.AppendUvarint(a.data, uint64(len(encoded))), encoded...)
}

// merge adds entries to a target's month and keeps the longest outages.
func (t *archivedTarget) merge(more []ended, month monthID, limit int) {
	for _, e := range more {
		if !e.Outage.Begin.IsZero() {
			t.outages = append(t.outages, e.Outage)
		}
		if e.Day.empty() || e.Day.Date.month() != month {
			continue
		}
		i, found := slices.BinarySearchFunc(t.days, e.Day.Date, func(d day, at date) int { return int(d.Date - at) })
		if !found {
			t.days = slices.Insert(t.days, i, day{Date: e.Day.Date})
		}
		t.days[i].add(e.Day)
	}
	if len(t.outages) > limit {
		slices.SortStableFunc(t.outages, func(a, b outage) int { return int(b.Down - a.Down) })
		t.outages = slices.Clip(t.outages[:limit])
	}
	slices.SortStableFunc(t.outages, func(a, b outage) int { return a.Begin.Compare(b.Begin) })
}

// millis returns a length that was rounded to milliseconds.
func millis(d time.Duration) uint64 { return uint64(max(d.Milliseconds(), 0)) }

// encode appends a target.
func (t *archivedTarget) encode(b []byte, month monthID) []byte {
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	number := func(n uint64) { b = binary.AppendUvarint(b, n) }
	text(t.check)
	text(t.tenant)
	text(t.location)
	runs := runsOf(t.days)
	number(uint64(len(runs)))
	for _, r := range runs {
		number(uint64(r.Date - month.first()))
		number(uint64(r.days))
		number(millis(r.Down))
		number(millis(r.Unknown))
		number(millis(r.Maintenance))
		lacks := int64(millis(dayLength)) - int64(millis(r.Observed)+millis(r.Unknown)+millis(r.Maintenance))
		b = binary.AppendVarint(b, lacks)
		number(r.Outages)
	}
	number(uint64(len(t.outages)))
	for _, o := range t.outages {
		begin := o.Begin.UnixMilli()
		b = binary.AppendVarint(b, begin)
		b = binary.AppendVarint(b, o.End.UnixMilli()-begin)
		number(millis(o.Down))
		number(uint64(slices.Index(outageEnds, o.Ended) + 1))
		text(o.Reason[:min(len(o.Reason), maxReason)])
	}
	return b
}

// run is a row of days that are alike.
type run struct {
	day
	days int
}

func runsOf(days []day) []run {
	var runs []run
	for _, d := range days {
		if n := len(runs); n > 0 {
			before, next := runs[n-1].day, d
			before.Date, next.Date = 0, 0
			if runs[n-1].Date+date(runs[n-1].days) == d.Date && before == next {
				runs[n-1].days++
				continue
			}
		}
		runs = append(runs, run{d, 1})
	}
	return runs
}

// decodeTarget decodes a target of a month.
func decodeTarget(encoded []byte, month monthID) (archivedTarget, error) {
	r := reader{data: encoded}
	t := archivedTarget{place: r.place()}
	t.decode(&r, month, month.first(), (month+1).first()-1)
	return t, r.err
}

// decode reads what follows the place: the days from one to another, both included, and all outages. It checks all.
func (t *archivedTarget) decode(r *reader, month monthID, from, to date) {
	next, end := month.first(), (month + 1).first()
	for range r.count(int(end - next)) {
		first, days := month.first()+date(r.below(uint64(end-month.first()))), date(r.below(32))
		d := day{Down: r.duration(), Unknown: r.duration(), Maintenance: r.duration()}
		lacks := r.int()
		d.Outages = r.below(1 << 32)
		d.Observed = dayLength - time.Duration(lacks)*time.Millisecond - d.Unknown - d.Maintenance
		if first < next || days == 0 || first+days > end || d.Observed < 0 || d.Observed > maxDuration {
			r.fail()
		}
		if r.err != nil {
			break
		}
		next = first + days
		if t.days == nil && first <= to && next > from {
			t.days = make([]day, 0, min(end-1, to)-max(first, from)+1)
		}
		for d.Date = max(first, from); d.Date <= min(next-1, to); d.Date++ {
			t.days = append(t.days, d)
		}
	}
	for range r.count(len(r.data)) {
		begin := r.int()
		length := r.int()
		o := outage{Down: r.duration()}
		if end := r.below(uint64(len(outageEnds)) + 1); end > 0 {
			o.Ended = outageEnds[end-1]
		}
		o.Reason = string(r.bytes(maxReason))
		if begin < 0 || begin > maxMillis || length < -maxMillis || length > maxMillis {
			r.fail()
		}
		if r.err != nil {
			break
		}
		o.Begin, o.End = time.UnixMilli(begin).UTC(), time.UnixMilli(begin+length).UTC()
		t.outages = append(t.outages, o)
	}
	if r.err == nil && len(r.data) > 0 {
		r.fail()
	}
}
