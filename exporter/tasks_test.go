package exporter

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/crypto/bcrypt"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/procedure"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// taskServer is an exporter whose listener has a web configuration.
func taskServer(t *testing.T, webConfig string) (*exporter, *httptest.Server) {
	t.Helper()
	dir := t.TempDir()
	if webConfig != "" {
		testkit.WriteFile(t, filepath.Join(dir, "web.yml"), webConfig)
		webConfig = filepath.Join(dir, "web.yml")
	}
	file := policytest.File(t, dir, `version: 1
channels: {deadman: none}
links: {grafana: "https://grafana.example.com"}
services: [{name: web, owner: sre}]
procedures:
  people: [{name: ada}, {name: bob}]
  expected:
    - {name: review, cron: "0 8 * * *", page: P4,
       task: {people: [ada], dashboard: thorbis-daily, row: "08:00 <health>"}}
`)
	e := newExporter(Options{
		Logger: quiet(), Load: func(context.Context) (*config.Policy, error) { return config.Load(file) },
		Collectors: map[string]bool{"procedure": true}, Web: &web.FlagConfig{WebConfigFile: &webConfig},
	}, nil)
	if err := e.policy.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.collectors {
		if p, ok := c.Collector.(*procedure.Collector); ok {
			background(t, e.mustPolicy(t), collectors.Collector(p))
		}
	}
	h, err := e.handler()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return e, s
}

func (e *exporter) mustPolicy(t *testing.T) *config.Policy {
	t.Helper()
	p, _ := e.policy.get()
	if p == nil {
		t.Fatal("no policy")
	}
	return p
}

const password = "correct"

// webUsers returns a web configuration with these users, whose pages anybody may read.
func webUsers(t *testing.T, names ...string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	text := "auth_excluded_paths: [/*]\nbasic_auth_users:\n"
	for _, name := range names {
		text += "  " + name + ": \"" + string(hash) + "\"\n"
	}
	return text
}

// asUser asks for a page with a user's name and password.
func asUser(t *testing.T, user, method, address string, form url.Values, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		name, wrong, _ := strings.Cut(user, ":")
		req.SetBasicAuth(name, password+wrong)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

var tokenRE = regexp.MustCompile(`name="token" value="([0-9a-f]+)"`)

func TestTasksPage(t *testing.T) {
	e, s := taskServer(t, webUsers(t, "ada", "guest", "bob"))
	for user, button := range map[string]bool{
		"ada": true, "ada:x": false, "bob": false, "guest": false, "mallory": false, "": false,
	} {
		code, page := asUser(t, user, http.MethodGet, s.URL+"/tasks", nil)
		if code != http.StatusOK || strings.Contains(page, "<button>") != button {
			t.Errorf("%q: %d, a button: %v, want %v", user, code, !button, button)
		}
		if !strings.Contains(page, "https://grafana.example.com/d/thorbis-daily?from=") ||
			!strings.Contains(page, "08:00 &lt;health&gt;") {
			t.Errorf("%q does not see what to look at:\n%s", user, page)
		}
	}
	_, page := asUser(t, "ada", http.MethodGet, s.URL+"/tasks", nil)
	if !strings.Contains(page, ">not done yet</span>") {
		t.Errorf("a task that was never done is not said to be so:\n%s", page)
	}
	token := tokenRE.FindStringSubmatch(page)[1]
	form := func(token string) url.Values {
		return url.Values{"token": {token}, "note": {"<b>fine</b> https://wiki.example.com/1"}}
	}
	for _, x := range []struct {
		name, user, token string
		headers           []string
		want              int
	}{
		{"without a user", "", token, nil, http.StatusForbidden},
		{"a user whom the listener does not know", "mallory", token, nil, http.StatusForbidden},
		{"with a wrong password", "ada:x", token, nil, http.StatusForbidden},
		{"another user's form", "bob", token, nil, http.StatusForbidden},
		{"a user who may not, with a form of his own", "bob", e.forms.token("bob", "review"), nil, http.StatusForbidden},
		{"without a token", "ada", "", nil, http.StatusForbidden},
		{"from another site", "ada", token, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"from another origin", "ada", token, []string{"Origin", "https://evil.example.com"}, http.StatusForbidden},
		{"from the page", "ada", token, []string{"Sec-Fetch-Site", "same-origin"}, http.StatusSeeOther},
	} {
		code, text := asUser(t, x.user, http.MethodPost, s.URL+"/tasks/review", form(x.token), x.headers...)
		if code != x.want {
			t.Errorf("%s: %d %s, want %d", x.name, code, text, x.want)
		}
	}
	_, page = asUser(t, "guest", http.MethodGet, s.URL+"/tasks", nil)
	if !strings.Contains(page, "done last by ada") ||
		!strings.Contains(page, `success by ada: &lt;b&gt;fine&lt;/b&gt; <a href="https://wiki.example.com/1"`) ||
		!strings.Contains(page, ">done</span>") ||
		strings.Count(page, "<li>") != 1 {
		t.Errorf("the signature is not shown once, as text:\n%s", page)
	}
	large := url.Values{"token": {token}, "note": {strings.Repeat("x", maxForm)}}
	if code, _ := asUser(t, "ada", http.MethodPost, s.URL+"/tasks/review", large); code != http.StatusBadRequest {
		t.Errorf("a form of %d bytes: %d", maxForm, code)
	}
}

// Where the listener has no users, a name in a request proves nothing.
func TestTasksWithoutUsers(t *testing.T) {
	for _, webConfig := range []string{"", "tls_server_config: {}\n", "basic_auth_users: {}\n", "no: [yaml"} {
		e, s := taskServer(t, webConfig)
		_, page := asUser(t, "ada", http.MethodGet, s.URL+"/tasks", nil)
		form := url.Values{"token": {e.forms.token("ada", "review")}}
		code, _ := asUser(t, "ada", http.MethodPost, s.URL+"/tasks/review", form)
		if strings.Contains(page, "<button>") || code != http.StatusForbidden {
			t.Errorf("with %q anybody signs as ada: %d", webConfig, code)
		}
		if !strings.Contains(page, "thorbis_exporter done NAME") {
			t.Error("the page does not say how to sign")
		}
	}
}
