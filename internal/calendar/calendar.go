// Package calendar computes when a schedule is due: a cron expression, or the OnCalendar lines of a systemd timer.
//
// The days on which a zone changes its clocks are as the programs treat them that run the schedules:
//   - Debian's cron runs a job at a fixed time that the clocks skip when they have been put forward, and once where the
//     clocks repeat the time. A job whose minute or hour begins with * follows the clock on the wall.
//   - A systemd timer skips a time that the clocks skip, and elapses at the first of two equal times.
//
// No library in use does: robfig/cron v3.0.1 skips the job in spring, runs it twice in autumn, and panics on
// "TZ=0"; adhocore/gronx v1.20.4 skips it in spring and delays it by an hour in autumn. None reads OnCalendar.
package calendar

import (
	"math/bits"
	"slices"
	"time"
	_ "time/tzdata" // zones must be known on the smallest of containers
)

// maxText bounds an expression, MaxLines the lines of a schedule.
const (
	maxText  = 200
	MaxLines = 20
)

// maxYears is how far ahead a due time is looked for. 29 February falls on a given weekday every 28 years, or 40 years
// where a century has no leap year.
const maxYears = 41

// Schedule is a set of times. It is never changed.
type Schedule struct {
	specs []spec
}

// Next returns the first time after a moment at which the schedule is due, the zero time if it never is again.
func (s *Schedule) Next(after time.Time) time.Time {
	var first time.Time
	for i := range s.specs {
		if t := s.specs[i].next(after); !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// change is how a schedule treats the times of day that the clocks skip or repeat.
type change int

const (
	once    change = iota // what is skipped is left out, what is repeated counts the first time
	shifted               // what is skipped is due when the clocks have been put forward
	clock                 // what is skipped is left out, what is repeated counts twice
)

// spec is one line of a schedule: a set of times on the clock of a zone.
type spec struct {
	seconds, minutes uint64
	hours            uint32
	months           uint16 // bit 1 is January
	weekdays         uint8  // bit 0 is Sunday
	days             []span
	years            []span // nil for all
	// either has a day match that matches days or weekdays, as cron does where both are restricted.
	either bool
	change change
	zone   *time.Location
}

// span is a range of numbers with a step. Days may be counted from the end of the month: 1 is the last one.
type span struct {
	from, to, step int
	fromEnd        bool
}

func (s span) has(n int) bool { return n >= s.from && n <= s.to && (n-s.from)%s.step == 0 }

// hasDay reports whether a day of a month is in the range.
func (s span) hasDay(day, last int) bool {
	if s.fromEnd {
		s.from, s.to = last+1-s.to, last+1-s.from
		if s.from < 1 {
			return false // the month is too short
		}
	}
	return s.has(day)
}

// nearChange is how close a change of the clocks must be to be considered; none is larger.
const nearChange = 3 * time.Hour

// next returns the first time after a moment.
func (s *spec) next(after time.Time) time.Time {
	local := after.In(s.zone)
	begin, end := local.ZoneBounds()
	near := !begin.IsZero() && after.Sub(begin) <= nearChange || !end.IsZero() && end.Sub(after) <= nearChange
	from := wall(local)
	if near { // an earlier time of day may come again
		from = from.Add(-nearChange)
	}
	var first time.Time
	for w := s.nextWall(from); !w.IsZero(); w = s.nextWall(w) {
		for _, t := range s.moments(w) {
			if t.After(after) && (first.IsZero() || t.Before(first)) {
				first = t
			}
		}
		if !first.IsZero() && (!near || w.Sub(wall(first.In(s.zone))) > nearChange) {
			break
		}
	}
	return first
}

// wall returns what a clock shows, as a time of UTC.
func wall(local time.Time) time.Time {
	year, month, day := local.Date()
	hour, minute, second := local.Clock()
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// nextWall returns the first time of day after another one, both as times of UTC.
func (s *spec) nextWall(after time.Time) time.Time {
	from := after.Add(time.Second)
	year, month, day := from.Date()
	hour, minute, second := from.Clock()
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	at, until := hour*3600+minute*60+second, year+maxYears
	for date.Year() <= until {
		switch {
		case s.years != nil && !slices.ContainsFunc(s.years, func(y span) bool { return y.has(date.Year()) }):
			date = time.Date(date.Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
		case s.months&(1<<date.Month()) == 0:
			date = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		default:
			if s.hasDate(date) {
				if t := s.nextClock(at); t >= 0 {
					return date.Add(time.Duration(t) * time.Second)
				}
			}
			date = date.AddDate(0, 0, 1)
		}
		at = 0
	}
	return time.Time{}
}

func (s *spec) hasDate(date time.Time) bool {
	last := time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	day := slices.ContainsFunc(s.days, func(d span) bool { return d.hasDay(date.Day(), last) })
	weekday := s.weekdays&(1<<date.Weekday()) != 0
	if s.either {
		return day || weekday
	}
	return day && weekday
}

// nextClock returns the first second of the day from one on, -1 if there is none.
func (s *spec) nextClock(from int) int {
	hour, minute, second := from/3600, from/60%60, from%60
	for h := nextBit(uint64(s.hours), hour); h >= 0; h = nextBit(uint64(s.hours), h+1) {
		if h > hour {
			minute, second = 0, 0
		}
		for m := nextBit(s.minutes, minute); m >= 0; m = nextBit(s.minutes, m+1) {
			if h > hour || m > minute {
				second = 0
			}
			if sec := nextBit(s.seconds, second); sec >= 0 {
				return h*3600 + m*60 + sec
			}
		}
	}
	return -1
}

// nextBit returns the first bit that is set from one on, -1 if there is none.
func nextBit(set uint64, from int) int {
	if from > 63 || set>>from == 0 {
		return -1
	}
	return from + bits.TrailingZeros64(set>>from)
}

// moments returns when the clock of the zone shows a time, as far as the schedule is due then.
func (s *spec) moments(w time.Time) []time.Time {
	year, month, day := w.Date()
	hour, minute, second := w.Clock()
	t := time.Date(year, month, day, hour, minute, second, 0, s.zone)
	begin, end := t.ZoneBounds()
	var found []time.Time
	for _, near := range []time.Time{begin.Add(-time.Second), t, end} {
		if near.Year() < 2 { // there is no change on that side
			continue
		}
		_, offset := near.In(s.zone).Zone()
		m := w.Add(-time.Duration(offset) * time.Second).In(s.zone)
		if wall(m).Equal(w) && !slices.ContainsFunc(found, m.Equal) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	switch {
	case len(found) == 0 && s.change == shifted:
		if wall(t).After(w) {
			return []time.Time{begin}
		}
		return []time.Time{end}
	case len(found) > 1 && s.change != clock:
		return found[:1]
	}
	return found
}
