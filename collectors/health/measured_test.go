package health

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// expectOutage checks what is exposed at a second of the outage that is open or was the last.
func expectOutage(t *testing.T, m *stateMachine, second, length, age float64) {
	t.Helper()
	gotLength, gotAge, ok := m.outage(epoch.Add(time.Duration(second * float64(time.Second))))
	if !ok || gotLength.Seconds() != length || gotAge.Seconds() != age {
		t.Errorf("at %v s: %s, ended %s ago (exposed %t); want %v s, %v s", second, gotLength, gotAge, ok, length, age)
	}
}

func expectNoOutage(t *testing.T, m *stateMachine, second float64) {
	t.Helper()
	if length, age, ok := m.outage(epoch.Add(time.Duration(second * float64(time.Second)))); ok {
		t.Errorf("at %v s: %s, ended %s ago; want nothing", second, length, age)
	}
}

func advanced(m *stateMachine, second float64) *stateMachine {
	m.advance(epoch.Add(time.Duration(second * float64(time.Second))))
	return m
}

// An outage is as long as from the first failed probe to the first good one, and is exposed for two minutes more.
func TestMeasuredOutage(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad))
	expectNoOutage(t, m, 11) // not confirmed
	m.see(at(12, bad))
	expectOutage(t, m, 12, 2, 0)
	expectOutage(t, m, 12.5, 2.5, 0) // between two ticks
	m.see(at(20, bad), at(30, bad))
	expectOutage(t, advanced(m, 31), 31, 21, 0)
	m.see(at(32, ok))
	expectOutage(t, m, 32.5, 22, 0.5) // not proved, and nothing is added
	m.see(at(33, bad))
	expectOutage(t, m, 33, 23, 0) // it had not ended
	m.see(at(70, ok), at(71, ok))
	expectOutage(t, m, 71, 60, 1)
	m.see(at(100, bad), at(101, ok)) // no outage
	expectOutage(t, m, 105, 60, 35)
	expectOutage(t, m, 70+outageShown.Seconds(), 60, outageShown.Seconds())
	expectNoOutage(t, m, 71+outageShown.Seconds())
	m.see(at(140, bad), at(141, bad), at(142, bad)) // another one replaces it
	expectOutage(t, m, 142, 2, 0)
}

// The first failed probe counts while it runs, as it does in the seconds down.
func TestMeasuredOutageIsTheSecondsDown(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok))
	advanced(m, 32).see(at(33, bad, 3), at(37, bad, 3), at(41, bad, 3), at(60, ok), at(61, ok))
	expectOutage(t, m, 61, 30, 1)
	if m.Measured.Length != m.Down {
		t.Errorf("measured %s, down %s", m.Measured.Length, m.Down)
	}
}

// Time that is unknown is not part of an outage, and while it is not known whether the outage goes on, none is exposed.
func TestMeasuredOutageWithoutUnknownTime(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad), at(20, unk))
	expectNoOutage(t, m, 21)
	m.see(at(30, bad), at(31, bad), at(32, bad))
	expectOutage(t, m, 32, 12, 0)
	m.see(at(40, unk), at(50, ok))
	expectNoOutage(t, m, 50)
	m.see(at(51, ok))
	expectOutage(t, m, 52, 20, 12) // since it was last seen down
}

func TestMeasuredOutageEndsWithMaintenance(t *testing.T) {
	m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad), at(50, bad))
	m.maintain(true, epoch.Add(51*time.Second))
	expectNoOutage(t, m, 52)
	m.maintain(false, epoch.Add(60*time.Second))
	m.see(at(61, bad), at(62, bad), at(63, bad))
	expectOutage(t, m, 63, 2, 0)
}

// restart returns what a state machine is after a restart at a second, by a clock that was set by some seconds
// meanwhile.
func restart(t *testing.T, m *stateMachine, second, set float64) *stateMachine {
	t.Helper()
	text, err := json.Marshal(m.totals)
	if err != nil {
		t.Fatal(err)
	}
	var saved totals
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	now := epoch.Add(time.Duration(second * float64(time.Second)))
	saved.Measured = saved.Measured.restored(!saved.OutageStart.IsZero(), now.Add(time.Duration(set*float64(time.Second))))
	if !saved.Measured.End.IsZero() { // go on by the clock of the test
		saved.Measured.End = saved.Measured.End.Add(-time.Duration(set * float64(time.Second)))
	}
	return newStateMachine(now, saved)
}

// The length of an open outage goes on after a restart. The time of the restart is not part of it, so no clock that is
// set meanwhile makes it longer or shorter.
func TestMeasuredOutageGoesOnAfterARestart(t *testing.T) {
	for _, set := range []float64{0, -3600, 3600} {
		m := newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad), at(30, bad))
		m = restart(t, m, 35, set)
		expectNoOutage(t, m, 36)
		m.see(at(37, bad), at(38, bad), at(39, bad))
		expectOutage(t, m, 39, 22, 0)
		m.see(at(50, ok), at(51, ok))
		expectOutage(t, m, 52, 33, 2)
	}
}

// The age of an outage that ended before a restart is known as well as the wall clock is. An impossible age is dropped.
func TestMeasuredOutageThatEndedBeforeARestart(t *testing.T) {
	ended := func() *stateMachine {
		return newStateMachine(epoch, totals{}).see(at(0, ok), at(10, bad), at(11, bad), at(12, bad), at(50, ok), at(51, ok))
	}
	m := restart(t, ended(), 55, 0).see(at(56, ok))
	expectOutage(t, m, 60, 40, 10)
	m = restart(t, ended(), 55, 30).see(at(56, ok))
	expectOutage(t, m, 60, 40, 40)
	for _, set := range []float64{-3600, 3600} {
		m = restart(t, ended(), 55, set).see(at(56, ok))
		expectNoOutage(t, m, 60)
		expectNoOutage(t, m, 3660)
	}
}

// The collector exposes the pair in an outage and after it. Both follow the monotonic clock, so a wall clock that is
// set moves neither.
func TestOutageIsExposed(t *testing.T) {
	t.Parallel()
	home := newBreakable(t)
	c, _ := start(t, policy(t, quick+"    - {name: home, app_service: web, target: \""+home.url+"\"}\n", ""), nil)
	await(t, c, "up", is(metric.StateUp))
	if _, found := find(t, c, metric.HealthCheckOutageDuration); found {
		t.Error("an outage is exposed before the first")
	}
	home.broken.Store(true)
	await(t, c, "down", is(metric.StateDown))
	eventually(t, "the outage takes a second", func() bool {
		length, _ := find(t, c, metric.HealthCheckOutageDuration)
		return length > 1
	})
	if age := value(t, c, metric.HealthCheckOutageEndAge); age != 0 {
		t.Errorf("it ended %v s ago", age)
	}
	home.broken.Store(false)
	await(t, c, "up again", is(metric.StateUp))
	length := value(t, c, metric.HealthCheckOutageDuration)
	eventually(t, "its end is a second ago", func() bool { return value(t, c, metric.HealthCheckOutageEndAge) > 1 })
	if now := value(t, c, metric.HealthCheckOutageDuration); now != length {
		t.Errorf("its length went from %v to %v s after its end", length, now)
	}
	c.mu.Lock()
	measured := c.targets[key{check: "home"}].machine.Measured
	c.mu.Unlock()
	for what, end := range map[string]time.Time{
		"measured": measured.End, "restored": measured.restored(false, time.Now()).End,
	} {
		if !strings.Contains(end.String(), " m=") {
			t.Errorf("the end as %s is a time of the wall clock: %s", what, end)
		}
	}
	eventually(t, "the seconds down are saved", func() bool {
		return math.Abs(value(t, c, metric.HealthCheckDownSeconds)-length) < 1e-6
	})
}
