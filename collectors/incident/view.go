package incident

import (
	"maps"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// condition is what Alertmanagers say of a firing alert.
type condition int

const (
	waiting     condition = iota // somebody is told, nobody acknowledged
	handled                      // acknowledged
	maintenance                  // silenced by a comment that begins with maintenance:
	untold                       // inhibited, or silenced before it began: nobody was told of it
)

// sighting is a firing alert with what its labels mean here.
type sighting struct {
	alert, appService, priority, owner string

	startsAt       time.Time
	condition      condition
	acknowledgedAt time.Time
}

// view is what all Alertmanagers together say, by fingerprint.
type view struct {
	sightings   map[string]*sighting
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

// sight resolves one alert; those of other bundles and environments, and the escalation's own, are nobody's incident here.
func (k known) sight(a alert) (*sighting, bool) {
	name, environment := a.Labels[metric.LabelAlertname], a.Labels[metric.LabelEnvironment]
	if a.Labels[metric.LabelBundle] != metric.BundleThorbis || k.ignored[name] || environment != "" && environment != k.environment {
		return nil, false
	}
	s := &sighting{
		alert: metric.AlertOther, appService: a.Labels[metric.LabelAppService], priority: a.Labels[metric.LabelPriority],
		owner: a.Labels[metric.LabelOwner], startsAt: a.StartsAt,
	}
	if k.alerts[name] {
		s.alert = name
	}
	if !k.services[s.appService] {
		s.appService = ""
	}
	if !k.owners[s.owner] {
		s.owner = ""
	}
	if config.PriorityRank(s.priority) == 0 {
		s.priority = config.Priorities[0] // unknown is the most urgent, as routes have it
	}
	return s, true
}

// escalationLabels are those by which a silence acknowledges an incident: the label incident, which the link in
// every page names and no alert has, and those that its escalation has whatever the layer, so that a silence of
// one layer acknowledges nothing.
func (k known) escalationLabels(fingerprint string, s *sighting) map[string]string {
	return map[string]string{
		metric.LabelAlertname: metric.UnacknowledgedAlert.Name, metric.LabelIncident: fingerprint, metric.LabelFingerprint: fingerprint,
		metric.LabelBundle: metric.BundleThorbis, metric.LabelEnvironment: k.environment,
		metric.LabelAlert: s.alert, metric.LabelAppService: s.appService, metric.LabelOwner: s.owner,
		metric.LabelPriority: s.priority, metric.LabelSeverity: metric.Severities[s.priority],
	}
}

// unite joins what several Alertmanagers say, by fingerprint. An alert is untold only if all that know it
// say so; an acknowledgement or a maintenance that one of them knows holds.
func (k known) unite(answers []answer) view {
	v := view{sightings: map[string]*sighting{}, silences: map[string]int{}, maintenance: map[string]int{}}
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
			s, ok := k.sight(seen)
			if !ok {
				continue
			}
			s.judge(seen, a.silences)
			old, ok := v.sightings[seen.Fingerprint]
			if !ok {
				v.sightings[seen.Fingerprint] = s
				continue
			}
			old.merge(s)
		}
	}
	for fingerprint, s := range v.sightings {
		labels := k.escalationLabels(fingerprint, s)
		for _, e := range escalations {
			if e.silences(labels) {
				s.acknowledge(e.StartsAt)
			}
		}
	}
	return v
}

// judge finds what one Alertmanager says of the alert. A silence that it does not list is unknown, and what
// is unknown is not acknowledged.
func (s *sighting) judge(a alert, silences map[string]*silence) {
	for _, id := range a.Status.SilencedBy {
		by, ok := silences[id]
		switch {
		case !ok:
		case by.maintenance():
			s.condition = maintenance
		case by.StartsAt.Before(a.StartsAt):
			if s.condition == waiting {
				s.condition = untold
			}
		default:
			s.acknowledge(by.StartsAt)
		}
	}
	if s.condition == waiting && len(a.Status.InhibitedBy) > 0 {
		s.condition = untold
	}
}

// acknowledge notes the earliest acknowledgement. Maintenance is more than that.
func (s *sighting) acknowledge(at time.Time) {
	if s.condition == maintenance {
		return
	}
	if s.condition != handled || at.Before(s.acknowledgedAt) {
		s.acknowledgedAt = at
	}
	s.condition = handled
}

func (s *sighting) merge(other *sighting) {
	if other.startsAt.Before(s.startsAt) {
		s.startsAt = other.startsAt
	}
	switch other.condition {
	case maintenance:
		s.condition = maintenance
	case handled:
		s.acknowledge(other.acknowledgedAt)
	case waiting:
		if s.condition == untold {
			s.condition = waiting
		}
	case untold: // the other knows better
	}
}
