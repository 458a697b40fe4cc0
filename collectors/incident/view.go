package incident

import (
	"maps"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// maxSubject bounds what an incident is about, and its tenant, in bytes.
const maxSubject = 200

// condition is the state of a firing alert at the Alertmanagers.
type condition int

const (
	waiting     condition = iota // notified and unacknowledged
	handled                      // acknowledged
	maintenance                  // silenced by a comment that begins with maintenance:
	suppressed                   // inhibited, or silenced before it began: no notification was sent
)

// observedAlert is a firing alert with its labels resolved.
type observedAlert struct {
	alert, appService, subject, priority, owner string
	// tenant is kept with the incident; no series has it as a label.
	tenant string

	page     group // the page that it is in
	startsAt time.Time

	drill            bool
	maintenance      bool // silenced by a comment that begins with maintenance:
	inhibited        bool // at every Alertmanager that knows it
	hidden           bool // inhibited or silenced, at every Alertmanager that knows it
	acknowledgements []acknowledgement
}

// view is the combined state of all Alertmanagers, by fingerprint.
type view struct {
	alerts      map[string]*observedAlert
	silences    map[string]int // by length, acknowledgements apart
	maintenance map[string]int // by service
}

// known resolves labels to names that this exporter knows, so that no outsider makes series.
type known struct {
	environment string
	services    map[string]bool
	owners      map[string]bool
	alerts      map[string]bool
	ignored     map[string]bool
}

func newKnown(p *config.Policy) known {
	k := known{
		environment: p.Environment,
		services:    map[string]bool{},
		owners:      map[string]bool{metric.OwnerPlatform: true},
		alerts:      map[string]bool{},
		ignored:     map[string]bool{},
	}
	for _, s := range p.Services {
		k.services[s.Name], k.owners[s.Owner] = true, true
	}
	for _, c := range p.Health.Checks {
		owner, _ := p.PageOf(c)
		k.owners[owner] = true
	}
	for name := range p.Owners {
		k.owners[name] = true
	}
	for _, a := range metric.Alerts() {
		k.alerts[a.Name], k.owners[a.Owner] = true, true
	}
	for _, a := range metric.EscalationAlerts() {
		k.ignored[a.Name] = true
	}
	return k
}

// resolve maps one alert to known names. It ignores alerts of other bundles and environments, and those of the
// escalation itself.
func (k known) resolve(a alert) (*observedAlert, bool) {
	name, environment := a.Labels[metric.LabelAlertname], a.Labels[metric.LabelEnvironment]
	if a.Labels[metric.LabelBundle] != metric.BundleThorbis || k.ignored[name] ||
		environment != "" && environment != k.environment {
		return nil, false
	}
	s := &observedAlert{
		alert: metric.AlertOther, appService: a.Labels[metric.LabelAppService], priority: a.Labels[metric.LabelPriority],
		owner: a.Labels[metric.LabelOwner], startsAt: a.StartsAt,
	}
	if k.alerts[name] || name == metric.DrillAlertName {
		s.alert = name
	}
	s.drill = a.Labels[metric.LabelDrill] == metric.DrillTrue
	if !k.services[s.appService] {
		s.appService = ""
	}
	if !k.owners[s.owner] {
		s.owner = ""
	}
	s.subject, s.tenant = subjectOf(a.Labels, s.alert), short(a.Labels[metric.LabelTenant])
	if config.PriorityRank(s.priority) == 0 {
		s.priority = config.Priorities[0] // unknown is the most urgent, as routes have it
	}
	s.page = group{environment, a.Labels[metric.LabelAppService], s.priority}
	if s.page.about == "" {
		s.page.about = metric.Subject(a.Labels)
	}
	return s, true
}

// escalationLabels are those by which a silence acknowledges an incident: the label incident, which the link in
// every page names and no alert has, and those that its escalation has whatever the layer, so that a silence of
// one layer acknowledges nothing.
func (k known) escalationLabels(fingerprint string, s *observedAlert) map[string]string {
	return map[string]string{
		metric.LabelAlertname: metric.UnacknowledgedAlert.Name, metric.LabelIncident: fingerprint,
		metric.LabelFingerprint: fingerprint,
		metric.LabelBundle:      metric.BundleThorbis, metric.LabelEnvironment: k.environment,
		metric.LabelAlert: s.alert, metric.LabelAppService: s.appService, metric.LabelSubject: s.subject,
		metric.LabelOwner:    s.owner,
		metric.LabelPriority: s.priority, metric.LabelSeverity: metric.Severities[s.priority],
	}
}

// subjectOf is what an alert that concerns no service is about: a value of a label from outside, but one alert has one,
// as it has one fingerprint, and it is short.
func subjectOf(labels map[string]string, alert string) string {
	subject := metric.Subject(labels)
	if subject == labels[metric.LabelAlertname] {
		if subject != "" {
			subject = alert
		}
		return subject
	}
	return short(subject)
}

// short bounds a value of a label from outside.
func short(value string) string {
	if len(value) > maxSubject {
		value = value[:maxSubject]
	}
	return strings.ToValidUTF8(value, "_")
}

// merge combines the answers of several Alertmanagers by fingerprint. An alert is suppressed only if every Alertmanager
// that has it agrees. An acknowledgement or a maintenance at one of them is enough.
func (k known) merge(answers []answer) view {
	v := view{alerts: map[string]*observedAlert{}, silences: map[string]int{}, maintenance: map[string]int{}}
	all := map[string]*silence{}
	for _, a := range answers {
		maps.Copy(all, a.silences)
	}
	var escalations []*silence
	for _, s := range all {
		switch {
		case s.escalation():
			escalations = append(escalations, s)
			continue
		case s.maintenance():
			service := s.wholeService(k.environment)
			if !k.services[service] {
				service = ""
			}
			v.maintenance[service]++
		}
		v.silences[s.length()]++
	}
	for _, a := range answers {
		for _, seen := range a.alerts {
			s, ok := k.resolve(seen)
			if !ok {
				continue
			}
			s.update(seen, a.silences)
			old, ok := v.alerts[seen.Fingerprint]
			if !ok {
				v.alerts[seen.Fingerprint] = s
				continue
			}
			old.merge(s)
		}
	}
	for fingerprint, s := range v.alerts {
		labels := k.escalationLabels(fingerprint, s)
		for _, e := range escalations {
			if e.silences(labels) {
				s.acknowledgements = append(s.acknowledgements, acknowledgement{at: e.StartsAt, by: person(e.Creator)})
			}
		}
	}
	return v
}

// update reads the state that one Alertmanager reports for the alert. A silence that it does not list is unknown, and
// unknown is not acknowledged.
func (s *observedAlert) update(a alert, silences map[string]*silence) {
	s.inhibited = len(a.Status.InhibitedBy) > 0
	s.hidden = s.inhibited
	for _, id := range a.Status.SilencedBy {
		by, ok := silences[id]
		switch {
		case !ok:
		case by.maintenance():
			s.maintenance = true
		default: // of what fired before it an acknowledgement
			s.hidden = true
			s.acknowledgements = append(s.acknowledgements, acknowledgement{at: by.StartsAt, by: person(by.Creator)})
		}
	}
}

func (s *observedAlert) merge(other *observedAlert) {
	if other.startsAt.Before(s.startsAt) {
		s.startsAt = other.startsAt
	}
	s.maintenance = s.maintenance || other.maintenance
	s.inhibited = s.inhibited && other.inhibited
	s.hidden = s.hidden && other.hidden
	s.acknowledgements = append(s.acknowledgements, other.acknowledgements...)
}
