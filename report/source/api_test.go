package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/report/sla"
)

// answers serves texts by path; what is not among them is not found.
func answers(t *testing.T, texts map[string]string) *Client {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := texts[strings.TrimPrefix(r.URL.Path, "/api/v1/")]
		if after := r.URL.Query().Get("after"); after != "" {
			text = texts["tenants?"+after]
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"status":"error","errorType":"not_found","error":"unknown"}`)
			return
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(site.Close)
	c, err := NewClient(site.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func success(data string) string { return `{"status":"success","data":` + data + `}` }

var exporterAnswers = map[string]string{
	"status": success(`{"location":"fra","version":"1","policy":{"sha256":"abc"}}`),
	"checks": success(`{"checks":[{"check":"home","configured":true},{"check":"old"},
		{"check":"tenant-home","per_tenant":true,"configured":true}],"checks_omitted":0}`),
	"checks/home": success(`{"check":"home","time_zone":"UTC","targets":[{"location":"fra","days":[
		{"date":"2026-10-01","observed_seconds":86390.5,"down_seconds":61.204,"unknown_seconds":9.5}],
		"outages":[{"begin":"2026-10-01T10:00:00Z","end":"2026-10-01T10:01:01.204Z","down_seconds":61.204,"reason":"status"},
		{"begin":"2026-10-02T10:00:00Z","end":null,"down_seconds":3,"reason":"timeout"}],"outages_omitted":2}]}`),
	"checks/tenant-home": success(`{"check":"tenant-home","time_zone":"UTC","targets":[{"tenant":"acme","location":"fra",
		"days":[],"outages":[]}]}`),
	"tenants":      success(`{"tenants":["acme","beta"],"next":"beta"}`),
	"tenants?beta": success(`{"tenants":["zoo"]}`),
	"tenants/acme": success(`{"tier":"enterprise","registered":true,"time_zone":"UTC","memberships":[
		{"tier":"standard","from":null,"to":"2026-10-05T00:00:00Z"},
		{"tier":"enterprise","from":"2026-10-05T00:00:00Z","to":null}],
		"services":[{"app_service":"web","total":{"requests":10,"failed":1,"late":2,"late_failed":1,"slow":{"0.3":4}}}],
		"unreadable_days":["2026-10-09"]}`),
}

func october(t *testing.T) Range {
	t.Helper()
	m, err := sla.ParseMonth("2026-10", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return RangeOf(m, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
}

func TestExporter(t *testing.T) {
	e := NewExporter(answers(t, exporterAnswers), time.UTC)
	r := october(t)
	if r.First != "2026-10-01" || r.Last != "2026-10-31" {
		t.Fatalf("%+v", r)
	}
	if s, err := e.Source(t.Context()); err != nil || s.Location != "fra" || s.PolicyHash != "abc" {
		t.Errorf("%+v, %v", s, err)
	}
	shared, err := e.Shared(t.Context(), r)
	if err != nil || len(shared) != 1 || shared[0].Omitted != 2 || len(shared[0].Outages) != 2 ||
		shared[0].Days[0].Down != 61_204*time.Millisecond || !shared[0].Outages[1].End.IsZero() {
		t.Errorf("%+v, %v", shared, err)
	}
	if names, err := e.Tenants(t.Context(), r); err != nil || strings.Join(names, " ") != "acme beta zoo" {
		t.Errorf("%q, %v", names, err)
	}
	acme, err := e.Tenant(t.Context(), "acme", r)
	if err != nil || !acme.Known || len(acme.Targets) != 1 || len(acme.Memberships) != 2 || acme.Requests[0].Failed != 1 ||
		acme.Requests[0].Slow[300*time.Millisecond] != 4 || len(acme.Unreadable) != 1 ||
		!acme.Memberships[0].From.IsZero() || acme.Memberships[0].To.IsZero() {
		t.Errorf("%+v, %v", acme, err)
	}
}

// What cannot be used is an error that says what to do.
func TestExporterThatCannotBeUsed(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewExporter(answers(t, exporterAnswers), berlin).Shared(t.Context(), october(t)); err == nil ||
		!strings.Contains(err.Error(), "counts days of UTC, not of Europe/Berlin") {
		t.Errorf("another zone: %v", err)
	}
	for text, want := range map[string]string{
		"<html>":                                    "the answer is not that of this API",
		`{"status":"success"}`:                      "an answer without data",
		success(`{"checks":3}`):                     "not what is expected",
		`{"error":"come later"}`:                    "come later",
		success(`{"checks":[],"checks_omitted":4}`): "read its state directory",
	} {
		e := NewExporter(answers(t, map[string]string{"checks": text}), time.UTC)
		if _, err := e.Shared(t.Context(), october(t)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for address, want := range map[string]string{
		"exporter:10088": "invalid URL", "ftp://x": "invalid URL", "http://user:hunter2@x": "holds credentials",
		"": "invalid URL",
	} {
		if _, err := NewClient(address, nil); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", address, err)
		}
	}
	c, err := NewClient("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewExporter(c, time.UTC).Source(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "does not answer") {
		t.Errorf("no server: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewExporter(answers(t, exporterAnswers), time.UTC).Source(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// Whatever a server answers, reading it ends with data or an error.
func FuzzAnswers(f *testing.F) {
	for _, text := range exporterAnswers {
		f.Add(text)
	}
	f.Add(success(`{"result":[{"metric":{},"value":[1,"NaN"]},{"values":[[1,"2"],[3,"x"]]}]}`))
	f.Fuzz(func(_ *testing.T, text string) {
		data, err := decode(strings.NewReader(text), 200)
		if err != nil {
			return
		}
		var a tenantAnswer
		if json.Unmarshal(data, &a) == nil {
			_ = (&Tenant{}).take(&a)
		}
		var q answerOf
		if json.Unmarshal(data, &q) == nil {
			for _, s := range q.series() {
				_ = incidentsOf(s, s.Points, time.Now())
				_ = placeOf(s)
			}
		}
	})
}
