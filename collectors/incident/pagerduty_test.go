package incident

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// pagerDutyServer speaks as much of PagerDuty's REST API as is asked for, and as strictly.
func pagerDutyServer(t *testing.T, pages ...string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		q := req.URL.Query()
		offset, err := strconv.Atoi(q.Get("offset"))
		switch {
		case req.Header.Get("Authorization") != "Token token=u+key":
			http.Error(w, `{"error":{"message":"Unauthorized"}}`, http.StatusUnauthorized)
		case req.URL.Path != "/incidents", err != nil, q.Get("limit") != "100", q.Get("date_range") != "all",
			strings.Join(q["statuses[]"], " ") != "triggered acknowledged",
			!strings.Contains(req.Header.Get("Accept"), "version=2"):
			http.Error(w, `{"error":{"message":"Invalid Input Provided"}}`, http.StatusBadRequest)
		case offset/100 >= len(pages):
			http.Error(w, `{"error":{"message":"Rate Limit Exceeded","code":2020}}`, http.StatusTooManyRequests)
		default:
			_, _ = w.Write([]byte(pages[offset/100]))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func pagerDutyOf(t *testing.T, url, token string) *config.PagerDuty {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	testkit.WriteFile(t, file, token)
	return &config.PagerDuty{Service: "acme-production", API: &config.PagerDutyAPI{TokenFile: file, URL: url}}
}

func fixture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "pagerduty.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPagerDutyAcknowledgements(t *testing.T) {
	more := `{"incidents":[{"title":"[P3] web in production: x","status":"acknowledged",` +
		`"service":{"summary":"acme-production"},"last_status_change_at":"2026-03-04T12:00:00Z"}],"more":true}`
	s := pagerDutyServer(t, more, fixture(t))
	got, err := pagerDuty{"pd", pagerDutyOf(t, s.URL, "u+key"), newClient()}.acknowledged(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Errorf("%v", got)
	}
	opened := time.Date(2026, 3, 4, 12, 0, 10, 0, time.UTC)
	want := []acknowledgement{
		{at: opened.Add(4*time.Minute + 50*time.Second), opened: opened},
		{at: opened.Add(3*time.Minute + 50*time.Second), opened: opened},
	}
	if a := got[group{"production", "web", "P1"}]; !slices.Equal(a, want) {
		t.Errorf("acknowledged %v, want %v", a, want)
	}
	if a := got[group{"production", "web", "P3"}]; len(a) != 1 || a[0].at.IsZero() {
		t.Error("the second page was not read")
	}
}

func TestPagerDutyRefuses(t *testing.T) {
	endless := `{"incidents":[],"more":true}`
	var pages []string
	for range pagerDutyPages {
		pages = append(pages, endless)
	}
	for name, c := range map[string]struct {
		token string
		pages []string
		want  string
	}{
		"wrong key":    {"secret", []string{fixture(t)}, "401"},
		"rate limit":   {"u+key", nil, "429"},
		"no incidents": {"u+key", []string{`{}`}, "has no incidents"},
		"no JSON":      {"u+key", []string{`<html>`}, "cannot be read"},
		"endless":      {"u+key", pages, "more than 1000 incidents"},
	} {
		t.Run(name, func(t *testing.T) {
			s := pagerDutyServer(t, c.pages...)
			_, err := pagerDuty{"pd", pagerDutyOf(t, s.URL, c.token), newClient()}.acknowledged(context.Background())
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), c.token) && c.token == "secret" {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// An acknowledgement in PagerDuty is one, and stays known while PagerDuty does not answer; of what began
// since, nothing is known.
func TestPagerDutyCounts(t *testing.T) {
	a := serve(t)
	older, younger := recent(first, time.Hour), recent(second, 0)
	younger.StartsAt = time.Now().Add(time.Hour)
	older.Labels["app_service"], younger.Labels["app_service"] = "web", "web"
	a.say(200, nil, older, younger)
	acked := fmt.Sprintf(`{"incidents":[{"title":"[P1] web in production: x","status":"acknowledged",`+
		`"service":{"summary":"acme-production"},"created_at":%q,"acknowledgements":[{"at":%q}]}],"more":false}`,
		time.Now().Add(-time.Hour).Format(time.RFC3339), time.Now().Add(-30*time.Minute).Format(time.RFC3339))
	pd := pagerDutyServer(t, acked)
	p := policyOf(t, a)
	p.Channels["pd"] = &config.Channel{PagerDuty: pagerDutyOf(t, pd.URL, "u+key")}
	c := collector(t, nil, p)
	if err := c.round(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", first)
	want(t, c, 0, "thorbis_incident_acknowledged", "incident", second)
	want(t, c, 1, "thorbis_incident_source_up", "source", "pd")
	want(t, c, 1, "thorbis_incident_responses_total", "priority", "P1", "result", "late") // after 30 of 15 minutes

	pd.Close()
	if err := c.round(context.Background()); err == nil {
		t.Error("PagerDuty is gone, and that is no failure")
	}
	want(t, c, 1, "thorbis_incident_acknowledged", "incident", first)
	want(t, c, 0, "thorbis_incident_source_up", "source", "pd")
}

func TestTitles(t *testing.T) {
	for title, want := range map[string]group{
		"[P1] web in production: A health check is down.":          {"production", "web", "P1"},
		"[P2] production: Prometheus knows no Alertmanager.":       {"production", "", "P2"}, // by another template
		"[P4] tenant-api.v2 in eu_1: x (1 of 3 alerts)":            {"eu_1", "tenant-api.v2", "P4"},
		"[P2] host db-1:9100 in production: A filesystem is full.": {"production", "host db-1:9100", "P2"},
		"[P2] host a server main in production: x":                 {"production", "host a server main", "P2"},
		"[P2] ThorbisNoAlertmanager in production: in which: x":    {"production", "ThorbisNoAlertmanager", "P2"},
		"[P2] production: The one in staging: x":                   {"production", "", "P2"},
		"[P9] web in production: x":                                {},
		"web in production: x":                                     {},
		"Resolved: [P1] web in production: x":                      {},
		"[P1] " + strings.Repeat("x", 4096) + " in production: x":  {},
		"[P1] web in production":                                   {},
		"[P1] \x00 in production: x":                               {"production", "\x00", "P1"},
		"[P1] web in production: in which [P2] db in staging: x":   {"production", "web", "P1"},
	} {
		if got, _ := groupOf(title); got != want {
			t.Errorf("%q is %+v, want %+v", title, got, want)
		}
	}
}
