// Package maintenance computes when the maintenance windows of a policy are open.
package maintenance

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // time zones of windows must be known on the smallest of containers

	"github.com/thorbis/thorbis_exporter/config"
)

// Window is a maintenance window, read once: a zone is loaded from disk each time it is asked for by name.
type Window struct {
	*config.Maintenance
	zone     *time.Location
	clock    config.Clock
	weekdays []time.Weekday
}

// New reads a window.
func New(m *config.Maintenance) (*Window, error) {
	w := &Window{Maintenance: m}
	if !m.From.IsZero() {
		return w, nil
	}
	var err error
	if w.zone, err = time.LoadLocation(m.TimeZone); err != nil {
		return nil, fmt.Errorf("maintenance %s: %w", m.Name, err)
	}
	if w.clock, err = config.ParseClock(m.Start); err != nil {
		return nil, fmt.Errorf("maintenance %s: %w", m.Name, err)
	}
	for _, name := range m.Weekdays {
		d, err := config.ParseWeekday(name)
		if err != nil {
			return nil, fmt.Errorf("maintenance %s: %w", m.Name, err)
		}
		w.weekdays = append(w.weekdays, d)
	}
	return w, nil
}

// Active reports whether the window is open at a moment.
func (w *Window) Active(now time.Time) bool { return !w.End(now).IsZero() }

// End returns when the window that is open at a moment ends, the zero time if none is. A recurring window begins at a
// time of day as the clock on the wall shows it and lasts its duration, also over a change to or from summer time.
func (w *Window) End(now time.Time) (end time.Time) {
	if !w.From.IsZero() {
		if now.Before(w.From.Time) || !now.Before(w.To.Time) {
			return time.Time{}
		}
		return w.To.Time
	}
	local := now.In(w.zone)
	// A window of at most a day that is open now began today or yesterday.
	for back := range 2 {
		start := time.Date(local.Year(), local.Month(), local.Day()-back, w.clock.Hour, w.clock.Minute, 0, 0, w.zone)
		until := start.Add(w.Duration.Std())
		if w.begins(start) && !now.Before(start) && now.Before(until) && until.After(end) {
			end = until
		}
	}
	return end
}

// begins reports whether a recurring window begins on the day of a moment.
func (w *Window) begins(start time.Time) bool {
	if len(w.weekdays) == 0 && len(w.DaysOfMonth) == 0 {
		return true
	}
	last := time.Date(start.Year(), start.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return slices.Contains(w.weekdays, start.Weekday()) ||
		slices.Contains(w.DaysOfMonth, start.Day()) || slices.Contains(w.DaysOfMonth, start.Day()-last-1)
}
