package tenant

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/receive"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

const receivingPolicy = `version: 1
environment: test
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {receive: vercel, app_service: web, secret_file: secret, verify: code-17}
    - {receive: cloudflare, app_service: web, secret_file: secret, secret_header: X-Secret}
    - {receive: json, app_service: web, secret_file: secret, fields: {host: h, status: s, id: i}, sampling: 25%}
`

const secret = "drain-secret"

// testCollector is a running collector with its receivers.
type testCollector struct {
	t    *testing.T
	c    *Collector
	url  string
	stop func()
}

func newTestCollector(t *testing.T, policy, storage string) *testCollector {
	t.Helper()
	return newTestCollectorLogging(t, policy, storage, slog.New(slog.DiscardHandler))
}

func newTestCollectorLogging(t *testing.T, policy, storage string, logger *slog.Logger) *testCollector {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "secret"), secret+"\n")
	p := policytest.Load(t, dir, policy)
	sd, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{Logger: logger, State: sd, Immediate: true})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(c.Receivers())
	o := &testCollector{t: t, c: c, url: server.URL}
	o.stop = sync.OnceFunc(func() {
		server.Close()
		cancel()
		wg.Wait()
		_ = c.Close()
		_ = sd.Close()
	})
	t.Cleanup(o.stop)
	return o
}

func (o *testCollector) post(kind, body string, headers ...string) *http.Response {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.url+"/api/v1/receive/"+kind,
		strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

func signature(body string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func zipped(body string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	return b.String()
}

func (o *testCollector) wants(n uint64) {
	o.t.Helper()
	if got, _, _ := o.c.store.Load().Totals(); got != n {
		o.t.Errorf("%d requests, want %d", got, n)
	}
}

func vercelRecord(id string) string {
	return fmt.Sprintf(`{"id":"1","requestId":%q,"host":"app.vercel.app","timestamp":%d,`+
		`"proxy":{"host":"acme.example.com","statusCode":200}}`, id, time.Now().UnixMilli())
}

func TestVercel(t *testing.T) {
	storage := t.TempDir()
	o := newTestCollector(t, receivingPolicy, storage)
	signed := func(body string) *http.Response { return o.post("vercel", body, "x-vercel-signature", signature(body)) }
	one, two, three := vercelRecord("a"), vercelRecord("b"), vercelRecord("c")
	for i, step := range []struct {
		name string
		resp *http.Response
		code int
		want uint64
	}{
		{"verification", o.post("vercel", "[]"), 200, 0},
		{"not signed", o.post("vercel", "["+one+"]"), 401, 0},
		{"signed by another", o.post("vercel", "["+one+"]", "x-vercel-signature", strings.Repeat("0", 40)), 401, 0},
		{"array", signed("[" + one + "," + two + "]"), 200, 2},
		{"again", signed("[" + one + "," + two + "]"), 200, 2},
		{"lines, one twice", signed(three + "\n" + three + "\nnonsense\n"), 200, 3},
		{"gzip signed as sent", func() *http.Response {
			z := zipped(vercelRecord("d"))
			return o.post("vercel", z, "x-vercel-signature", signature(z), "Content-Encoding", "gzip")
		}(), 200, 4},
		{"gzip signed before", func() *http.Response {
			body := vercelRecord("e")
			return o.post("vercel", zipped(body), "x-vercel-signature", signature(body), "Content-Encoding", "gzip")
		}(), 200, 5},
		{"broken array", signed("[" + vercelRecord("f") + ",{]"), 400, 5},
		{"nothing readable", signed("nonsense"), 400, 5},
		{"encoding", o.post("vercel", one, "x-vercel-signature", signature(one), "Content-Encoding", "br"), 415, 5},
	} {
		if step.resp.StatusCode != step.code || step.resp.Header.Get("x-vercel-verify") != "code-17" {
			t.Errorf("%d %s: %s, %v", i, step.name, step.resp.Status, step.resp.Header)
		}
	}
	o.wants(5)
	o.stop()
	o = newTestCollector(t, receivingPolicy, storage)
	body := "[" + one + "," + vercelRecord("new") + "]"
	if resp := o.post("vercel", body, "x-vercel-signature", signature(body)); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	o.wants(6) // what was counted before the restart is known
}

func TestCloudflareAndJSON(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	for name, tc := range map[string]struct {
		resp *http.Response
		code int
	}{
		"challenge": {o.post("cloudflare", zipped(`{"content":"tests"}`), "X-Secret", secret), 200},
		"bare gzip": {o.post(
			"cloudflare", zipped(`{"ClientRequestHost":"acme.example.com","EdgeResponseStatus":200,"RayID":"1"}`+"\n"),
			"X-Secret", "Bearer "+secret,
		), 200},
		"no secret":    {o.post("cloudflare", "{}"), 401},
		"wrong secret": {o.post("cloudflare", "{}", "X-Secret", "drain"), 401},
		"json sampled": {o.post("json", `{"h":"acme.example.com","s":503}`, "Authorization", secret), 200},
		"too large": {
			o.post("json", strings.Repeat(" ", receive.MaxBody+1), "Authorization", secret, "Expect", "100-continue"), 413,
		},
		"bomb": {o.post("json", zipped(strings.Repeat(" ", receive.MaxInflated+1)), "Authorization", secret), 413},
		"too many": {
			o.post("json", zipped(strings.Repeat("{}\n", receive.MaxRecords+1)), "Authorization", secret), 413,
		},
		"broken gzip":    {o.post("json", "\x1f\x8bxx", "Authorization", secret), 400},
		"unknown":        {o.post("other", "{}"), 404},
		"empty post":     {o.post("json", "", "Authorization", secret), 200},
		"nothing to see": {o.post("../../metrics", ""), 404},
	} {
		if tc.resp.StatusCode != tc.code {
			t.Errorf("%s: %s, want %d", name, tc.resp.Status, tc.code)
		}
	}
	o.wants(1 + 4)
	resp, err := http.Get(o.url + "/api/v1/receive/vercel")
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("x-vercel-verify") != "code-17" {
		t.Errorf("%v %v", resp, err)
	}
	if resp, err = http.Get(o.url + "/api/v1/receive/json"); err != nil || resp.StatusCode != 405 {
		t.Errorf("%v %v", resp, err)
	}
}

// Unreadable records are logged once a minute, without their content.
func TestUnreadableRecordsAreSampled(t *testing.T) {
	var log testkit.Buffer
	o := newTestCollectorLogging(t, receivingPolicy, t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		if resp := o.post("json", `{"h":"private.example.com","s":"x"}`+"\n"+`{"h":"acme.example.com","s":200}`,
			"Authorization", secret); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	text := log.String()
	if n := strings.Count(text, "Records of a post cannot be read"); n != 1 ||
		!strings.Contains(text, "reason=no_status") {
		t.Errorf("%d messages:\n%s", n, text)
	}
	if strings.Contains(text, "private") {
		t.Errorf("what was posted is in the log:\n%s", text)
	}
}

// Posts of the same requests at the same time: each request is counted once. A sender that was asked to retry has its
// requests counted when it does.
func TestConcurrentDuplicates(t *testing.T) {
	o := newTestCollector(t, receivingPolicy, t.TempDir())
	var body strings.Builder
	for i := range 500 {
		fmt.Fprintf(&body, `{"h":"acme.example.com","s":200,"i":"r%d"}`+"\n", i)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				for o.post("json", body.String(), "Authorization", secret).StatusCode != 200 {
				}
			}
		})
	}
	wg.Wait()
	o.wants(4 * 500)
}

// Of what is posted or logged only the counted fields are kept: no address, no query string, no agent and no message is
// in the state, in what is exposed or in the log, not even of records that cannot be read or that no tenant owns.
func TestOnlyCountedFieldsAreKept(t *testing.T) {
	storage, dir := t.TempDir(), t.TempDir()
	log := filepath.Join(dir, "access.json")
	private := []string{"203.0.113.77", "session=hidden", "private-agent", "private-message", "private-referrer"}
	hosts := []string{"acme.example.com", "unknown.example.org"}
	var lines strings.Builder
	for _, host := range hosts {
		fmt.Fprintf(&lines, `{"host":%q,"status":200,"remote_addr":"203.0.113.77","request_uri":"/a?session=hidden",`+
			`"http_user_agent":"private-agent","http_referer":"private-referrer"}`+"\n", host)
		fmt.Fprintf(&lines,
			`{"host":%q,"status":"x","remote_addr":"203.0.113.77","request_uri":"/a?session=hidden"`+"\n", host)
	}
	testkit.WriteFile(t, log, lines.String())
	var said testkit.Buffer
	policy := receivingPolicy + "    - {name: log, file: " + log + ", format: nginx-json, app_service: web}\n"
	o := newTestCollectorLogging(t, policy, storage,
		slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, host := range hosts {
		body := fmt.Sprintf(`[{"id":"1","requestId":%q,"message":"private-message","timestamp":%d,`+
			`"proxy":{"host":%q,"statusCode":200,"clientIp":"203.0.113.77","path":"/a?session=hidden",`+
			`"userAgent":["private-agent"],"referer":"private-referrer"}},
			{"message":"private-message","proxy":{"host":%[3]q,"clientIp":"203.0.113.77","path":"/a?session=hidden"}}]`,
			host, time.Now().UnixMilli(), host)
		if resp := o.post("vercel", body, "x-vercel-signature", signature(body)); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		body = fmt.Sprintf(`{"ClientRequestHost":%q,"EdgeResponseStatus":200,"RayID":"r-%[1]s","ClientIP":"203.0.113.77",`+
			`"ClientRequestURI":"/a?session=hidden","ClientRequestUserAgent":"private-agent",`+
			`"ClientRequestReferer":"private-referrer"}`, host)
		if resp := o.post(
			"cloudflare", zipped(body+"\n"+body[:len(body)-1]+"\n"), "X-Secret", secret,
		); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		body = fmt.Sprintf(
			`{"h":%q,"s":200,"ip":"203.0.113.77","url":"/a?session=hidden","agent":"private-agent","m":"private-message"}`, host)
		if resp := o.post("json", body+"\n"+body[:len(body)-1], "Authorization", secret); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
	const counted = 2 * (1 + 1 + 1 + 4) // of the file and the three receivers, of which json is sampled
	testkit.Eventually(t, func() bool { n, _, _ := o.c.store.Load().Totals(); return n == counted }, "all requests")
	var shown bytes.Buffer
	if err := o.c.Write(&shown); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(o.c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	o.stop()
	kept := map[string]string{
		"/metrics/tenants": shown.String(), "/metrics": fmt.Sprint(families), "the log": said.String(),
	}
	entries, err := os.ReadDir(storage)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(storage, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kept[e.Name()] = string(text)
	}
	if !strings.Contains(kept["tenant.00000001.log"], "acme") || !strings.Contains(kept["the log"], "cannot be read") {
		t.Fatal("what should be found is not where it is looked for")
	}
	for where, text := range kept {
		for _, p := range append(private, "unknown.example.org") {
			if strings.Contains(text, p) {
				t.Errorf("%s holds %s", where, p)
			}
		}
	}
}
