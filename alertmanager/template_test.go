package alertmanager

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

var update = flag.Bool("update", false, "write the golden files")

func loadTemplates(t *testing.T) *template.Template {
	t.Helper()
	c := write(t, testPolicy(t))
	tmpl, err := template.FromGlobs([]string{filepath.Join(filepath.Dir(c), "templates", "*.tmpl")})
	if err != nil {
		t.Fatal(err)
	}
	tmpl.ExternalURL, err = url.Parse("https://alertmanager.acme.test")
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// notification is what Alertmanager knows of a group when it notifies.
func notification(tmpl *template.Template, resolved bool, alerts ...rules.Alert) *template.Data {
	group := model.LabelSet{
		"environment": "production", "app_service": "web", "priority": model.LabelValue(alerts[0].Priority),
	}
	var all []*alert.Alert
	for i, a := range alerts {
		set := alertLabels(a,
			map[string]string{"environment": "production", "app_service": "web", "check": "web-home", "owner": "sre"})
		if i > 0 {
			set["check"] = model.LabelValue(fmt.Sprintf("web-%d", i))
		}
		if a.Name == metric.UnacknowledgedAlert.Name {
			set["layer"], set["fingerprint"], set["alert"] = "secondary", "0123456789abcdef", "ThorbisCheckDown"
		}
		one := alert.Alert{Alert: model.Alert{
			Labels:       set,
			Annotations:  labelSet(a.Annotations),
			StartsAt:     time.Date(2026, 3, 1, 8, 45, 0, 0, time.UTC),
			EndsAt:       time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
			GeneratorURL: "https://prometheus.acme.test/graph?g0.expr=up",
		}}
		one.Annotations["description"] = "web-home of <web> & its friends is down."
		if resolved {
			one.EndsAt = one.StartsAt.Add(time.Minute)
		}
		all = append(all, &one)
	}
	return tmpl.Data("pagerduty", group, nil, "", all...)
}

// about is a notification of what concerns no service.
func about(tmpl *template.Template, labels map[string]string, alerts ...rules.Alert) *template.Data {
	group := model.LabelSet{"environment": "production", "priority": model.LabelValue(alerts[0].Priority)}
	var all []*alert.Alert
	for i, a := range alerts {
		set := alertLabels(a,
			map[string]string{"environment": "production", "owner": "sre", "mountpoint": fmt.Sprintf("/%d", i)})
		for name, value := range labels {
			set[model.LabelName(name)] = model.LabelValue(value)
			group[model.LabelName(name)] = model.LabelValue(value)
		}
		all = append(all, &alert.Alert{Alert: model.Alert{
			Labels: set, Annotations: labelSet(a.Annotations), GeneratorURL: "https://prometheus.acme.test/graph?g0.expr=up",
			StartsAt: time.Date(2026, 3, 1, 8, 45, 0, 0, time.UTC), EndsAt: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
		}})
		all[i].Annotations["description"] = "0.5% of a filesystem is left."
	}
	return tmpl.Data("pagerduty", group, nil, "", all...)
}

// The exporter finds in PagerDuty what a page is about by the beginning of its title, and in a silence by the subject.
func TestTitleNamesTheSubject(t *testing.T) {
	tmpl := loadTemplates(t)
	alerts := testAlerts(t, testPolicy(t))
	for _, labels := range []map[string]string{
		{"app_service": "web"},
		{"app_service": "web", "host": "db-1"},
		{"host": "db-1:9100"},
		{"server": "main", "host": "db-1"},
		{"backup": "main"},
		{"location": "fra"},
		{"integration": "slack"},
		{"host": "a", "server": "b", "backup": "c", "location": "d", "integration": "e"},
		{"job": "prometheus"},
	} {
		data := about(tmpl, labels, find(t, alerts, "ThorbisNoAlertmanager", "P2"))
		set := maps.Clone(labels)
		set["alertname"] = "ThorbisNoAlertmanager"
		want := labels["app_service"]
		if want == "" {
			want = metric.Subject(set)
		}
		title, err := tmpl.ExecuteTextString(`{{ template "thorbis.title" . }}`, data)
		if err != nil || !strings.HasPrefix(title, "[P2] "+want+" in production: ") {
			t.Errorf("%v: %q %v, want it to begin with %q", labels, title, err, "[P2] "+want+" in production: ")
		}
		query, err := tmpl.ExecuteTextString(`{{ template "thorbis.subject.query" .CommonLabels }}`, data)
		if text, bad := url.PathUnescape(query); err != nil || bad != nil || text != want {
			t.Errorf("%v: %q %v %v, want %q", labels, query, err, bad, want)
		}
	}
}

// partly is a group of which some alerts are resolved and others still fire.
func partly(resolved, firing *template.Data) *template.Data {
	firing.Alerts = append(resolved.Alerts, firing.Alerts...)
	return firing
}

func find(t *testing.T, alerts []rules.Alert, name, priority string) rules.Alert {
	t.Helper()
	for _, a := range alerts {
		if a.Name == name && a.Priority == priority {
			return a
		}
	}
	t.Fatalf("no %s at %s", name, priority)
	return rules.Alert{}
}

// limits are the limits of the receivers, in bytes. Slack cuts an attachment's text at 8,000 and Teams refuses a card
// of 28 KB. PagerDuty shows 1,024 characters of a summary, and a text message of four parts holds 612.
var limits = map[string]int{
	"slack.text": 8000, "msteams.text": 25_000, "pagerduty.description": 1024, "pagerduty.details.what": 100_000,
	"sms.text": 612, "sms.subject": 100, "pagerduty.details.acknowledgement": 2000, "email.text": 100_000,
}

// TestNotifications renders every field of every receiver as Alertmanager would and compares with a
// golden file; go test -update writes it.
func TestNotifications(t *testing.T) {
	p := testPolicy(t)
	c, tmpl, alerts := build(t, p), loadTemplates(t), testAlerts(t, p)
	down, burn := find(t, alerts, "ThorbisCheckDown", "P1"), find(t, alerts, "ThorbisUptimeBurn", "P2")
	exporter, overdue := find(t, alerts, "ThorbisExporterDown", "P3"),
		find(t, alerts, "ThorbisUnacknowledgedIncident", "P1")

	out := map[string]map[string]string{}
	for name, data := range map[string]*template.Data{
		"one alert":      notification(tmpl, false, down),
		"two alerts":     notification(tmpl, false, burn, burn),
		"resolved":       notification(tmpl, true, down),
		"partly mended":  partly(notification(tmpl, true, down), notification(tmpl, false, burn)),
		"business hours": notification(tmpl, false, exporter),
		"escalated":      notification(tmpl, false, overdue),
		"mass outage":    notification(tmpl, false, slices.Repeat([]rules.Alert{down}, 500)...),
		"a machine":      about(tmpl, map[string]string{"host": "db-1:9100"}, find(t, alerts, "ThorbisDiskFull", "P2")),
		"a whole room": about(tmpl, map[string]string{"host": "db-1:9100"},
			slices.Repeat([]rules.Alert{find(t, alerts, "ThorbisDiskFull", "P2")}, 30)...),
	} {
		fields := map[string]string{}
		text := func(key, field string) {
			s, err := tmpl.ExecuteTextString(field, data)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, key, err)
			}
			if strings.Contains(s, "<no value>") {
				t.Errorf("%s: %s has no value: %s", name, key, s)
			}
			fields[key] = s
		}
		for _, r := range c.Receivers {
			for _, pd := range r.PagerdutyConfigs {
				text("pagerduty.description", pd.Description)
				text("pagerduty.severity", pd.Severity)
				text("pagerduty.client", pd.Client)
				text("pagerduty.client_url", pd.ClientURL)
				text("pagerduty.class", pd.Class)
				text("pagerduty.component", pd.Component)
				text("pagerduty.group", pd.Group)
				for _, k := range []string{"firing", "what", "owner", "runbook", "dashboard", "graph", "acknowledgement"} {
					text("pagerduty.details."+k, pd.Details[k].(string))
				}
				for _, l := range pd.Links {
					text("pagerduty.links."+l.Text, l.Href)
				}
			}
			for _, s := range r.SlackConfigs {
				text("slack.title", s.Title)
				text("slack.title_link", s.TitleLink)
				text("slack.text", s.Text)
				text("slack.color", s.Color)
				text("slack.fallback", s.Fallback)
				text("slack.footer", s.Footer)
			}
			for _, e := range r.EmailConfigs {
				text("email.subject", e.Headers["Subject"])
				text("email.text", e.Text)
			}
			for _, m := range r.MSTeamsV2Configs {
				text("msteams.title", m.Title)
				text("msteams.text", m.Text)
			}
			for _, m := range r.SNSConfigs {
				text("sms.subject", m.Subject)
				text("sms.text", m.Message)
			}
		}
		if text := fields["sms.text"]; strings.Contains(
			text, "\nAck: https://alertmanager.acme.test/#/silences/new?filter=%7Bincident%3D",
		) == (data.Status == "resolved") {
			t.Errorf("%s: a text message acknowledges what fires, and that only: %s", name, text)
		}
		for key, limit := range limits {
			if n := len(fields[key]); n == 0 || n > limit {
				t.Errorf("%s: %s has %d bytes, at most %d are shown", name, key, n, limit)
			}
		}
		out[name] = fields
	}
	got, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "notifications.json")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != strings.TrimSuffix(string(want), "\n") {
		t.Errorf("notifications differ from %s; look at them and run go test -update:\n%s", golden, got)
	}
}
