package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Clock is a time of day.
type Clock struct{ Hour, Minute int }

var clockRE = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})$`)

// ParseClock reads a time of day of 24 hours, such as 9:00 or 09:00; 24:00 is the end of the day.
func ParseClock(s string) (Clock, error) {
	m := clockRE.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return Clock{}, fmt.Errorf("invalid time of day %q: write it like 09:00", s)
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	if hour > 24 || minute > 59 || hour == 24 && minute > 0 {
		return Clock{}, fmt.Errorf("invalid time of day %q: write 00:00 to 24:00", s)
	}
	return Clock{hour, minute}, nil
}

// String writes the time of day with two digits each, as Alertmanager reads it.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute) }

// Minutes is the time since the beginning of the day.
func (c Clock) Minutes() int { return c.Hour*60 + c.Minute }

// weekdayNames are how weekdays are written, beside their whole names.
var weekdayNames = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "tues": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "thur": time.Thursday, "thurs": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// ParseWeekday reads an English weekday, whole or cut to its usual abbreviation, in any case.
func ParseWeekday(s string) (time.Weekday, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	if d, ok := weekdayNames[name]; ok {
		return d, nil
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == name {
			return d, nil
		}
	}
	return 0, fmt.Errorf("invalid weekday %q: write it like monday, Mon or Mon-Fri", s)
}

// parseWeekdays reads a weekday or a range of them, such as Mon-Fri, fri-mon or Alertmanager's monday:friday.
func parseWeekdays(s string) ([]time.Weekday, error) {
	first, last, ranged := strings.Cut(strings.ReplaceAll(s, ":", "-"), "-")
	from, err := ParseWeekday(first)
	if err != nil || !ranged {
		return []time.Weekday{from}, err
	}
	to, err := ParseWeekday(last)
	if err != nil {
		return nil, err
	}
	days := []time.Weekday{from}
	for d := from; d != to; {
		d = (d + 1) % 7
		days = append(days, d)
	}
	return days, nil
}

// canonicalDays writes weekdays out by their whole names in lower case, each once. Invalid text stays as it is, for
// validation to report.
func canonicalDays(written []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range written {
		days, err := parseWeekdays(s)
		if err != nil {
			return written
		}
		for _, d := range days {
			if name := strings.ToLower(d.String()); !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	return all
}

// canonicalClock writes a time of day with two digits each. Invalid text stays as it is, for validation to report.
func canonicalClock(written string) string {
	c, err := ParseClock(written)
	if err != nil {
		return written
	}
	return c.String()
}
