package incident

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const adasKey = "ada-has-a-key-of-her-own"

// writing is a policy that asks for write-ups of P1.
func writing(t *testing.T, a *server) *config.Policy {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "ada"), adasKey)
	return policytest.Load(t, dir, `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre}]
alertmanagers: [{name: a, url: "`+a.URL+`"}]
procedures: {people: [{name: ada, key: {file: ada}}]}
write_ups: {within: 24h, priorities: [P1]}
`)
}

// reported posts a write-up and returns the status.
func reported(t *testing.T, c *Collector, id, key, body string) int {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/incidents/{id}/write-up", c.WriteUps())
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/incidents/"+id+"/write-up",
		strings.NewReader(body))
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	if strings.Contains(w.Body.String(), adasKey) {
		t.Errorf("the key is in the answer: %s", w.Body)
	}
	return w.Code
}

// over is an incident that has ended.
func over(fingerprint, priority string, resolved time.Time) Incident {
	return Incident{
		ID: fingerprint + "-1", Fingerprint: fingerprint, Alert: "ThorbisCheckDown", AppService: "web", Priority: priority,
		Owner: "sre", Began: resolved.Add(-time.Hour), Resolved: resolved,
	}
}

// The write-up of an incident is due from its end on, and closed by a person with a link, also across a restart.
func TestWriteUpIsDueUntilItIsReported(t *testing.T) {
	a := serve(t)
	p := writing(t, a)
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := collector(t, dir, p)
	if got := reported(t, c, first+"-1", adasKey, "{}"); got != http.StatusServiceUnavailable {
		t.Errorf("before the people are known: %d", got)
	}
	if err := c.readKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := time.Now().Add(time.Second) // after the policy asked for it
	c.tracker.over = []Incident{
		over(first, "P1", ended), over(second, "P3", ended), over("00000000000000cc", "P1", ended.Add(-48*time.Hour)),
	}
	if err := c.saveAll(); err != nil {
		t.Fatal(err)
	}
	want(t, c, unix(ended.Add(24*time.Hour)), "thorbis_incident_write_up_due_timestamp_seconds", "incident", first+"-1")
	want(t, c, 1, "thorbis_incident_write_ups_missing", "priority", "P1")
	large := `{"link":"https://x/` + strings.Repeat("x", maxWriteUp) + `"}`
	for _, x := range []struct {
		name, id, key, body string
		want                int
	}{
		{"no key", first + "-1", "", `{"link":"https://wiki.example.com/1"}`, http.StatusUnauthorized},
		{"a wrong key", first + "-1", adasKey + "x", `{"link":"https://wiki.example.com/1"}`, http.StatusUnauthorized},
		{"no incident", "none", adasKey, `{"link":"https://wiki.example.com/1"}`, http.StatusNotFound},
		{"no link", first + "-1", adasKey, `{}`, http.StatusBadRequest},
		{"a script", first + "-1", adasKey, `{"link":"javascript:alert(1)"}`, http.StatusBadRequest},
		{"a password", first + "-1", adasKey, `{"link":"https://a:b@wiki.example.com/1"}`, http.StatusBadRequest},
		{"too much", first + "-1", adasKey, large, http.StatusBadRequest},
		{"a link", first + "-1", adasKey, `{"link":"https://wiki.example.com/1"}`, http.StatusNoContent},
	} {
		if got := reported(t, c, x.id, x.key, x.body); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
	}
	for range 2 {
		want(t, c, 0, "thorbis_incident_write_ups_missing", "priority", "P1")
		if _, there := value(t, c, "thorbis_incident_write_up_due_timestamp_seconds", "incident", first+"-1"); there {
			t.Error("what was written is still due")
		}
		if at, _ := value(t, c, "thorbis_incident_write_up_written_timestamp_seconds", "incident", first+"-1"); at == 0 {
			t.Error("what was written is not shown")
		}
		if i, err := c.find(first + "-1"); err != nil || i.WriteUp == nil || i.WriteUp.By != "ada" ||
			i.WriteUp.Link != "https://wiki.example.com/1" {
			t.Errorf("%+v, %v", i, err)
		}
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
		if dir, err = state.Open(path); err != nil {
			t.Fatal(err)
		}
		c = collector(t, dir, p)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
}

// A policy that asks for write-ups asks for none of what was over before, and none is due when it asks no more.
func TestWriteUpsBeginWithThePolicy(t *testing.T) {
	a := serve(t)
	c := collector(t, nil, policyOf(t, a))
	c.tracker.over = []Incident{over(first, "P1", time.Now().Add(-time.Minute))}
	if err := c.saveAll(); err != nil {
		t.Fatal(err)
	}
	if _, there := value(t, c, "thorbis_incident_write_ups_missing", "priority", "P1"); there {
		t.Error("write-ups are counted that the policy does not ask for")
	}
	if err := collectors.Apply(c, writing(t, a)); err != nil {
		t.Fatal(err)
	}
	want(t, c, 0, "thorbis_incident_write_ups_missing", "priority", "P1")
}
