package health

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// recoveryProbes is how many successes in a row end an outage: two, so that a flapping target stays one outage.
const recoveryProbes = 2

// totals are a target's persistent counters.
type totals struct {
	Observed    time.Duration `json:"observed"`
	Down        time.Duration `json:"down"`
	Unknown     time.Duration `json:"unknown"`
	Maintenance time.Duration `json:"maintenance"`
	Outages     uint64        `json:"outages"`
	// OutageStart is the start of the first failed probe of the open outage, zero if none is open.
	OutageStart time.Time `json:"outage_start"`
	// OutageReason is that of its first failed probe.
	OutageReason string `json:"outage_reason,omitempty"`
	// Measured is how long the open outage has been, or the last one was.
	Measured measuredOutage `json:"measured,omitzero"`
	// Today is the day so far.
	Today day `json:"today,omitzero"`
}

// quietSince reports whether nothing but time has passed since the totals were as before.
func (t totals) quietSince(before totals) bool {
	return t.Down == before.Down && t.Maintenance == before.Maintenance && t.Outages == before.Outages &&
		t.OutageStart.Equal(before.OutageStart)
}

// outcome is what one probe found.
type outcome struct {
	result     string // metric.ResultSuccess, ResultFailure or ResultUnknown
	reason     string // of a failure or of an unknown, else empty
	start, end time.Time
}

// pending is a change of state that has been seen but not confirmed. Its time is held back and credited
// as a whole once it is known what it was, so that no counter ever has to step back.
type pending struct {
	state string    // where the change leads
	why   string    // the first probe failed
	since time.Time // start of the first probe that saw it
	held  time.Time // from here on time is held back
	seen  int
}

// stateMachine turns probe outcomes into a state and into seconds. It is a pure state machine: every moment comes
// from its caller.
type stateMachine struct {
	totals
	state      string
	reason     string
	since      time.Time // when the state began
	accounted  time.Time // up to here time is in totals, unless a change is pending
	validUntil time.Time // from here on the last result says nothing any more
	pending    *pending
	days       calendar
	ended      []outage // until they are taken
}

// newStateMachine begins in unknown: what was true before a restart is no evidence of what is true after it. An
// open outage is kept, so that the same outage is not counted twice.
func newStateMachine(now time.Time, t totals) *stateMachine {
	return &stateMachine{
		totals: t, state: metric.StateUnknown, reason: reasonStarting, since: now, accounted: now,
		validUntil: now,
	}
}

// advance credits the time up to now to the present state.
func (m *stateMachine) advance(now time.Time) {
	if !now.After(m.accounted) {
		return
	}
	if m.pending != nil {
		if now.Before(m.validUntil) {
			return
		}
		// The change was not confirmed in time: what it was is not known.
		m.settle(metric.StateUnknown, m.validUntil)
		m.become(metric.StateUnknown, reasonStale, m.validUntil)
	}
	evaluated := m.state == metric.StateUp || m.state == metric.StateDown
	if evaluated && now.After(m.validUntil) {
		m.credit(m.state, m.accounted, m.validUntil)
		m.accounted = maxTime(m.accounted, m.validUntil)
		m.become(metric.StateUnknown, reasonStale, m.accounted)
	}
	m.credit(m.state, m.accounted, now)
	m.accounted = now
	if m.OutageStart.IsZero() && now.Sub(m.Measured.End) > outageShown {
		m.Measured = measuredOutage{}
	}
}

// credit counts the time between two moments for a state.
func (m *stateMachine) credit(state string, from, to time.Time) {
	d := max(to.Sub(from), 0)
	m.spend(state, d, from, to)
	switch state {
	case metric.StateUp:
		m.Observed += d
	case metric.StateDown:
		m.Observed += d
		m.Down += d
		m.Measured.extend(d, to)
	case metric.StateMaintenance:
		m.Maintenance += d
	default:
		m.Unknown += d
	}
}

func (m *stateMachine) become(state, reason string, at time.Time) {
	if m.state != state {
		m.since = at
	}
	m.state, m.reason = state, reason
}

// evaluate applies one outcome. valid is for how long a result holds while no other comes; confirm is how
// many further failures make a failed probe an outage.
func (m *stateMachine) evaluate(o outcome, valid time.Duration, confirm int) {
	m.advance(o.end)
	m.validUntil = o.end.Add(valid)
	if m.state == metric.StateMaintenance {
		return
	}
	switch o.result {
	case metric.ResultSuccess:
		m.succeed(o)
	case metric.ResultFailure:
		m.fail(o, confirm)
	default:
		m.settle(metric.StateUnknown, o.end)
		m.become(metric.StateUnknown, o.reason, o.end)
	}
}

func (m *stateMachine) succeed(o outcome) {
	// An outage that a restart or a spell of unknown interrupted wants the same proof of its end.
	if m.state == metric.StateDown || !m.OutageStart.IsZero() {
		if m.await(metric.StateUp, o) < recoveryProbes {
			return
		}
	}
	m.settle(metric.StateUp, o.end)
	m.become(metric.StateUp, "", o.end)
	m.endOutage(endRecovered)
}

func (m *stateMachine) fail(o outcome, confirm int) {
	if m.state == metric.StateDown {
		m.settle(metric.StateDown, o.end)
		m.reason = o.reason
		return
	}
	if m.await(metric.StateDown, o) <= confirm {
		return
	}
	first, unseen := m.pending.since, time.Duration(0)
	if m.state == metric.StateUp {
		// The time of the first failed probe itself was credited as up while it ran.
		unseen = max(m.pending.held.Sub(first), 0)
	}
	m.Down += unseen
	if m.OutageStart.IsZero() {
		m.OutageStart, m.OutageReason, m.Measured = first, m.pending.why, measuredOutage{}
		m.Outages++
		m.days.begin(&m.Today, first, unseen)
	}
	if unseen > 0 {
		m.Measured.extend(unseen, m.pending.held)
	}
	m.settle(metric.StateDown, o.end)
	m.become(metric.StateDown, o.reason, first)
}

// await notes that a change was seen once more and returns how often. A change to something else that nothing
// confirmed did not happen.
func (m *stateMachine) await(state string, o outcome) int {
	if m.pending != nil && m.pending.state != state {
		m.settle(m.state, o.end)
	}
	if m.pending == nil {
		m.pending = &pending{state: state, why: o.reason, since: o.start, held: m.accounted}
	}
	m.pending.seen++
	return m.pending.seen
}

// settle credits the time that a pending change held back.
func (m *stateMachine) settle(state string, now time.Time) {
	if m.pending == nil {
		return
	}
	m.credit(state, m.pending.held, now)
	m.accounted = maxTime(m.accounted, now)
	m.pending = nil
}

// maintain enters or leaves maintenance. Entering ends an open outage: what happens in the window
// counts as none, and what still fails after it begins a new one.
func (m *stateMachine) maintain(active bool, now time.Time) {
	in := m.state == metric.StateMaintenance
	if active == in {
		return
	}
	m.settle(m.state, now)
	m.advance(now)
	if active {
		m.become(metric.StateMaintenance, "", now)
		m.endOutage(endMaintenance)
		m.Measured = measuredOutage{}
		return
	}
	m.become(metric.StateUnknown, reasonStarting, now)
}

// resume goes on after a time in which the target was not watched. That time counts nowhere.
func (m *stateMachine) resume(now time.Time) {
	m.accounted = now
	if m.pending != nil {
		m.pending.held = now
	}
}

// fast reports whether the next probe should come soon: to confirm a change, or to know the end of an outage.
func (m *stateMachine) fast() bool { return m.pending != nil || m.state == metric.StateDown }

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
