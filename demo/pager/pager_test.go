package pager

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReceiverSpeaksItsProtocols(t *testing.T) {
	var out bytes.Buffer
	r := New(&out)
	for _, c := range []struct {
		name, path, body string
		status           int
	}{
		{
			"trigger", "/v2/enqueue",
			`{"routing_key":"k3y","event_action":"trigger","dedup_key":"d","payload":{"summary":"web is\u001b[31m ` +
				`down","source":"alertmanager","severity":"critical"},"links":[{"href":"http://x","text":"runbook"}]}`, 202,
		},
		{"resolve", "/v2/enqueue", `{"routing_key":"k3y","event_action":"resolve","dedup_key":"d"}`, 202},
		{"no key", "/v2/enqueue", `{"event_action":"trigger"}`, 400},
		{"no JSON", "/v2/enqueue", `<xml>`, 400},
		{
			"no severity",
			"/v2/enqueue", `{"routing_key":"k","event_action":"trigger","payload":{"summary":"s","source":"s"}}`, 400,
		},
		{"slack", "/slack/critical", `{"channel":"#c","attachments":[{"title":"web","text":"down","color":"danger"}]}`, 200},
		{"slack garbage", "/slack/critical", `x`, 400},
		{"slack empty", "/slack/critical", `{}`, 400},
		{
			"webhook", "/webhook/tickets",
			`{"status":"firing","alerts":[{"labels":{"alertname":"A","priority":"P4"},"annotations":{"summary":"S."}}]}`, 200,
		},
		{"deadman", "/deadman", `{}`, 200},
		{"too large", "/v2/enqueue", `{"routing_key":"` + strings.Repeat("x", maxBody) + `"}`, 400},
	} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body)))
		if w.Code != c.status {
			t.Errorf("%s: answered %d, want %d: %s", c.name, w.Code, c.status, w.Body)
		}
	}
	if got := len(r.Pages()); got != 4 {
		t.Errorf("recorded %d pages, want 4: %+v", got, r.Pages())
	}
	if r.Heartbeats() != 1 {
		t.Errorf("counted %d heartbeats, want 1", r.Heartbeats())
	}
	if printed := out.String(); strings.Contains(printed, "k3y") || strings.Contains(printed, "\x1b") {
		t.Errorf("printed a secret or a control character: %q", printed)
	}
	if first := r.Pages()[0]; first.RoutingKey != "k3y" || len(first.Links) != 1 || first.Action != "trigger" {
		t.Errorf("misread the trigger: %+v", first)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/pages", nil))
	if !strings.Contains(w.Body.String(), `"heartbeats":1`) {
		t.Errorf("GET /pages answered %s", w.Body)
	}
}

func TestReceiverIsBounded(t *testing.T) {
	r := New(&bytes.Buffer{})
	for range maxPages + 5 {
		r.record(Page{Kind: Slack, Summary: "again"})
	}
	if got := len(r.Pages()); got != maxPages {
		t.Errorf("kept %d pages, want %d", got, maxPages)
	}
}

// What PagerDuty does: one incident a key, however often it is triggered.
func TestTriggersOfAnOpenIncidentSendNoPage(t *testing.T) {
	r := New(&bytes.Buffer{})
	for _, action := range []string{"trigger", "trigger", "resolve", "trigger"} {
		r.record(Page{Kind: PagerDuty, DedupKey: "d", Action: action})
	}
	r.record(Page{Kind: PagerDuty, DedupKey: "other", Action: "trigger"})
	var got []string
	for _, p := range r.Pages() {
		got = append(got, p.Action)
	}
	if want := "trigger update resolve trigger trigger"; strings.Join(got, " ") != want {
		t.Errorf("recorded %s, want %s", strings.Join(got, " "), want)
	}
}
