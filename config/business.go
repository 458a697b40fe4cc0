package config

import (
	"slices"
	"time"
	_ "time/tzdata" // business hours must be known on the smallest of containers
)

// maxBusinessDays bounds how far a deadline in business time is looked for.
const maxBusinessDays = 400

// Deadline is when somebody must have responded to what began at a moment: after so much time, or after so
// much business time where the priority keeps business hours.
func (p *Policy) Deadline(priority string, began time.Time) time.Time {
	settings, ok := p.Priorities[priority]
	if !ok {
		settings = p.Priorities[Priorities[0]]
	}
	if !settings.BusinessHours {
		return began.Add(settings.RespondWithin.Std())
	}
	return p.Hours.Add(began, settings.RespondWithin.Std())
}

// Add returns the moment by which so much business time has passed. Days of 23 and 25 hours count as the
// clock on the wall shows them. Where there are no business hours at all, time simply passes.
func (h BusinessHours) Add(from time.Time, d time.Duration) time.Time {
	local := from.In(h.zone())
	for day := range maxBusinessDays {
		// From yesterday, for what began then may go on over midnight.
		start, end, ok := h.on(local.Year(), local.Month(), local.Day()+day-1)
		if !ok || !end.After(from) {
			continue
		}
		if start.Before(from) {
			start = from
		}
		if open := end.Sub(start); open < d {
			d -= open
			continue
		}
		return start.Add(d)
	}
	return from.Add(d)
}

// Contains reports whether a moment lies in business hours.
func (h BusinessHours) Contains(t time.Time) bool {
	local := t.In(h.zone())
	for back := range 2 { // what began yesterday may go on over midnight
		start, end, ok := h.on(local.Year(), local.Month(), local.Day()-back)
		if ok && !t.Before(start) && t.Before(end) {
			return true
		}
	}
	return false
}

// Local returns a moment in the time zone of the business hours.
func (h BusinessHours) Local(t time.Time) time.Time { return t.In(h.zone()) }

func (h BusinessHours) zone() *time.Location {
	zone, err := time.LoadLocation(h.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// on returns when the business that begins on a day begins and ends, if it does; it may end on the next day. No weekdays mean every day, as Alertmanager has it.
func (h BusinessHours) on(year int, month time.Month, day int) (start, end time.Time, ok bool) {
	zone := h.zone()
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
	from, errFrom := ParseClock(h.From)
	to, errTo := ParseClock(h.To)
	weekday := len(h.Weekdays) == 0 || slices.ContainsFunc(h.Weekdays, func(name string) bool {
		d, err := ParseWeekday(name)
		return err == nil && d == noon.Weekday()
	})
	if errFrom != nil || errTo != nil || !weekday {
		return time.Time{}, time.Time{}, false
	}
	start = time.Date(year, month, day, from.Hour, from.Minute, 0, 0, zone)
	if h.Overnight() {
		day++
	}
	end = time.Date(year, month, day, to.Hour, to.Minute, 0, 0, zone)
	return start, end, end.After(start)
}
