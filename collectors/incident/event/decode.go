package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is read.
const (
	// MaxEvents are the events of one post; Alertmanager sends at most 100 unless it is configured otherwise.
	MaxEvents = 10_000
	// MaxAlerts are the alerts of one event; the rest of a larger notification is left out.
	MaxAlerts = 10_000
	// maxText bounds a person's name and a comment, in bytes.
	maxText = 200
)

// Parse reads the body of a post: one event, or a list of them where the recorder sends batches. A list that holds an
// event which cannot be read is refused as a whole, so that nothing of it counts twice when it is sent again.
func Parse(body []byte) ([]Event, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, errors.New("the body is empty")
	}
	if body[0] != '[' {
		e, err := ParseOne(body)
		if err != nil {
			return nil, err
		}
		return []Event{e}, nil
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(body, &raws); err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if len(raws) > MaxEvents {
		return nil, fmt.Errorf("%d events; at most %d are read", len(raws), MaxEvents)
	}
	events := make([]Event, 0, len(raws))
	for i, raw := range raws {
		e, err := ParseOne(raw)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// ParseOne reads one event.
func ParseOne(raw []byte) (Event, error) {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return Event{}, fmt.Errorf("no event: %w", err)
	}
	at := m.Timestamp
	if at.IsZero() {
		at = m.PlainTimestamp
	}
	if at.IsZero() || m.Data == nil {
		return Event{}, errors.New("no event of Alertmanager's event recorder: it has no @timestamp or no data")
	}
	id, err := identify(raw)
	if err != nil {
		return Event{}, err
	}
	e := Event{ID: id, At: at}
	m.Data.fill(&e)
	return e, nil
}

// identify returns a digest of an event. Protobuf's JSON has spaces at random, which are left out.
func identify(raw []byte) (string, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return "", err
	}
	sum := sha256.Sum256(compact.Bytes())
	return hex.EncodeToString(sum[:8]), nil
}

// message is the envelope.
type message struct {
	Timestamp      time.Time `json:"@timestamp"`
	PlainTimestamp time.Time `json:"timestamp"`
	Data           *data     `json:"data"`
}

// data has one field set.
type data struct {
	Startup        *struct{}           `json:"alertmanagerStartupEvent"`
	Shutdown       *struct{}           `json:"alertmanagerShutdownEvent"`
	Created        *createdAlert       `json:"alertCreated"`
	Resolved       *groupedAlertOf     `json:"alertResolved"`
	Grouped        *groupedAlertOf     `json:"alertGrouped"`
	Notification   *notification       `json:"notification"`
	SilenceCreated *silenceOf          `json:"silenceCreated"`
	SilenceUpdated *silenceOf          `json:"silenceUpdated"`
	SilenceMuted   *mutedBySilence     `json:"silenceMutedAlert"`
	InhibitMuted   *mutedByInhibitions `json:"inhibitionMutedAlert"`
}

type (
	createdAlert   struct{ Alert alert }
	groupedAlertOf struct{ Alert groupedAlert }
	silenceOf      struct{ Silence *silence }
	groupedAlert   struct{ Details *alert }
	notification   struct {
		Alerts      []groupedAlert
		Reason      string
		Integration struct{ Name string }
	}
	mutedBySilence struct {
		Silence    *silence
		MutedAlert mutedAlert
	}
	mutedByInhibitions struct {
		InhibitRules           []struct{ Name string }
		MutedAlert             mutedAlert
		InhibitingFingerprints []fingerprint
	}
	mutedAlert struct {
		Labels      labels
		Fingerprint fingerprint
	}
	alert struct {
		Fingerprint      fingerprint
		Labels           labels
		StartsAt, EndsAt time.Time
		Resolved         bool
	}
	silence struct {
		ID                 string
		Matchers           []matcher
		StartsAt, EndsAt   time.Time
		CreatedBy, Comment string
		MatcherSets        []struct{ Matchers []matcher }
	}
	matcher struct{ Type, Name, Pattern string }
)

func (d *data) fill(e *Event) {
	e.Kind = Unknown
	switch {
	case d.Startup != nil:
		e.Kind = Startup
	case d.Shutdown != nil:
		e.Kind = Shutdown
	case d.Created != nil:
		e.Kind, e.Alerts = AlertCreated, []Alert{d.Created.Alert.resolve()}
	case d.Resolved != nil:
		e.Kind, e.Alerts = AlertResolved, alerts([]groupedAlert{d.Resolved.Alert})
	case d.Grouped != nil:
		e.Kind, e.Alerts = AlertGrouped, alerts([]groupedAlert{d.Grouped.Alert})
	case d.Notification != nil:
		e.Kind, e.Alerts = Notification, alerts(d.Notification.Alerts)
		e.Reason, e.Integration = reason(d.Notification.Reason), d.Notification.Integration.Name
	case d.SilenceCreated != nil:
		e.Kind, e.Silence = SilenceCreated, d.SilenceCreated.Silence.resolve()
	case d.SilenceUpdated != nil:
		e.Kind, e.Silence = SilenceUpdated, d.SilenceUpdated.Silence.resolve()
	case d.SilenceMuted != nil:
		e.Kind, e.Silence = SilenceMuted, d.SilenceMuted.Silence.resolve()
		e.Alerts = []Alert{d.SilenceMuted.MutedAlert.resolve()}
	case d.InhibitMuted != nil:
		e.Kind, e.Alerts = InhibitMuted, []Alert{d.InhibitMuted.MutedAlert.resolve()}
		e.Inhibition = &Inhibition{}
		for _, rule := range d.InhibitMuted.InhibitRules[:min(len(d.InhibitMuted.InhibitRules), MaxAlerts)] {
			if rule.Name != "" {
				e.Inhibition.Rules = append(e.Inhibition.Rules, cut(rule.Name))
			}
		}
		for _, f := range d.InhibitMuted.InhibitingFingerprints[:min(len(d.InhibitMuted.InhibitingFingerprints), MaxAlerts)] {
			e.Inhibition.Sources = append(e.Inhibition.Sources, f.String())
		}
	}
}

// alerts returns those of which the details are there.
func alerts(all []groupedAlert) []Alert {
	list := make([]Alert, 0, min(len(all), MaxAlerts))
	for _, g := range all {
		if g.Details != nil && len(list) < MaxAlerts {
			list = append(list, g.Details.resolve())
		}
	}
	return list
}

func (a alert) resolve() Alert {
	return Alert{
		Fingerprint: a.Fingerprint.String(), Labels: a.Labels, StartsAt: a.StartsAt, EndsAt: a.EndsAt, Resolved: a.Resolved,
	}
}

func (m mutedAlert) resolve() Alert {
	return Alert{Fingerprint: m.Fingerprint.String(), Labels: m.Labels}
}

func (s *silence) resolve() *Silence {
	if s == nil {
		return nil
	}
	out := &Silence{
		ID: cut(s.ID), StartsAt: s.StartsAt, EndsAt: s.EndsAt, CreatedBy: cut(s.CreatedBy), Comment: cut(s.Comment),
		Sets: max(len(s.MatcherSets), 1),
	}
	matchers := s.Matchers
	if len(matchers) == 0 && len(s.MatcherSets) > 0 {
		matchers = s.MatcherSets[0].Matchers
	}
	for _, m := range matchers[:min(len(matchers), MaxAlerts)] {
		out.Matchers = append(out.Matchers, Matcher{
			Name: m.Name, Value: m.Pattern,
			Regexp:    m.Type == "TYPE_REGEXP" || m.Type == "TYPE_NOT_REGEXP",
			Different: m.Type == "TYPE_NOT_EQUAL" || m.Type == "TYPE_NOT_REGEXP",
		})
	}
	return out
}

func reason(text string) Reason {
	r := Reason(strings.ToLower(strings.TrimPrefix(text, "NOTIFY_REASON_")))
	if !slices.Contains(Reasons, r) {
		return ReasonUnstated
	}
	return r
}

func cut(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "_")
}

// fingerprint is a number of 64 bits, which protobuf's JSON writes in quotes.
type fingerprint uint64

// UnmarshalJSON implements json.Unmarshaler.
func (f *fingerprint) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseUint(string(bytes.Trim(raw, `"`)), 10, 64)
	if err != nil {
		return fmt.Errorf("invalid fingerprint %.40q", raw)
	}
	*f = fingerprint(n)
	return nil
}

// String returns the fingerprint as API v2 writes it.
func (f fingerprint) String() string { return fmt.Sprintf("%016x", uint64(f)) }

// labels are an object of names and values, or before 0.35 an object with a list of pairs.
type labels map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (l *labels) UnmarshalJSON(raw []byte) error {
	var pairs struct {
		Labels []struct{ Key, Value string } `json:"labels"`
	}
	// A label may be called labels: then its value is a string, and the list cannot be read.
	if err := json.Unmarshal(raw, &pairs); err == nil {
		if pairs.Labels != nil {
			*l = make(labels, len(pairs.Labels))
			for _, p := range pairs.Labels {
				(*l)[p.Key] = p.Value
			}
			return nil
		}
	}
	var plain map[string]string
	if err := json.Unmarshal(raw, &plain); err != nil {
		return errors.New("labels are neither an object nor a list of pairs")
	}
	*l = plain
	return nil
}
