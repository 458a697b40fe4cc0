package event

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recordings are what real Alertmanagers wrote while two alerts fired, one of which the other inhibits, somebody
// silenced the cause, and all resolved.
func recordings(t testing.TB) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	all := map[string][][]byte{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			all[filepath.Base(name)] = append(all[filepath.Base(name)], bytes.TrimSpace(line))
		}
	}
	return all
}

// Every release's recording reads as the same story.
func TestRecordings(t *testing.T) {
	want := []string{
		`alertmanager_startup_event`,
		`alert_created ThorbisCheckDown`,
		`alert_created ThorbisSLOBurn`,
		`notification (first_notification|new_alerts_in_group) ThorbisCheckDown(, ThorbisSLOBurn)?`,
		`inhibition_muted_alert ThorbisSLOBurn by ThorbisCheckDown`,
		`silence_created by ada: on it; alertname=ThorbisCheckDown app_service=~web\|api`,
		`silence_muted_alert ThorbisCheckDown by ada: on it; alertname=ThorbisCheckDown app_service=~web\|api`,
		`alert_created ThorbisDiskFull`,
		`notification first_notification ThorbisDiskFull`,
		`notification all_alerts_resolved (ThorbisCheckDown resolved, )?ThorbisSLOBurn resolved`,
		`notification repeat_interval_elapsed ThorbisDiskFull`,
		`notification all_alerts_resolved ThorbisDiskFull resolved`,
		`alert_resolved ThorbisDiskFull resolved`,
		`alertmanager_shutdown_event`,
	}
	for name, lines := range recordings(t) {
		var said []string
		names := map[string]string{}
		ids := map[string]bool{}
		for _, line := range lines {
			e, err := ParseOne(line)
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, line)
			}
			if e.Kind == Unknown || e.At.IsZero() || ids[e.ID] {
				t.Errorf("%s: %+v", name, e)
			}
			ids[e.ID] = true
			for _, a := range e.Alerts {
				names[a.Fingerprint] = a.Labels["alertname"]
				timeless := a.StartsAt.IsZero() || a.Resolved && a.EndsAt.IsZero()
				if a.Labels["labels"] != "one" || e.Kind == Notification && timeless {
					t.Errorf("%s: %+v", name, a)
				}
			}
			said = append(said, described(e, names))
		}
		for _, line := range want {
			if !slices.ContainsFunc(said, regexp.MustCompile("^"+line+"$").MatchString) {
				t.Errorf("%s has no %s; it has\n%s", name, line, strings.Join(said, "\n"))
			}
		}
	}
}

// described is one event as a line.
func described(e Event, names map[string]string) string {
	text := string(e.Kind)
	if e.Reason != "" {
		text += " " + string(e.Reason)
	}
	var alerts []string
	for _, a := range e.Alerts {
		one := a.Labels["alertname"]
		if a.Resolved {
			one += " resolved"
		}
		alerts = append(alerts, one)
	}
	slices.Sort(alerts)
	if len(alerts) > 0 {
		text += " " + strings.Join(alerts, ", ")
	}
	if s := e.Silence; s != nil {
		text += fmt.Sprintf(" by %s: %s;", s.CreatedBy, s.Comment)
		for _, m := range s.Matchers {
			operator := "="
			if m.Regexp {
				operator = "=~"
			}
			text += " " + m.Name + operator + m.Value
		}
	}
	if e.Inhibition != nil {
		for _, source := range e.Inhibition.Sources {
			text += " by " + names[source]
		}
	}
	return text
}

// A batch is a list of the same events; the same event has the same ID however it is spaced.
func TestBatch(t *testing.T) {
	for name, lines := range recordings(t) {
		spaced := make([][]byte, len(lines))
		for i, line := range lines {
			spaced[i] = bytes.ReplaceAll(line, []byte(`, "`), []byte(`,"`))
		}
		batch, err := Parse(slices.Concat([]byte("["), bytes.Join(spaced, []byte(",\n")), []byte("]\n")))
		if err != nil || len(batch) != len(lines) {
			t.Fatalf("%s: %d of %d, %v", name, len(batch), len(lines), err)
		}
		for i, e := range batch {
			one, err := ParseOne(lines[i])
			if err != nil || one.ID != e.ID || one.Kind != e.Kind {
				t.Errorf("%s: event %d: %s %s, in the batch %s %s, %v", name, i, one.ID, one.Kind, e.ID, e.Kind, err)
			}
		}
	}
}

func TestNotAnEvent(t *testing.T) {
	for _, text := range []string{
		"", " ", "null", "1", "{}", "[1]", `{"@timestamp":"2026-11-30T12:00:00Z"}`, `{"@timestamp":"noon","data":{}}`,
		`{"@timestamp":"2026-11-30T12:00:00Z","data":{"alertCreated":{"alert":{"fingerprint":"-1"}}}}`,
		`{"@timestamp":"2026-11-30T12:00:00Z","data":{"alertCreated":{"alert":{"labels":["a"]}}}}`,
		"[" + strings.Repeat("{},", MaxEvents) + "{}]",
	} {
		if all, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.60q: %+v", text, all)
		}
	}
	e, err := ParseOne([]byte(`{"timestamp":"2026-11-30T12:00:00Z","data":{"somethingNew":{}}}`))
	if err != nil || e.Kind != Unknown {
		t.Errorf("a kind of a later release: %+v, %v", e, err)
	}
}

// Whatever is posted, reading it ends with events or an error, and an event that is read has an ID and a kind.
func FuzzParse(f *testing.F) {
	for _, lines := range recordings(f) {
		for _, line := range lines {
			f.Add(line)
		}
	}
	f.Add([]byte(`[{"@timestamp":"2026-11-30T12:00:00Z","data":{"notification":{"alerts":[{"details":null}]}}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := Parse(body)
		if err != nil {
			return
		}
		for _, e := range all {
			if e.ID == "" || e.At.IsZero() || !slices.Contains(Kinds, e.Kind) || len(e.Alerts) > MaxAlerts {
				t.Errorf("%+v", e)
			}
			if s := e.Silence; s != nil && (len(s.CreatedBy) > maxText || len(s.Comment) > maxText) {
				t.Errorf("%+v", s)
			}
			if e.Reason != "" && !slices.Contains(Reasons, e.Reason) {
				t.Errorf("reason %q", e.Reason)
			}
		}
	})
}
