package supabase

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const (
	project   = "abcdefghijklmnopqrst"
	testToken = "sbp_0123456789abcdef"
)

// serve answers every request with handler and returns a client of it.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "token")
	testkit.WriteFile(t, file, testToken+"\n")
	c, err := New(Options{BaseURL: server.URL, TokenFile: file, UserAgent: "thorbis_exporter/test", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answer serves one body and checks the request.
func answer(t *testing.T, path, body string) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer "+testToken ||
			r.Header.Get("User-Agent") != "thorbis_exporter/test" {
			t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
		}
		_, _ = fmt.Fprint(w, body)
	})
}

func TestDisk(t *testing.T) {
	for body, want := range map[string]Disk{
		`{"attributes":{"type":"gp3","iops":3000,"size_gb":8,"throughput_mibps":125},` +
			`"last_modified_at":"2026-01-01T00:00:00Z"}`: {
			"gp3", 3000, 8, 125,
		},
		`{"attributes":{"type":"io2","iops":16000,"size_gb":500}}`: {"io2", 16000, 500, 0},
	} {
		got, err := answer(t, "/v1/projects/"+project+"/config/disk", body).Disk(t.Context(), project)
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	for _, body := range []string{`{}`, `[]`, `{"attributes":{"iops":-1}}`, `<html>`, ``} {
		_, err := answer(t, "/v1/projects/"+project+"/config/disk", body).Disk(t.Context(), project)
		expectKind(t, err, KindAnswer)
	}
}

func TestBackups(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, tc := range map[string]struct {
		body   string
		newest time.Time
		count  int
	}{
		"physical is the newest": {
			`{"region":"eu-central-1","walg_enabled":true,"pitr_enabled":true,"backups":[{"id":71,"is_physical_backup":true,` +
				`"status":"COMPLETED","inserted_at":"2026-09-21T02:11:09Z"}],"physical_backup_data":{` +
				`"earliest_physical_backup_date_unix":1789300000,"latest_physical_backup_date_unix":1789990000}}`,
			time.Unix(1789990000, 0), 1,
		},
		"recorded: nothing to restore": {
			`{"region":"us-east-1","pitr_enabled":false,"walg_enabled":true,"backups":[],"physical_backup_data":{}}`,
			time.Time{},
			0,
		},
		"failed and pending do not count": {
			`{"backups":[{"id":3,"status":"FAILED","inserted_at":"2026-09-23T00:00:00Z"},{"id":2,"status":"PENDING",` +
				`"inserted_at":"2026-09-22T00:00:00Z"},{"id":1,"status":"COMPLETED","inserted_at":"2026-09-21 02:11:09.5"}]}`,
			at("2026-09-21T02:11:09.5Z"), 3,
		},
		"naive time is UTC, a zone is obeyed": {
			`{"backups":[{"id":1,"status":"COMPLETED","inserted_at":"2026-09-21T02:11:09"},{"id":2,"status":"COMPLETED",` +
				`"inserted_at":"2026-09-21T02:11:09+02:00"}]}`,
			at("2026-09-21T02:11:09Z"), 2,
		},
		"milliseconds and null": {
			`{"backups":null,"physical_backup_data":{"earliest_physical_backup_date_unix":null,` +
				`"latest_physical_backup_date_unix":1789990000123}}`,
			time.UnixMilli(1789990000123), 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answer(t, "/v1/projects/"+project+"/database/backups", tc.body).Backups(t.Context(), project)
			if err != nil || !got.Newest().Equal(tc.newest) || len(got.Backups) != tc.count {
				t.Errorf("%+v, %v; newest %s", got, err, got.Newest())
			}
		})
	}
	_, err := answer(t, "/v1/projects/"+project+"/database/backups",
		`{"backups":[{"inserted_at":"yesterday"}]}`).Backups(t.Context(), project)
	expectKind(t, err, KindAnswer)
}

func TestHealth(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query()["services"]; len(got) != 2 || got[0] != "db" || got[1] != "rest" {
			t.Errorf("services %q", got)
		}
		_, _ = fmt.Fprint(
			w, `[{"name":"db","healthy":true,"status":"ACTIVE_HEALTHY"},{"name":"rest","status":"UNHEALTHY","error":"x"}]`)
	})
	got, err := c.Health(t.Context(), project, "db", "rest")
	if err != nil || len(got) != 2 || got[0] != (Health{"db", HealthActive}) ||
		got[1] != (Health{"rest", HealthUnhealthy}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestProject(t *testing.T) {
	got, err := answer(t, "/v1/projects/"+project, `{"ref":"x","status":"PAUSING","region":"eu"}`).Project(t.Context(),
		project)
	if err != nil || got != (Project{"PAUSING", "eu"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[int]Kind{
		401: KindToken, 403: KindToken, 404: KindNotFound, 429: KindRateLimited,
		500: KindServer, 503: KindServer, 302: KindAnswer, 204: KindAnswer,
	} {
		_, err := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
		}).Disk(t.Context(), project)
		expectKind(t, err, want)
	}
}

// The API says for how long it wants no requests; until then none is sent.
func TestRateLimitIsObeyed(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		header map[string]string
		wait   time.Duration
	}{
		"refused":             {429, map[string]string{"X-RateLimit-Reset": "42"}, 42 * time.Second},
		"refused, other word": {429, map[string]string{"Retry-After": "7"}, 7 * time.Second},
		"refused, no word":    {429, nil, time.Minute},
		"refused, too long":   {429, map[string]string{"X-RateLimit-Reset": "1893456000"}, maxPause},
		"the last one": {
			200,
			map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"},
			5 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				_, _ = fmt.Fprint(w, `{"attributes":{"type":"gp3","iops":3000}}`)
			})
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c.now = func() time.Time { return now }
			_, _ = c.Disk(t.Context(), project)
			now = now.Add(tc.wait - time.Second)
			_, err := c.Disk(t.Context(), project)
			expectKind(t, err, KindRateLimited)
			var e *Error
			if !errors.As(err, &e) || !e.RetryAt.Equal(now.Add(time.Second)) || requests.Load() != 1 {
				t.Errorf("%v after %d requests", err, requests.Load())
			}
			now = now.Add(time.Second)
			_, _ = c.Disk(t.Context(), project)
			if requests.Load() != 2 {
				t.Error("not asked again after the pause")
			}
		})
	}
}

func TestBounds(t *testing.T) {
	_, err := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"x":"` + strings.Repeat("x", maxBody) + `"}`))
	}).Disk(t.Context(), project)
	expectKind(t, err, KindAnswer)

	release := make(chan struct{})
	c := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = c.Disk(ctx, project)
	expectKind(t, err, KindNetwork)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no timeout", err)
	}
}

// What is no project reference never becomes part of an address.
func TestProjectReference(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	for _, ref := range []string{"", "../../organizations", "ABCDEFGHIJKLMNOPQRST", project + "/x", project + "\n"} {
		_, err := c.Disk(t.Context(), ref)
		expectKind(t, err, KindRequest)
	}
}

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "\n", "two": "a b", "long": strings.Repeat("x", 64<<10+1)} {
		file := filepath.Join(dir, name)
		testkit.WriteFile(t, file, text)
		c, err := New(Options{TokenFile: file})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Disk(t.Context(), project)
		expectKind(t, err, KindToken)
		if len(err.Error()) > 300 {
			t.Error("the error repeats the file")
		}
	}
	t.Setenv("SUPABASE_TEST_TOKEN", "")
	c, err := New(Options{TokenEnv: "SUPABASE_TEST_TOKEN"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Disk(t.Context(), project)
	expectKind(t, err, KindToken)
	for _, o := range []Options{
		{},
		{TokenFile: "a", TokenEnv: "b"},
		{TokenFile: "a", BaseURL: "api"},
		{TokenFile: "a", BaseURL: "ftp://x"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// echo fails with an error that repeats the request's headers, as a careless transport might.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("cannot send %v", r.Header)
}

func TestTokenIsNeverInAnError(t *testing.T) {
	t.Setenv("SUPABASE_TEST_TOKEN", testToken)
	c, err := New(Options{TokenEnv: "SUPABASE_TEST_TOKEN", Transport: echo{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Disk(t.Context(), project); err == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("%v", err)
	}
}

// Whatever the API answers, there is a result or an error of a known kind.
func FuzzBackups(f *testing.F) {
	f.Add(`{"backups":[{"id":1,"status":"COMPLETED","inserted_at":"2026-09-21T02:11:09Z"}],` +
		`"physical_backup_data":{"latest_physical_backup_date_unix":1789990000}}`)
	f.Add(`{"physical_backup_data":{"latest_physical_backup_date_unix":-1}}`)
	f.Add(`{"backups":[{"inserted_at":5}]}`)
	f.Setenv("SUPABASE_TEST_TOKEN", testToken)
	f.Fuzz(func(t *testing.T, body string) {
		c, err := New(Options{TokenEnv: "SUPABASE_TEST_TOKEN", Transport: fixed(body)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Backups(t.Context(), project); err != nil {
			expectKind(t, err, KindAnswer)
		}
		c, _ = New(Options{TokenEnv: "SUPABASE_TEST_TOKEN", Transport: fixed(body)})
		if _, err := c.Disk(t.Context(), project); err != nil {
			expectKind(t, err, KindAnswer)
		}
	})
}

// fixed answers everything with one body.
type fixed string

func (b fixed) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.WriteString(string(b))
	return w.Result(), nil
}

func expectKind(t *testing.T, err error, want Kind) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Errorf("error %v, want kind %s", err, want)
	}
}
