package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// words are the names of OnCalendar expressions.
var words = map[string]string{
	"minutely": "*-*-* *:*:00", "hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "weekly": "Mon *-*-* 00:00:00",
	"monthly": "*-*-01 00:00:00", "quarterly": "*-01,04,07,10-01 00:00:00", "semiannually": "*-01,07-01 00:00:00",
	"semi-annually": "*-01,07-01 00:00:00", "yearly": "*-01-01 00:00:00", "annually": "*-01-01 00:00:00",
	"anually": "*-01-01 00:00:00",
}

// lastYear bounds a range of years that has no end.
const lastYear = 9999

// ParseOnCalendar reads the OnCalendar lines of a systemd timer as systemd.time(7) has them, without fractions of
// seconds: the schedule is due whenever one of them is. A line that names no zone follows the given one.
func ParseOnCalendar(lines []string, zone *time.Location) (*Schedule, error) {
	if len(lines) == 0 || len(lines) > MaxLines {
		return nil, fmt.Errorf("invalid number of lines \"%d\": write 1 to %d", len(lines), MaxLines)
	}
	specs := make([]spec, 0, len(lines))
	for _, line := range lines {
		if len(line) > maxText {
			return nil, errors.New("invalid OnCalendar line: it is too long")
		}
		s, err := parseLine(line, zone)
		if err != nil {
			return nil, fmt.Errorf("invalid OnCalendar line %q: %w", line, err)
		}
		if _, err := checked([]spec{s}, line); err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	return &Schedule{specs: specs}, nil
}

var errLine = errors.New(`write it like "Mon..Fri *-*-* 08:00", see systemd.time(7)`)

func parseLine(line string, zone *time.Location) (spec, error) {
	parts := strings.Fields(line)
	if n := len(parts); n > 1 {
		if named, err := zoneOf(parts[n-1]); err == nil {
			zone, parts = named, parts[:n-1]
		}
	}
	if len(parts) == 1 {
		if text, ok := words[strings.ToLower(parts[0])]; ok {
			parts = strings.Fields(text)
		}
	}
	s := spec{
		seconds: 1, minutes: 1, hours: 1, months: uint16(set([]span{{1, 12, 1, false}})), weekdays: 1<<7 - 1,
		days: []span{{1, 31, 1, false}}, change: once, zone: zone,
	}
	read := 0
	for _, next := range []func(*spec, string) (bool, error){(*spec).readWeekdays, (*spec).readDate, (*spec).readClock} {
		if read == len(parts) {
			break
		}
		ok, err := next(&s, parts[read])
		if err != nil {
			return spec{}, err
		}
		if ok {
			read++
		}
	}
	if read == 0 || read < len(parts) {
		return spec{}, errLine
	}
	return s, nil
}

// zoneOf returns the zone of a name such as UTC or Europe/Berlin.
func zoneOf(name string) (*time.Location, error) {
	if name != "UTC" && !strings.Contains(name, "/") || strings.ContainsAny(name, "*:~.0123456789,") {
		return nil, errLine
	}
	return time.LoadLocation(name)
}

// readWeekdays reads Mon, Mon..Fri, Monday-Friday or a list of them.
func (s *spec) readWeekdays(text string) (bool, error) {
	if c := text[0] | 0x20; c < 'a' || c > 'z' {
		return false, nil
	}
	s.weekdays = 0
	for item := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(item, "..")
		if !ranged {
			from, to, ranged = strings.Cut(item, "-")
		}
		first, ok := weekdayOf(from)
		last := first
		if ok && ranged {
			last, ok = weekdayOf(to)
		}
		if !ok || first > last { // as in systemd, a range begins on Monday at the earliest
			return false, fmt.Errorf("invalid weekday %q: write it like Mon or Mon..Fri", item)
		}
		for day := first; day <= last; day++ {
			s.weekdays |= 1 << ((day + 1) % 7)
		}
	}
	return true, nil
}

// weekdayOf returns the number of a weekday, 0 for Monday.
func weekdayOf(text string) (int, bool) {
	for day := range 7 {
		name := time.Weekday((day + 1) % 7).String()
		if strings.EqualFold(text, name) || strings.EqualFold(text, name[:3]) {
			return day, true
		}
	}
	return 0, false
}

// readDate reads year-month-day or month-day, with ~ instead of the last dash where days count from the end.
func (s *spec) readDate(text string) (bool, error) {
	if strings.Contains(text, ":") {
		return false, nil
	}
	rest, day, fromEnd := cutLast(text, "~")
	if !fromEnd {
		var ok bool
		if rest, day, ok = cutLast(text, "-"); !ok {
			return false, nil
		}
	}
	month, dated := rest, false
	year := "*"
	if y, m, ok := cutLast(rest, "-"); ok {
		year, month, dated = y, m, true
	}
	if fromEnd && (day == "*" || strings.Contains(rest, "~")) {
		return false, errLine
	}
	var err error
	if dated && year != "*" {
		if s.years, err = chain("year", year, 0, lastYear); err != nil {
			return false, err
		}
		for i := range s.years { // of two digits
			if y := &s.years[i]; y.from == y.to && y.from < 100 {
				y.from = ofTwoDigits(y.from)
				y.to = y.from
			}
		}
	}
	months, err := chain("month", month, 1, 12)
	if err != nil {
		return false, err
	}
	s.months = uint16(set(months))
	if s.days, err = chain("day", day, 1, 31); err != nil {
		return false, err
	}
	for i := range s.days {
		d := &s.days[i]
		if d.fromEnd = fromEnd; fromEnd && d.to == 31 && d.from < 31 && strings.Contains(day, "/") {
			d.from, d.to = 1, d.from // ~7/1 goes from the seventh last day to the last
		}
	}
	return true, nil
}

// ofTwoDigits returns the year that two digits stand for, as systemd reads it.
func ofTwoDigits(n int) int {
	if n < 70 {
		return 2000 + n
	}
	return 1900 + n
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

// readClock reads hour:minute or hour:minute:second.
func (s *spec) readClock(text string) (bool, error) {
	parts := strings.Split(text, ":")
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	if len(parts) != 3 {
		return false, errLine
	}
	hours, err := chain("hour", parts[0], 0, 23)
	if err != nil {
		return false, err
	}
	minutes, err := chain("minute", parts[1], 0, 59)
	if err != nil {
		return false, err
	}
	seconds, err := chain("second", parts[2], 0, 59)
	if err != nil {
		return false, err
	}
	s.hours, s.minutes, s.seconds = uint32(set(hours)), set(minutes), set(seconds)
	return true, nil
}

// chain reads *, or a list of 5, 1..5, 0/15 and 1..10/3.
func chain(name, text string, least, most int) ([]span, error) {
	if text == "*" {
		return []span{{least, most, 1, false}}, nil
	}
	var all []span
	for item := range strings.SplitSeq(text, ",") {
		s := span{step: 1}
		numbers, step, stepped := strings.Cut(item, "/")
		from, to, ranged := strings.Cut(numbers, "..")
		var err error
		s.from, err = number(from, nil, 0)
		if err == nil && stepped {
			s.step, err = number(step, nil, 0)
		}
		switch {
		case err != nil:
		case ranged:
			s.to, err = number(to, nil, 0)
		case stepped:
			s.to = most
		default:
			s.to = s.from
		}
		if err != nil || s.step < 1 || s.from < least || s.to > most || s.from > s.to {
			return nil, fmt.Errorf("invalid %s %q: write %d to %d, a list, a range like 1..5 or a step like 0/15", name, item,
				least, most)
		}
		all = append(all, s)
	}
	return all, nil
}
