package sla

import (
	"fmt"
	"time"
)

// Month is a calendar month in a time zone, with the days that it has there: one of 23 or 25 hours where clocks change.
type Month struct {
	Year  int
	Month time.Month
	Zone  *time.Location
}

// ParseMonth reads a month as 2026-10.
func ParseMonth(text string, zone *time.Location) (Month, error) {
	at, err := time.Parse("2006-01", text)
	if err != nil || at.Format("2006-01") != text {
		return Month{}, fmt.Errorf("invalid month %q: write it like 2026-10", text)
	}
	return Month{at.Year(), at.Month(), zone}, nil
}

// MonthOf returns the month of a moment.
func MonthOf(at time.Time, zone *time.Location) Month {
	at = at.In(zone)
	return Month{at.Year(), at.Month(), zone}
}

// Add returns the month some months later.
func (m Month) Add(months int) Month {
	at := time.Date(m.Year, m.Month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	return Month{at.Year(), at.Month(), m.Zone}
}

// String writes the month as 2026-10.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, int(m.Month)) }

// Title writes the month as October 2026.
func (m Month) Title() string { return fmt.Sprintf("%s %d", m.Month, m.Year) }

// Span is from the month's first moment until that of the next.
func (m Month) Span() Span {
	next := m.Add(1)
	return Span{midnight(m.Year, m.Month, 1, m.Zone), midnight(next.Year, next.Month, 1, m.Zone)}
}

// Day is a calendar day.
type Day struct {
	Date string
	Span
}

// DaysOf returns the days of a time zone of which a part is within a span, whole.
func DaysOf(s Span, zone *time.Location) []Day {
	var days []Day
	first := s.From.In(zone)
	for n := 0; ; n++ {
		y, m, d := time.Date(first.Year(), first.Month(), first.Day()+n, 12, 0, 0, 0, time.UTC).Date()
		day := Day{fmt.Sprintf("%04d-%02d-%02d", y, int(m), d), Span{midnight(y, m, d, zone), midnight(y, m, d+1, zone)}}
		if !day.From.Before(s.To) {
			return days
		}
		days = append(days, day)
	}
}

// midnight is when a day begins: at midnight, or when the clock goes on behind it.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	at := time.Date(year, month, day, 0, 0, 0, 0, zone)
	for at.Day() != date.Day() { // a change to summer time has left midnight out
		at = at.Add(15 * time.Minute)
	}
	return at
}
