package incident

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// maxPattern bounds the regular expressions of silences. Go's take time linear in what they read.
const maxPattern = 4096

// matcher is one condition of a silence. Older servers leave isEqual out and mean true.
type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual"`
}

// equals reports whether the matcher wants exactly one value of a label.
func (m matcher) equals(label string) bool {
	return m.Name == label && !m.IsRegex && (m.IsEqual == nil || *m.IsEqual)
}

// matches reports whether a label's value fulfils the matcher, as Alertmanager has it: a label that is
// missing is empty, expressions are anchored. What cannot be read matches nothing.
func (m matcher) matches(value string) bool {
	equal := m.IsEqual == nil || *m.IsEqual
	if !m.IsRegex {
		return (value == m.Value) == equal
	}
	if len(m.Value) > maxPattern {
		return false
	}
	re, err := regexp.Compile("^(?s:" + m.Value + ")$")
	if err != nil {
		return false
	}
	return re.MatchString(value) == equal
}

// silences reports whether the silence covers something with these labels. One without a matcher covers nothing.
func (s *silence) silences(labels map[string]string) bool {
	for _, m := range s.Matchers {
		if !m.matches(labels[m.Name]) {
			return false
		}
	}
	return len(s.Matchers) > 0
}

// escalation reports whether the silence is meant for the escalation of one incident, as the link in every
// page prefills it. The short one of text messages names the incident only, a label that no alert has.
func (s *silence) escalation() bool {
	return slices.ContainsFunc(s.Matchers, func(m matcher) bool {
		return m.equals(metric.LabelAlertname) && m.Value == metric.UnacknowledgedAlert.Name ||
			m.Name == metric.LabelIncident && !m.matches("")
	})
}

// maintenance reports whether the silence says by its comment that what it covers is being worked on.
func (s *silence) maintenance() bool {
	const prefix = "maintenance:"
	comment := strings.TrimSpace(s.Comment)
	return len(comment) >= len(prefix) && strings.EqualFold(comment[:len(prefix)], prefix)
}

// wholeService returns the service of which the silence covers everything in an environment; empty if it covers less,
// or more than one.
func (s *silence) wholeService(environment string) string {
	service := ""
	for _, m := range s.Matchers {
		switch {
		case m.equals(metric.LabelAppService) && service == "":
			service = m.Value
		case m.equals(metric.LabelEnvironment) && m.Value == environment,
			m.equals(metric.LabelBundle) && m.Value == metric.BundleThorbis:
		default:
			return ""
		}
	}
	return service
}

// length classes a silence by its time from start to end.
func (s *silence) length() string {
	const day = 24 * time.Hour
	switch d := s.EndsAt.Sub(s.StartsAt); {
	case d <= day:
		return metric.LengthDay
	case d <= 7*day:
		return metric.LengthWeek
	case d <= 31*day:
		return metric.LengthMonth
	}
	return metric.LengthEndless
}
