package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/state"
)

// Stored is the history of health checks in a state directory, read once. The exporter may run meanwhile.
type Stored struct {
	zone   *time.Location
	months map[monthID]*archive
	live   map[key]map[place]*liveTarget
	fresh  map[key]map[place][]ended
	dates  map[date]string // as texts
	// Taken is when the newest of it was saved, zero for a directory in which nothing was.
	Taken time.Time
	// Damaged are the errors of months that cannot be read.
	Damaged []error
}

// storedAttempts is how often a directory is read in which an exporter moves what has ended into archives meanwhile.
const storedAttempts = 5

// errMoving is why a directory could not be read as it was at one moment.
var errMoving = errors.New("the history changes too fast to be read: try again")

// ReadStored reads the history in a state directory, by the days of a time zone.
func ReadStored(path string, zone *time.Location) (*Stored, error) {
	for range storedAttempts {
		stamp := archiveStamps(path)
		before, damaged := readArchiveFiles(path)
		s := &Stored{
			zone: zone, months: before, Damaged: damaged, live: map[key]map[place]*liveTarget{},
			fresh: map[key]map[place][]ended{},
		}
		payload, err := state.Read(path, snapshotName, snapshotVersion, snapshotBytes)
		var d document
		switch {
		case errors.Is(err, state.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			if err := json.Unmarshal(payload, &d); err != nil {
				return nil, fmt.Errorf("the snapshot of health checks cannot be read: %w", err)
			}
		}
		s.take(&d)
		s.nameDates()
		// What has ended is in the snapshot or in an archive, of one moment at which no archive changed.
		if slices.Equal(stamp, archiveStamps(path)) {
			return s, nil
		}
	}
	return nil, errMoving
}

// readArchiveFiles reads the archives of a directory that it does not lock.
func readArchiveFiles(path string) (months map[monthID]*archive, damaged []error) {
	months = map[monthID]*archive{}
	for slot := range archiveSlots {
		payload, err := state.Read(path, slotName(slot), archiveVersion, archiveBytes)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		var a *archive
		if err == nil {
			// The snapshot's checksum holds, and an exporter decodes what it saves: the index is enough.
			a, err = indexArchive(payload, nil)
		}
		if err != nil {
			damaged = append(damaged, fmt.Errorf("a month of the history cannot be read: %w", err))
			continue
		}
		if other := months[a.month]; other == nil || other.sequence < a.sequence {
			months[a.month] = a
		}
	}
	return months, damaged
}

// archiveStamps identifies the files of a directory, so that one that was replaced is noticed.
func archiveStamps(path string) []string {
	stamps := make([]string, archiveSlots)
	for slot := range stamps {
		if info, err := os.Stat(filepath.Join(path, slotName(slot)+".state")); err == nil {
			stamps[slot] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
	}
	return stamps
}

// take takes the days at hand, open outages, and what is not archived.
func (s *Stored) take(d *document) {
	s.Taken = d.Taken
	for _, e := range d.Targets {
		k, at := key{e.Check, e.Tenant}, place{e.Check, e.Tenant, e.Location}
		if s.live[k] == nil {
			s.live[k] = map[place]*liveTarget{}
		}
		if s.live[k][at] == nil {
			s.live[k][at] = &liveTarget{}
		}
		s.live[k][at].add("", e.totals)
	}
	for _, e := range d.Ended {
		if a := s.months[e.Month]; a != nil && e.Sequence <= a.sequence {
			continue
		}
		k := key{e.Check, e.Tenant}
		if s.fresh[k] == nil {
			s.fresh[k] = map[place][]ended{}
		}
		s.fresh[k][e.place()] = append(s.fresh[k][e.place()], e)
	}
}

// Checks returns the names of all checks of which there is history.
func (s *Stored) Checks() []string {
	names := map[string]bool{}
	for k := range s.live {
		names[k.check] = true
	}
	for k := range s.fresh {
		names[k.check] = true
	}
	for _, a := range s.months {
		for name := range a.checks() {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// past is what a query reads.
func (s *Stored) past(q HistoryQuery) *past {
	p := &past{
		HistoryQuery: q, first: dateOf(q.From, s.zone), last: dateOf(q.To.Add(-time.Nanosecond), s.zone), zone: s.zone,
		months: s.months,
	}
	if q.Tenant != "" {
		k := key{q.Check, q.Tenant}
		p.live, p.fresh = s.live[k], s.fresh[k] // which are not changed
		return p
	}
	p.live, p.fresh = map[place]*liveTarget{}, map[place][]ended{}
	for k, live := range s.live {
		if p.asks(k) {
			maps.Copy(p.live, live)
		}
	}
	for k, fresh := range s.fresh {
		if p.asks(k) {
			maps.Copy(p.fresh, fresh)
		}
	}
	return p
}

// History returns what happened to a check, false if there is nothing of it.
func (s *Stored) History(q HistoryQuery) (History, bool) { return s.past(q).history() }

// Recorded is what happened to one target: the same as in a History, with the lengths as they were saved.
type Recorded struct {
	Tenant, Location string
	Days             []RecordedDay // by date
	Outages          []RecordedOutage
	OutagesOmitted   uint64
}

// RecordedDay is where the time of a day went.
type RecordedDay struct {
	Date                                 string
	Observed, Down, Unknown, Maintenance time.Duration
}

// RecordedOutage is an outage. End is zero while it is open.
type RecordedOutage struct {
	Begin, End time.Time
	Down       time.Duration
	Reason     string
}

// Recorded returns what happened to the targets of a check, by tenant and location. A report of all tenants asks for
// each, so that this takes a third of the time of History.
func (s *Stored) Recorded(q HistoryQuery) []Recorded {
	p := s.past(q)
	places := map[place]bool{}
	for at := range p.live {
		places[at] = true
	}
	for at := range p.fresh {
		places[at] = true
	}
	likely := 0
	for month, a := range p.months {
		if month < p.first.month() || month > p.last.month() {
			continue
		}
		for _, at := range p.archived(a, &likely) {
			places[at] = true
		}
	}
	all := make([]Recorded, 0, len(places))
	for _, at := range slices.SortedFunc(maps.Keys(places), place.compare) {
		_, days, outages := p.gather(at)
		r := Recorded{Tenant: at.tenant, Location: at.location, Days: make([]RecordedDay, 0, len(days))}
		var total day
		for _, d := range days {
			total.add(d)
			d = d.rounded()
			r.Days = append(r.Days, RecordedDay{s.dateText(d.Date), d.Observed, d.Down, d.Unknown, d.Maintenance})
		}
		for _, o := range outages {
			if !o.overlaps(p.From, p.To) {
				continue
			}
			one := RecordedOutage{Begin: o.Begin.UTC(), Down: o.Down.Round(time.Millisecond), Reason: o.Reason}
			if o.Ended != "" {
				one.End = o.End.UTC()
			}
			r.Outages = append(r.Outages, one)
		}
		r.OutagesOmitted = p.omitted(total, outages)
		all = append(all, r)
	}
	return all
}

// dateText writes a date. Those of the archives are kept, because every target has the same.
func (s *Stored) dateText(d date) string {
	if text, ok := s.dates[d]; ok {
		return text
	}
	return d.String()
}

// nameDates writes the dates of the months that are archived.
func (s *Stored) nameDates() {
	s.dates = map[date]string{}
	for month := range s.months {
		for d := month.first(); d < (month + 1).first(); d++ {
			s.dates[d] = d.String()
		}
	}
}
