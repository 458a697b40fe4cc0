package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	hookText = "a long secret of a webhook"
	keyText  = "a long key of a program"
)

// running is a collector at work, with a server for its posts.
type running struct {
	*Collector
	t    testing.TB
	url  string
	log  *testkit.Buffer
	stop func()
}

const policyText = `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre, page: P1}, {name: api, owner: sre, page: P2}]
delivery:
  services:
    - app_service: web
      sources:
        - {github: {repo: acme/app, webhook_secret: {file: hook}}}
        - {vercel: {project: prj_5a, webhook_secret: {file: hook}}}
        - {events: {key: {file: key}}}
    - app_service: api
      sources: [{github: {repo: acme/api, webhook_secret: {file: hook2}}}]
`

func start(t testing.TB, dir *state.Dir, policy string) *running {
	t.Helper()
	return startEvery(t, dir, policy, 0)
}

// startEvery starts a collector that polls at an interval.
func startEvery(t testing.TB, dir *state.Dir, policy string, interval time.Duration) *running {
	t.Helper()
	files := t.TempDir()
	for name, text := range map[string]string{"hook": hookText, "key": keyText, "hook2": "another " + hookText} {
		testkit.WriteFile(t, filepath.Join(files, name), text+"\n")
	}
	log := &testkit.Buffer{}
	r := &running{t: t, log: log, Collector: New(Options{
		Logger: slog.New(slog.NewTextHandler(log, nil)), State: dir, Interval: interval, UserAgent: "test",
	})}
	if err := collectors.Apply(r.Collector, policytest.Load(t, files, policy)); err != nil {
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
	server := httptest.NewServer(r.Deliveries())
	r.url = server.URL + receivePath
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
	testkit.Eventually(t, r.secrets.known, "the secrets are read")
	return r
}

// post posts a body and returns the status.
func (r *running) post(kind string, body []byte, header map[string]string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+kind, strings.NewReader(string(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	if strings.Contains(string(text), hookText) || strings.Contains(string(text), keyText) {
		r.t.Errorf("the answer holds a secret: %s", text)
	}
	return resp.StatusCode
}

func gitHubHeader(secret, delivery string, body []byte) map[string]string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body)
	return map[string]string{
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)), "X-GitHub-Event": "deployment_status",
		"X-GitHub-Delivery": delivery,
	}
}

func vercelHeader(secret string, body []byte) map[string]string {
	mac := hmac.New(sha1.New, []byte(secret))
	_, _ = mac.Write(body)
	return map[string]string{"X-Vercel-Signature": hex.EncodeToString(mac.Sum(nil))}
}

// gitHubBody is an event on a deployment that went live now.
func gitHubBody(repo, environment string, id int, state string) []byte {
	now := time.Now().UTC().Format(time.RFC3339)
	return fmt.Appendf(nil, `{"deployment_status":{"id":1,"state":%q,"created_at":%q},"deployment":{"id":%d,`+
		`"sha":"%040x","ref":"main","environment":%q,"created_at":%q},"repository":{"full_name":%q}}`,
		state, now, id, id, environment, now, repo)
}

// value returns the value of a series.
func (r *running) value(m *metric.Metric, labels string) float64 {
	r.t.Helper()
	return testutil.ToFloat64(only{r.Collector, m.Name, labels})
}

func TestPosts(t *testing.T) {
	r := start(t, nil, policyText)
	body := gitHubBody("Acme/App", "Production", 1, "success")
	event := fmt.Appendf(nil, `{"id":"b1","result":"success","commit":"abcdef0123","commit_time":%q}`,
		time.Now().Add(-time.Hour).Format(time.RFC3339))
	vercel := []byte(strings.ReplaceAll(string(document(t, "vercel_promoted.json")), "1790000300000",
		fmt.Sprint(time.Now().UnixMilli())))
	key := map[string]string{"Authorization": "Bearer " + keyText}
	form := gitHubHeader(hookText, "f1", body)
	form["X-Hub-Signature-256"] = strings.Replace(form["X-Hub-Signature-256"], "sha256=", "sha1=", 1)
	for _, test := range []struct {
		name, kind string
		body       []byte
		header     map[string]string
		status     int
		result     string
	}{
		{"signed", "github", body, gitHubHeader(hookText, "d1", body), 204, "accepted"},
		{"replayed", "github", body, gitHubHeader(hookText, "d1", body), 204, "duplicate"},
		{"of another repository's secret", "github", body, gitHubHeader("another "+hookText, "d2", body), 204, "ignored"},
		{"forged", "github", body, gitHubHeader("guess", "d3", body), 401, "unauthorized"},
		{"altered", "github", append([]byte(" "), body...), gitHubHeader(hookText, "d4", body), 401, "unauthorized"},
		{"unsigned", "github", body, map[string]string{"X-GitHub-Event": "deployment_status"}, 401, "unauthorized"},
		{"by another hash", "github", body, form, 401, "unauthorized"},
		{"of no object", "github", []byte("{}"), gitHubHeader(hookText, "d5", []byte("{}")), 400, "invalid"},
		{"signed", "vercel", vercel, vercelHeader(hookText, vercel), 204, "accepted"},
		{"forged", "vercel", vercel, vercelHeader("guess", vercel), 401, "unauthorized"},
		{"with a key", "events", event, key, 204, "accepted"},
		{"without one", "events", event, nil, 401, "unauthorized"},
		{"of another service", "events", []byte(`{"id":"x","app_service":"api"}`), key, 400, "invalid"},
		{"of another environment", "events", []byte(`{"id":"x","environment":"staging"}`), key, 204, "ignored"},
		{"of no id", "events", []byte(`{"id":"a b"}`), key, 400, "invalid"},
		{"too large", "events", make([]byte, maxBody+1), key, 413, "too_large"},
	} {
		labels := fmt.Sprintf(`result=%q,source=%q`, test.result, test.kind)
		before := r.value(metric.DeliveryEvents, labels)
		if got := r.post(test.kind, test.body, test.header); got != test.status {
			t.Errorf("%s %s: %d, want %d", test.kind, test.name, got, test.status)
		}
		if got := r.value(metric.DeliveryEvents, labels) - before; got != 1 {
			t.Errorf("%s %s is not counted as %s", test.kind, test.name, test.result)
		}
	}
	staging := gitHubBody("acme/app", "staging", 7, "success")
	if got := r.post("github", staging, gitHubHeader(hookText, "d9", staging)); got != 204 {
		t.Error(got)
	}
	if got := r.post("nothing", body, nil); got != 404 {
		t.Errorf("an unknown kind: %d", got)
	}
	if got := r.value(metric.Deployments, `app_service="web",result="success"`); got != 3 {
		t.Errorf("%v deployments, want 3", got)
	}
	if got := r.value(metric.Deployments, `app_service="api",result="success"`); got != 0 {
		t.Errorf("%v deployments of another service", got)
	}
	if text := r.log.String(); strings.Contains(text, hookText) || strings.Contains(text, keyText) {
		t.Error("the log holds a secret")
	}
}

// What was acknowledged is kept by the next exporter, which counts a repeated delivery once.
func TestRestart(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, dir, policyText)
	body := gitHubBody("acme/app", "production", 1, "success")
	if got := r.post("github", body, gitHubHeader(hookText, "d1", body)); got != 204 {
		t.Fatal(got)
	}
	live := r.value(metric.DeploymentLastLive, `app_service="web"`)
	r.stop()
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = state.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	r = start(t, dir, policyText)
	testkit.Eventually(t, func() bool { return r.shown.Load() != nil }, "something is shown")
	if got := r.value(metric.Deployments, `app_service="web",result="success"`); got != 1 {
		t.Errorf("%v deployments after a restart", got)
	}
	if got := r.value(metric.DeploymentLastLive, `app_service="web"`); got != live {
		t.Errorf("live at %v, was %v", got, live)
	}
	for _, delivery := range []string{"d1", "d2"} {
		if got := r.post("github", body, gitHubHeader(hookText, delivery, body)); got != 204 {
			t.Fatal(got)
		}
	}
	if got := r.value(metric.Deployments, `app_service="web",result="success"`); got != 1 {
		t.Errorf("%v deployments after replays", got)
	}
	if got := r.value(metric.DeliveryEvents, `result="duplicate",source="github"`); got != 1 {
		t.Errorf("%v duplicates", got)
	}
}

// A post that cannot be saved is refused and shown by no series; sent again, it counts once.
func TestUnsaved(t *testing.T) {
	path := t.TempDir()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	r := start(t, dir, policyText)
	testkit.Eventually(t, func() bool { return r.shown.Load() != nil }, "something is shown")
	broken := filepath.Join(path, snapshotName+".state")
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(broken, "x"), 0o755); err != nil { // what no file can replace
		t.Fatal(err)
	}
	body := gitHubBody("acme/app", "production", 1, "success")
	if got := r.post("github", body, gitHubHeader(hookText, "d1", body)); got != 503 {
		t.Fatalf("%d, want 503", got)
	}
	if got := r.value(metric.Deployments, `app_service="web",result="success"`); got != 0 {
		t.Errorf("%v deployments are shown that are not saved", got)
	}
	if got := r.value(metric.StateUnsaved, `collector="delivery"`); got != 1 {
		t.Errorf("saving fails, and unsaved is %v", got)
	}
	if err := os.RemoveAll(broken); err != nil {
		t.Fatal(err)
	}
	if got := r.post("github", body, gitHubHeader(hookText, "d1", body)); got != 204 {
		t.Fatalf("%d, want 204", got)
	}
	if got := r.value(metric.Deployments, `app_service="web",result="success"`); got != 1 {
		t.Errorf("%v deployments", got)
	}
	if got := r.value(metric.StateUnsaved, `collector="delivery"`); got != 0 {
		t.Errorf("all is saved, and unsaved is %v", got)
	}
}

// Every series of a service exists at 0 before its first deployment, and without the section there is none.
func TestBegins(t *testing.T) {
	r := start(t, nil, policyText)
	if got := r.value(metric.DeploymentFailures, `app_service="api",reason="hotfix"`); got != 0 {
		t.Error(got)
	}
	if problems, err := testutil.CollectAndLint(r.Collector); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	without := policytest.Load(t, t.TempDir(), "version: 1\nchannels: {deadman: none}\n")
	if err := collectors.Apply(r.Collector, without); err != nil {
		t.Fatal(err)
	}
	if n := testutil.CollectAndCount(r.Collector); n != 0 {
		t.Errorf("%d series without the section", n)
	}
	if got := r.post("github", nil, nil); got != 404 {
		t.Errorf("a post without the section: %d", got)
	}
}

// The API has the deployments of a service, the newest first, and the status page its sources.
func TestListed(t *testing.T) {
	r := start(t, nil, policyText)
	for i, state := range []string{"success", "failure"} {
		body := gitHubBody("acme/app", "production", i+1, state)
		if got := r.post("github", body, gitHubHeader(hookText, fmt.Sprint("d", i), body)); got != 204 {
			t.Fatal(got)
		}
	}
	answer, err := r.deploymentsOf("web")
	if err != nil {
		t.Fatal(err)
	}
	all := answer.(map[string]any)["deployments"].([]listed)
	if len(all) != 2 || all[0].State == all[1].State || all[0].AppService != "web" || len(all[0].Sources) != 1 {
		t.Errorf("%+v", all)
	}
	if answer, err = r.list(); err != nil || len(answer.(map[string]any)["deployments"].([]listed)) != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	_, err = r.deploymentsOf("x")
	if why, ok := errors.AsType[*collectors.RequestError](err); !ok || why.Kind != collectors.RequestNotFound {
		t.Error(err)
	}
	sections := r.Sections(collectors.SectionRequest{Now: time.Now(), Limit: 10})
	if len(sections) != 1 || len(sections[0].Rows) == 0 {
		t.Fatalf("%+v", sections)
	}
	found := false
	for _, row := range sections[0].Rows {
		found = found || row.Cells[0] == "web" && row.Cells[4] == all[0].Name
	}
	if !found {
		t.Errorf("the status page lacks %s: %+v", all[0].Name, sections[0].Rows)
	}
}
