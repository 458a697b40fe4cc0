package health

import (
	"slices"
	"time"
	_ "time/tzdata" // time zones of windows must be known on the smallest of containers

	"github.com/thorbis/thorbis_exporter/config"
)

// covers reports whether a window is meant for a check and tenant. A window that names nothing is for all.
func covers(m *config.Maintenance, c *config.Check, tenant string) bool {
	named := len(m.Checks) > 0 || len(m.AppServices) > 0
	if named && !slices.Contains(m.Checks, c.Name) && !slices.Contains(m.AppServices, c.AppService) {
		return false
	}
	return len(m.Tenants) == 0 || slices.Contains(m.Tenants, tenant)
}

// active reports whether a window is open at a moment. A recurring window begins at a time of day as the
// clock on the wall shows it and lasts its duration, also over a change to or from summer time.
func active(m *config.Maintenance, now time.Time) bool {
	if !m.From.IsZero() {
		return !now.Before(m.From.Time) && now.Before(m.To.Time)
	}
	zone, err := time.LoadLocation(m.TimeZone)
	if err != nil {
		return false
	}
	clock, err := config.ParseClock(m.Start)
	if err != nil {
		return false
	}
	local := now.In(zone)
	// A window of at most a day that is open now began today or yesterday.
	for back := range 2 {
		start := time.Date(local.Year(), local.Month(), local.Day()-back, clock.Hour, clock.Minute, 0, 0, zone)
		if onDay(m, start) && !now.Before(start) && now.Before(start.Add(m.Duration.Std())) {
			return true
		}
	}
	return false
}

// onDay reports whether a recurring window begins on the day of a moment.
func onDay(m *config.Maintenance, start time.Time) bool {
	if len(m.Weekdays) == 0 && len(m.DaysOfMonth) == 0 {
		return true
	}
	for _, name := range m.Weekdays {
		if d, err := config.ParseWeekday(name); err == nil && d == start.Weekday() {
			return true
		}
	}
	last := time.Date(start.Year(), start.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return slices.Contains(m.DaysOfMonth, start.Day()) || slices.Contains(m.DaysOfMonth, start.Day()-last-1)
}
