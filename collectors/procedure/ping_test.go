package procedure

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// running is a collector at work, with a server for its pings.
type running struct {
	*Collector
	url  string
	log  *testkit.Buffer
	stop func()
}

func startCollector(t *testing.T, dir *state.Dir, p *config.Policy) *running {
	t.Helper()
	log := &testkit.Buffer{}
	r := startThis(t, New(Options{Logger: slog.New(slog.NewTextHandler(log, nil)), State: dir}), p)
	r.log = log
	return r
}

func testLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func startThis(t *testing.T, c *Collector, p *config.Policy) *running {
	t.Helper()
	r := &running{Collector: c}
	if err := collectors.Apply(r.Collector, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = collectors.Run(ctx, r.Collector, r.logger, func(err error, _ time.Duration) {
			if err != nil {
				r.logger.Warn("round", "err", err)
			}
		})
	}()
	server := httptest.NewServer(r.Pings())
	r.url = server.URL
	stopped := false
	r.stop = func() {
		if !stopped {
			stopped = true
			server.Close()
			cancel()
			<-ended
		}
	}
	t.Cleanup(r.stop)
	testkit.Eventually(t, r.keys.known, "the keys are read")
	return r
}

// record returns what is known of a procedure.
func (c *Collector) record(name string) *record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[name]
}

// send sends a ping and returns code and body of the answer.
func (r *running) send(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	code, text, _ := r.sendFor(t, method, path, body)
	return code, text
}

func (r *running) sendFor(t *testing.T, method, path, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// series returns those of a metric as the exposition writes them.
func (r *running) series(t *testing.T, m *metric.Metric) string {
	t.Helper()
	text, err := testutil.CollectAndFormat(r.Collector, expfmt.TypeTextPlain, m.Name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (r *running) has(t *testing.T, m *metric.Metric, series string) {
	t.Helper()
	if text := r.series(t, m); !strings.Contains("\n"+text, "\n"+m.Name+series+"\n") {
		t.Errorf("no %s%s in\n%s", m.Name, series, text)
	}
}

const uuid = "5e3c1f9a-0000-4000-8000-00000000abcd"

func TestPingProtocol(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, dir+"/id", strings.ToUpper(uuid)+"\n")
	r := startCollector(t, nil, policy(t, "", "{name: nightly, interval: 1d, page: P3, ping_id: {file: "+dir+"/id}}",
		"{name: start, interval: 1d, page: P3}", "{name: posted, interval: 1d, page: P3, post_only: true}"))
	key := "/ping/" + testKey
	for _, c := range []struct {
		method, path string
		code         int
		text         string
	}{
		{"GET", key + "/nightly", 200, "OK"},
		{"HEAD", key + "/nightly", 200, ""},
		{"POST", key + "/nightly/start?rid=" + rid1, 200, "OK"},
		{"POST", key + "/nightly/log?rid=" + rid1, 200, "OK"},
		{"POST", key + "/nightly/0?rid=" + strings.ToUpper(rid1), 200, "OK"},
		{"POST", key + "/nightly/fail", 200, "OK"},
		{"POST", key + "/nightly/255", 200, "OK"},
		{"GET", "/ping/" + uuid, 200, "OK"},
		{"GET", "/ping/" + strings.ToUpper(uuid), 200, "OK"},
		{"GET", "/ping/" + uuid + "/", 200, "OK"},
		{"GET", "/ping/" + uuid + "/start", 200, "OK"},
		{"GET", "/ping/" + uuid + "/1", 200, "OK"},
		{"GET", key + "/start", 200, "OK"}, // a procedure of this name
		{"GET", key + "/start/start", 200, "OK"},
		{"GET", key + "/posted", 200, "OK"},
		{"GET", key + "/nightly?rid=7", 400, "invalid uuid format\n"},
		{"GET", key + "/nightly?rid=", 400, "invalid uuid format\n"},
		{"GET", key + "/nightly/256", 400, "invalid url format\n"},
		{"PUT", key + "/nightly", 405, "send GET, HEAD or POST\n"},
		// Whatever is wrong with an address has one answer.
		{"GET", key + "/other", 404, "not found\n"},
		{"GET", key + "/Nightly", 404, "not found\n"},
		{"GET", key + "/nightly/other", 404, "not found\n"},
		{"GET", key + "/nightly/start/1", 404, "not found\n"},
		{"GET", key + "/nightly?create=1&x=" + testKey[:20] + "/nightly", 200, "OK"},
		{"GET", "/ping/" + testKey[1:] + "x/nightly", 404, "not found\n"},
		{"GET", "/ping/" + testKey[1:] + "x/other", 404, "not found\n"},
		{"GET", "/ping/" + rid1, 404, "not found\n"},
		{"GET", "/ping/" + uuid + "/other", 404, "not found\n"},
		{"GET", "/ping/" + uuid + "/nightly", 404, "not found\n"}, // the UUID is no key
		{"GET", "/ping/" + testKey, 404, "not found\n"},
		{"GET", "/ping/", 404, "not found\n"},
		{"GET", "/ping/" + strings.Repeat("a", 5000), 404, "not found\n"},
	} {
		code, text, header := r.sendFor(t, c.method, c.path, "")
		if code != c.code || text != c.text {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, code, text, c.code, c.text)
		}
		limit := header.Get("Ping-Body-Limit")
		if want := code == 200 && !strings.Contains(c.path, "/posted"); (limit == "10000") != want {
			t.Errorf("%s %s: Ping-Body-Limit %q", c.method, c.path, limit)
		}
	}
	r.has(t, metric.ProcedureRuns, `{procedure="nightly",result="success"} 7`)
	r.has(t, metric.ProcedureRuns, `{procedure="nightly",result="failure"} 3`)
	r.has(t, metric.ProcedureRuns, `{procedure="posted",result="success"} 0`)
	r.has(t, metric.ProcedureRuns, `{procedure="start",result="success"} 1`)
	r.has(t, metric.ProcedureRunsInProgress, `{procedure="start"} 1`)
	r.has(t, metric.ProcedureState, `{procedure="nightly",state="failed"} 0`)
	for result, n := range map[string]int{
		metric.PingAccepted: 15, metric.PingIgnored: 1, metric.PingRefused: 12, metric.PingInvalid: 4,
		metric.PingRateLimited: 0, metric.PingUnavailable: 0,
	} {
		r.has(t, metric.ProcedurePings, fmt.Sprintf(`{result=%q} %d`, result, n))
	}
	if log := r.log.String(); strings.Contains(log, testKey) || strings.Contains(log, uuid) {
		t.Errorf("a key is in the log:\n%s", log)
	}
}

// A run that is delivered later brings its own times along.
func TestPingOfAnotherTime(t *testing.T) {
	r := startCollector(t, nil, policy(t, "", "{name: nightly, interval: 1d, page: P3}"))
	now := time.Now().UTC().Truncate(time.Second)
	ping := func(rid string, began, ended time.Time) int {
		code, _ := r.send(t, "POST", "/ping/"+testKey+"/nightly/0?rid="+rid+"&began="+began.Format(time.RFC3339)+
			"&ended="+ended.Format(time.RFC3339), "")
		return code
	}
	for range 2 { // the second one is the same report
		if code := ping(rid1, now.Add(-2*time.Hour), now.Add(-time.Hour)); code != 200 {
			t.Fatal(code)
		}
	}
	r.has(t, metric.ProcedureLastDuration, `{procedure="nightly"} 3600`)
	r.has(t, metric.ProcedureRuns, `{procedure="nightly",result="success"} 1`)
	if got := r.record("nightly"); !got.Success.Equal(now.Add(-time.Hour)) || !got.Start.Equal(now.Add(-2*time.Hour)) {
		t.Errorf("%+v", got)
	}
	for name, times := range map[string][2]time.Time{
		"in the future": {now, now.Add(time.Hour)}, "too old": {now.AddDate(0, -2, 0), now.AddDate(0, -2, 0)},
		"backwards": {now, now.Add(-time.Hour)},
	} {
		if code := ping(rid2, times[0], times[1]); code != 400 {
			t.Errorf("%s: %d", name, code)
		}
	}
}

// A body is kept to its limit, whatever its size; a secret in it is not.
func TestPingBody(t *testing.T) {
	r := startCollector(t, nil, policy(t, "", "{name: nightly, interval: 1d, page: P3}"))
	big := strings.Repeat("x", 10<<20)
	for body, want := range map[string]string{
		"one\ntwo\x1b[31m\xff\n": "one\ntwo[31m\uFFFD\n",
		big:                      big[:maxOutput],
		"key " + testKey:         "key <secret>",
	} {
		if code, text := r.send(t, "POST", "/ping/"+testKey+"/nightly/fail", body); code != 200 || text != "OK" {
			t.Errorf("%d %s", code, text)
		}
		if got := r.record("nightly").Output; got != want {
			t.Errorf("%.50q is kept, %d bytes; want %.50q", got, len(got), want)
		}
	}
	if log := r.log.String(); !strings.Contains(log, `output="two[31m\ufffd"`) && !strings.Contains(log, "two[31m") ||
		len(log) > 20_000 {
		t.Errorf("the log has %d bytes", len(log))
	}
}

// Floods: a procedure is reported so often a minute; wrong keys are answered so often, and never hold up right ones.
func TestPingsAreLimited(t *testing.T) {
	r := startCollector(t, nil, policy(t, "", "{name: a, interval: 1d, page: P3}", "{name: b, interval: 1d, page: P3}"))
	codes := map[int]int{}
	for range 2 * pingBurst {
		code, _ := r.send(t, "GET", "/ping/"+testKey+"/a", "")
		codes[code]++
	}
	if codes[200] < pingBurst || codes[200] > pingBurst+5 || codes[200]+codes[429] != 2*pingBurst {
		t.Errorf("answers %v", codes)
	}
	clear(codes)
	for i := range 2 * refusalBurst {
		path := "/ping/" + testKey + "/c" // a guessed name, as often as a guessed key
		if i%2 == 0 {
			path = fmt.Sprintf("/ping/guessed-key-%08d/a", i)
		}
		code, _ := r.send(t, "GET", path, "")
		codes[code]++
	}
	if codes[404] < refusalBurst || codes[429] == 0 || codes[404]+codes[429] != 2*refusalBurst {
		t.Errorf("answers to guesses %v", codes)
	}
	if code, _ := r.send(t, "GET", "/ping/"+testKey+"/b", ""); code != 200 {
		t.Errorf("a right key in a flood of wrong ones: %d", code)
	}
}

// A body that does not come holds a place for so long at most, and one without a right key is not waited for.
func TestUnauthorizedBodyIsNotRead(t *testing.T) {
	r := startCollector(t, nil, policy(t, "", "{name: a, interval: 1d, page: P3}"))
	body, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	req, err := http.NewRequestWithContext(t.Context(), "POST", r.url+"/ping/wrong-wrong-wrong-wrong/a", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 404 || !resp.Close {
		t.Errorf("%d, close %t", resp.StatusCode, resp.Close)
	}
}

func TestGatusPush(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, dir+"/id", uuid)
	r := startCollector(t, nil, policy(t, "",
		"{name: night-ly, interval: 1d, app_service: web, ping_id: {file: "+dir+"/id}}",
		"{name: night_ly, interval: 1d, page: P3}", "{name: other, interval: 1d, page: P3}"))
	for _, c := range []struct {
		path, token string
		code        int
	}{
		{"web_night-ly/external?success=true&duration=90s", testKey, 200},
		{"web_night-ly/external?success=false&error=broken", uuid, 200},
		{"_other/external?success=true", testKey, 200},
		{"_other/external?success=true", uuid, 404},       // not its own
		{"_night-ly/external?success=true", testKey, 404}, // two have this key
		{"web_other/external?success=true", testKey, 404},
		{"_other/external?success=true", "wrong", 404},
		{"_other/external?success=maybe", testKey, 400},
		{"_other/external", testKey, 400},
		{"_other/external?success=true&duration=ages", testKey, 400},
		{"_other/external?success=true&duration=-1s", testKey, 400},
	} {
		req := httptest.NewRequest("POST", "/api/v1/endpoints/"+c.path, nil)
		req.Header.Set("Authorization", "Bearer "+c.token)
		w := httptest.NewRecorder()
		r.Pings().ServeHTTP(w, req)
		if w.Code != c.code {
			t.Errorf("%s with %s: %d, want %d", c.path, c.token, w.Code, c.code)
		}
	}
	r.has(t, metric.ProcedureRuns, `{procedure="night-ly",result="success"} 1`)
	r.has(t, metric.ProcedureRuns, `{procedure="night-ly",result="failure"} 1`)
	r.has(t, metric.ProcedureRunDuration, `_sum{procedure="night-ly"} 90`)
	if got := r.record("night-ly").Output; got != "broken" {
		t.Errorf("output %q", got)
	}
}

// A key that is replaced counts from the next round on; one that cannot be read for a moment remains.
func TestKeysRotate(t *testing.T) {
	dir := t.TempDir()
	name := dir + "/id"
	testkit.WriteFile(t, name, uuid)
	p := policy(t, "", "{name: a, interval: 1d, page: P3, ping_id: {file: "+name+"}}",
		"{name: b, interval: 1d, page: P3, ping_id: {file: "+name+"}}")
	var k keys
	c := New(Options{Logger: testLogger()})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	read := func() error { return k.read(t.Context(), c.policy, c.watched) }
	if err := read(); err == nil || !strings.Contains(err.Error(), "that of a too") {
		t.Errorf("one UUID of two procedures: %v", err)
	}
	if own, shared := k.owner(uuid); own != "a" || shared {
		t.Errorf("%q, %t", own, shared)
	}
	testkit.WriteFile(t, name, rid1)
	_ = read()
	if own, _ := k.owner(uuid); own != "" {
		t.Error("the old UUID still counts")
	}
	testkit.WriteFile(t, name, "not a UUID")
	if err := read(); err == nil || strings.Contains(err.Error(), "not a UUID") {
		t.Errorf("an invalid UUID: %v", err)
	}
	if _, shared := k.owner(testKey); !shared {
		t.Error("the other keys do not count")
	}
	testkit.WriteFile(t, name, rid1)
	_ = read()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil { // which cannot be read
		t.Fatal(err)
	}
	if err := read(); err == nil {
		t.Error("a directory is read")
	}
	if own, _ := k.owner(rid1); own != "a" {
		t.Error("a key that cannot be read now does not remain")
	}
}
