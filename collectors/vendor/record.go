package vendor

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// staleIntervals is for how many intervals a state stands that was read, and leastStale the least such time.
	staleIntervals = 3
	leastStale     = 3 * time.Minute
	// keptDays is for how many days the seconds in each state are kept.
	keptDays = 400
	// outageKept is how long an outage lasts of which nothing is known any more.
	outageKept = 24 * time.Hour
	// wrongClock is how far the clock may have gone back: until it is there again nothing is counted, lest it be twice.
	wrongClock = time.Hour
)

// stateSeconds are seconds by state.
type stateSeconds map[string]float64

// record is what is known of a vendor over time. It is saved.
type record struct {
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Outage is since when the vendor is down, as far as is known; zero if it is not.
	Outage time.Time `json:"outage,omitzero"`
	// Read is when the page was last read, Counted until when the seconds are counted.
	Read    time.Time               `json:"read,omitzero"`
	Counted time.Time               `json:"counted,omitzero"`
	Total   stateSeconds            `json:"total"`
	Days    map[string]stateSeconds `json:"days"` // by date in the policy's time zone
}

func newRecord(now time.Time) *record {
	return &record{State: metric.VendorUnknown, Since: now, Total: stateSeconds{}, Days: map[string]stateSeconds{}}
}

func staleAfter(interval time.Duration) time.Duration {
	return max(staleIntervals*interval, leastStale)
}

// observe notes the state that was read.
func (r *record) observe(now time.Time, state string, stale time.Duration, zone *time.Location) {
	r.pass(now, stale, zone)
	r.turn(now, state)
	r.Read, r.Counted = now, later(r.Counted, now)
}

// turn enters a state.
func (r *record) turn(now time.Time, state string) {
	if state != r.State {
		r.State, r.Since = state, now
	}
	switch down := slices.Contains(metric.VendorOutages, state); {
	case down && r.Outage.IsZero():
		r.Outage = now
	case !down && state != metric.VendorUnknown:
		r.Outage = time.Time{}
	}
}

// pass lets time pass: a state stands for as long as it may after it was read, and is unknown then. Before the first
// read nothing is counted.
func (r *record) pass(now time.Time, stale time.Duration, zone *time.Location) {
	if r.Read.IsZero() {
		return
	}
	ends := r.Read.Add(stale)
	if r.Counted.Sub(now) > wrongClock {
		r.Counted = now
	}
	from := r.Counted
	if oldest := now.AddDate(0, 0, -keptDays); from.Before(oldest) {
		from = oldest
	}
	if r.State != metric.VendorUnknown && ends.Before(now) {
		r.count(from, ends, zone)
		r.turn(ends, metric.VendorUnknown)
		from = later(from, ends)
	}
	r.count(from, now, zone)
	r.Counted = later(r.Counted, now)
	if !r.Outage.IsZero() && now.Sub(r.Read) > outageKept {
		r.Outage = time.Time{}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// count adds a stretch of time to the days that it lies in.
func (r *record) count(from, to time.Time, zone *time.Location) {
	for from.Before(to) {
		local := from.In(zone)
		end := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone)
		for !end.After(from) { // where clocks skip midnight
			end = end.Add(time.Hour)
		}
		if end.After(to) {
			end = to
		}
		date := local.Format(time.DateOnly)
		if r.Days[date] == nil {
			r.Days[date] = stateSeconds{}
			r.forget(local)
		}
		seconds := end.Sub(from).Seconds()
		r.Days[date][r.State] += seconds
		r.Total[r.State] += seconds
		from = end
	}
}

// forget drops the days that are too old.
func (r *record) forget(today time.Time) {
	oldest := today.AddDate(0, 0, -keptDays).Format(time.DateOnly)
	for date := range r.Days {
		if date < oldest {
			delete(r.Days, date)
		}
	}
}

// month returns the seconds of the calendar month that a time lies in.
func (r *record) month(now time.Time, zone *time.Location) stateSeconds {
	sum, month := stateSeconds{}, now.In(zone).Format("2006-01-")
	for date, day := range r.Days {
		if date[:len(month)] == month {
			for state, seconds := range day {
				sum[state] += seconds
			}
		}
	}
	return sum
}

// monthLength is how long the calendar month is that a time lies in.
func monthLength(now time.Time, zone *time.Location) time.Duration {
	local := now.In(zone)
	begin := time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, zone)
	return time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, zone).Sub(begin)
}

// valid drops from a saved record what cannot be.
func (r *record) valid(now time.Time) bool {
	if !slices.Contains(metric.VendorStates, r.State) || r.Counted.After(now.Add(wrongClock)) {
		return false
	}
	if r.Total == nil {
		r.Total = stateSeconds{}
	}
	if r.Days == nil {
		r.Days = map[string]stateSeconds{}
	}
	for date := range r.Days {
		if _, err := time.Parse(time.DateOnly, date); err != nil || r.Days[date] == nil {
			delete(r.Days, date)
		}
	}
	return true
}
