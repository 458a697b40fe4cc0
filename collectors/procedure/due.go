package procedure

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/calendar"
	"github.com/thorbis/thorbis_exporter/internal/maintenance"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxEarly is how long before it is due a run may begin, or end where its start is not reported, and count as the one
// that was due: clocks differ.
const maxEarly = time.Minute

// maxWindows bounds the maintenance windows in a row that a due time is moved past.
const maxWindows = 1000

// watched is a procedure of the policy, read once.
type watched struct {
	*config.Procedure
	owner, page string
	schedule    *calendar.Schedule // nil for an interval
	identity    string             // of the schedule
	result      string             // file that proves runs by what it says
	windows     []*maintenance.Window
	listed      bool // runs are listed one by one
}

func newWatched(p *config.Policy, o *config.Procedure, windows []*maintenance.Window) (*watched, error) {
	w := &watched{Procedure: o, result: p.ProcedureResult(o)}
	w.owner, w.page = p.ProcedureOwnership(o)
	var err error
	if w.schedule, err = o.Schedule(); err != nil {
		return nil, err
	}
	identity, err := json.Marshal([]any{o.Interval.Std(), o.Cron, o.OnCalendar, o.TimeZone})
	if err != nil {
		return nil, err
	}
	w.identity = string(identity)
	w.listed = w.isListed(time.Now())
	for _, window := range windows {
		if covers(window, o) {
			w.windows = append(w.windows, window)
		}
	}
	return w, nil
}

// listedGap is the least time between two due times of a procedure whose runs are listed one by one. Those of others
// are counted only.
const listedGap = 20 * time.Hour

// isListed reports whether runs are listed: those of people always, others where they are due about daily or less
// often.
func (w *watched) isListed(now time.Time) bool {
	if w.Task != nil || w.Interval.Std() >= listedGap {
		return true
	}
	if w.schedule == nil {
		return false
	}
	first := w.schedule.Next(now)
	second := w.schedule.Next(first)
	return !first.IsZero() && (second.IsZero() || second.Sub(first) >= listedGap)
}

// covers reports whether a window is meant for a procedure. A window that names nothing is for all.
func covers(w *maintenance.Window, o *config.Procedure) bool {
	if len(w.Checks) == 0 && len(w.AppServices) == 0 && len(w.Procedures) == 0 {
		return len(w.Tenants) == 0
	}
	return slices.Contains(w.Procedures, o.Name) || o.AppService != "" && slices.Contains(w.AppServices, o.AppService)
}

// due returns when the next run is due, or was, if none has succeeded since. A run that is due in a maintenance window
// is not expected: by a calendar the first one after the window is, at an interval the end of the window.
func (w *watched) due(r *record) time.Time {
	base, began := r.Success, r.SuccessBegan
	if r.Since.After(base) {
		base, began = r.Since, time.Time{}
	}
	at := base.Add(w.Interval.Std())
	if w.schedule != nil {
		at = w.schedule.Next(base)
		if r.Success.Equal(base) && w.early(base, began, at) {
			at = w.schedule.Next(at)
		}
	}
	for range maxWindows {
		end := w.maintained(at)
		switch {
		case end.IsZero() || at.IsZero():
			return at
		case w.schedule != nil:
			at = w.schedule.Next(end.Add(-time.Second))
		default:
			at = end
		}
	}
	return at
}

// early reports whether a success shortly before a due time is that of the run that was due then.
func (w *watched) early(success, began, due time.Time) bool {
	if began.IsZero() {
		began = success
	}
	next := w.schedule.Next(due)
	allowed := maxEarly
	if !next.IsZero() {
		allowed = min(allowed, next.Sub(due)/10)
	}
	return due.Sub(began) <= allowed
}

// maintained returns when the last of the maintenance windows ends that are open at a moment, zero if none is.
func (w *watched) maintained(at time.Time) (end time.Time) {
	for _, window := range w.windows {
		end = latest(end, window.End(at))
	}
	return end
}

// maxSettle is how long after its start an exporter reports nothing as missed, late or too long at most: what happened
// while it was away is reported meanwhile.
const maxSettle = 5 * time.Minute

// state returns the state of a procedure that is watched since a moment, and of which due is known.
func (w *watched) state(r *record, due, since, now time.Time) string {
	began := r.Begun.After(r.Success)
	settled := now.Sub(since) > min(w.Grace.Std(), maxSettle)
	over := func(allowed time.Duration) bool { return !due.IsZero() && now.Sub(due) > allowed }
	grace, limit := w.Grace.Std(), w.MaxRuntime.Std()
	silent := r.silent()
	switch {
	case !w.maintained(now).IsZero():
		return metric.ProcedureMaintenance
	case r.failing():
		return metric.ProcedureFailed
	case settled && limit > 0 && !silent.IsZero() && now.Sub(silent) > limit:
		return metric.ProcedureOverrun
	case settled && over(grace) && (!began || r.Begun.Sub(due) > grace):
		return metric.ProcedureMissed
	case settled && over(grace+limit):
		return metric.ProcedureLate
	case len(r.Open) > 0:
		return metric.ProcedureRunning
	case over(0):
		return metric.ProcedureDue
	case r.Success.IsZero():
		return metric.ProcedureNew
	}
	return metric.ProcedureUp
}

// overdue returns how long ago a run was due that has not succeeded yet; 0 in maintenance.
func (w *watched) overdue(due, now time.Time) time.Duration {
	if due.IsZero() || !w.maintained(now).IsZero() {
		return 0
	}
	return max(0, now.Sub(due))
}
