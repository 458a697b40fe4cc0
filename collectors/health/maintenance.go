package health

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // time zones of windows must be known on the smallest of containers

	"github.com/thorbis/thorbis_exporter/config"
)

// window is a maintenance window, read once: a zone is loaded from disk each time it is asked for by name.
type window struct {
	*config.Maintenance
	zone     *time.Location
	clock    config.Clock
	weekdays []time.Weekday
	open     bool // at the last tick
}

func newWindow(m *config.Maintenance) (*window, error) {
	w := &window{Maintenance: m}
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

// covers reports whether a window is meant for a check and tenant. A window that names nothing is for all.
func (w *window) covers(c *config.Check, tenant string) bool {
	named := len(w.Checks) > 0 || len(w.AppServices) > 0
	if named && !slices.Contains(w.Checks, c.Name) && !slices.Contains(w.AppServices, c.AppService) {
		return false
	}
	return len(w.Tenants) == 0 || slices.Contains(w.Tenants, tenant)
}

// active reports whether a window is open at a moment. A recurring window begins at a time of day as the
// clock on the wall shows it and lasts its duration, also over a change to or from summer time.
func (w *window) active(now time.Time) bool {
	if !w.From.IsZero() {
		return !now.Before(w.From.Time) && now.Before(w.To.Time)
	}
	local := now.In(w.zone)
	// A window of at most a day that is open now began today or yesterday.
	for back := range 2 {
		start := time.Date(local.Year(), local.Month(), local.Day()-back, w.clock.Hour, w.clock.Minute, 0, 0, w.zone)
		if w.begins(start) && !now.Before(start) && now.Before(start.Add(w.Duration.Std())) {
			return true
		}
	}
	return false
}

// begins reports whether a recurring window begins on the day of a moment.
func (w *window) begins(start time.Time) bool {
	if len(w.weekdays) == 0 && len(w.DaysOfMonth) == 0 {
		return true
	}
	last := time.Date(start.Year(), start.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return slices.Contains(w.weekdays, start.Weekday()) ||
		slices.Contains(w.DaysOfMonth, start.Day()) || slices.Contains(w.DaysOfMonth, start.Day()-last-1)
}
