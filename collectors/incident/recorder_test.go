package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const eventSecret = "0123456789abcdef-events"

// recording lets the first Alertmanager of a policy post events.
func recording(t *testing.T, p *config.Policy) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	testkit.WriteFile(t, name, eventSecret+"\n")
	p.Alertmanagers[0].Events = &config.AlertmanagerEvents{Secret: &config.SecretRef{File: name}}
}

// posted posts a body with the secret and returns the status.
func posted(t *testing.T, c *Collector, secret, body string) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/receive/alertmanager",
		strings.NewReader(body))
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	w := httptest.NewRecorder()
	c.Events().ServeHTTP(w, req)
	if strings.Contains(w.Body.String(), eventSecret) {
		t.Errorf("the secret is in the answer: %s", w.Body)
	}
	return w.Code
}

// notified is the event that an alert was notified a moment ago, in the form of 0.35.
func notified(t *testing.T, a alert, n int) string {
	t.Helper()
	labels, err := json.Marshal(a.Labels)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"@timestamp":%q, "instance":"am", "data":{"notification":{"alerts":[{"fingerprint":"170",`+
		`"details":{"fingerprint":"170","labels":%s,"startsAt":%q}}],"reason":"NOTIFY_REASON_FIRST_NOTIFICATION",`+
		`"flushId":"%d","integration":{"name":"webhook"}}}}`,
		time.Now().Format(time.RFC3339Nano), labels, a.StartsAt.Format(time.RFC3339Nano), n)
}

func TestPostedEvents(t *testing.T) {
	a := serve(t)
	p := policyOf(t, a)
	recording(t, p)
	c := collector(t, nil, p)
	body := notified(t, recent(first, 20*time.Second), 1)
	if got := posted(t, c, eventSecret, body); got != http.StatusServiceUnavailable {
		t.Errorf("before the secrets are known: %d", got)
	}
	if err := c.readKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	another := notified(t, recent(first, 20*time.Second), 2)
	for _, x := range []struct {
		name, secret, body string
		want               int
	}{
		{"no secret", "", body, http.StatusUnauthorized},
		{"another secret", "0123456789abcdef", body, http.StatusUnauthorized},
		{"an event", eventSecret, body, http.StatusNoContent},
		{"it again", eventSecret, body, http.StatusNoContent},
		{"it again, in a batch", eventSecret, "[" + body + "," + another + "]", http.StatusNoContent},
		{"nothing", eventSecret, "", http.StatusBadRequest},
		{"a notification of another program", eventSecret, `{"alerts":[]}`, http.StatusBadRequest},
		{"a batch with half an event", eventSecret, "[" + body + `,{"@timestamp":`, http.StatusBadRequest},
		{"too much", eventSecret, strings.Repeat(" ", maxBody+1), http.StatusRequestEntityTooLarge},
	} {
		if got := posted(t, c, x.secret, x.body); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
	}
	want(t, c, 2, "thorbis_incident_events_total", "kind", "notification")
	want(t, c, 2, "thorbis_incident_event_rejects_total", "reason", "unauthorized")
	want(t, c, 3, "thorbis_incident_event_rejects_total", "reason", "unreadable")
	want(t, c, 1, "thorbis_incident_event_rejects_total", "reason", "too_large")
	want(t, c, 1, "thorbis_incident_pages_total", "priority", "P1", "recipient", "sre", "shift", Shift(p, time.Now()))
	if list := incidentsOf(t, c); len(list.Open) != 1 || list.Open[0].Notified.IsZero() {
		t.Errorf("open: %+v", list.Open)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/receive/alertmanager", nil)
	w := httptest.NewRecorder()
	if c.Events().ServeHTTP(w, req); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	p.Alertmanagers[0].Events = nil
	if got := posted(t, c, eventSecret, body); got != http.StatusNotFound {
		t.Errorf("where no recorder is declared: %d", got)
	}
}

func incidentsOf(t *testing.T, c *Collector) *incidentList {
	t.Helper()
	list, err := c.list(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/incidents", nil), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What was acknowledged outlasts a kill, and counts once when it is delivered again.
func TestEventsOutlastAKill(t *testing.T) {
	a := serve(t)
	p := policyOf(t, a)
	recording(t, p)
	path := t.TempDir()
	body := notified(t, recent(first, 20*time.Second), 1)
	for range 2 {
		dir, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		c := collector(t, dir, p)
		if err := c.readKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := posted(t, c, eventSecret, body); got != http.StatusNoContent {
			t.Fatal(got)
		}
		want(t, c, 1, "thorbis_incident_pages_total", "priority", "P1", "recipient", "sre", "shift", Shift(p, time.Now()))
		if err := dir.Close(); err != nil { // without a last round
			t.Fatal(err)
		}
	}
}

// While the disk hangs nothing is acknowledged: the Alertmanager sends it again.
func TestEventsWhileTheDiskHangs(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(path, snapshotName+".state.tmp")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	a := serve(t)
	p := policyOf(t, a)
	recording(t, p)
	c := collector(t, dir, p)
	if err := c.readKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := notified(t, recent(first, 20*time.Second), 1)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // a patience, not a speed: the disk hangs
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/receive/alertmanager", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+eventSecret)
	w := httptest.NewRecorder()
	if c.Events().ServeHTTP(w, req); w.Code != http.StatusServiceUnavailable {
		t.Errorf("while the disk hangs: %d %s", w.Code, w.Body)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := os.Remove(fifo); err != nil && !errors.Is(err, fs.ErrNotExist) { // the save may have renamed it already
		t.Fatal(err)
	}
	taken := func() bool { return posted(t, c, eventSecret, body) == http.StatusNoContent }
	testkit.Eventually(t, taken, "no post is taken")
	want(t, c, 1, "thorbis_incident_pages_total", "priority", "P1", "recipient", "sre", "shift", Shift(p, time.Now()))
}

// Incidents that are over are listed for 400 days, and no longer.
func TestPastIncidentsAreKept(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	a := serve(t)
	p := policyOf(t, a)
	c := collector(t, dir, p)
	now := time.Now()
	old := Incident{ID: "old", Fingerprint: second, Began: now.AddDate(0, 0, -402), Resolved: now.AddDate(0, 0, -401)}
	over := Incident{ID: "over", Fingerprint: first, Began: now.Add(-2 * time.Hour), Resolved: now.Add(-time.Hour)}
	c.tracker.over = []Incident{over, old, over}
	if err := c.saveAll(); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = state.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	c = collector(t, dir, p)
	if list := incidentsOf(t, c); len(list.Past) != 1 || list.Past[0].ID != "over" {
		t.Errorf("%+v", list.Past)
	}
	if i, err := c.find("over"); err != nil || i.Fingerprint != first {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := c.find("none"); err == nil {
		t.Error("an incident that there is not is found")
	}
	if !c.past.has(first, over.Began) || c.past.has(first, now) {
		t.Error("an alert is taken for one of the incident that is over")
	}
}
