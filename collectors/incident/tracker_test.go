package incident

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// story drives a tracker minute by minute from noon on.
type story struct {
	t       *testing.T
	p       *config.Policy
	k       known
	tracker *tracker
	now     time.Time
}

func newStory(t *testing.T) *story {
	p := testPolicy(t)
	return &story{t: t, p: p, k: newKnown(p), tracker: newTracker(noon), now: noon}
}

// until lets the Alertmanagers say the same every quarter of a minute until so long after noon.
func (s *story) until(after time.Duration, answers ...answer) {
	for ; s.now.Sub(noon) < after; s.now = s.now.Add(interval) {
		s.tracker.update(s.now, s.k.merge(answers), s.p)
	}
}

func (s *story) expect(what string, got, want any) {
	s.t.Helper()
	if !reflect.DeepEqual(got, want) {
		s.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (s *story) response(want string) {
	s.t.Helper()
	s.expect("responses", s.tracker.Counters.Responses["P1"], map[string]uint64{want: 1})
}

func TestAcknowledgedInTime(t *testing.T) {
	s := newStory(t)
	s.until(3*time.Minute, said(nil, firing(first)))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, noon)
	s.until(40*time.Minute, said([]*silence{ackOf(first)}, firing(first)))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, time.Time{})
	s.until(45*time.Minute, said(nil))
	s.response(metric.ResponseInTime)
	s.expect("open", len(s.tracker.Incidents), 0)
	c := s.tracker.Counters
	s.expect("opened", c.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
	s.expect("time to acknowledge", c.Acknowledge["P1"].Sum, 180.0)
	s.expect("time to resolve", c.Resolve["P1"].Sum, 2400.0)
	s.expect("brief", c.Brief["P1"], uint64(0))
}

// Late counts when the deadline passes, and once, though somebody acknowledges after all.
func TestLateCountsAtTheDeadline(t *testing.T) {
	s := newStory(t)
	s.until(15*time.Minute+interval, said(nil, firing(first)))
	s.expect("responses", s.tracker.Counters.Responses["P1"], map[string]uint64{})
	s.until(16*time.Minute, said(nil, firing(first)))
	s.response(metric.ResponseLate)
	late := ackOf(first)
	late.StartsAt = noon.Add(20 * time.Minute)
	s.until(30*time.Minute, said([]*silence{late}, firing(first)))
	s.until(33*time.Minute, said(nil))
	s.response(metric.ResponseLate)
	s.expect("time to acknowledge", s.tracker.Counters.Acknowledge["P1"].Sum, 1200.0)
}

// The Alertmanager is unreachable for twenty minutes; the start of the silence is the time of the acknowledgement.
func TestAcknowledgedWhileBlind(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute, said(nil, firing(first)))
	s.now = noon.Add(21 * time.Minute)
	s.until(22*time.Minute, said([]*silence{ackOf(first)}, firing(first)))
	s.response(metric.ResponseInTime)
}

func TestResolvedByItself(t *testing.T) {
	s := newStory(t)
	s.until(2*time.Minute, said(nil, firing(first)))
	s.until(5*time.Minute, said(nil))
	s.response(metric.ResponseResolved)
	s.expect("brief", s.tracker.Counters.Brief["P1"], uint64(1))
	s.expect("acknowledged", s.tracker.Counters.Acknowledge["P1"].Count, uint64(0))
}

// An Alertmanager that restarts has forgotten everything for a minute.
func TestForgottenForAMinuteIsNotOver(t *testing.T) {
	s := newStory(t)
	s.until(10*time.Minute, said(nil, firing(first)))
	s.until(11*time.Minute, said(nil))
	s.until(12*time.Minute, said(nil, firing(first)))
	s.expect("opened", s.tracker.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, noon)
}

// When an acknowledgement expires, the clock starts again, so that not all layers are notified at once.
func TestAcknowledgementRunsOut(t *testing.T) {
	s := newStory(t)
	s.until(5*time.Minute, said([]*silence{ackOf(first)}, firing(first)))
	s.until(2*time.Hour, said(nil, firing(first)))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, noon.Add(5*time.Minute))
	s.response(metric.ResponseInTime)
}

// An alert without notification is not an incident; it becomes one with its first notification.
func TestSuppressedBecomesAnIncident(t *testing.T) {
	for name, hidden := range map[string]answer{
		"inhibited":   said(nil, firing(first).inhibitedBy(second)),
		"maintenance": said([]*silence{silent("m", "maintenance: disks", is("x", "y"))}, firing(first).silencedBy("m")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.until(time.Hour, hidden)
			s.expect("open", len(s.tracker.Incidents), 0)
			s.until(time.Hour+time.Minute, said(nil, firing(first)))
			s.expect("began", s.tracker.Incidents[first].Began, noon.Add(time.Hour))
			s.expect("due", s.tracker.Incidents[first].Due, noon.Add(75*time.Minute))
			s.expect("responses", s.tracker.Counters.Responses["P1"], map[string]uint64{})
		})
	}
}

// While its cause is reported instead, the incident is not waiting, and no response is counted as late.
func TestHiddenInBetween(t *testing.T) {
	s := newStory(t)
	s.until(5*time.Minute, said(nil, firing(first)))
	s.until(30*time.Minute, said(nil, firing(first).inhibitedBy(second)))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, time.Time{})
	s.until(31*time.Minute, said(nil, firing(first)))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, noon.Add(30*time.Minute))
	s.expect("responses", s.tracker.Counters.Responses["P1"], map[string]uint64{})
	s.expect("opened", s.tracker.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
}

// The silence of last time still stands. It was made for what fired then: what fires now escalates.
func TestOldAcknowledgement(t *testing.T) {
	s := newStory(t)
	old := ackOf(first)
	old.StartsAt = noon.Add(-time.Hour)
	s.until(20*time.Minute, said([]*silence{old}, firing(first)))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, noon)
	s.expect("acknowledged", s.tracker.Counters.Acknowledge["P1"].Count, uint64(0))
	s.response(metric.ResponseLate)
}

// Somebody took everything of the service. What fires later was in no page that they saw.
func TestWhatFiresAfterAnAcknowledgementWaits(t *testing.T) {
	s := newStory(t)
	all := silent("s", "on it", is("alertname", metric.UnacknowledgedAlert.Name),
		matcher{Name: "incident", Value: ".+", IsRegex: true}, is("app_service", "web"), is("priority", "P1"))
	later := firing(second)
	later.StartsAt = noon.Add(10 * time.Minute)
	s.until(3*time.Minute, said(nil, firing(first)))
	s.until(10*time.Minute, said([]*silence{all}, firing(first)))
	s.until(20*time.Minute, said([]*silence{all}, firing(first), later))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, time.Time{})
	s.expect("waiting since", s.tracker.Incidents[second].Waiting, noon.Add(10*time.Minute))

	// It resolves for a moment and fires on: the same incident, which somebody has.
	flapped := firing(first)
	flapped.StartsAt = noon.Add(21 * time.Minute)
	s.until(21*time.Minute, said([]*silence{all}, later))
	s.until(25*time.Minute, said([]*silence{all}, flapped, later))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, time.Time{})
	// It was over, and fires again: another one.
	again := firing(first)
	again.StartsAt = noon.Add(30 * time.Minute)
	s.until(30*time.Minute, said([]*silence{all}, later))
	s.until(35*time.Minute, said([]*silence{all}, again, later))
	s.expect("waiting since", s.tracker.Incidents[first].Waiting, noon.Add(30*time.Minute))
}

// It was inhibited when somebody took the group: it was in no page that they saw.
func TestWhatWasHiddenAtTheAcknowledgementWaits(t *testing.T) {
	s := newStory(t)
	all := silent("s", "on it", matcher{Name: "incident", Value: ".+", IsRegex: true})
	s.until(30*time.Minute, said([]*silence{all}, firing(first), firing(second).inhibitedBy(first)))
	s.expect("open", len(s.tracker.Incidents), 1)
	s.until(31*time.Minute, said([]*silence{all}, firing(second)))
	s.expect("waiting since", s.tracker.Incidents[second].Waiting, noon.Add(30*time.Minute))
}

// What PagerDuty lists is known to the second, and what joins a page is in its next update.
func TestAcknowledgementOfAPageHolds(t *testing.T) {
	page := acknowledgement{opened: noon.Add(5 * time.Second), at: noon.Add(90 * time.Second)}
	for began, want := range map[time.Duration]bool{
		0: true, 5 * time.Second: true, 6 * time.Second: true, 30 * time.Second: true,
		31 * time.Second: false, // sent with an update that may be later than the acknowledgement
		90 * time.Second: false, time.Hour: false,
	} {
		if got := page.holds(noon.Add(began), "P1"); got != want {
			t.Errorf("what began after %s is acknowledged: %t", began, got)
		}
	}
	if page.holds(noon.Add(7*time.Second), "P3") {
		t.Error("a P3 that joins is sent within five minutes, and counts as seen after less")
	}
}

func TestShifts(t *testing.T) {
	p := testPolicy(t) // UTC, Monday to Friday, 9 to 18
	for text, want := range map[string]string{
		"2026-03-04T09:00:00Z": metric.ShiftBusiness,
		"2026-03-04T08:30:00Z": metric.ShiftOff,
		"2026-03-04T07:59:00Z": metric.ShiftSleep,
		"2026-03-04T22:00:00Z": metric.ShiftSleep,
		"2026-03-07T12:00:00Z": metric.ShiftOff,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Shift(p, at); got != want {
			t.Errorf("%s is %s", text, got)
		}
	}
}

// A storm is followed up to a bound, whoever sends it.
func TestTrackerIsBounded(t *testing.T) {
	s := newStory(t)
	var alerts []alert
	for i := range maxTracked + 500 {
		alerts = append(alerts, firing(fmt.Sprintf("%016x", i)))
	}
	s.until(time.Second, said(nil, alerts...))
	s.expect("open", len(s.tracker.Incidents), maxTracked)
	s.expect("opened", s.tracker.Counters.Opened["P1"][metric.ShiftBusiness], uint64(maxTracked))
}

// What is saved is all that there is to know.
func TestTrackerSurvivesARestart(t *testing.T) {
	s := newStory(t)
	s.until(5*time.Minute, said(nil, firing(first)))
	text, err := json.Marshal(s.tracker)
	if err != nil {
		t.Fatal(err)
	}
	restored := newTracker(time.Time{})
	if err := json.Unmarshal(text, restored); err != nil {
		t.Fatal(err)
	}
	restored.Counters.complete()
	again, err := json.Marshal(restored)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(again) {
		t.Errorf("%s\n%s", text, again)
	}
	s.tracker = restored
	s.until(20*time.Minute, said(nil, firing(first)))
	s.response(metric.ResponseLate)
	s.expect("opened", s.tracker.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
}

// What was saved while the clock was a year ahead is closed, and late, as anything else.
func TestTimesInTheFutureCountAsNow(t *testing.T) {
	const second = "2222222222222222"
	s := newStory(t)
	year := noon.AddDate(1, 0, 0)
	s.tracker.Incidents[first] = &entry{
		Alert: "a", Priority: "P1", Began: year, Waiting: year, Due: year.Add(time.Hour), Missing: year,
	}
	s.tracker.Incidents[second] = &entry{Alert: "b", Priority: "P1", Began: year, Waiting: year, Due: year.Add(time.Hour)}
	s.tracker.Hidden["3333333333333333"] = year
	s.until(5*time.Minute, said(nil, firing(second)))
	if _, open := s.tracker.Incidents[first]; open {
		t.Error("an incident that is gone stays open")
	}
	s.expect("waiting since", s.tracker.Incidents[second].Waiting, noon)
	s.expect("hidden", len(s.tracker.Hidden), 0)
	s.until(30*time.Minute, said(nil, firing(second)))
	s.expect("late", s.tracker.Counters.Responses["P1"][metric.ResponseLate], uint64(1))
}
