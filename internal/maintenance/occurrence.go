package maintenance

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
)

// Occurrence is one time at which a window is open.
type Occurrence struct{ From, To time.Time }

// CoversCheck reports whether a window is meant for a check and tenant. A window that names nothing is for all.
func (w *Window) CoversCheck(c *config.Check, tenant string) bool {
	named := len(w.Checks) > 0 || len(w.AppServices) > 0 || len(w.Procedures) > 0
	if named && !slices.Contains(w.Checks, c.Name) && !slices.Contains(w.AppServices, c.AppService) {
		return false
	}
	return len(w.Tenants) == 0 || slices.Contains(w.Tenants, tenant)
}

// Between returns when the window is open between two moments, the earliest first, each from its own beginning to its
// own end.
func (w *Window) Between(from, to time.Time) []Occurrence {
	if !w.From.IsZero() {
		if w.From.Before(to) && w.To.After(from) {
			return []Occurrence{{w.From.Time, w.To.Time}}
		}
		return nil
	}
	var all []Occurrence
	local := from.In(w.zone)
	for day := -1; ; day++ { // a window of at most a day may have begun on the day before
		start := time.Date(local.Year(), local.Month(), local.Day()+day, w.clock.Hour, w.clock.Minute, 0, 0, w.zone)
		if !start.Before(to) {
			return all
		}
		if end := start.Add(w.Duration.Std()); w.begins(start) && end.After(from) {
			all = append(all, Occurrence{start, end})
		}
	}
}
