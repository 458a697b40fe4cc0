package health

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at returns an outcome of a probe that ended at a second and took none, or the seconds given.
func at(second float64, result string, took ...float64) outcome {
	end := epoch.Add(time.Duration(second * float64(time.Second)))
	start := end
	if len(took) > 0 {
		start = end.Add(-time.Duration(took[0] * float64(time.Second)))
	}
	reason := ""
	if result != metric.ResultSuccess {
		reason = reasonOther
	}
	return outcome{result, reason, start, end}
}

func (m *stateMachine) see(outcomes ...outcome) *stateMachine {
	for _, o := range outcomes {
		m.evaluate(o, 45*time.Second, 2)
	}
	return m
}

const (
	ok  = metric.ResultSuccess
	bad = metric.ResultFailure
	unk = metric.ResultUnknown
)

func expect(t *testing.T, m *stateMachine, state string, observed, down, unknown float64, outages uint64) {
	t.Helper()
	if m.state != state || m.Observed.Seconds() != observed || m.Down.Seconds() != down ||
		m.Unknown.Seconds() != unknown || m.Outages != outages {
		t.Errorf("state %s, observed %v, down %v, unknown %v, outages %d; want %s, %v s, %v s, %v s, %d",
			m.state, m.Observed, m.Down, m.Unknown, m.Outages, state, observed, down, unknown, outages)
	}
}

func TestOneFailedProbeIsNoOutage(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(30, bad), at(31, ok), at(60, ok))
	expect(t, m, metric.StateUp, 60, 0, 0, 0)
}

// Down counts from the first failed probe, also for the time in which that probe ran.
func TestOutageCountsFromTheFirstFailedProbe(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok))
	m.advance(epoch.Add(32 * time.Second)) // a save while the probe hangs
	m.see(at(33, bad, 3), at(37, bad, 3), at(41, bad, 3))
	expect(t, m, metric.StateDown, 41, 11, 0, 1)
	m.see(at(60, ok), at(61, ok))
	expect(t, m, metric.StateUp, 61, 30, 0, 1)
	if !m.OutageStart.IsZero() {
		t.Error("the outage is still open")
	}
}

func TestFlappingIsOneOutage(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(1, bad), at(2, bad), at(3, bad))
	for s := 4.0; s < 60; s += 2 {
		m.see(at(s, ok), at(s+1, bad))
	}
	expect(t, m, metric.StateDown, 59, 58, 0, 1)
}

func TestUnknownEndsNoOutageAndBeginsNone(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad), at(20, unk), at(30, bad),
		at(31, bad), at(32, bad))
	expect(t, m, metric.StateDown, 22, 12, 10, 1)
}

func TestPendingTimeOfAnUnknownIsUnknown(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(12, unk))
	expect(t, m, metric.StateUnknown, 10, 0, 2, 0)
}

func TestRestartGoesOnWithTheSameOutage(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad))
	after := newStateMachine(epoch.Add(time.Hour), m.totals)
	expect(t, after, metric.StateUnknown, 12, 2, 0, 1)
	after.see(at(3601, bad), at(3602, bad), at(3603, bad))
	expect(t, after, metric.StateDown, 14, 4, 1, 1)
	if after.OutageStart != epoch.Add(10*time.Second) {
		t.Errorf("outage began at %v", after.OutageStart)
	}
}

func TestWithoutResultsTheStateGoesStale(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok))
	m.advance(epoch.Add(100 * time.Second))
	expect(t, m, metric.StateUnknown, 45, 0, 55, 0)
	if m.reason != reasonStale {
		t.Errorf("reason %s", m.reason)
	}
}

func TestMaintenanceIsNobodysOutage(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad))
	m.maintain(true, epoch.Add(20*time.Second))
	m.see(at(25, bad), at(30, bad))
	m.maintain(false, epoch.Add(40*time.Second))
	expect(t, m, metric.StateUnknown, 20, 10, 0, 1)
	if m.Maintenance != 20*time.Second {
		t.Errorf("maintenance %v", m.Maintenance)
	}
	m.see(at(41, bad), at(42, bad), at(43, bad))
	expect(t, m, metric.StateDown, 22, 2+10, 1, 2)
}

// Whatever comes, no counter steps back, down is part of observed, and no second is lost or counted twice
// beyond those held back.
func FuzzStateMachine(f *testing.F) {
	f.Add([]byte{0, 30, 1, 3, 1, 2, 1, 2, 0, 9, 0, 2, 2, 5, 3, 60, 4, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := newStateMachine(epoch, totals{})
		now, before := epoch, m.totals
		for i := 0; i+1 < len(steps); i += 2 {
			start := now
			now = now.Add(time.Duration(steps[i+1]) * time.Second)
			switch step := steps[i] % 6; step {
			case 0, 1, 2:
				m.evaluate(outcome{metric.ProbeResults[step], reasonOther, start, now}, 45*time.Second, 2)
			case 3:
				m.advance(now)
			default:
				m.maintain(step == 4, now)
				m.advance(now)
			}
			a := m.totals
			if a.Observed < before.Observed || a.Down < before.Down || a.Unknown < before.Unknown ||
				a.Maintenance < before.Maintenance || a.Outages < before.Outages {
				t.Fatalf("a counter stepped back: %+v to %+v", before, a)
			}
			if a.Down > a.Observed {
				t.Fatalf("down %v of %v observed", a.Down, a.Observed)
			}
			if length, age, ok := m.outage(now); ok && (length > a.Down+now.Sub(m.accounted) || age < 0 || age > outageShown) {
				t.Fatalf("an outage of %v that ended %v ago, with %v down", length, age, a.Down)
			}
			if sum := a.Observed + a.Unknown + a.Maintenance; m.pending == nil && sum != now.Sub(epoch) {
				t.Fatalf("%v accounted of %v", sum, now.Sub(epoch))
			}
			before = a
		}
	})
}

// An outage that a restart or a spell of unknown interrupted wants two successes as well.
func TestFlappingAcrossARestartIsOneOutage(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(1, bad), at(2, bad), at(3, bad))
	m = newStateMachine(epoch.Add(4*time.Second), m.totals).see(at(5, ok), at(6, bad), at(7, bad), at(8, bad))
	if m.state != metric.StateDown || m.Outages != 1 {
		t.Errorf("%s after %d outages", m.state, m.Outages)
	}
	m.see(at(9, unk), at(10, ok), at(11, bad), at(12, bad), at(13, bad))
	if m.state != metric.StateDown || m.Outages != 1 {
		t.Errorf("%s after %d outages", m.state, m.Outages)
	}
	m.see(at(14, ok), at(15, ok))
	if m.state != metric.StateUp || !m.OutageStart.IsZero() {
		t.Errorf("%s, open since %v", m.state, m.OutageStart)
	}
}

// A change that stays unconfirmed for too long is unknown, and no counter stands still for ever.
func TestUnconfirmedChangeGoesStale(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad))
	m.advance(epoch.Add(500 * time.Second))
	if m.state != metric.StateUnknown || m.reason != reasonStale || m.Observed != 10*time.Second ||
		m.Unknown != 490*time.Second {
		t.Errorf("%s %s, observed %v, unknown %v", m.state, m.reason, m.Observed, m.Unknown)
	}
}
