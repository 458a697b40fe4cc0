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

// story plays a book by the minute from noon on.
type story struct {
	t    *testing.T
	p    *config.Policy
	k    known
	book *book
	now  time.Time
}

func tell(t *testing.T) *story {
	p := testPolicy(t)
	return &story{t: t, p: p, k: newKnown(p), book: newBook(noon), now: noon}
}

// until lets the Alertmanagers say the same every quarter of a minute until so long after noon.
func (s *story) until(after time.Duration, answers ...answer) {
	for ; s.now.Sub(noon) < after; s.now = s.now.Add(interval) {
		s.book.tell(s.now, s.k.unite(answers), s.p)
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
	s.expect("responses", s.book.Counters.Responses["P1"], map[string]uint64{want: 1})
}

func TestAcknowledgedInTime(t *testing.T) {
	s := tell(t)
	s.until(3*time.Minute, said(nil, firing(first)))
	s.expect("waiting since", s.book.Incidents[first].Waiting, noon)
	s.until(40*time.Minute, said([]*silence{acknowledgement(first)}, firing(first)))
	s.expect("waiting since", s.book.Incidents[first].Waiting, time.Time{})
	s.until(45*time.Minute, said(nil))
	s.response(metric.ResponseInTime)
	s.expect("open", len(s.book.Incidents), 0)
	c := s.book.Counters
	s.expect("opened", c.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
	s.expect("time to acknowledge", c.Acknowledge["P1"].Sum, 180.0)
	s.expect("time to resolve", c.Resolve["P1"].Sum, 2400.0)
	s.expect("brief", c.Brief["P1"], uint64(0))
}

// Late counts when the deadline passes, and once, though somebody acknowledges after all.
func TestLateCountsAtTheDeadline(t *testing.T) {
	s := tell(t)
	s.until(15*time.Minute+interval, said(nil, firing(first)))
	s.expect("responses", s.book.Counters.Responses["P1"], map[string]uint64{})
	s.until(16*time.Minute, said(nil, firing(first)))
	s.response(metric.ResponseLate)
	late := acknowledgement(first)
	late.StartsAt = noon.Add(20 * time.Minute)
	s.until(30*time.Minute, said([]*silence{late}, firing(first)))
	s.until(33*time.Minute, said(nil))
	s.response(metric.ResponseLate)
	s.expect("time to acknowledge", s.book.Counters.Acknowledge["P1"].Sum, 1200.0)
}

// Nobody could ask for twenty minutes, but the silence tells when somebody acknowledged.
func TestAcknowledgedWhileBlind(t *testing.T) {
	s := tell(t)
	s.until(time.Minute, said(nil, firing(first)))
	s.now = noon.Add(21 * time.Minute)
	s.until(22*time.Minute, said([]*silence{acknowledgement(first)}, firing(first)))
	s.response(metric.ResponseInTime)
}

func TestResolvedByItself(t *testing.T) {
	s := tell(t)
	s.until(2*time.Minute, said(nil, firing(first)))
	s.until(5*time.Minute, said(nil))
	s.response(metric.ResponseResolved)
	s.expect("brief", s.book.Counters.Brief["P1"], uint64(1))
	s.expect("acknowledged", s.book.Counters.Acknowledge["P1"].Count, uint64(0))
}

// An Alertmanager that restarts has forgotten everything for a minute.
func TestForgottenForAMinuteIsNotOver(t *testing.T) {
	s := tell(t)
	s.until(10*time.Minute, said(nil, firing(first)))
	s.until(11*time.Minute, said(nil))
	s.until(12*time.Minute, said(nil, firing(first)))
	s.expect("opened", s.book.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
	s.expect("waiting since", s.book.Incidents[first].Waiting, noon)
}

// When an acknowledgement runs out the clock begins anew, so that not all layers are told at once.
func TestAcknowledgementRunsOut(t *testing.T) {
	s := tell(t)
	s.until(5*time.Minute, said([]*silence{acknowledgement(first)}, firing(first)))
	s.until(2*time.Hour, said(nil, firing(first)))
	s.expect("waiting since", s.book.Incidents[first].Waiting, noon.Add(5*time.Minute))
	s.response(metric.ResponseInTime)
}

// Whatever nobody was told of is no incident; it becomes one when that changes.
func TestUntoldBecomesAnIncident(t *testing.T) {
	for name, hidden := range map[string]answer{
		"inhibited":   said(nil, firing(first).inhibitedBy(second)),
		"maintenance": said([]*silence{silent("m", "maintenance: disks", is("x", "y"))}, firing(first).silencedBy("m")),
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t)
			s.until(time.Hour, hidden)
			s.expect("open", len(s.book.Incidents), 0)
			s.until(time.Hour+time.Minute, said(nil, firing(first)))
			s.expect("began", s.book.Incidents[first].Began, noon.Add(time.Hour))
			s.expect("due", s.book.Incidents[first].Due, noon.Add(75*time.Minute))
			s.expect("responses", s.book.Counters.Responses["P1"], map[string]uint64{})
		})
	}
}

// Its cause begins to tell of it: it waits for nobody meanwhile, and is nobody's fault.
func TestHiddenInBetween(t *testing.T) {
	s := tell(t)
	s.until(5*time.Minute, said(nil, firing(first)))
	s.until(30*time.Minute, said(nil, firing(first).inhibitedBy(second)))
	s.expect("waiting since", s.book.Incidents[first].Waiting, time.Time{})
	s.until(31*time.Minute, said(nil, firing(first)))
	s.expect("waiting since", s.book.Incidents[first].Waiting, noon.Add(30*time.Minute))
	s.expect("responses", s.book.Counters.Responses["P1"], map[string]uint64{})
	s.expect("opened", s.book.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
}

// The silence of last time still stands: it stops the escalation, and is no response in no time.
func TestOldAcknowledgement(t *testing.T) {
	s := tell(t)
	old := acknowledgement(first)
	old.StartsAt = noon.Add(-time.Hour)
	s.until(20*time.Minute, said([]*silence{old}, firing(first)))
	s.expect("waiting since", s.book.Incidents[first].Waiting, time.Time{})
	s.expect("acknowledged", s.book.Counters.Acknowledge["P1"].Count, uint64(0))
	s.expect("responses", s.book.Counters.Responses["P1"], map[string]uint64{})
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
		if got := shift(p, at); got != want {
			t.Errorf("%s is %s", text, got)
		}
	}
}

// A storm is followed up to a bound, whoever sends it.
func TestBookIsBounded(t *testing.T) {
	s := tell(t)
	var alerts []alert
	for i := range maxTracked + 500 {
		alerts = append(alerts, firing(fmt.Sprintf("%016x", i)))
	}
	s.until(time.Second, said(nil, alerts...))
	s.expect("open", len(s.book.Incidents), maxTracked)
	s.expect("opened", s.book.Counters.Opened["P1"][metric.ShiftBusiness], uint64(maxTracked))
}

// What is saved is all that there is to know.
func TestBookSurvivesARestart(t *testing.T) {
	s := tell(t)
	s.until(5*time.Minute, said(nil, firing(first)))
	text, err := json.Marshal(s.book)
	if err != nil {
		t.Fatal(err)
	}
	restored := newBook(time.Time{})
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
	s.book = restored
	s.until(20*time.Minute, said(nil, firing(first)))
	s.response(metric.ResponseLate)
	s.expect("opened", s.book.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
}
