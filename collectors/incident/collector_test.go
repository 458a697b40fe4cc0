package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// server is an Alertmanager whose answers a test changes.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	alerts   []alert
	silences []*silence
	status   int
	header   http.Header
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.header = req.Header.Clone()
		if s.status != http.StatusOK {
			w.WriteHeader(s.status)
			return
		}
		var answer any
		switch req.URL.Path {
		case "/api/v2/alerts":
			if req.URL.Query().Get("filter") != `bundle="thorbis"` {
				http.Error(w, "no filter", http.StatusBadRequest)
				return
			}
			answer = append([]alert{}, s.alerts...)
		case "/api/v2/silences":
			answer = append([]*silence{}, s.silences...)
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) say(status int, silences []*silence, alerts ...alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range silences {
		one.Status.State = "active"
	}
	s.status, s.silences, s.alerts = status, silences, alerts
}

func policyOf(t *testing.T, servers ...*server) *config.Policy {
	t.Helper()
	p := testPolicy(t)
	p.Alertmanagers = nil
	for i, s := range servers {
		p.Alertmanagers = append(p.Alertmanagers, &config.Alertmanager{Name: string(rune('a' + i)), URL: s.URL + "/"})
	}
	return p
}

func collector(t *testing.T, dir *state.Dir, p *config.Policy) *Collector {
	t.Helper()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: dir, Interval: time.Millisecond})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	return c
}

// recent is an alert that began some minutes ago.
func recent(fingerprint string, ago time.Duration) alert {
	a := firing(fingerprint)
	a.StartsAt = time.Now().Add(-ago).Truncate(time.Second)
	return a
}

func value(t *testing.T, c prometheus.Collector, name string, labels ...string) (float64, bool) {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			for i := 0; i+1 < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
				}
				if !found {
					continue series
				}
			}
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func want(t *testing.T, c prometheus.Collector, expected float64, name string, labels ...string) {
	t.Helper()
	if got, ok := value(t, c, name, labels...); !ok || got != expected {
		t.Errorf("%s%v is %v (%t), want %v", name, labels, got, ok, expected)
	}
}

func absent(t *testing.T, c prometheus.Collector, name string) {
	t.Helper()
	if got, ok := value(t, c, name); ok {
		t.Errorf("%s is %v, want none", name, got)
	}
}

func TestIncidentsAreExposed(t *testing.T) {
	a, b := serve(t), serve(t)
	c := collector(t, nil, policyOf(t, a, b))
	ctx := context.Background()

	// Every counter is there at 0 before anything happens; nothing is said of what is open.
	want(t, c, 0, "thorbis_incidents_opened_total", "priority", "P1", "shift", "sleep")
	want(t, c, 0, "thorbis_incident_responses_total", "priority", "P4", "result", "late")
	want(t, c, 0, "thorbis_incident_acknowledge_duration_seconds", "priority", "P2")
	absent(t, c, "thorbis_incident_last_read_timestamp_seconds")

	one := recent(first, 10*time.Minute)
	a.say(200, nil, one)
	b.say(200, nil, one, recent(second, time.Minute).inhibitedBy(first))
	if err := c.round(ctx); err != nil {
		t.Fatal(err)
	}
	labels := []string{
		"incident", first, "alert", "ThorbisCheckDown", "app_service", "web", "priority", "P1", "owner", "sre",
	}
	want(t, c, float64(one.StartsAt.Unix()), "thorbis_incident_open_since_timestamp_seconds", labels...)
	want(t, c, float64(one.StartsAt.Unix()), "thorbis_incident_waiting_since_timestamp_seconds", labels...)
	want(t, c, 0, "thorbis_incident_acknowledged", "incident", first)
	want(t, c, 1, "thorbis_incidents_open", "priority", "P1", "state", "unacknowledged")
	want(t, c, 1, "thorbis_incidents_untold")
	want(t, c, 1, "thorbis_incident_source_up", "source", "b")

	// The acknowledgement is known to one of them only, and the other is gone.
	ack := ackOf(first)
	ack.StartsAt, ack.EndsAt = time.Now(), time.Now().Add(2*time.Hour)
	a.say(200, []*silence{ack}, one)
	b.say(503, nil)
	if err := c.round(ctx); err == nil || !strings.Contains(err.Error(), "b: /api/v2/silences answered 503") {
		t.Errorf("the one that is gone: %v", err)
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", first)
	absent(t, c, "thorbis_incident_waiting_since_timestamp_seconds")
	want(t, c, 1, "thorbis_incidents_open", "priority", "P1", "state", "acknowledged")
	want(t, c, 0, "thorbis_silences", "length", "day")
	want(t, c, 1, "thorbis_incident_acknowledge_duration_seconds", "priority", "P1")
	want(t, c, 1, "thorbis_incident_responses_total", "priority", "P1", "result", "in_time")
	want(t, c, 0, "thorbis_incident_source_up", "source", "b")

	// No source answers: the last answer is exported for two minutes, then nothing.
	a.say(500, nil)
	if err := c.round(ctx); err == nil {
		t.Error("no source answers, and no error is returned")
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", first)
	c.mu.Lock()
	c.lastRead = time.Now().Add(-blindAfter - time.Second)
	c.mu.Unlock()
	absent(t, c, "thorbis_incident_open_since_timestamp_seconds")
	absent(t, c, "thorbis_incidents_open")
	want(t, c, 1, "thorbis_incident_responses_total", "priority", "P1", "result", "in_time")
	if _, ok := value(t, c, "thorbis_incident_last_read_timestamp_seconds"); !ok {
		t.Error("the time of the last answer is not exported")
	}
}

func TestListIsBounded(t *testing.T) {
	a := serve(t)
	c := collector(t, nil, policyOf(t, a))
	var alerts []alert
	for i := range listed + 50 {
		one := recent(fmt.Sprintf("%016x", i), time.Hour)
		one.Labels["priority"] = "P3"
		alerts = append(alerts, one)
	}
	alerts[len(alerts)-1].Labels["priority"] = "P1"
	a.say(200, nil, alerts...)
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := testutil.CollectAndCount(c, "thorbis_incident_open_since_timestamp_seconds"); n != listed {
		t.Errorf("%d series", n)
	}
	want(t, c, 50, "thorbis_incidents_not_listed")
	want(t, c, listed+49, "thorbis_incidents_open", "priority", "P3", "state", "unacknowledged")
	if _, ok := value(t, c, "thorbis_incident_open_since_timestamp_seconds", "priority", "P1"); !ok {
		t.Error("the most urgent one is not listed")
	}
	// The incidents that are not listed are exported by the one that has waited longest.
	oldest := alerts[listed-1].StartsAt // the most urgent one took a place
	want(t, c, unix(oldest), "thorbis_incidents_not_listed_waiting_since_timestamp_seconds", "priority", "P3")
	if _, ok := value(t, c, "thorbis_incidents_not_listed_waiting_since_timestamp_seconds", "priority", "P1"); ok {
		t.Error("a priority of which every incident is listed has one that is not")
	}
	all := ackOf(".+")
	all.Matchers[1].IsRegex, all.StartsAt = true, time.Now()
	a.say(200, []*silence{all}, alerts...)
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, c, 50, "thorbis_incidents_not_listed")
	absent(t, c, "thorbis_incidents_not_listed_waiting_since_timestamp_seconds")
}

// However many are acknowledged, the one that waits is on the list, or it could not escalate.
func TestAcknowledgedCrowdHidesNothing(t *testing.T) {
	c := collector(t, nil, policyOf(t, serve(t)))
	now := time.Now()
	for i := range listed + 1 {
		c.tracker.Incidents[strconv.Itoa(i)] = &entry{Priority: "P1", Began: now.Add(-time.Hour)}
	}
	c.tracker.Incidents["waits"] = &entry{Priority: "P1", Began: now, Waiting: now}
	c.tracker.Incidents["less urgent"] = &entry{Priority: "P3", Began: now, Waiting: now}
	if got := c.open()[:2]; got[0] != "waits" || got[1] != "less urgent" {
		t.Errorf("%q come first", got)
	}
}

func TestCredentials(t *testing.T) {
	a := serve(t)
	token := filepath.Join(t.TempDir(), "token")
	secret := func(text string) {
		testkit.WriteFile(t, token, text)
	}
	p := policyOf(t, a)
	p.Alertmanagers[0].TokenFile = token
	c := collector(t, nil, p)
	for _, text := range []string{"first\n", "rotated"} {
		secret(text)
		if err := c.round(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := a.header.Get("Authorization"); got != "Bearer "+strings.TrimSpace(text) {
			t.Errorf("authorization %q", got)
		}
	}
	p.Alertmanagers[0].TokenFile, p.Alertmanagers[0].Username, p.Alertmanagers[0].PasswordFile = "", "reader", token
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(a.header.Get("Authorization"), "Basic ") {
		t.Errorf("authorization %q", a.header.Get("Authorization"))
	}
	secret("two\nlines")
	if err := c.round(context.Background()); err == nil || strings.Contains(err.Error(), "two") {
		t.Errorf("two lines are accepted or repeated: %v", err)
	}
}

// A credential goes nowhere but where the policy says.
func TestRedirectIsNotFollowed(t *testing.T) {
	var asked bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	a := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer a.Close()
	c := collector(t, nil, policyOf(t, &server{Server: a}))
	if err := c.round(context.Background()); err == nil || asked {
		t.Errorf("redirected: %t, %v", asked, err)
	}
}

func TestWithoutAlertmanagersThereIsNothingToTell(t *testing.T) {
	c := collector(t, nil, policyOf(t))
	ctx, cancel := context.WithCancel(context.Background())
	err := collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
		if err != nil {
			t.Error(err)
		}
		cancel()
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(c); n != 0 {
		t.Errorf("%d series", n)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	a := serve(t)
	c := collector(t, nil, policyOf(t, a))
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	if err := collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {
		if rounds++; rounds == 3 {
			cancel()
		}
	}); err != nil {
		t.Error(err)
	}
}

func FuzzAnswers(f *testing.F) {
	for _, name := range []string{"alerts.json", "silences.json", "pagerduty.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`[null]`))
	f.Add([]byte(`[{"fingerprint":"00000000000000aa","status":{"silencedBy":["x"]}}]`))
	p := testPolicy(f)
	k := newKnown(p)
	f.Fuzz(func(t *testing.T, text []byte) {
		alerts, _ := parseAlerts(text)
		silences, _ := parseSilences(text)
		v := k.merge([]answer{{alerts, silences}})
		newTracker(noon).update(noon, v, p)
		for _, s := range v.alerts {
			if !k.services[s.appService] && s.appService != "" || config.PriorityRank(s.priority) == 0 {
				t.Errorf("%+v", s)
			}
		}
		incidents, _, _ := parsePagerDuty(text)
		for _, i := range incidents {
			groupOf(i.Title)
			i.acknowledged()
		}
	})
}
