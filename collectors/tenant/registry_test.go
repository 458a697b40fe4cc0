package tenant

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const databasePolicy = `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  registry: {refresh: 1s, postgres: {dsn_file: dsn, query: "select name, tier from customers"}}
  host: "{tenant}.example.com"
  sources:
    - {name: log, file: access.json, format: nginx-json, app_service: web}
    - {receive: json, app_service: web, secret_file: secret, fields: {host: h, status: s, id: i}}
`

// post posts to the receiver of JSON.
func post(c *Collector, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/receive/json", strings.NewReader(body))
	r.Header.Set("Authorization", secret)
	w := httptest.NewRecorder()
	c.Receivers().ServeHTTP(w, r)
	return w
}

// While the tenants are unknown, no request is counted for a wrong one: files wait, and posts are asked to retry. Once
// they were known, a start without the database uses the last good list.
func TestRegistryDatabaseIsDownAtTheStart(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres",
		"create table customers(name text, tier text); insert into customers values ('acme', 'gold')")
	server.Stop()
	dir, storage := t.TempDir(), t.TempDir()
	log := filepath.Join(dir, "access.json")
	testkit.WriteFile(t, filepath.Join(dir, "dsn"), server.DSN("postgres", "postgres"))
	testkit.WriteFile(t, filepath.Join(dir, "secret"), secret)
	line := func(tenant string) string { return `{"host":"` + tenant + `.example.com","status":200}` + "\n" }
	testkit.WriteFile(t, log, strings.Repeat(line("acme"), 3)+line("beta"))
	p := policytest.Load(t, dir, databasePolicy)
	var failures atomic.Int64
	run := func() (c *Collector, stop func()) {
		t.Helper()
		sd, err := state.Open(storage)
		if err != nil {
			t.Fatal(err)
		}
		c = New(Options{Logger: slog.New(slog.DiscardHandler), State: sd, Immediate: true})
		if err := collectors.Apply(c, p); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		failures.Store(0)
		go func() {
			defer close(done)
			if err := collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
				if err != nil {
					failures.Add(1)
				}
			}); err != nil {
				t.Error(err)
			}
		}()
		return c, func() { cancel(); <-done; _ = c.Close(); _ = sd.Close() }
	}
	postOf := func(c *Collector, tenant string) *httptest.ResponseRecorder {
		return post(c, `{"h":"`+tenant+`.example.com","s":200}`)
	}
	counts := func(c *Collector, want map[string]string) {
		t.Helper()
		testkit.Eventually(t, func() bool {
			var b strings.Builder
			if err := c.Write(&b); err != nil {
				return false
			}
			for tenant, n := range want {
				if !strings.Contains(b.String(), `tenant="`+tenant+`",code_class="2xx"} `+n+"\n") {
					return false
				}
			}
			return true
		}, "the counts")
	}
	registered := func(c *Collector) float64 {
		t.Helper()
		var b strings.Builder
		if err := c.Write(&b); err != nil {
			t.Fatal(err)
		}
		return float64(strings.Count(b.String(), "thorbis_tenant_info{"))
	}

	c, stop := run()
	testkit.Eventually(t, func() bool { return failures.Load() > 0 }, "word that the registry cannot be read")
	if w := postOf(c, "acme"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a post before the tenants are known: %d", w.Code)
	}
	if c.Lines() != 0 || registered(c) != 0 {
		t.Errorf("%d lines and %v tenants before the tenants are known", c.Lines(), registered(c))
	}
	server.Restart(t)
	counts(c, map[string]string{"acme": "3", "_unknown": "1"})
	if w := postOf(c, "acme"); w.Code != http.StatusOK {
		t.Errorf("a post when they are: %d", w.Code)
	}
	counts(c, map[string]string{"acme": "4", "_unknown": "1"})
	stop()

	server.Stop()
	c, stop = run()
	defer func() { stop() }()
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(line("acme") + line("beta"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	counts(c, map[string]string{"acme": "5", "_unknown": "2"})
	if w := postOf(c, "acme"); w.Code != http.StatusOK {
		t.Errorf("a post with the list of an earlier run: %d", w.Code)
	}
	testkit.Eventually(t, func() bool { return failures.Load() > 0 }, "errors of the registry")
	if n := testutil.CollectAndCount(c, "thorbis_tenant_registry_errors_total"); n != 1 {
		t.Errorf("%d series of errors", n)
	}
	server.Restart(t)
	server.Query(t, "postgres", "insert into customers values ('beta', null)")
	counts(c, map[string]string{"acme": "6", "_unknown": "2", "beta": "0"})
	if w := postOf(c, "beta"); w.Code != http.StatusOK {
		t.Errorf("a post for the new tenant: %d", w.Code)
	}
	counts(c, map[string]string{"acme": "6", "beta": "1"})
}
