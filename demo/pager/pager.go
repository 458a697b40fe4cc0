// Package pager receives pages as the real services do, records them and prints each as one line:
// PagerDuty's Events API v2, Slack's incoming webhooks, Alertmanager's webhooks, and a dead man's switch.
package pager

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxPages = 1000
	maxBody  = 1 << 20
)

// Kinds of receivers.
const (
	PagerDuty = "pagerduty"
	Slack     = "slack"
	Webhook   = "webhook"
)

// Page is one message as a receiver understood it.
type Page struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	// To is the Slack channel or the webhook's name.
	To string `json:"to,omitempty"`
	// Action is trigger, update, acknowledge or resolve for PagerDuty, firing or resolved for the others.
	Action     string         `json:"action"`
	RoutingKey string         `json:"routing_key,omitempty"`
	DedupKey   string         `json:"dedup_key,omitempty"`
	Summary    string         `json:"summary"`
	Severity   string         `json:"severity,omitempty"`
	Links      []Link         `json:"links,omitempty"`
	Details    map[string]any `json:"details,omitempty"`
}

// Link is an address that a page carries.
type Link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Receiver is a handler for all receivers.
type Receiver struct {
	// Now returns the time at which a message arrives. It may be replaced before the first one.
	Now func() time.Time

	out io.Writer
	mux *http.ServeMux

	mu         sync.Mutex
	pages      []Page
	incidents  map[string]*incident // PagerDuty's open ones by deduplication key
	numbers    int
	heartbeats int
	last       time.Time
}

// New returns a receiver that prints to out.
func New(out io.Writer) *Receiver {
	r := &Receiver{Now: time.Now, out: out, mux: http.NewServeMux(), incidents: map[string]*incident{}}
	r.mux.HandleFunc("POST /v2/enqueue", r.pagerDuty)
	r.mux.HandleFunc("GET /incidents", r.listIncidents)
	r.mux.HandleFunc("POST /slack/{name...}", r.slack)
	r.mux.HandleFunc("POST /webhook/{name}", r.webhook)
	r.mux.HandleFunc("POST /deadman", r.deadman)
	r.mux.HandleFunc("GET /pages", r.list)
	return r
}

// ServeHTTP serves every receiver.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	r.mux.ServeHTTP(w, req)
}

// Pages are the latest pages, oldest first.
func (r *Receiver) Pages() []Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pages)
}

// Heartbeats is how often the dead man's switch was pressed.
func (r *Receiver) Heartbeats() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heartbeats
}

func (r *Receiver) record(p Page) {
	p.At = r.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Kind == PagerDuty {
		p.Action = r.follow(p)
	}
	if len(r.pages) == maxPages {
		r.pages = slices.Delete(r.pages, 0, 1)
	}
	r.pages = append(r.pages, p)
	to := p.Kind
	if p.To != "" {
		to += " " + p.To
	}
	fmt.Fprintf(r.out, "%s  %s  %-30s  %-8s  %s\n", p.At.Format(time.TimeOnly), words[p.Kind], to, p.Action,
		oneLine(p.Summary))
}

// words say on the terminal whom a message reaches: somebody's pager, a chat, a program.
var words = map[string]string{PagerDuty: "PAGE", Slack: "CHAT", Webhook: "HOOK"}

// oneLine keeps what came over the network from writing to the terminal as it pleases.
func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
	if runes := []rune(s); len(runes) > 300 {
		s = string(runes[:300]) + "…"
	}
	return s
}

// pagerDuty speaks the Events API v2: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/.
func (r *Receiver) pagerDuty(w http.ResponseWriter, req *http.Request) {
	var event struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     struct {
			Summary       string         `json:"summary"`
			Source        string         `json:"source"`
			Severity      string         `json:"severity"`
			CustomDetails map[string]any `json:"custom_details"`
		} `json:"payload"`
		Links []Link `json:"links"`
	}
	err := json.NewDecoder(req.Body).Decode(&event)
	var invalid []string
	check := func(ok bool, message string) {
		if !ok {
			invalid = append(invalid, message)
		}
	}
	if err != nil {
		invalid = []string{"the body is no JSON: " + err.Error()}
	} else {
		check(event.RoutingKey != "", "'routing_key' is missing or blank")
		check(slices.Contains([]string{"trigger", "acknowledge", "resolve"}, event.EventAction), "'event_action' is invalid")
		if event.EventAction == "trigger" {
			check(event.Payload.Summary != "", "'payload.summary' is missing or blank")
			check(event.Payload.Source != "", "'payload.source' is missing or blank")
			check(slices.Contains([]string{"critical", "warning", "error", "info"}, event.Payload.Severity),
				"'payload.severity' is invalid")
		} else {
			check(event.DedupKey != "", "'dedup_key' is missing or blank")
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if invalid != nil {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(
			map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": invalid})
		return
	}
	r.record(Page{
		Kind: PagerDuty, Action: event.EventAction, RoutingKey: event.RoutingKey, DedupKey: event.DedupKey,
		Summary: event.Payload.Summary, Severity: event.Payload.Severity, Links: event.Links,
		Details: event.Payload.CustomDetails,
	})
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(
		map[string]string{"status": "success", "message": "Event processed", "dedup_key": event.DedupKey})
}

func (r *Receiver) slack(w http.ResponseWriter, req *http.Request) {
	var message struct {
		Channel     string `json:"channel"`
		Text        string `json:"text"`
		Attachments []struct {
			Title     string `json:"title"`
			TitleLink string `json:"title_link"`
			Text      string `json:"text"`
			Fallback  string `json:"fallback"`
			Color     string `json:"color"`
		} `json:"attachments"`
	}
	if err := json.NewDecoder(req.Body).Decode(&message); err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	p := Page{Kind: Slack, To: message.Channel, Action: "firing", Summary: message.Text}
	for _, a := range message.Attachments {
		p.Summary = strings.TrimSpace(strings.Join([]string{p.Summary, a.Title, a.Text}, " "))
		if a.TitleLink != "" {
			p.Links = append(p.Links, Link{Href: a.TitleLink, Text: a.Title})
		}
		if a.Color == "good" {
			p.Action = "resolved"
		}
	}
	if p.Summary == "" {
		http.Error(w, "no_text", http.StatusBadRequest)
		return
	}
	r.record(p)
	_, _ = io.WriteString(w, "ok")
}

func (r *Receiver) webhook(w http.ResponseWriter, req *http.Request) {
	var message struct {
		Status            string            `json:"status"`
		GroupKey          string            `json:"groupKey"`
		CommonLabels      map[string]string `json:"commonLabels"`
		CommonAnnotations map[string]string `json:"commonAnnotations"`
		Alerts            []struct {
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"alerts"`
	}
	if err := json.NewDecoder(req.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var summaries []string
	for _, a := range message.Alerts {
		summaries = append(summaries, a.Labels["priority"]+" "+a.Labels["alertname"]+": "+a.Annotations["summary"])
	}
	slices.Sort(summaries)
	r.record(Page{
		Kind: Webhook, To: req.PathValue("name"), Action: message.Status, DedupKey: message.GroupKey,
		Summary: strings.Join(slices.Compact(summaries), " | "),
	})
}

// deadman counts and, but for the first time, says nothing: it is pressed every minute.
func (r *Receiver) deadman(http.ResponseWriter, *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heartbeats++
	r.last = time.Now()
	if r.heartbeats == 1 {
		fmt.Fprintf(r.out, "%s  the dead man's switch was pressed for the first time: pages can get through\n",
			r.last.Format(time.TimeOnly))
	}
}

func (r *Receiver) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	answer := map[string]any{"pages": append([]Page{}, r.pages...), "heartbeats": r.heartbeats, "last_heartbeat": r.last}
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
