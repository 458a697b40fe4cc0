package incident

import (
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/incident/event"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// maxSeen is how many events are recognised when they are delivered again, which Alertmanager does within seconds.
	maxSeen = 1024
	// mostWait is how long before the first event an incident may have begun whose first notification it is: an
	// alert waits for its group for half a minute at most.
	mostWait = time.Minute
	// pagedFor is how long the escalation of an incident is recognised as the same page.
	pagedFor = 24 * time.Hour
)

// eventState is what is kept of the events of Alertmanagers beside the incidents.
type eventState struct {
	// Seen are the newest events, oldest first.
	Seen []string `json:"seen,omitempty"`
	// Since is of the first event: what was notified before is not known. Last is of the newest.
	Since time.Time `json:"since,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Paged are the escalations that have been notified, and when last.
	Paged map[string]time.Time `json:"paged,omitempty"`
	// Ends are of alerts that have no incident, by fingerprint: their first notification may be delivered later.
	Ends map[string]time.Time `json:"ends,omitempty"`
	// Files are how far the files of the recorders have been read.
	Files map[string]position `json:"files,omitempty"`
}

// events applies what event recorders report. Polling stays what an open incident rests on: events make its times
// exact, add what began and ended between two polls, and name who was notified.
type events struct {
	*tracker
	now    time.Time
	known  known
	policy *config.Policy
	past   *past
	muted  muted
}

// apply applies events, each once however often it is delivered, in whatever order.
func (x *events) apply(all []event.Event) {
	for _, e := range all {
		if slices.Contains(x.Events.Seen, e.ID) {
			continue
		}
		x.Events.Seen = append(x.Events.Seen, e.ID)
		if drop := len(x.Events.Seen) - maxSeen; drop > 0 {
			x.Events.Seen = slices.Delete(x.Events.Seen, 0, drop)
		}
		if e.At.After(x.now) { // the Alertmanager's clock is ahead
			e.At = x.now
		}
		if x.Events.Since.IsZero() {
			x.Events.Since = e.At
		}
		if e.At.After(x.Events.Last) {
			x.Events.Last = e.At
		}
		x.Counters.Events[string(e.Kind)]++
		x.one(e)
	}
}

func (x *events) one(e event.Event) {
	switch e.Kind {
	case event.Notification:
		x.notification(e)
	case event.AlertResolved:
		for _, a := range e.Alerts {
			x.ended(a)
		}
	case event.SilenceCreated, event.SilenceUpdated:
		if e.Silence != nil {
			x.acknowledged(silenceOf(e.Silence))
		}
	case event.SilenceMuted, event.InhibitMuted:
		x.mutedAlert(e)
	}
}

// notification notes who was notified of what. It counts as one page however many channels it has: each channel reports
// the same alerts.
func (x *events) notification(e event.Event) {
	ours, priority, recipient := false, "", ""
	for _, a := range e.Alerts {
		to, p, isNew := x.notified(e, a)
		ours = ours || p != ""
		if isNew && (priority == "" || p < priority) {
			priority, recipient = p, to
		}
		if a.Resolved {
			x.ended(a)
		}
	}
	if ours {
		x.Counters.Notifications[string(e.Reason)]++
	}
	if priority != "" {
		x.Counters.page(priority, recipient, Shift(x.policy, e.At))
	}
}

// notified notes that an alert was notified, and returns whom it concerns, and whether it was for the first time. The
// priority is empty for an alert of others.
func (x *events) notified(e event.Event, a event.Alert) (recipient, priority string, isNew bool) {
	first := e.Reason == event.ReasonFirst || e.Reason == event.ReasonNew // else all in it were notified before
	if layer, p, ok := x.known.escalates(a.Labels); ok {
		return layer, p, !a.Resolved && first && x.paged(a, e.At)
	}
	s, ok := x.known.resolve(alert{Fingerprint: a.Fingerprint, Labels: a.Labels, StartsAt: a.StartsAt})
	if !ok {
		return "", "", false
	}
	if a.Resolved { // also if it was muted all the time and so never notified: Alertmanager reports ends regardless
		return "", s.priority, false
	}
	i := x.incident(a, s, e.At)
	if i == nil || !i.Notified.IsZero() || !first || i.Began.Before(x.Events.Since.Add(-mostWait)) {
		return "", s.priority, false
	}
	i.Notified = e.At
	if i.Drill {
		return "", s.priority, false
	}
	x.Counters.Notify[i.Priority].observe(e.At.Sub(i.Began))
	return i.Owner, i.Priority, true
}

// incident returns the one that an alert belongs to, and opens it if no poll has seen it. It is nil for one that is
// over.
func (x *events) incident(a event.Alert, s *observedAlert, at time.Time) *entry {
	if i, ok := x.Incidents[a.Fingerprint]; ok {
		if !i.began(a.StartsAt) {
			return i
		}
		x.finish(a.Fingerprint, i, i.Ended)
	}
	if i, ok := x.Closing[a.Fingerprint]; ok && !a.StartsAt.After(i.Missing) {
		return i
	}
	if x.isOver(a) {
		return nil
	}
	x.giveUp(a.Fingerprint)
	i := x.open(at, a.Fingerprint, s, x.policy)
	if end := x.Events.Ends[a.Fingerprint]; i != nil && !end.Before(i.Began) {
		i.Ended = end
	}
	return i
}

// isOver reports whether the alert is of an incident that has ended already.
func (x *events) isOver(a event.Alert) bool {
	return x.past.has(a.Fingerprint, a.StartsAt) || slices.ContainsFunc(x.over, func(i Incident) bool {
		return i.Fingerprint == a.Fingerprint && !a.StartsAt.After(i.Resolved)
	})
}

// ended notes the exact end of an alert.
func (x *events) ended(a event.Alert) {
	if a.EndsAt.IsZero() || !a.Resolved || a.EndsAt.After(x.now) {
		return
	}
	if i, ok := x.Closing[a.Fingerprint]; ok && !a.EndsAt.Before(i.Began) {
		delete(x.Closing, a.Fingerprint)
		i.Ended = a.EndsAt
		x.finish(a.Fingerprint, i, a.EndsAt)
		return
	}
	if i, ok := x.Incidents[a.Fingerprint]; ok && !a.EndsAt.Before(i.Began) {
		i.Ended = a.EndsAt // and it is over when no Alertmanager lists it
		return
	}
	for fingerprint, end := range x.Events.Ends {
		if x.now.Sub(end) > exactAfter {
			delete(x.Events.Ends, fingerprint)
		}
	}
	if len(x.Events.Ends) < maxTracked {
		if x.Events.Ends == nil {
			x.Events.Ends = map[string]time.Time{}
		}
		x.Events.Ends[a.Fingerprint] = a.EndsAt
	}
}

// acknowledged notes what a silence of an escalation acknowledges. That of an alert itself is reported with the alert.
func (x *events) acknowledged(s *silence) {
	if !s.escalation() {
		return
	}
	for fingerprint, i := range x.Incidents {
		labels := x.known.escalationLabels(fingerprint, i.observed())
		if s.silences(labels) {
			x.take(i, s)
		}
	}
}

// take acknowledges an incident by a silence, if that was made after the incident began.
func (x *events) take(i *entry, s *silence) {
	a := acknowledgement{at: s.StartsAt, by: person(s.Creator)}
	if i.condition == waiting && a.holds(i.Began, i.Priority) && !s.StartsAt.After(x.now) {
		i.acknowledge(a, &x.Counters)
	}
}

// mutedAlert notes by what an alert was muted. A silence acknowledges what it covers, unless it is for maintenance.
func (x *events) mutedAlert(e event.Event) {
	for _, a := range e.Alerts {
		s, ok := x.known.resolve(alert{Fingerprint: a.Fingerprint, Labels: a.Labels})
		if !ok {
			continue
		}
		x.muted.note(e, a, s, x.name)
		if e.Silence == nil {
			continue
		}
		by := silenceOf(e.Silence)
		if i := x.Incidents[a.Fingerprint]; i != nil && !by.maintenance() {
			x.take(i, by)
		}
	}
}

// name returns the alert of an open incident, for whoever reads why another alert is muted.
func (x *events) name(fingerprint string) string {
	if i, ok := x.Incidents[fingerprint]; ok {
		return i.Alert
	}
	return fingerprint
}

// paged reports whether the escalation is notified for the first time.
func (x *events) paged(a event.Alert, at time.Time) bool {
	for fingerprint, last := range x.Events.Paged {
		if at.Sub(last) > pagedFor {
			delete(x.Events.Paged, fingerprint)
		}
	}
	key := a.Fingerprint + a.StartsAt.UTC().Format(time.RFC3339)
	_, known := x.Events.Paged[key]
	if !known && len(x.Events.Paged) >= maxTracked {
		return false
	}
	if x.Events.Paged == nil {
		x.Events.Paged = map[string]time.Time{}
	}
	x.Events.Paged[key] = at
	return !known
}

// escalates returns the layer that an alert of the escalation notifies, and its priority.
func (k known) escalates(labels map[string]string) (layer, priority string, ok bool) {
	environment := labels[metric.LabelEnvironment]
	if !k.ignored[labels[metric.LabelAlertname]] || labels[metric.LabelBundle] != metric.BundleThorbis ||
		environment != "" && environment != k.environment || !slices.Contains(config.Layers, labels[metric.LabelLayer]) {
		return "", "", false
	}
	priority = labels[metric.LabelPriority]
	if config.PriorityRank(priority) == 0 {
		priority = config.Priorities[0]
	}
	return labels[metric.LabelLayer], priority, true
}

// observed returns the incident's alert in the form that labels are made of.
func (e *entry) observed() *observedAlert {
	return &observedAlert{
		alert: e.Alert, appService: e.AppService, subject: e.Subject, priority: e.Priority, owner: e.Owner,
	}
}

// silenceOf returns the silence of an event in the form of the API.
func silenceOf(s *event.Silence) *silence {
	out := &silence{ID: s.ID, StartsAt: s.StartsAt, EndsAt: s.EndsAt, Comment: s.Comment, Creator: s.CreatedBy}
	if s.Sets > 1 {
		return out // without matchers it acknowledges no escalation: it covers more than one thing
	}
	for _, m := range s.Matchers {
		equal := !m.Different
		out.Matchers = append(out.Matchers, matcher{Name: m.Name, Value: m.Value, IsRegex: m.Regexp, IsEqual: &equal})
	}
	return out
}
