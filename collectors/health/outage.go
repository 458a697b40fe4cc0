package health

import "time"

// How outages end, beside those that are still open.
const (
	endRecovered   = "recovered"   // two probes in a row succeeded
	endMaintenance = "maintenance" // a maintenance window began
	endRemoved     = "removed"     // the policy or the registry did not have the target for a day
)

// outageEnds lists the closed set.
var outageEnds = []string{endRecovered, endMaintenance, endRemoved}

// outage is one outage of a target, from the start of the first failed probe to the end of the first good one.
type outage struct {
	Begin time.Time `json:"begin"`
	// End is when the target was last known to be down. Between the two it may have been unknown, or not watched.
	End    time.Time     `json:"end"`
	Down   time.Duration `json:"down,omitzero"` // for which it was seen down, by the monotonic clock
	Reason string        `json:"reason,omitempty"`
	Ended  string        `json:"ended,omitempty"` // empty for one that is open
}

// rounded returns the outage with milliseconds.
func (o outage) rounded() outage {
	o.Begin, o.End = o.Begin.Round(time.Millisecond).UTC(), o.End.Round(time.Millisecond).UTC()
	o.Down = o.Down.Round(time.Millisecond)
	return o
}

// openOutage returns the open outage up to now, false if none is.
func (t *totals) openOutage() (outage, bool) {
	if t.OutageStart.IsZero() {
		return outage{}, false
	}
	// The clock on the wall may have been set meanwhile: the end is so long after the beginning as was measured.
	length := max(t.Measured.End.Sub(t.OutageStart), t.Measured.Length)
	if t.Measured.End.IsZero() {
		length = 0
	}
	return outage{
		Begin: t.OutageStart, End: t.OutageStart.Add(length), Down: t.Measured.Length, Reason: t.OutageReason,
	}, true
}

// endOutage ends the open outage, if there is one, and lets it be taken.
func (m *stateMachine) endOutage(how string) {
	if o, open := m.openOutage(); open {
		o.Ended = how
		m.ended = append(m.ended, o)
	}
	m.OutageStart, m.OutageReason = time.Time{}, ""
}
