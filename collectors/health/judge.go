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
}

// quietSince reports whether nothing but time has passed since the totals were as before.
func (t totals) quietSince(before totals) bool {
	return t.Down == before.Down && t.Maintenance == before.Maintenance && t.Outages == before.Outages && t.OutageStart.Equal(before.OutageStart)
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
	since time.Time // start of the first probe that saw it
	held  time.Time // from here on time is held back
	seen  int
}

// judge turns probe outcomes into a state and into seconds. It is a pure state machine: every moment comes
// from its caller.
type judge struct {
	totals
	state      string
	reason     string
	since      time.Time // when the state began
	accounted  time.Time // up to here time is in totals, unless a change is pending
	validUntil time.Time // from here on the last result says nothing any more
	pending    *pending
}

// newJudge begins in unknown: what was true before a restart is no evidence of what is true after it. An
// open outage is kept, so that the same outage is not counted twice.
func newJudge(now time.Time, t totals) *judge {
	return &judge{totals: t, state: metric.StateUnknown, reason: reasonStarting, since: now, accounted: now, validUntil: now}
}

// advance credits the time up to now to the present state.
func (j *judge) advance(now time.Time) {
	if !now.After(j.accounted) {
		return
	}
	if j.pending != nil {
		if now.Before(j.validUntil) {
			return
		}
		// Nobody has confirmed the change for too long: what it was is not known.
		j.settle(metric.StateUnknown, j.validUntil)
		j.become(metric.StateUnknown, reasonStale, j.validUntil)
	}
	judged := j.state == metric.StateUp || j.state == metric.StateDown
	if judged && now.After(j.validUntil) {
		j.credit(j.state, max(j.validUntil.Sub(j.accounted), 0))
		j.accounted = maxTime(j.accounted, j.validUntil)
		j.become(metric.StateUnknown, reasonStale, j.accounted)
	}
	j.credit(j.state, now.Sub(j.accounted))
	j.accounted = now
}

func (j *judge) credit(state string, d time.Duration) {
	switch state {
	case metric.StateUp:
		j.Observed += d
	case metric.StateDown:
		j.Observed += d
		j.Down += d
	case metric.StateMaintenance:
		j.Maintenance += d
	default:
		j.Unknown += d
	}
}

func (j *judge) become(state, reason string, at time.Time) {
	if j.state != state {
		j.since = at
	}
	j.state, j.reason = state, reason
}

// observe judges one outcome. valid is for how long a result holds while no other comes; confirm is how
// many further failures make a failed probe an outage.
func (j *judge) observe(o outcome, valid time.Duration, confirm int) {
	j.advance(o.end)
	j.validUntil = o.end.Add(valid)
	if j.state == metric.StateMaintenance {
		return
	}
	switch o.result {
	case metric.ResultSuccess:
		j.succeed(o)
	case metric.ResultFailure:
		j.fail(o, confirm)
	default:
		j.settle(metric.StateUnknown, o.end)
		j.become(metric.StateUnknown, o.reason, o.end)
	}
}

func (j *judge) succeed(o outcome) {
	// An outage that a restart or a spell of unknown interrupted wants the same proof of its end.
	if j.state == metric.StateDown || !j.OutageStart.IsZero() {
		if j.await(metric.StateUp, o) < recoveryProbes {
			return
		}
	}
	j.settle(metric.StateUp, o.end)
	j.become(metric.StateUp, "", o.end)
	j.OutageStart = time.Time{}
}

func (j *judge) fail(o outcome, confirm int) {
	if j.state == metric.StateDown {
		j.settle(metric.StateDown, o.end)
		j.reason = o.reason
		return
	}
	if j.await(metric.StateDown, o) <= confirm {
		return
	}
	first := j.pending.since
	if j.state == metric.StateUp {
		// The time of the first failed probe itself was credited as up while it ran.
		j.Down += max(j.pending.held.Sub(first), 0)
	}
	j.settle(metric.StateDown, o.end)
	j.become(metric.StateDown, o.reason, first)
	if j.OutageStart.IsZero() {
		j.OutageStart = first
		j.Outages++
	}
}

// await notes that a change was seen once more and returns how often. A change to something else that nothing
// confirmed did not happen.
func (j *judge) await(state string, o outcome) int {
	if j.pending != nil && j.pending.state != state {
		j.settle(j.state, o.end)
	}
	if j.pending == nil {
		j.pending = &pending{state: state, since: o.start, held: j.accounted}
	}
	j.pending.seen++
	return j.pending.seen
}

// settle credits the time that a pending change held back.
func (j *judge) settle(state string, now time.Time) {
	if j.pending == nil {
		return
	}
	j.credit(state, max(now.Sub(j.pending.held), 0))
	j.accounted = maxTime(j.accounted, now)
	j.pending = nil
}

// maintain enters or leaves maintenance. Entering ends an open outage: what happens in the window
// counts as none, and what still fails after it begins a new one.
func (j *judge) maintain(active bool, now time.Time) {
	in := j.state == metric.StateMaintenance
	if active == in {
		return
	}
	j.settle(j.state, now)
	j.advance(now)
	if active {
		j.become(metric.StateMaintenance, "", now)
		j.OutageStart = time.Time{}
		return
	}
	j.become(metric.StateUnknown, reasonStarting, now)
}

// resume goes on after a time in which the target was not watched. That time counts nowhere.
func (j *judge) resume(now time.Time) {
	j.accounted = now
	if j.pending != nil {
		j.pending.held = now
	}
}

// fast reports whether the next probe should come soon: to confirm a change, or to know the end of an outage.
func (j *judge) fast() bool { return j.pending != nil || j.state == metric.StateDown }

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
