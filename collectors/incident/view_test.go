package incident

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func testPolicy(t testing.TB) *config.Policy {
	t.Helper()
	p, err := config.Load(filepath.Join("testdata", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const first, second = "00000000000000aa", "00000000000000bb"

// firing is an alert of ours; pairs override its labels.
func firing(fingerprint string, pairs ...string) alert {
	a := alert{Fingerprint: fingerprint, StartsAt: noon, Labels: map[string]string{
		"alertname": "ThorbisCheckDown", "bundle": "thorbis", "environment": "production", "app_service": "web",
		"priority": "P1", "owner": "sre",
	}}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Labels[pairs[i]] = pairs[i+1]
	}
	return a
}

func (a alert) silencedBy(ids ...string) alert  { a.Status.SilencedBy = ids; return a }
func (a alert) inhibitedBy(ids ...string) alert { a.Status.InhibitedBy = ids; return a }

func silent(id, comment string, matchers ...matcher) *silence {
	return &silence{
		ID: id, Comment: comment, Matchers: matchers, StartsAt: noon.Add(3 * time.Minute), EndsAt: noon.Add(2 * time.Hour),
	}
}

func is(name, value string) matcher { return matcher{Name: name, Value: value} }

func said(silences []*silence, alerts ...alert) answer {
	a := answer{alerts: alerts, silences: map[string]*silence{}}
	for _, s := range silences {
		a.silences[s.ID] = s
	}
	return a
}

func ackOf(fingerprint string) *silence {
	return silent("ack", "on it", is("alertname", "ThorbisUnacknowledgedIncident"), is("incident", fingerprint))
}

func TestUnite(t *testing.T) {
	no := false
	before := silent("s", "known", is("alertname", "ThorbisCheckDown"))
	before.StartsAt = noon.Add(-time.Hour)
	for _, c := range []struct {
		name    string
		answers []answer
		want    condition
	}{
		{"no action", []answer{said(nil, firing(first))}, waiting},
		{"the link in the page", []answer{said([]*silence{ackOf(first)}, firing(first))}, handled},
		{"another incident's link", []answer{said([]*silence{ackOf(second)}, firing(first))}, waiting},
		{
			"the short link of a text message",
			[]answer{said([]*silence{silent("ack", "on it", is("incident", first))}, firing(first))},
			handled,
		},
		{
			"the short link for several",
			[]answer{said(
				[]*silence{silent("ack", "on it", matcher{Name: "incident", Value: second + "|" + first, IsRegex: true})},
				firing(first),
			)},
			handled,
		},
		{
			"another incident's short link",
			[]answer{said([]*silence{silent("ack", "on it", is("incident", second))}, firing(first))},
			waiting,
		},
		{
			"what fits alerts without the label too is no acknowledgement",
			[]answer{said([]*silence{silent("s", "", matcher{Name: "incident", Value: ".*", IsRegex: true})}, firing(first))},
			waiting,
		},
		{
			"one layer silenced is no acknowledgement",
			[]answer{said([]*silence{silent("s", "", is("alertname", "ThorbisUnacknowledgedIncident"), is("layer", "manager"))},
				firing(first))},
			waiting,
		},
		{
			"every escalation of a service",
			[]answer{said([]*silence{silent("s", "", is("alertname", "ThorbisUnacknowledgedIncident"),
				matcher{Name: "app_service", Value: "w.b", IsRegex: true})}, firing(first))},
			handled,
		},
		{
			"every escalation of the other services",
			[]answer{said([]*silence{silent("s", "", is("alertname", "ThorbisUnacknowledgedIncident"),
				matcher{Name: "app_service", Value: "web", IsEqual: &no})}, firing(first))},
			waiting,
		},
		{
			"everything of a service, as a storm's link has it",
			[]answer{said([]*silence{silent(
				"s", "", is("alertname", "ThorbisUnacknowledgedIncident"), matcher{Name: "incident", Value: ".+", IsRegex: true},
				is("app_service", "web"), is("priority", "P1"), is("environment", "production"),
			)}, firing(first))},
			handled,
		},
		{
			"an expression that is none",
			[]answer{said([]*silence{silent("s", "", is("alertname", "ThorbisUnacknowledgedIncident"),
				matcher{Name: "incident", Value: "(", IsRegex: true})}, firing(first))},
			waiting,
		},
		{"a silence of the alert", []answer{
			said([]*silence{silent("s", "looking", is("alertname", "ThorbisCheckDown"))}, firing(first).silencedBy("s")),
		}, handled},
		{"a silence that no Alertmanager lists", []answer{said(nil, firing(first).silencedBy("gone"))}, waiting},
		{"a silence from before", []answer{said([]*silence{before}, firing(first).silencedBy("s"))}, suppressed},
		{
			"maintenance",
			[]answer{said([]*silence{silent("s", " Maintenance: new disks", is("x", "y"))}, firing(first).silencedBy("s"))},
			maintenance,
		},
		{
			"maintenance beside an acknowledgement",
			[]answer{
				said([]*silence{silent("m", "maintenance: disks", is("x", "y")), ackOf(first)}, firing(first).silencedBy("m")),
			},
			maintenance,
		},
		{
			"the whole group acknowledged, but this one is inhibited and not notified",
			[]answer{said([]*silence{silent(
				"s", "", is("alertname", "ThorbisUnacknowledgedIncident"), matcher{Name: "incident", Value: ".+", IsRegex: true},
				is("app_service", "web"),
			)}, firing(first).inhibitedBy(second))},
			suppressed,
		},
		{"a silence of what is about another machine", []answer{said([]*silence{silent(
			"s", "", matcher{Name: "incident", Value: ".+", IsRegex: true}, is("app_service", ""),
			is("subject", "host db-2"),
		)}, firing(first, "app_service", "", "host", "db-1"))}, waiting},
		{"a silence of what is about this machine", []answer{said([]*silence{silent(
			"s", "", matcher{Name: "incident", Value: ".+", IsRegex: true}, is("app_service", ""),
			is("subject", "host db-1"),
		)}, firing(first, "app_service", "", "host", "db-1"))}, handled},
		{"inhibited", []answer{said(nil, firing(first).inhibitedBy(second))}, suppressed},
		{
			"inhibited at one of two",
			[]answer{said(nil, firing(first).inhibitedBy(second)), said(nil, firing(first))},
			waiting,
		},
		{
			"inhibited at both",
			[]answer{said(nil, firing(first).inhibitedBy(second)), said(nil, firing(first).inhibitedBy(second))},
			suppressed,
		},
		{"acknowledged at the other", []answer{said(nil, firing(first)), said([]*silence{ackOf(first)})}, handled},
		{"silenced at the other", []answer{
			said(nil, firing(first)),
			said([]*silence{silent("s", "looking", is("x", "y"))}, firing(first).silencedBy("s")),
		}, handled},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newKnown(testPolicy(t)).merge(c.answers)
			if len(v.alerts) != 1 {
				t.Fatalf("%d alerts", len(v.alerts))
			}
			got, by := v.alerts[first].condition(noon)
			if got != c.want {
				t.Errorf("condition %d, want %d", got, c.want)
			}
			if c.want == handled && !by.at.Equal(noon.Add(3*time.Minute)) {
				t.Errorf("acknowledged at %s", by.at)
			}
		})
	}
}

// Nothing becomes a label value that this exporter does not know by itself.
func TestLabelsResolve(t *testing.T) {
	k := newKnown(testPolicy(t))
	s, ok := k.resolve(
		firing(first, "alertname", "ThorbisInvented", "app_service", "x\"y", "owner", "mallory", "priority", "P0"))
	if !ok || s.alert != metric.AlertOther || s.appService != "" || s.subject != "" || s.owner != "" ||
		s.priority != "P1" {
		t.Errorf("%+v", s)
	}
	for want, pairs := range map[string][]string{
		"":                                       {"app_service", "web", "host", "db-1"},
		"host db-1:9100":                         {"app_service", "", "host", "db-1:9100"},
		"server main":                            {"app_service", "", "server", "main"},
		"other":                                  {"app_service", "", "alertname", "ThorbisInvented"},
		"ThorbisNoAlertmanager":                  {"app_service", "", "alertname", "ThorbisNoAlertmanager"},
		"host " + strings.Repeat("x", 200-5):     {"app_service", "", "host", strings.Repeat("x", 1000)},
		"host " + strings.Repeat("x", 194) + "_": {"app_service", "", "host", strings.Repeat("x", 194) + "ä"},
	} {
		if s, ok := k.resolve(firing(first, pairs...)); !ok || s.subject != want {
			t.Errorf("%v is about %q, want %q", pairs, s.subject, want)
		}
	}
	for name, pairs := range map[string][]string{
		"another bundle":      {"bundle", "node"},
		"another environment": {"environment", "staging"},
		"the escalation":      {"alertname", "ThorbisUnacknowledgedIncident"},
		"its blindness":       {"alertname", "ThorbisEscalationBlind"},
		"the Watchdog":        {"alertname", "ThorbisWatchdog"},
	} {
		if _, ok := k.resolve(firing(first, pairs...)); ok {
			t.Errorf("%s is an incident", name)
		}
	}
	if _, ok := k.resolve(firing(first, "environment", "")); !ok {
		t.Error("an alert that names no environment is none")
	}
}

func TestSilencesAreClassed(t *testing.T) {
	long := silent("l", "for ever", is("x", "y"))
	long.EndsAt = noon.AddDate(1, 0, 0)
	week := silent("w", "maintenance: move", is("app_service", "web"))
	week.EndsAt = noon.AddDate(0, 0, 7)
	other := silent("o", "maintenance: move", is("app_service", "elsewhere"))
	part := silent("p", "maintenance: one tenant", is("app_service", "web"), is("tenant", "acme"))
	v := newKnown(testPolicy(t)).merge(
		[]answer{said([]*silence{long, week, other, part, ackOf(first)}), said([]*silence{long})})
	if v.silences[metric.LengthEndless] != 1 || v.silences[metric.LengthWeek] != 1 || v.silences[metric.LengthDay] != 2 {
		t.Errorf("%v", v.silences)
	}
	if v.maintenance["web"] != 1 || v.maintenance[""] != 2 {
		t.Errorf("%v", v.maintenance)
	}
}
