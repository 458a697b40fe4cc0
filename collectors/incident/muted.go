package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/incident/event"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// mutedFor is how long a mute is shown after it was reported last. It is reported whenever the group is looked at, at
	// the slowest pace every five minutes.
	mutedFor = 15 * time.Minute
	maxMuted = 1000
)

// Muted is an alert that was not notified, and by what.
type Muted struct {
	Alert      string `json:"alert"`
	AppService string `json:"app_service,omitempty"`
	Subject    string `json:"subject,omitempty"`
	Priority   string `json:"priority"`
	// By is silence, maintenance or inhibition. Reason is the silence's comment, or the names of the inhibiting alerts.
	By      string    `json:"by"`
	Silence string    `json:"silence,omitempty"`
	Creator string    `json:"created_by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Since   time.Time `json:"since"`
	Last    time.Time `json:"last"`
}

// muted are the alerts that are muted now, by what and which. They are reported again and again, so they are not saved.
type muted map[mute]*Muted

type mute struct{ fingerprint, by string }

// note notes that an alert was muted.
func (m muted) note(e event.Event, a event.Alert, s *observedAlert, name func(fingerprint string) string) {
	one := &Muted{
		Alert: s.alert, AppService: s.appService, Subject: s.subject, Priority: s.priority,
		By: metric.MutedByInhibition, Since: e.At, Last: e.At,
	}
	key := mute{a.Fingerprint, ""}
	switch {
	case e.Silence != nil:
		quiet := silenceOf(e.Silence)
		one.By, one.Silence, one.Creator, one.Reason = metric.MutedBySilence, quiet.ID, person(quiet.Creator), quiet.Comment
		if quiet.maintenance() {
			one.By = metric.MutedByMaintenance
		}
		key.by = quiet.ID
	case e.Inhibition != nil:
		var names []string
		for _, source := range e.Inhibition.Sources[:min(len(e.Inhibition.Sources), 5)] {
			names = append(names, name(source))
		}
		one.Reason = strings.Join(append(names, e.Inhibition.Rules...), ", ")
	}
	if old := m[key]; old != nil {
		one.Since = old.Since
		if old.Last.After(one.Last) {
			one.Last = old.Last
		}
	} else if len(m) >= maxMuted {
		return
	}
	m[key] = one
}

// forget drops what has not been reported for a while.
func (m muted) forget(now time.Time) {
	for key, one := range m {
		if now.Sub(one.Last) >= mutedFor {
			delete(m, key)
		}
	}
}

// sorted lists them, the most urgent first.
func (m muted) sorted() []Muted {
	list := make([]Muted, 0, len(m))
	for _, one := range m {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Muted) int {
		return cmp.Or(strings.Compare(a.Priority, b.Priority), a.Since.Compare(b.Since),
			strings.Compare(a.Alert+a.AppService+a.Subject+a.Silence, b.Alert+b.AppService+b.Subject+b.Silence))
	})
	return list
}
