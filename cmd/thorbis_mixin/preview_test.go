package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// output is what a command prints, read while it still runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// servePreview runs the command until the test ends, and returns its address and what it logs.
func servePreview(t *testing.T, args ...string) (string, *output) {
	t.Helper()
	p, err := config.Default(listenAddress)
	if err != nil {
		t.Fatal(err)
	}
	app := kingpin.New("test", "")
	_, flags := newPreview(app)
	if _, err := app.Parse(append([]string{"preview"}, args...)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, log output
	done := make(chan error, 1)
	go func() { done <- flags.serve(ctx, p, &out, slog.New(slog.NewTextHandler(&log, nil))) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the preview ended with %v", err)
		}
	})
	var found []string
	testkit.Eventually(t, func() bool {
		found = regexp.MustCompile(`open https?(?:\(s\))?://(\S+)/`).FindStringSubmatch(out.String())
		return found != nil
	}, "the address of the page")
	return found[1], &log
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestPreview serves the page, the dashboards of the policy, and a Prometheus that wants a password.
func TestPreview(t *testing.T) {
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "thorbis" || password != "hunter2" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"success","data":{"alerts":[]}}`))
	}))
	defer prometheus.Close()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "password"), "hunter2")
	file := filepath.Join(dir, "http.yml")
	testkit.WriteFile(t, file, "basic_auth: {username: thorbis, password_file: password}\n")
	const loopback = "--web.listen-address=127.0.0.1:0"
	at, log := servePreview(t, "--prometheus="+prometheus.URL, loopback, "--http.config.file="+file)
	code, text := fetch(t, "http://"+at+"/prometheus/api/v1/alerts")
	if code != http.StatusOK || !strings.Contains(text, "success") {
		t.Errorf("Prometheus with a password: %d %s", code, text)
	}
	code, text = fetch(t, "http://"+at+"/api/dashboards")
	if code != http.StatusOK || !strings.Contains(text, `"thorbis-slo"`) {
		t.Errorf("the dashboards: %d %s", code, text)
	}
	for _, path := range []string{"/", "/api/preview", "/d/thorbis-slo", "/prometheus/api/v1/status/config"} {
		if _, text := fetch(t, "http://"+at+path); strings.Contains(text, "hunter2") {
			t.Errorf("%s shows the password", path)
		}
	}
	if strings.Contains(log.String(), "Anyone who reaches") {
		t.Errorf("loopback is warned of: %s", log)
	}

	plain, _ := servePreview(t, "--prometheus="+prometheus.URL, loopback)
	if code, text := fetch(t, "http://"+plain+"/prometheus/api/v1/alerts"); code != http.StatusBadGateway ||
		!strings.Contains(text, "401") {
		t.Errorf("Prometheus without the password: %d %s", code, text)
	}
}

// TestPreviewWithoutRules: a Prometheus without the records of the bundle is warned of, for its panels look as if
// nothing were wrong, and so is one that does not answer.
func TestPreviewWithoutRules(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		answer, want string
	}{
		"rules":    {http.StatusOK, `{"status":"success","data":{"result":[{"metric":{},"value":[1,"1"]}]}}`, ""},
		"no rules": {http.StatusOK, `{"status":"success","data":{"result":[]}}`, "missing=page:thorbis_page:rank"},
		"refused":  {http.StatusForbidden, "no", "it answered 403 Forbidden"},
		"redirect": {http.StatusFound, "", "it answered 302 Found"},
		"rubbish":  {http.StatusOK, "<html>", "The Prometheus does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.answer))
				asked <- r.URL.String()
			}))
			defer server.Close()
			_, log := servePreview(t, "--prometheus="+server.URL+"/prometheus", "--web.listen-address=127.0.0.1:0")
			if url := <-asked; url != "/prometheus/api/v1/query?query=page%3Athorbis_page%3Arank" {
				t.Errorf("asked for %s", url)
			}
			if c.want != "" {
				testkit.Eventually(t, func() bool { return strings.Contains(log.String(), c.want) }, "the warning")
			} else if strings.Contains(log.String(), "WARN") {
				t.Errorf("warned: %s", log)
			}
		})
	}
}

// TestPreviewIsGuarded: what others reach is warned of unless it asks for a password, and then it asks for one.
func TestPreviewIsGuarded(t *testing.T) {
	const prometheus = "--prometheus=http://127.0.0.1:1"
	_, log := servePreview(t, prometheus, "--web.listen-address=:0")
	if !strings.Contains(log.String(), "Anyone who reaches") {
		t.Errorf("an open address is not warned of: %s", log)
	}
	file := filepath.Join(t.TempDir(), "web.yml")
	testkit.WriteFile(t, file, "basic_auth_users:\n  a: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n")
	at, log := servePreview(t, prometheus, "--web.listen-address=:0", "--web.config.file="+file)
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := fetch(t, "http://127.0.0.1:"+port+"/"); code != http.StatusUnauthorized {
		t.Errorf("without the password: %d", code)
	}
	if strings.Contains(log.String(), "Anyone who reaches") {
		t.Errorf("a guarded address is warned of: %s", log)
	}
}
