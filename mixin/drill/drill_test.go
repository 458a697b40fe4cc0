package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/alertmanagertest"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

// hooks receive the notifications of all channels, each at an address of its own.
type hooks struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string][]string // by channel: the status and summaries
}

func newHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{got: map[string][]string{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var message struct {
			Status string
			Alerts []struct {
				Labels      map[string]string
				Annotations map[string]string
			}
		}
		text, _ := io.ReadAll(req.Body)
		_ = json.Unmarshal(text, &message)
		h.mu.Lock()
		defer h.mu.Unlock()
		channel := strings.TrimPrefix(req.URL.Path, "/")
		for _, a := range message.Alerts {
			h.got[channel] = append(h.got[channel], message.Status+" "+a.Annotations["summary"]+" "+a.Labels[metric.LabelDrill])
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hooks) has(status string, channels ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range channels {
		if !slices.Contains(h.got[c], status+" DRILL: nothing is wrong. true") {
			return false
		}
	}
	return true
}

func policy(t *testing.T, hooks string) *config.Policy {
	t.Helper()
	return policytest.Load(t, t.TempDir(), fmt.Sprintf(`version: 1
environment: production
channels:
  deadman: none
  pager: {webhook: {url: "%[1]s/pager"}}
  chat: {webhook: {url: "%[1]s/chat"}}
  ops: {webhook: {url: "%[1]s/ops"}}
  boss: {webhook: {url: "%[1]s/boss"}}
  spare: {webhook: {url: "%[1]s/spare"}}
priorities: {P1: {notify: [pager, chat]}, P2: {notify: [chat]}}
escalation: {P1: {manager: 30m}, layers: {manager: [boss]}}
alertmanagers: [{name: main, url: "http://127.0.0.1:9"}]
owners: {dba: {notify: [ops]}}
services: [{name: web, owner: sre}, {name: db, owner: dba}]
`, hooks))
}

func planned(t *testing.T, p *config.Policy, at time.Time) *Plan {
	t.Helper()
	text, err := alertmanager.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	tester, err := routetest.NewTester(text)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(p, tester, at)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Every channel is reached by as few alerts as it takes; one that no route leads to is named.
func TestPlan(t *testing.T) {
	plan := planned(t, policy(t, "http://127.0.0.1:9"), time.Now())
	want := "P1, owner dba: chat, ops, pager\nP1, layer manager: boss\nno route leads to: spare\n"
	if plan.String() != want {
		t.Errorf("%s\nwant\n%s", plan, want)
	}
	if a := plan.Alerts[0].Labels; a[metric.LabelDrill] != "true" || a[metric.LabelAppService] != "db" {
		t.Errorf("%v", a)
	}
}

// A chat that keeps business hours is not reached at night, and the plan says so.
func TestPlanAtNight(t *testing.T) {
	p := policytest.Load(t, t.TempDir(), `version: 1
channels: {deadman: none, chat: {slack: {channel: "#ops", url_file: url}}}
priorities: {P3: {notify: [chat], business_hours: true}}
services: [{name: web, owner: sre}]
`)
	night := time.Date(2026, time.November, 29, 3, 0, 0, 0, time.UTC)
	if plan := planned(t, p, night); plan.String() != "quiet at this hour: chat\n" {
		t.Errorf("%s", plan)
	}
	if plan := planned(t, p, night.Add(33*time.Hour)); !slices.Equal(plan.Channels(), []string{"chat"}) {
		t.Errorf("%s", plan)
	}
}

// startAlertmanager runs a real Alertmanager on the policy's routes.
func startAlertmanager(t *testing.T, p *config.Policy) string {
	t.Helper()
	text, err := alertmanager.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "alertmanager.yaml"), string(text))
	if err := os.Mkdir(filepath.Join(dir, "templates"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, template := range alertmanager.Templates() {
		testkit.WriteFile(t, filepath.Join(dir, "templates", filepath.Base(name)), string(template))
	}
	return "http://" + alertmanagertest.Start(t, alertmanagertest.Newest, dir)
}

// silence acknowledges an incident as the link in its page does.
func silence(t *testing.T, address string, matchers ...map[string]any) {
	t.Helper()
	now := time.Now()
	body, err := json.Marshal(map[string]any{
		"matchers": matchers, "startsAt": now, "endsAt": now.Add(time.Hour), "createdBy": "ada", "comment": "on it",
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(address+"/api/v2/silences", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}

func equal(name, value string) map[string]any {
	return map[string]any{"name": name, "value": value, "isRegex": false, "isEqual": true}
}

// A drill pages through every channel of a real Alertmanager, is acknowledged, and ends.
func TestDrill(t *testing.T) {
	t.Parallel()
	h := newHooks(t)
	p := policy(t, h.URL)
	address := startAlertmanager(t, p)
	d := &Drill{
		URL: address, Plan: planned(t, p, time.Now()), For: 5 * time.Minute, Poll: 100 * time.Millisecond, Say: t.Logf,
	}
	ended := make(chan error, 1)
	var result *Result
	go func() {
		var err error
		result, err = d.Run(t.Context())
		ended <- err
	}()
	all := func() bool { return h.has("firing", "pager", "chat", "ops", "boss") }
	testkit.Eventually(t, all, "every channel is notified")
	silence(t, address, equal(metric.LabelAlertname, metric.UnacknowledgedAlert.Name),
		equal(metric.LabelIncident, fingerprint(t, address, metric.LabelOwner, "dba")))
	silence(t, address, equal(metric.LabelLayer, config.LayerManager))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(result.Acknowledged) != 2 || len(result.Missing) != 0 || result.Failed["webhook"] != 0 ||
		result.Delivered["webhook"] < 4 {
		t.Errorf("%+v", result)
	}
	over := func() bool { return h.has("resolved", "pager", "chat", "ops") }
	testkit.Within(t, 3*time.Minute, over, "the end is notified")
}

// fingerprint returns that of the alert with a label.
func fingerprint(t *testing.T, address, label, value string) string {
	t.Helper()
	resp, err := http.Get(address + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var all []struct {
		Fingerprint string
		Labels      map[string]string
	}
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Labels[label] == value {
			return a.Fingerprint
		}
	}
	t.Fatalf("no alert with %s %s", label, value)
	return ""
}

// A drill that is interrupted ends its alerts; an Alertmanager with another configuration is found out.
func TestInterruptedDrill(t *testing.T) {
	t.Parallel()
	h := newHooks(t)
	p := policy(t, h.URL)
	address := startAlertmanager(t, p)
	plan := planned(t, p, time.Now())
	plan.Alerts[0].Channels = append(plan.Alerts[0].Channels, "elsewhere")
	ctx, cancel := context.WithCancel(t.Context())
	d := &Drill{URL: address, Plan: plan, For: time.Hour, Poll: 50 * time.Millisecond, Say: t.Logf}
	ended := make(chan error, 1)
	var result *Result
	go func() {
		var err error
		result, err = d.Run(ctx)
		ended <- err
	}()
	testkit.Eventually(t, func() bool { return h.has("firing", "pager") }, "the page")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(result.Missing, []string{"elsewhere"}) || len(result.Acknowledged) != 0 {
		t.Errorf("%+v", result)
	}
	testkit.Within(t, 3*time.Minute, func() bool { return h.has("resolved", "pager") }, "the end is notified")
}

// What answers that is no Alertmanager is an error, before anything fires.
func TestDrillWithoutAnAlertmanager(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	d := &Drill{URL: s.URL, Plan: &Plan{Alerts: []Alert{{}}}, For: time.Minute, Poll: time.Second, Say: t.Logf}
	if _, err := d.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "/metrics answered 404") {
		t.Error(err)
	}
	d.URL, d.Authorize = s.URL, func(*http.Request) error { return errors.New("no password") }
	if _, err := d.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no password") {
		t.Error(err)
	}
}
