// Package event reads what the event recorder of an Alertmanager writes: one JSON object for each alert that was
// created, notified, muted or resolved, and for each silence. The form is protobuf's JSON of eventrecorder.proto in
// Alertmanager's source: 0.33 and 0.34 write labels as a list of pairs and identify a grouped alert by a hash; 0.35
// writes labels as an object and fingerprints throughout. Both are read.
package event

import (
	"time"
)

// Kind is what an event is about: the name of its field in the protobuf message.
type Kind string

// The kinds. Unknown is one that this version does not know; it is counted and has no other effect.
const (
	Startup        Kind = "alertmanager_startup_event"
	Shutdown       Kind = "alertmanager_shutdown_event"
	AlertCreated   Kind = "alert_created"
	AlertResolved  Kind = "alert_resolved"
	AlertGrouped   Kind = "alert_grouped"
	Notification   Kind = "notification"
	SilenceCreated Kind = "silence_created"
	SilenceUpdated Kind = "silence_updated"
	SilenceMuted   Kind = "silence_muted_alert"
	InhibitMuted   Kind = "inhibition_muted_alert"
	Unknown        Kind = "unknown"
)

// Kinds lists every value.
var Kinds = []Kind{
	Startup, Shutdown, AlertCreated, AlertResolved, AlertGrouped, Notification, SilenceCreated, SilenceUpdated,
	SilenceMuted, InhibitMuted, Unknown,
}

// Event is one event.
type Event struct {
	// ID is the same for an event that is delivered again: a digest of its content.
	ID   string
	At   time.Time
	Kind Kind
	// Alerts are those of the event: the one that was created, grouped, resolved or muted, or all that a notification
	// contained.
	Alerts []Alert
	// Reason and Integration are those of a notification: why it was sent, and through which kind of receiver.
	Reason      Reason
	Integration string
	// Silence is the one of a silence's event, and the one that muted the alert.
	Silence *Silence
	// Inhibition is by what an alert was inhibited.
	Inhibition *Inhibition
}

// Alert is one alert of an event.
type Alert struct {
	// Fingerprint is as API v2 writes it.
	Fingerprint string
	Labels      map[string]string
	StartsAt    time.Time
	// EndsAt is when a resolved alert ended.
	EndsAt   time.Time
	Resolved bool
}

// Silence is one silence of an event.
type Silence struct {
	ID        string
	StartsAt  time.Time
	EndsAt    time.Time
	CreatedBy string
	Comment   string
	// Matchers of the first set only: a silence of several sets is none that acknowledges an escalation.
	Matchers []Matcher
	Sets     int
}

// Matcher is one of a silence.
type Matcher struct {
	Name, Value       string
	Regexp, Different bool
}

// Inhibition is by what an alert was inhibited.
type Inhibition struct {
	// Rules are the names of the rules; a rule without a name has none.
	Rules []string
	// Sources are the fingerprints of the alerts that inhibit it.
	Sources []string
}

// Reason is why a notification was sent.
type Reason string

// The reasons, as Alertmanager's source names them.
const (
	ReasonFirst    Reason = "first_notification"
	ReasonNew      Reason = "new_alerts_in_group"
	ReasonSome     Reason = "new_resolved_alerts"
	ReasonAll      Reason = "all_alerts_resolved"
	ReasonRepeat   Reason = "repeat_interval_elapsed"
	ReasonUnstated Reason = "unspecified"
)

// Reasons lists every value.
var Reasons = []Reason{ReasonFirst, ReasonNew, ReasonSome, ReasonAll, ReasonRepeat, ReasonUnstated}
