package delivery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A success is found among the statuses though inactive follows; commits, pull requests and runs are read too, each
// once.
func TestPollGitHub(t *testing.T) {
	h := newHost(t)
	sha := func(n int) string { return strings.Repeat(fmt.Sprint(n), 40) }
	deployment := func(id int, created time.Duration) object {
		return object{"id": id, "sha": sha(id), "ref": "main", "environment": "production", "created_at": ago(created)}
	}
	h.set("/repos/acme/app/deployments", []object{
		deployment(3, time.Minute), deployment(2, 2*time.Minute), deployment(1, 48*time.Hour),
		{"id": 9, "sha": sha(9), "environment": "preview", "created_at": ago(time.Minute)},
	})
	h.set("/repos/acme/app/deployments/1/statuses", []object{
		{"id": 1, "state": "success", "created_at": ago(47 * time.Hour)},
	})
	h.set("/repos/acme/app/deployments/2/statuses", []object{
		{"id": 3, "state": "inactive", "created_at": ago(30 * time.Second)},
		{"id": 2, "state": "success", "created_at": ago(time.Minute)},
		{"id": 1, "state": "pending", "created_at": ago(2 * time.Minute)},
	})
	h.set("/repos/acme/app/deployments/3/statuses", []object{
		{"id": 4, "state": "failure", "created_at": ago(time.Second)},
	})
	h.set("/repos/acme/app/commits/"+sha(2), object{"commit": object{
		"message": "Mend the login\n\nlong", "committer": object{"date": ago(3 * time.Hour)},
	}})
	h.set("/repos/acme/app/commits/"+sha(2)+"/pulls", []object{
		{"number": 4}, {"number": 1234, "merged_at": ago(3 * time.Hour)},
	})
	run := func(id, number int, status, conclusion string, took time.Duration) object {
		return object{
			"id": id, "run_number": number, "run_attempt": 1, "path": ".github/workflows/ci.yml@main", "status": status,
			"conclusion": conclusion, "run_started_at": ago(took), "updated_at": ago(0), "html_url": "https://github.com/x",
		}
	}
	h.set("/repos/acme/app/actions/runs", object{"total_count": 4, "workflow_runs": []object{
		run(14, 4, "in_progress", "", 10*time.Minute), run(13, 3, "completed", "failure", 5*time.Minute),
		run(12, 2, "completed", "success", 4*time.Minute), run(11, 1, "completed", "skipped", 0),
	}})
	r := startEvery(t, nil, policyOf(`{github: {repo: acme/app, token: {file: key}, workflows: [ci.yml], `+
		`max_runtime: 30m, url: "`+h.URL+`"}}`), 20*time.Millisecond)
	deployments := func(result string) float64 {
		return r.value(metric.Deployments, fmt.Sprintf(`app_service="web",result=%q`, result))
	}
	testkit.Eventually(t, func() bool { return deployments("success") == 1 && deployments("failure") == 1 },
		"deployments are counted")
	polls := func() float64 {
		return r.value(metric.DeliverySourcePolls, `app_service="web",result="success",source="github:acme/app"`)
	}
	before := polls()
	testkit.Eventually(t, func() bool { return polls() > before+2 }, "the source is polled again")
	if deployments("success") != 1 || h.times("/repos/acme/app/deployments/2/statuses") != 1 ||
		h.times("/repos/acme/app/commits/"+sha(2)) != 1 {
		t.Errorf("%v deployments; asked %v", deployments("success"), h.asked)
	}
	h.mu.Lock()
	if h.unneeded < 2 || h.asked["/repos/acme/app/deployments/9/statuses"] > 0 {
		t.Errorf("%d answers 304, asked %v", h.unneeded, h.asked)
	}
	h.mu.Unlock()
	const last = `app_service="web",commit="222222222222",deployment="222222222222",pull_request="1234"`
	if got := r.value(metric.DeploymentLast, last); got != 1 {
		t.Errorf("the last deployment is %v", got)
	}
	const workflow = `app_service="web",source="github:acme/app",workflow="ci.yml"`
	if failing := r.value(metric.WorkflowFailing, workflow); failing != 1 {
		t.Errorf("failing: %v", failing)
	}
	for result, want := range map[string]float64{"success": 1, "failure": 1, "cancelled": 0} {
		labels := fmt.Sprintf(`app_service="web",result=%q,source="github:acme/app",workflow="ci.yml"`, result)
		if got := r.value(metric.WorkflowRuns, labels); got != want {
			t.Errorf("%s: %v runs, want %v", result, got, want)
		}
	}
	since := time.UnixMilli(int64(r.value(metric.WorkflowRunningSince, workflow) * 1000))
	if time.Since(since).Round(time.Minute) != 10*time.Minute {
		t.Errorf("running since %s", since)
	}
}

// Vercel pages by until, and a rollback is read from the project.
func TestPollVercel(t *testing.T) {
	h := newHost(t)
	now := time.Now().UnixMilli()
	deployment := func(id, state, substate string, created int64) object {
		return object{
			"uid": id, "readyState": state, "readySubstate": substate, "target": "production", "createdAt": created,
			"ready": created + 1000, "aliasAssigned": created + 2000,
			"meta": object{"githubCommitSha": fmt.Sprintf("%040x", created)},
		}
	}
	h.set("/v6/deployments", object{"pagination": object{"next": now - 50_000}, "deployments": []object{
		deployment("dpl_4", "READY", "STAGED", now-10_000), deployment("dpl_3", "ERROR", "", now-20_000),
		{"uid": "dpl_9", "readyState": "READY", "readySubstate": "PROMOTED", "createdAt": now},
	}})
	h.set(fmt.Sprintf("/v6/deployments#%d", now-50_000), object{"pagination": object{"next": nil}, "deployments": []object{
		deployment("dpl_2", "READY", "PROMOTED", now-60_000), deployment("dpl_1", "READY", "PROMOTED", now-70_000),
		deployment("dpl_0", "CANCELED", "", now-80_000),
	}})
	h.set("/v9/projects/prj_5a", object{"lastAliasRequest": nil})
	r := startEvery(t, nil, policyOf(`{vercel: {project: prj_5a, token: {file: key}, url: "`+h.URL+`"}}`),
		20*time.Millisecond)
	counts := func() string {
		var parts []string
		for _, result := range metric.DeploymentResults {
			n := r.value(metric.Deployments, fmt.Sprintf(`app_service="web",result=%q`, result))
			parts = append(parts, fmt.Sprint(n))
		}
		return strings.Join(parts, " ")
	}
	testkit.Eventually(t, func() bool { return counts() == "0 1 0" }, "the first page is read: %s", counts())
	h.set("/v6/deployments", object{"pagination": object{"next": now - 50_000}, "deployments": []object{
		deployment("dpl_5", "BUILDING", "", now-1000),
	}})
	testkit.Eventually(t, func() bool { return counts() == "2 1 1" }, "a page that is new leads to the next: %s", counts())
	h.set("/v9/projects/prj_5a", object{"lastAliasRequest": object{
		"type": "rollback", "jobStatus": "succeeded", "fromDeploymentId": "dpl_2", "toDeploymentId": "dpl_1",
		"requestedAt": now,
	}})
	testkit.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.services["web"].Rollbacks) == 1
	}, "the rollback is noted")
	r.mu.Lock()
	s := r.services["web"]
	s.evaluate(r.rules, time.Now().Add(settleFor))
	if s.Failures[metric.DeploymentRolledBack] != 1 || s.current().IDs["vercel:prj_5a"] != "dpl_1" {
		t.Errorf("%s, live is %+v", s.summary(), s.current())
	}
	r.mu.Unlock()
}

func TestPollGitLab(t *testing.T) {
	h := newHost(t)
	deployment := func(id int, status, environment string) object {
		return object{
			"id": id, "status": status, "sha": fmt.Sprintf("%040x", id), "ref": "main", "created_at": ago(time.Minute),
			"updated_at": ago(time.Second), "environment": object{"name": environment}, "deployable": object{
				"finished_at": ago(30 * time.Second), "commit": object{"created_at": ago(time.Hour), "title": "Mend it"},
			},
		}
	}
	h.set("/api/v4/projects/acme/sub/app/deployments", []object{
		deployment(3, "success", "production"), deployment(2, "failed", "production"), deployment(1, "success", "staging"),
	})
	r := startEvery(t, nil, policyOf(`{gitlab: {project: acme/sub/app, token: {file: key}, url: "`+h.URL+`"}}`),
		20*time.Millisecond)
	testkit.Eventually(t, func() bool {
		return r.value(metric.Deployments, `app_service="web",result="success"`) == 1 &&
			r.value(metric.Deployments, `app_service="web",result="failure"`) == 1
	}, "deployments are counted")
	r.mu.Lock()
	d := r.services["web"].last()
	r.mu.Unlock()
	if lead, ok := d.lead(); !ok || lead.Round(time.Minute) != 59*time.Minute && lead.Round(time.Minute) != time.Hour {
		t.Errorf("lead %s, %v", lead, ok)
	}
}

// A second page that fails once costs nothing: the next round reads the first one again, and what follows it.
func TestSecondPageThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		source, first, second string // the pages by their addresses
		deployment            func(id int) object
		page                  func(list []object) any
	}{
		"github": {
			"repo: acme/app", "/repos/acme/app/deployments", "/repos/acme/app/deployments#2",
			func(id int) object {
				return object{"id": id, "environment": "production", "created_at": ago(time.Minute)}
			},
			func(list []object) any { return list },
		},
		"gitlab": {
			"project: acme/app", "/api/v4/projects/acme/app/deployments", "/api/v4/projects/acme/app/deployments#2",
			func(id int) object {
				return object{
					"id": id, "status": "success", "created_at": ago(time.Minute), "updated_at": ago(time.Second),
					"environment": object{"name": "production"},
				}
			},
			func(list []object) any { return list },
		},
		"vercel": {
			"project: prj_5a", "/v6/deployments", "/v6/deployments#1000",
			func(id int) object {
				return object{
					"uid": fmt.Sprint(id), "readyState": "ERROR", "target": "production", "createdAt": time.Now().UnixMilli(),
				}
			},
			func(list []object) any { return object{"deployments": list, "pagination": object{"next": 1000}} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			list := func(path string, id int) { h.set(path, test.page([]object{test.deployment(id)})) }
			h.set("/v9/projects/prj_5a", object{})
			list(test.first, 1)
			r := startEvery(t, nil, policyOf(fmt.Sprintf(`{%s: {%s, token: {file: key}, url: %q}}`, name, test.source, h.URL)),
				20*time.Millisecond)
			known := func() string {
				r.mu.Lock()
				defer r.mu.Unlock()
				var ids []string
				for _, d := range r.services["web"].Deployments {
					ids = append(ids, d.IDs[r.sources[0].name])
				}
				slices.Sort(ids)
				return strings.Join(ids, " ")
			}
			testkit.Eventually(t, func() bool { return known() == "1" }, "the past is read: %s", known())
			h.failOnce(test.second)
			list(test.second, 2)
			list(test.first, 3)
			testkit.Eventually(t, func() bool { return known() == "1 2 3" }, "both pages are read: %s", known())
		})
	}
}

// Whatever a host answers instead, the reason is counted, nothing that is known is lost, and no token leaves for
// another host or is shown.
func TestPollFails(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			t.Error("the token was sent to another host")
		}
		_, _ = w.Write([]byte("[]"))
	}))
	t.Cleanup(elsewhere.Close)
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			http.Error(w, keyText, code)
		}
	}
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	soon := fmt.Sprint(time.Now().Add(20 * time.Minute).Unix())
	for name, test := range map[string]struct {
		fail    http.HandlerFunc
		reason  string
		refused float64
		wait    time.Duration // at least
	}{
		"401": {status(401), "unauthorized", 1, 0},
		"403": {status(403), "unauthorized", 1, 0},
		"403 at limit": {
			status(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", soon), "rate_limited", 0, 19 * time.Minute,
		},
		"404":          {status(404), "not_found", 1, 0},
		"422":          {status(422), "refused", 0, 0},
		"429":          {status(429, "Retry-After", "600"), "rate_limited", 0, 10 * time.Minute},
		"429 for ever": {status(429, "Retry-After", "99999999"), "rate_limited", 0, time.Hour},
		"500":          {status(500), "server_error", 0, 0},
		"503":          {status(503, "Retry-After", "120"), "server_error", 0, 2 * time.Minute},
		"a redirect":   {status(302, "Location", elsewhere.URL), "refused", 0, 0},
		"no JSON":      {text("<html>"), "malformed", 0, 0},
		"another JSON": {text(`{"message":"hello"}`), "malformed", 0, 0},
		"truncated":    {text(`[{"id":1,`), "malformed", 0, 0},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("[]"))
		}, "network", 0, 0},
		"unasked 304":   {status(304), "refused", 0, 0},
		"huge":          {text(strings.Repeat(" ", maxAnswer+1)), "malformed", 0, 0},
		"no answer":     {func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }, "timeout", 0, 0},
		"a closed door": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "network", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.fail = test.fail
			r := start(t, nil, policyOf(`{github: {repo: acme/app, webhook_secret: {file: hook}, url: "`+h.URL+`"}}`))
			if test.reason == "timeout" { // nothing else is to reach it, however busy the machine is
				r.timeout = time.Second
			}
			o := r.sources[0]
			o.GitHub.Token = o.GitHub.WebhookSecret
			state := newPolled()
			if err := r.round(t.Context(), o, state); err != nil {
				t.Fatal(err)
			}
			r.mu.Lock()
			r.polled[ownerOf(o)] = state
			r.mu.Unlock()
			const source = `source="github:acme/app"`
			if got := r.value(metric.DeliverySourceFailures, `app_service="web",reason="`+test.reason+`",`+source); got != 1 {
				t.Errorf("the reason is %v", state.reasons)
			}
			if got := r.value(metric.DeliverySourceRefused, `app_service="web",`+source); got != test.refused {
				t.Errorf("refused is %v", got)
			}
			if wait := time.Until(state.next); wait < test.wait-time.Second || wait > maxWait {
				t.Errorf("it waits for %s, want %s at least", wait, test.wait)
			}
			if text := r.log.String(); strings.Contains(text, hookText) || !strings.Contains(text, test.reason) {
				t.Errorf("the log: %s", text)
			}
		})
	}
}

// Few requests that are left are not used up, and a clock that lies keeps us away for an hour at most.
func TestRest(t *testing.T) {
	now := time.Now()
	header := func(limit, left, reset string) http.Header {
		return http.Header{"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {left}, "X-Ratelimit-Reset": {reset}}
	}
	in := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	for _, test := range []struct {
		header http.Header
		want   time.Duration
	}{
		{header("5000", "4000", in(time.Minute)), 0},
		{header("5000", "200", in(30*time.Minute)), 30 * time.Minute},
		{header("5000", "0", in(5*time.Hour)), time.Hour},
		{header("5000", "0", "9223372036854775807"), 0},
		{header("5000", "0", "-1"), 0},
		{header("5000", "0", in(-time.Hour)), 0},
		{http.Header{}, 0},
		{
			http.Header{"Ratelimit-Limit": {"60"}, "Ratelimit-Remaining": {"1"}, "Ratelimit-Reset": {in(time.Minute)}},
			time.Minute,
		},
	} {
		if got := restOf(test.header, now); (got - test.want).Abs() > time.Second {
			t.Errorf("%v: %s, want %s", test.header, got, test.want)
		}
	}
}

// Whatever hosts answer, what is read of it stays within its bounds.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`[{"id":1,"state":"success","created_at":"2026-09-01T08:00:00Z"},{"id":2,"state":"inactive"}]`))
	f.Add([]byte(`{"uid":"dpl_1","readyState":"READY","readySubstate":"PROMOTED","aliasAssigned":true,` +
		`"ready":1790000300000}`))
	f.Add([]byte(`{"id":1,"status":"success","sha":"abcdef0","deployable":{"finished_at":"2026-09-01T08:00:00Z"}}`))
	f.Add([]byte(`{"id":1,"run_attempt":1,"status":"completed","conclusion":"failure","path":".github/workflows/ci.yml"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var all []change
		var statuses []*gitHubStatus
		if json.Unmarshal(body, &statuses) == nil {
			c := outcomeOf(statuses)
			c.id = "1"
			all = append(all, c)
		}
		var vercel vercelDeployment
		if json.Unmarshal(body, &vercel) == nil {
			all = append(all, vercel.change())
		}
		var gitLab gitLabDeployment
		if json.Unmarshal(body, &gitLab) == nil {
			all = append(all, gitLab.change())
		}
		s := testService()
		for _, c := range all {
			if c, ok := c.clean(testStart); ok {
				s.apply(c, testRules, testStart)
			}
		}
		for _, d := range s.Deployments {
			if d.Live.After(testStart) || d.Name == "" {
				t.Fatalf("%+v", d)
			}
		}
		var run gitHubRun
		if json.Unmarshal(body, &run) == nil {
			w := &workflow{Since: testStart}
			w.complete()
			for range 3 {
				w.count(&run, testStart)
			}
			if n := w.Results["success"] + w.Results["failure"] + w.Results["cancelled"]; n > 1 || w.Duration.Sum < 0 {
				t.Fatalf("%+v counts %d times", run, n)
			}
		}
	})
}
