package incident

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/incident/event"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// recorded is a story in which an event recorder reports too.
type recorded struct {
	*story
	past  past
	muted muted
	sent  int
}

func newRecorded(t *testing.T) *recorded { return &recorded{story: newStory(t), muted: muted{}} }

// report delivers events at a time after noon; each has an ID of its own.
func (r *recorded) report(after time.Duration, all ...event.Event) {
	at := noon.Add(after)
	for i := range all {
		r.sent++
		all[i].ID, all[i].At = fmt.Sprint(r.sent), at
	}
	r.deliver(after, all...)
}

func (r *recorded) deliver(after time.Duration, all ...event.Event) {
	x := events{tracker: r.tracker, now: noon.Add(after), known: r.k, policy: r.p, past: &r.past, muted: r.muted}
	x.apply(all)
	if noon.Add(after).After(r.now) {
		r.now = noon.Add(after)
	}
	r.past.add(noon.Add(after), r.tracker.over)
	r.tracker.over = nil
}

// over returns the only incident that is over.
func (r *recorded) over() Incident {
	r.t.Helper()
	r.past.add(r.now, r.tracker.over)
	r.tracker.over = nil
	if len(r.past.list) != 1 {
		r.t.Fatalf("%d incidents are over: %+v", len(r.past.list), r.past.list)
	}
	return r.past.list[0]
}

// fires is the alert of an event.
func fires(a alert) event.Alert {
	return event.Alert{Fingerprint: a.Fingerprint, Labels: a.Labels, StartsAt: a.StartsAt}
}

// endedAt is the alert of an event that has ended.
func endedAt(a alert, endsAt time.Time) event.Alert {
	out := fires(a)
	out.Resolved, out.EndsAt = true, endsAt
	return out
}

func notification(reason event.Reason, alerts ...event.Alert) event.Event {
	return event.Event{Kind: event.Notification, Alerts: alerts, Reason: reason, Integration: "webhook"}
}

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// What began and ended between two polls is an incident like any other.
func TestIncidentBetweenTwoPolls(t *testing.T) {
	r := newRecorded(t)
	r.until(time.Minute, said(nil))
	a := firing(first)
	a.StartsAt = at(62)
	r.report(67*time.Second, notification(event.ReasonFirst, fires(a)))
	r.report(73*time.Second, event.Event{Kind: event.AlertResolved, Alerts: []event.Alert{endedAt(a, at(70))}})
	r.until(2*time.Minute, said(nil))
	r.expect("open", len(r.tracker.Incidents), 0)
	r.expect("opened", r.tracker.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
	r.expect("time to notify", r.tracker.Counters.Notify["P1"].Sum, 5.0)
	r.expect("time to resolve", r.tracker.Counters.Resolve["P1"].Sum, 8.0)
	r.response(metric.ResponseResolved)
	over := r.over()
	r.expect("began", over.Began, at(62))
	r.expect("notified", over.Notified, at(67))
	r.expect("resolved", over.Resolved, at(70))
	r.expect("exact", over.Exact, true)
}

// Polls see that an alert is gone; when it ended, its last notification reports minutes later.
func TestEndIsExactWhenItIsReportedLate(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(a)))
	r.until(10*time.Minute, said(nil, a))
	r.until(13*time.Minute, said(nil))
	r.expect("open", len(r.tracker.Incidents), 0)
	r.expect("resolved before the end is known", r.tracker.Counters.Resolve["P1"].Count, uint64(0))
	r.report(15*time.Minute, notification(event.ReasonAll, endedAt(a, at(597))))
	r.expect("time to resolve", r.tracker.Counters.Resolve["P1"].Sum, 597.0)
	r.expect("resolved", r.over().Resolved, at(597))
	r.until(30*time.Minute, said(nil))
	r.expect("resolved", r.tracker.Counters.Resolve["P1"].Count, uint64(1))
}

// A receiver without send_resolved reports no end: then polling's counts.
func TestEndThatIsNeverReported(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(a)))
	r.until(10*time.Minute, said(nil, a))
	r.until(22*time.Minute, said(nil))
	r.expect("time to resolve", r.tracker.Counters.Resolve["P1"].Sum, 605.0) // the first poll without it
	over := r.over()
	r.expect("resolved", over.Resolved, at(605))
	r.expect("exact", over.Exact, false)
}

// Polling is enough where no recorder reports: nothing waits for an event.
func TestWithoutARecorderNothingIsHeldBack(t *testing.T) {
	r := newRecorded(t)
	r.until(10*time.Minute, said(nil, firing(first)))
	r.until(10*time.Minute+goneAfter+2*interval, said(nil))
	r.expect("time to resolve", r.tracker.Counters.Resolve["P1"].Sum, 600.0)
	r.expect("exact", r.over().Exact, false)
}

// Two pages of one alert are two incidents, however close they are.
func TestAlertThatFiresAgain(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(a)))
	r.until(5*time.Minute, said(nil, a))
	again := a
	again.StartsAt = at(320)
	r.report(330*time.Second, notification(event.ReasonAll, endedAt(a, at(300))),
		notification(event.ReasonNew, fires(again)))
	r.until(6*time.Minute, said(nil, again))
	r.expect("opened", r.tracker.Counters.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 2})
	r.expect("pages", r.tracker.Counters.Pages["P1"]["sre"], map[string]uint64{metric.ShiftBusiness: 2})
	r.expect("resolved", r.over().Resolved, at(300))
	r.expect("began", r.tracker.Incidents[first].Began, at(320))
}

// Several workers of a recorder deliver in any order, and again what they had no answer to.
func TestEventsInAnyOrderAndTwice(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	all := []event.Event{
		{ID: "a", At: at(65), Kind: event.AlertResolved, Alerts: []event.Alert{endedAt(a, at(60))}},
		{ID: "b", At: at(65), Kind: event.Notification, Reason: event.ReasonAll, Alerts: []event.Alert{endedAt(a, at(60))}},
		{ID: "c", At: at(5), Kind: event.Notification, Reason: event.ReasonFirst, Alerts: []event.Alert{fires(a)}},
	}
	for range 3 {
		r.deliver(66*time.Second, all...)
		r.now = at(67)
		r.until(3*time.Minute, said(nil))
	}
	c := r.tracker.Counters
	r.expect("opened", c.Opened["P1"], map[string]uint64{metric.ShiftBusiness: 1})
	r.expect("resolved", c.Resolve["P1"].Count, uint64(1))
	r.expect("time to resolve", c.Resolve["P1"].Sum, 60.0)
	r.expect("events", c.Events[string(event.Notification)], uint64(2))
	r.expect("over", r.over().Resolved, at(60))
}

// A page is one however many channels deliver it and alerts are in it; repeats and ends are none.
func TestPagesAreCountedOnce(t *testing.T) {
	r := newRecorded(t)
	one, two, late := firing(first), firing(second), firing("00000000000000a1")
	late.StartsAt = at(70)
	for range 2 { // channels
		r.report(5*time.Second, notification(event.ReasonFirst, fires(one), fires(two)))
	}
	for range 2 {
		r.report(75*time.Second, notification(event.ReasonNew, fires(one), fires(two), fires(late)))
	}
	r.report(time.Hour, notification(event.ReasonRepeat, fires(one), fires(two), fires(late)))
	end := at(7000)
	r.report(2*time.Hour, notification(event.ReasonAll, endedAt(one, end), endedAt(two, end), endedAt(late, end)))
	c := r.tracker.Counters
	r.expect("pages", c.Pages["P1"]["sre"], map[string]uint64{metric.ShiftBusiness: 2})
	r.expect("notifications", c.Notifications, map[string]uint64{
		string(event.ReasonFirst): 2, string(event.ReasonNew): 2, string(event.ReasonRepeat): 1, string(event.ReasonAll): 1,
	})
	r.expect("notified", c.Notify["P1"].Count, uint64(3))
}

// Who is woken by an escalation is a recipient of its own, once for each.
func TestPagesOfAnEscalation(t *testing.T) {
	r := newRecorded(t)
	escalation := firing("00000000000000ee")
	escalation.Labels[metric.LabelAlertname] = metric.UnacknowledgedAlert.Name
	escalation.Labels[metric.LabelLayer] = config.LayerManager
	for range 2 {
		r.report(16*time.Minute, notification(event.ReasonFirst, fires(escalation)))
	}
	r.report(30*time.Minute, notification(event.ReasonRepeat, fires(escalation)))
	r.expect("pages", r.tracker.Counters.Pages["P1"][config.LayerManager], map[string]uint64{metric.ShiftBusiness: 1})
	r.expect("incidents", len(r.tracker.Incidents), 0)
}

// Alerts of other bundles, of other environments, and of the watchdog are none of ours.
func TestEventsOfOthers(t *testing.T) {
	r := newRecorded(t)
	other, elsewhere, watchdog := firing(first), firing(second), firing("00000000000000b1")
	other.Labels[metric.LabelBundle] = "other"
	elsewhere.Labels[metric.LabelEnvironment] = "staging"
	watchdog.Labels[metric.LabelAlertname] = metric.WatchdogAlert.Name
	r.report(time.Minute, notification(event.ReasonFirst, fires(other), fires(elsewhere), fires(watchdog)))
	r.expect("incidents", len(r.tracker.Incidents), 0)
	r.expect("notifications", len(r.tracker.Counters.Notifications), 0)
	r.expect("events", r.tracker.Counters.Events[string(event.Notification)], uint64(1))
}

// An acknowledgement counts at its time also if the incident is over before a poll sees it, and names who made it.
func TestAcknowledgedBetweenTwoPolls(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(a)))
	ack := ackOf(first)
	by := &event.Silence{ID: "s", StartsAt: at(9), EndsAt: at(3600), CreatedBy: " ada ", Sets: 1}
	for _, m := range ack.Matchers {
		by.Matchers = append(by.Matchers, event.Matcher{Name: m.Name, Value: m.Value, Regexp: m.IsRegex})
	}
	r.report(9*time.Second, event.Event{Kind: event.SilenceCreated, Silence: by})
	r.report(14*time.Second, notification(event.ReasonAll, endedAt(a, at(12))))
	r.now = at(15)
	r.until(time.Minute, said(nil))
	r.response(metric.ResponseInTime)
	over := r.over()
	r.expect("acknowledged", over.Acknowledged, at(9))
	r.expect("by", over.AcknowledgedBy, "ada")
}

// A silence of the alert itself that was made before it fired does not acknowledge it.
func TestSilenceBeforeTheAlertAcknowledgesNothing(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(a)))
	mutedBy := func(from int, comment string) event.Event {
		return event.Event{
			Kind: event.SilenceMuted, Alerts: []event.Alert{fires(a)},
			Silence: &event.Silence{
				ID: comment, StartsAt: at(from), EndsAt: at(3600), CreatedBy: "ada", Comment: comment, Sets: 1,
			},
		}
	}
	r.report(10*time.Second, mutedBy(-60, "old"), mutedBy(8, "maintenance: new disks"))
	r.expect("waits", r.tracker.Incidents[first].Waiting, noon)
	r.report(20*time.Second, mutedBy(15, "mine"))
	r.expect("acknowledged", r.tracker.Incidents[first].Acknowledged, at(15))
	var by []string
	for _, m := range r.muted.sorted() {
		by = append(by, m.By+" "+m.Reason+" "+m.Creator)
	}
	r.expect("muted", len(by), 3)
	r.muted.forget(at(20).Add(mutedFor))
	r.expect("muted", len(r.muted), 0)
}

// The page says which alert keeps another from being notified.
func TestWhoInhibits(t *testing.T) {
	r := newRecorded(t)
	cause, effect := firing(first), firing(second)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(cause)))
	r.report(6*time.Second, event.Event{
		Kind: event.InhibitMuted, Alerts: []event.Alert{fires(effect)},
		Inhibition: &event.Inhibition{Sources: []string{first, "00000000000000c1"}, Rules: []string{"by cause"}},
	})
	r.expect("muted", r.muted.sorted(), []Muted{{
		Alert: cause.Labels[metric.LabelAlertname], AppService: "web", Priority: "P1", By: metric.MutedByInhibition,
		Reason: cause.Labels[metric.LabelAlertname] + ", 00000000000000c1, by cause", Since: at(6), Last: at(6),
	}})
}

// An Alertmanager whose clock is ahead brings no time that has not come.
func TestEventFromTheFuture(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.deliver(5*time.Second, event.Event{
		ID: "x", At: at(7200), Kind: event.Notification, Reason: event.ReasonFirst,
		Alerts: []event.Alert{fires(a), endedAt(a, at(7200))},
	})
	r.expect("notified", r.tracker.Incidents[first].Notified, at(5))
	r.expect("ended", r.tracker.Incidents[first].Ended, time.Time{})
	r.expect("newest event", r.tracker.Events.Last, at(5))
}

// An alert that was inhibited all the time does not count as an incident, though its end is notified when nothing
// inhibits it any more.
func TestEndOfWhatWasNeverNotified(t *testing.T) {
	r := newRecorded(t)
	a := firing(first)
	r.until(time.Minute, said(nil, a.inhibitedBy("cause")))
	r.report(70*time.Second, notification(event.ReasonAll, endedAt(a, at(68))),
		event.Event{Kind: event.AlertResolved, Alerts: []event.Alert{endedAt(a, at(68))}})
	r.until(5*time.Minute, said(nil))
	r.expect("opened", r.tracker.Counters.Opened["P1"], map[string]uint64{})
	r.expect("pages", len(r.tracker.Counters.Pages["P1"]), 0)
}

// The tenant of an alert is kept with the incident, by a poll and by an event, and no series has it as a label.
func TestTenantOfAnIncident(t *testing.T) {
	r := newRecorded(t)
	long := strings.Repeat("ä", maxSubject)
	polled, reported := firing(first, metric.LabelTenant, "acme"), firing(second, metric.LabelTenant, long)
	r.until(time.Minute, said(nil, polled))
	r.report(2*time.Minute, notification(event.ReasonFirst, fires(reported)))
	r.expect("polled", r.tracker.Incidents[first].incident(first).Tenant, "acme")
	r.expect("reported, bounded", r.tracker.Incidents[second].Tenant, strings.Repeat("ä", maxSubject/2))
	for _, m := range []*metric.Metric{metric.IncidentOpenSince, metric.IncidentWriteUpDue} {
		r.expect(m.Name+" has the tenant", slices.Contains(m.Labels, metric.LabelTenant), false)
	}
}

// A drill pages and is acknowledged like an incident, and is counted apart.
func TestDrillIsCountedApart(t *testing.T) {
	r := newRecorded(t)
	a := firing(first, metric.LabelAlertname, metric.DrillAlertName, metric.LabelDrill, metric.DrillTrue)
	r.report(5*time.Second, notification(event.ReasonFirst, fires(a)))
	r.until(4*time.Minute, said(nil, a))
	r.until(8*time.Minute, said([]*silence{ackOf(first)}, a))
	r.report(8*time.Minute, notification(event.ReasonAll, endedAt(a, at(475))))
	r.until(9*time.Minute, said(nil))
	c := r.tracker.Counters
	r.expect("drills", c.Drills["P1"], map[string]uint64{metric.ResponseInTime: 1})
	for name, n := range map[string]uint64{
		"opened": c.Opened["P1"][metric.ShiftBusiness], "in time": c.Responses["P1"][metric.ResponseInTime],
		"brief": c.Brief["P1"], "acknowledged": c.Acknowledge["P1"].Count, "resolved": c.Resolve["P1"].Count,
		"notified": c.Notify["P1"].Count, "pages": uint64(len(c.Pages["P1"])),
	} {
		r.expect(name, n, uint64(0))
	}
	over := r.over()
	r.expect("drill", over.Drill, true)
	r.expect("alert", over.Alert, metric.DrillAlertName)
}

// A recorder that begins while an incident is open does not know when that was first notified: neither a repeat nor
// another alert of the group is its first page.
func TestRecorderThatBeginsDuringAnIncident(t *testing.T) {
	r := newRecorded(t)
	a, later := firing(first), firing(second)
	later.StartsAt = noon.Add(2 * time.Hour)
	r.until(time.Hour, said(nil, a))
	r.report(time.Hour, notification(event.ReasonRepeat, fires(a)))
	r.report(2*time.Hour+5*time.Second, notification(event.ReasonNew, fires(a), fires(later)))
	c := r.tracker.Counters
	r.expect("notified", c.Notify["P1"].Count, uint64(1))
	r.expect("time to notify", c.Notify["P1"].Sum, 5.0)
	r.expect("pages", c.Pages["P1"]["sre"], map[string]uint64{metric.ShiftBusiness: 1})
	r.expect("first notification", r.tracker.Incidents[first].Notified, time.Time{})
}

// The list that a save is reading is not changed by what ends meanwhile.
func TestPastIsNotChangedUnderASave(t *testing.T) {
	var p past
	p.add(noon, []Incident{{ID: "b", Resolved: at(20)}, {ID: "c", Resolved: at(30)}})
	saving := p.list[:len(p.list):cap(p.list)]
	p.add(noon, []Incident{{ID: "a", Resolved: at(10)}})
	for i, id := range []string{"b", "c"} {
		if saving[i].ID != id {
			t.Errorf("place %d is %s now, it was %s", i, saving[i].ID, id)
		}
	}
	if p.list[0].ID != "a" || len(p.list) != 3 {
		t.Errorf("%+v", p.list)
	}
}
