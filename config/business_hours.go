package config

import (
	"slices"
	"time"
	_ "time/tzdata" // business hours must be known on the smallest of containers
)

// maxBusinessDays bounds how far a deadline in business time is looked for.
const maxBusinessDays = 400

// BusinessHours are when chat and mail of priorities with business_hours are delivered.
type BusinessHours struct {
	TimeZone string   `yaml:"time_zone"`
	Weekdays []string `yaml:"weekdays"`
	From     string   `yaml:"from"`
	To       string   `yaml:"to"`
}

var businessHoursSection = &section[BusinessHours]{
	key:   "business_hours",
	field: func(p *Policy) *BusinessHours { return &p.Hours },
	defaults: func() BusinessHours {
		return BusinessHours{
			TimeZone: "UTC",
			Weekdays: []string{"monday", "tuesday", "wednesday", "thursday", "friday"},
			From:     "09:00", To: "18:00",
		}
	},
	inherit:  func(_ *Policy, h *BusinessHours) { h.Normalize() },
	validate: validateBusinessHours,
}

func validateBusinessHours(v *validator, h BusinessHours) {
	v.zone("business_hours.time_zone", h.TimeZone)
	v.weekdays("business_hours.weekdays", h.Weekdays)
	from, errFrom := ParseClock(h.From)
	to, errTo := ParseClock(h.To)
	switch {
	case errFrom != nil:
		v.failAt("business_hours.from", "%v", errFrom)
	case errTo != nil:
		v.failAt("business_hours.to", "%v", errTo)
	case to == from:
		v.failAt("business_hours.to", "invalid time of day %q: from is the same; write 00:00 to 24:00 for whole days", h.To)
	case from.Hour == 24:
		v.failAt("business_hours.from", "invalid time of day %q: write it like 00:00", h.From)
	}
}

// Normalize writes weekdays and times of day in one way, however they were written.
func (h *BusinessHours) Normalize() {
	h.Weekdays, h.From, h.To = canonicalDays(h.Weekdays), canonicalClock(h.From), canonicalClock(h.To)
}

// Overnight reports whether business ends on the day after it began, such as from 22:00 to 06:00.
func (h BusinessHours) Overnight() bool {
	from, errFrom := ParseClock(h.From)
	to, errTo := ParseClock(h.To)
	return errFrom == nil && errTo == nil && to.Minutes() < from.Minutes()
}

// Add returns the moment by which so much business time has passed. Days of 23 and 25 hours count as the
// clock on the wall shows them. Without any business hours it returns from plus d.
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

// on returns when the business that begins on a day begins and ends, if it does; it may end on the next day. No
// weekdays mean every day, as in Alertmanager.
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
