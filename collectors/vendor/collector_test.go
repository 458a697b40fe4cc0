package vendor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

const operational = `{"status": {"indicator": "none"}, "components": [
	{"id": "a", "name": "API", "status": "operational"}]}`

// vendorPage is a status page of the test.
type vendorPage struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	paths  []string
}

func newPage(t *testing.T) *vendorPage {
	t.Helper()
	p := &vendorPage{}
	p.says(operational)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p.mu.Lock()
		answer := p.answer
		p.paths = append(p.paths, req.URL.Path)
		p.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *vendorPage) does(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *vendorPage) says(text string) {
	p.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func policy(t *testing.T, vendors string) *config.Policy {
	t.Helper()
	return policytest.Load(t, t.TempDir(), `version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}, {name: docs, owner: writers, page: P3}]
vendors:
`+vendors)
}

func newCollector(t *testing.T, dir *state.Dir, vendors string) *Collector {
	t.Helper()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: dir, UserAgent: "thorbis_exporter/test"})
	if err := collectors.Apply(c, policy(t, vendors)); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Collector) read1(t *testing.T, name string) {
	t.Helper()
	c.mu.Lock()
	w := c.watched[name]
	w.notUntil = time.Time{}
	c.mu.Unlock()
	if err := c.round(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}

func exposed(t *testing.T, c *Collector) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := &strings.Builder{}
	text.WriteString("\n")
	for _, family := range all {
		if _, err := expfmt.MetricFamilyToText(text, family); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

func has(t *testing.T, c *Collector, series ...string) {
	t.Helper()
	text := exposed(t, c)
	for _, s := range series {
		if !strings.Contains(text, "\n"+s+"\n") {
			t.Errorf("%s is not exposed:\n%s", s, text)
		}
	}
}

func TestVendorIsRead(t *testing.T) {
	p := newPage(t)
	c := newCollector(t, nil, fmt.Sprintf(
		"  - {name: acme, status_page: %q, components: [API], affects: [docs, web], promise: 99%%}\n", p.URL))
	has(t, c, `thorbis_vendor_state{state="unknown",vendor="acme"} 1`,
		`thorbis_vendor_info{owner="writers",vendor="acme"} 1`,
		`thorbis_vendor_service_info{app_service="web",page="P1",vendor="acme"} 1`,
		`thorbis_vendor_service_info{app_service="docs",page="P3",vendor="acme"} 1`)
	c.read1(t, "acme")
	has(t, c, `thorbis_vendor_state{state="operational",vendor="acme"} 1`,
		`thorbis_vendor_state{state="unknown",vendor="acme"} 0`,
		`thorbis_vendor_page_state{state="operational",vendor="acme"} 1`,
		`thorbis_vendor_open_incidents{impact="major",vendor="acme"} 0`,
		`thorbis_vendor_reads_total{result="success",vendor="acme"} 1`)
	p.says(`{"status": {"indicator": "major"}, "components": [
		{"id": "a", "name": "API", "status": "major_outage"}], "incidents": [
		{"name": "Down", "impact": "major", "status": "investigating", "created_at": "2020-01-01T00:00:00Z"},
		 {"name": "Down", "impact": "major", "status": "investigating", "created_at": "2026-11-01T00:00:00Z"}],
		"scheduled_maintenances": [{"name": "Later", "status": "scheduled", "scheduled_for": "2035-01-01T00:00:00Z"}]}`)
	c.read1(t, "acme")
	has(t, c, `thorbis_vendor_state{state="major_outage",vendor="acme"} 1`,
		`thorbis_vendor_page_state{state="partial_outage",vendor="acme"} 1`,
		`thorbis_vendor_component_state{component="API",state="major_outage",vendor="acme"} 1`,
		`thorbis_vendor_open_incidents{impact="major",vendor="acme"} 2`,
		`thorbis_vendor_oldest_open_incident_timestamp_seconds{impact="major",vendor="acme"} 1.5778368e+09`,
		`thorbis_vendor_maintenance_begin_timestamp_seconds{vendor="acme"} 2.0512224e+09`)
	if text := exposed(t, c); !strings.Contains(text, metric.VendorOutageSince.Name+`{vendor="acme"}`) ||
		!strings.Contains(text, metric.VendorExpectedMonthDown.Name) {
		t.Error(text)
	}
	for _, path := range p.paths {
		if path != statuspagePath {
			t.Errorf("%s is asked", path)
		}
	}
}

// Every failure has its reason, none costs what is known before it is stale, and none is a failure of the collector.
func TestPageThatCannotBeRead(t *testing.T) {
	p := newPage(t)
	c := newCollector(t, nil, fmt.Sprintf("  - {name: acme, status_page: %q}\n", p.URL))
	c.read1(t, "acme")
	code := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	for _, x := range []struct {
		name, reason string
		answer       http.HandlerFunc
	}{
		{"401", metric.ReadRefused, code(401)},
		{"403", metric.ReadRefused, code(403)},
		{"404", metric.ReadNotFound, code(404)},
		{"429", metric.ReadRateLimited, code(429, "Retry-After", "1800")},
		{"503", metric.ReadServerError, code(503)},
		{"304 unasked", metric.ReadRefused, code(304)},
		{"redirects for ever", metric.ReadRefused, func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, req.URL.Path+"/", http.StatusFound)
		}},
		{"truncated", metric.ReadNetwork, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, operational)
		}},
		{"cut off", metric.ReadMalformed, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, operational[:40])
		}},
		{"huge", metric.ReadMalformed, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", maxAnswer+1))
		}},
		{"another format", metric.ReadMalformed, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html></html>")
		}},
	} {
		before := c.failures[x.reason]
		p.does(x.answer)
		c.read1(t, "acme")
		if c.failures[x.reason] != before+1 || c.watched["acme"].reason != x.reason {
			t.Errorf("%s: %v, want %s", x.name, c.failures, x.reason)
		}
		if w := c.watched["acme"]; w.State != metric.VendorOperational || !w.notUntil.After(time.Now()) {
			t.Errorf("%s: %s, left alone until %s", x.name, w.State, w.notUntil)
		}
		if x.name == "429" && time.Until(c.watched["acme"].notUntil) < 29*time.Minute {
			t.Errorf("it is asked again in %s", time.Until(c.watched["acme"].notUntil))
		}
	}
	w := c.watched["acme"]
	asked := len(p.paths)
	if err := c.round(t.Context(), w); err != nil || len(p.paths) != asked {
		t.Errorf("it is asked while it is to be left alone: %v", err)
	}
	w.Read, w.Counted = w.Read.Add(-time.Hour), w.Counted.Add(-time.Hour)
	has(t, c, `thorbis_vendor_state{state="unknown",vendor="acme"} 1`,
		`thorbis_vendor_page_state{state="unknown",vendor="acme"} 1`)
	if strings.Contains(exposed(t, c), metric.VendorIncidents.Name+"{") {
		t.Error("open incidents of an hour ago are exposed")
	}
	p.says(operational)
	c.read1(t, "acme")
	has(t, c, `thorbis_vendor_state{state="operational",vendor="acme"} 1`)
	if w.reason != "" || w.failed != 0 {
		t.Errorf("%+v", w)
	}
}

// A page that has not changed is not sent again, and is known to be as it was.
func TestUnchangedPage(t *testing.T) {
	p := newPage(t)
	full := 0
	p.does(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("If-None-Match") == `"one"` && req.Header.Get("If-Modified-Since") == "then" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full++
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Last-Modified", "then")
		_, _ = io.WriteString(w, operational)
	})
	vendors := fmt.Sprintf("  - {name: acme, status_page: %q}\n", p.URL+"/")
	c := newCollector(t, nil, vendors)
	for range 3 {
		c.read1(t, "acme")
	}
	if w := c.watched["acme"]; full != 1 || w.reads[0] != 3 || w.State != metric.VendorOperational {
		t.Errorf("%d whole answers, %d reads, %s", full, w.reads[0], w.State)
	}
	vendors = strings.Replace(vendors, "acme,", "acme, components: [Gone],", 1)
	if err := collectors.Apply(c, policy(t, vendors)); err != nil {
		t.Fatal(err)
	}
	c.read1(t, "acme")
	has(t, c, `thorbis_vendor_state{state="unknown",vendor="acme"} 1`)
}

// What is counted goes on after a restart, a reload, and when a vendor leaves the policy and returns.
func TestCountsGoOn(t *testing.T) {
	p := newPage(t)
	vendors := fmt.Sprintf("  - {name: acme, status_page: %q}\n", p.URL)
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := newCollector(t, dir, vendors)
	c.read1(t, "acme")
	r := c.records["acme"]
	r.Read, r.Counted = r.Read.Add(-100*time.Second), r.Counted.Add(-100*time.Second)
	c.read1(t, "acme")
	if err := collectors.Apply(c, policy(t, "  - {name: github}\n")); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(exposed(t, c), "acme") {
		t.Error("a vendor that has left the policy is exposed")
	}
	if err := c.saving.Round(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = state.Open(path); err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c = newCollector(t, dir, vendors)
	if got := c.records["acme"].Total[metric.VendorOperational]; got < 100 || got > 200 {
		t.Errorf("%v s", got)
	}
	has(t, c, `thorbis_state_unsaved{collector="vendor"} 0`)
}

// Run reads each page, follows a reload, and ends with its context.
func TestRun(t *testing.T) {
	p := newPage(t)
	c := newCollector(t, nil, fmt.Sprintf("  - {name: acme, status_page: %q}\n", p.URL))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil {
				t.Error(err)
			}
		})
	}()
	state := func(name string) func() bool {
		return func() bool {
			return strings.Contains(exposed(t, c), `thorbis_vendor_state{state="operational",vendor="`+name+`"} 1`)
		}
	}
	testkit.Within(t, time.Minute, state("acme"), "acme is read")
	if err := collectors.Apply(c, policy(t, fmt.Sprintf("  - {name: other, status_page: %q}\n", p.URL))); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, time.Minute, state("other"), "other is read")
	cancel()
	<-ended
}

func TestVendorsAPI(t *testing.T) {
	p := newPage(t)
	c := newCollector(t, nil, fmt.Sprintf(
		"  - {name: acme, status_page: %q, components: [API], affects: [web], promise: 99.9%%}\n", p.URL))
	c.read1(t, "acme")
	r := c.records["acme"]
	r.Days = map[string]stateSeconds{"2026-10-01": {metric.VendorMajor: 60}, "2026-10-02": {metric.VendorOperational: 30}}
	mux := http.NewServeMux()
	for _, e := range c.Endpoints() {
		mux.HandleFunc("/"+e.Path, func(w http.ResponseWriter, req *http.Request) {
			answer, err := e.Answer(req)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	ask := func(path string) string {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return strings.TrimSpace(w.Body.String())
	}
	if got := ask("/vendors"); !strings.Contains(got, `"name":"acme","status_page":"`+p.URL+`","state":"operational"`) ||
		!strings.Contains(got, `"components":{"API":"operational"},"affects":["web"],"incidents":[],"maintenances":[]`) ||
		!strings.Contains(got, `"promise":"99.9%"`) {
		t.Error(got)
	}
	const days = `{"days":[{"date":`
	for path, want := range map[string]string{
		"/vendors/acme?from=2026-10-02&to=2026-10-31": days + `"2026-10-02","seconds":{"operational":30}}],"name":"acme"}`,
		"/vendors/acme?to=2026-10-01":                 days + `"2026-10-01","seconds":{"major_outage":60}}],"name":"acme"}`,
		"/vendors/acme?to=today":                      `invalid date "today": write it once, like 2026-11-30`,
		"/vendors/acme?at=1":                          `unknown parameter "at": there are from and to`,
		"/vendors/none":                               "no vendor of this name: /api/v1/vendors lists them",
	} {
		if got := ask(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestVendorSection(t *testing.T) {
	p := newPage(t)
	c := newCollector(t, nil, fmt.Sprintf(`  - {name: well, status_page: %[1]q}
  - {name: lacks, status_page: %[1]q, components: [Gone]}
  - {name: down, status_page: %[1]q}
  - {name: slow, status_page: %[1]q}
  - {name: odd, status_page: %[1]q, format: incident.io}
  - {name: new, status_page: %[1]q}
`, p.URL))
	for _, name := range []string{"well", "lacks", "odd"} {
		c.read1(t, name)
	}
	p.says(`{"status": {"indicator": "critical"}, "incidents": [{"name": "Down", "status": "investigating"}]}`)
	c.read1(t, "down")
	p.says(`{"status": {"indicator": "minor"}}`)
	c.read1(t, "slow")
	s := c.Sections(collectors.SectionRequest{Now: time.Now(), Limit: 10})[0]
	if err := s.Validate(); err != nil || len(s.Uncured()) != 0 {
		t.Errorf("%v, %v", err, s.Uncured())
	}
	var got []string
	for _, r := range s.Rows {
		got = append(got, fmt.Sprintf("%s %s %s", r.Cells[0], r.Cells[1], r.Level))
	}
	want := "down major outage bad, lacks unknown warning, odd unknown warning, slow degraded performance warning, " +
		"new unknown unknown, well operational ok"
	if strings.Join(got, ", ") != want {
		t.Error(strings.Join(got, ", "))
	}
	none := newCollector(t, nil, "  []\n")
	if none.Sections(collectors.SectionRequest{}) != nil || exposed(t, none) != "\n" {
		t.Error("without vendors something is shown")
	}
}
