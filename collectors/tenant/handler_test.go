package tenant

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/expose"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func TestNegotiation(t *testing.T) {
	for accept, want := range map[string]expose.Format{
		"": expose.Text, "*/*": expose.Text, "text/html": expose.Text,
		// As Prometheus 3 asks, without and with native histograms.
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/" +
			"openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/" +
			"plain;version=0.0.4;q=0.3,*/*;q=0.2": expose.OpenMetrics,
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,application/" +
			"openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/" +
			"plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2": expose.Protobuf,
	} {
		h := http.Header{"Accept": {accept}}
		if format, got := negotiate(h); got != want {
			t.Errorf("%q: %d (%s), want %d", accept, got, format, want)
		}
	}
}

// cutOff is a client that goes away before what was written to it is sent.
type cutOff struct{ *httptest.ResponseRecorder }

func (cutOff) FlushError() error { return errors.New("broken pipe") }

// slowly is a client that reads for longer than the scrape's timeout of 10 ms.
type slowly struct{ *httptest.ResponseRecorder }

func (s slowly) FlushError() error { time.Sleep(20 * time.Millisecond); return nil }

// A new tenant's first requests are exported only after a scrape that showed it at 0 was delivered in time. A scrape
// that was cut off, or was slower than its Prometheus waits, does not count.
func TestOnlyAWholeScrapeInTimeCounts(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme}]")
	log := filepath.Join(dir, "access.json")
	testkit.WriteFile(t, log, "")
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	line := `{"host":"acme.example.com","status":200,"request_time":0.1}` + "\n"
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total := func() uint64 { n, _, _ := c.Store().Totals(); return n }
	scrape := func(w http.ResponseWriter, body func() string, timeout string) string {
		r := httptest.NewRequest(http.MethodGet, "/metrics/tenants", nil)
		r.Header.Set(scrapeTimeout, timeout)
		func() {
			defer func() { _ = recover() }() // as net/http does, and cuts the connection
			c.Tenants().ServeHTTP(w, r)
		}()
		_, after, _ := strings.Cut(body(), "# TYPE "+metric.TenantRequests.Name)
		_, after, _ = strings.Cut(after, `,tenant="acme",code_class="2xx"} `)
		value, _, _ := strings.Cut(after, "\n")
		// What it decided is saved with the next commit.
		before := total()
		fmt.Fprint(f, line)
		testkit.Eventually(t, func() bool { return total() > before }, "the next commit")
		return value
	}
	testkit.Eventually(t, func() bool {
		var b strings.Builder
		return c.Write(&b) == nil && strings.Contains(b.String(), `tenant="acme"`)
	}, "the registry in force")
	for _, try := range []string{"cut off", "cut off again", "late"} {
		w := httptest.NewRecorder()
		var client http.ResponseWriter = cutOff{w}
		timeout := "10"
		if try == "late" {
			client, timeout = slowly{w}, "0.01"
		}
		if got := scrape(client, w.Body.String, timeout); got != "0" {
			t.Errorf("%s: %q", try, got)
		}
	}
	w := httptest.NewRecorder()
	if got := scrape(w, w.Body.String, "10"); got != "0" {
		t.Errorf("the first whole scrape: %q", got)
	}
	w = httptest.NewRecorder()
	if got := scrape(w, w.Body.String, "10"); got != "4" {
		t.Errorf("the second whole scrape: %q", got)
	}
}
