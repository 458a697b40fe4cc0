package preview

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// upstream is a Prometheus below /path/ that records what reaches it.
type upstream struct {
	*httptest.Server
	requests atomic.Int64
	last     atomic.Pointer[http.Request]
	form     atomic.Pointer[string]
}

func newUpstream(t *testing.T, answer http.HandlerFunc) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		u.form.Store(&text)
		u.last.Store(r)
		answer(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func success(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Set-Cookie", "session=secret")
	_, _ = io.WriteString(w, `{"status":"success","data":[]}`)
}

// page serves a preview of the upstream.
func page(t *testing.T, u *upstream) http.Handler {
	t.Helper()
	at, err := url.Parse(u.URL + "/path/")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Handler(Options{
		Prometheus: at, Hosts: []string{"wall.example.com"}, Version: "1.2.3",
		Dashboards: func() (map[string][]byte, error) {
			return map[string][]byte{
				"a.json": []byte(`{"uid":"a","title":"Second"}`), "b.json": []byte(`{"title":"First"}`),
			}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// do sends a request to the page as a browser at localhost does.
func do(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost:10090"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const form = "application/x-www-form-urlencoded"

func TestReads(t *testing.T) {
	u := newUpstream(t, success)
	h := page(t, u)
	for _, c := range []struct{ method, path, query, body string }{
		{http.MethodGet, "query", "query=up", ""},
		{http.MethodPost, "query_range", "", "query=up&start=1&end=2&step=1"},
		{http.MethodPost, "series", "", "match[]=up"},
		{http.MethodGet, "labels", "", ""},
		{http.MethodGet, "label/app_service/values", "match%5B%5D=up", ""},
		{http.MethodGet, "label/__name__/values", "", ""},
		{http.MethodGet, "rules", "type=alert", ""},
		{http.MethodGet, "alerts", "", ""},
		{http.MethodGet, "metadata", "", ""},
		{http.MethodGet, "status/buildinfo", "", ""},
	} {
		w := do(h, c.method, "/prometheus/api/v1/"+c.path+"?"+c.query, c.body, "Content-Type", form,
			"Cookie", "session=mine", "Authorization", "Basic bWluZQ==", "X-Forwarded-For", "192.0.2.1")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "success") {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
			continue
		}
		r := u.last.Load()
		if r.Method != c.method || r.URL.Path != "/path/api/v1/"+c.path || r.URL.RawQuery != c.query {
			t.Errorf("%s %s reached Prometheus as %s %s", c.method, c.path, r.Method, r.URL)
		}
		if got := *u.form.Load(); got != c.body {
			t.Errorf("%s: the form is %q, want %q", c.path, got, c.body)
		}
		for _, name := range []string{"Cookie", "Authorization", "X-Forwarded-For"} {
			if v := r.Header.Get(name); v != "" {
				t.Errorf("%s: the browser's %s %q reached Prometheus", c.path, name, v)
			}
		}
		if w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: Prometheus' cookie reached the browser", c.path)
		}
	}
}

func TestRefuses(t *testing.T) {
	u := newUpstream(t, success)
	h := page(t, u)
	long := "query=" + strings.Repeat("a", maxQuery)
	for _, c := range []struct {
		what, method, target, body, kind string
		status                           int
	}{
		{"deleting", http.MethodPost, "/prometheus/api/v1/admin/tsdb/delete_series", "", form, http.StatusForbidden},
		{"a snapshot", http.MethodPost, "/prometheus/api/v1/admin/tsdb/snapshot", "", form, http.StatusForbidden},
		{"writing", http.MethodPost, "/prometheus/api/v1/write", "", form, http.StatusForbidden},
		{"a reload", http.MethodPost, "/prometheus/-/reload", "", form, http.StatusForbidden},
		{"a stop", http.MethodPost, "/prometheus/-/quit", "", form, http.StatusForbidden},
		{"the configuration", http.MethodGet, "/prometheus/api/v1/status/config", "", "", http.StatusForbidden},
		{"the flags", http.MethodGet, "/prometheus/api/v1/status/flags", "", "", http.StatusForbidden},
		{"targets", http.MethodGet, "/prometheus/api/v1/targets", "", "", http.StatusForbidden},
		{"the metrics", http.MethodGet, "/prometheus/metrics", "", "", http.StatusForbidden},
		{"profiles", http.MethodGet, "/prometheus/debug/pprof/heap", "", "", http.StatusForbidden},
		{"federation", http.MethodGet, "/prometheus/federate?match[]=up", "", "", http.StatusForbidden},
		{"the root", http.MethodGet, "/prometheus/", "", "", http.StatusForbidden},
		{"the pattern itself", http.MethodGet, "/prometheus/api/v1/label/*/values", "", "", http.StatusForbidden},
		{"a path in a label", http.MethodGet, "/prometheus/api/v1/label/a%2F..%2Fadmin/values", "", "", http.StatusForbidden},
		{"an encoded path", http.MethodGet, "/prometheus/api/v1/query%2F..%2Fadmin", "", "", http.StatusForbidden},
		{"a longer name", http.MethodGet, "/prometheus/api/v1/query_exemplars", "", "", http.StatusForbidden},
		{"DELETE", http.MethodDelete, "/prometheus/api/v1/series", "", "", http.StatusMethodNotAllowed},
		{"PUT", http.MethodPut, "/prometheus/api/v1/query", "", form, http.StatusMethodNotAllowed},
		{"a posted label", http.MethodPost, "/prometheus/api/v1/label/job/values", "", form, http.StatusMethodNotAllowed},
		{"another form", http.MethodPost, "/prometheus/api/v1/query", "{}", "text/json", http.StatusUnsupportedMediaType},
		{"a long form", http.MethodPost, "/prometheus/api/v1/query", long, form, http.StatusRequestEntityTooLarge},
		{"a long query", http.MethodGet, "/prometheus/api/v1/query?" + long, "", "", http.StatusRequestURITooLong},
		{"a posted page", http.MethodPost, "/alerts", "", form, http.StatusMethodNotAllowed},
		{"a file that is not embedded", http.MethodGet, "/assets/vendor/README.md", "", "", http.StatusNotFound},
	} {
		if w := do(h, c.method, c.target, c.body, "Content-Type", c.kind); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.what, w.Code, w.Body, c.status)
		}
	}
	if n := u.requests.Load(); n != 0 {
		t.Errorf("%d refused requests reached Prometheus", n)
	}
}

func TestAnswersThatAreNotPrometheus(t *testing.T) {
	for what, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sign-in.example.com/", http.StatusFound)
		}, "redirects"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<script>alert(1)</script>")
		}, "not in JSON"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "999999999999")
			w.WriteHeader(http.StatusOK)
		}, "more than 64 MiB"},
	} {
		u := newUpstream(t, c.answer)
		w := do(page(t, u), http.MethodGet, "/prometheus/api/v1/query?query=up", "")
		if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %q", what, w.Code, w.Body, c.want)
		}
		if strings.Contains(w.Body.String(), "script>") {
			t.Errorf("%s reached the browser: %s", what, w.Body)
		}
	}
	gone := newUpstream(t, success)
	h := page(t, gone)
	gone.Close()
	w := do(h, http.MethodGet, "/prometheus/api/v1/query?query=secret_name", "")
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "Prometheus does not answer") ||
		strings.Contains(w.Body.String(), "secret_name") {
		t.Errorf("no Prometheus: %d %s", w.Code, w.Body)
	}
}

// An answer of unknown length that is too long is cut off in a way that a browser notices.
func TestEndlessAnswerIsAborted(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		block := []byte(strings.Repeat(" ", 1<<20))
		for range maxAnswer>>20 + 2 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("the answer was not aborted: %v", err)
		}
	}()
	do(page(t, u), http.MethodGet, "/prometheus/api/v1/query?query=up", "")
}

// What Prometheus compresses reaches the browser compressed.
func TestCompressedAnswerStaysCompressed(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Prometheus is asked for %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"status":"success"}`)
		_ = z.Close()
	})
	w := do(page(t, u), http.MethodGet, "/prometheus/api/v1/query?query=up", "", "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != `{"status":"success"}` {
		t.Errorf("%s %v", text, err)
	}
}

func TestURLOfPrometheus(t *testing.T) {
	for text, want := range map[string]string{
		"http://prometheus:9090": "", "https://example.com/prometheus/": "",
		"prometheus:9090": "write it like", "ftp://prometheus": "write it like", "http://": "write it like",
		"http://admin:hunter2@prometheus": "--http.config.file", "http://prometheus?token=hunter2": "without ?",
	} {
		at, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		err = checkURL(at)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the secret: %v", text, err)
		}
	}
}

// FuzzEndpoint checks that no path is forwarded but those of the table.
func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{
		"/prometheus/api/v1/query", "/prometheus/api/v1/label/a/values", "/prometheus/api/v1/../admin",
		"/prometheus/api/v1/label/*/values",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, methods := endpoint(path)
		if methods == nil {
			return
		}
		if readable[name] == nil && !labelRE.MatchString(name) || strings.ContainsAny(name, ".%?#*\\") {
			t.Errorf("%q is forwarded as %q", path, name)
		}
	})
}
