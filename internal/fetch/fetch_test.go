package fetch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func get(t *testing.T, c *Client, address string) ([]byte, error) {
	t.Helper()
	answer, err := c.Get(t.Context(), Request{
		Address: address, Limit: 1 << 10, Timeout: time.Minute, MostWait: time.Hour,
	})
	return answer.Body, err
}

// Three redirects are followed, as registries move; never from https to http.
func TestRedirects(t *testing.T) {
	hops := 0
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if hops++; hops <= maxRedirects {
			http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
			return
		}
		_, _ = w.Write([]byte("{}"))
	})
	if _, err := get(t, NewClient("test"), base); err != nil {
		t.Error(err)
	}
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	safe := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain, http.StatusFound)
	}))
	defer safe.Close()
	c := NewClient("test")
	c.HTTP.Transport = safe.Client().Transport
	_, err := get(t, c, safe.URL+"/")
	if why, ok := errors.AsType[*Error](err); !ok || why.Reason != metric.ReadRefused {
		t.Errorf("from https to http: %v", err)
	}
}

// A redirect to another host is followed by https only, and to no local address, whatever name that has.
func TestRedirectsToAnotherHost(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	safe := httptest.NewTLSServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer safe.Close()
	named := strings.Replace(safe.URL, "127.0.0.1", "localhost", 1)
	for _, to := range []string{plain, safe.URL, named} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		_, err := get(t, NewClient("test"), base)
		if why, ok := errors.AsType[*Error](err); !ok || why.Reason != metric.ReadRefused {
			t.Errorf("to %s: %v", to, err)
		}
	}
	for _, address := range []string{
		"127.0.0.1:443", "10.1.2.3:443", "169.254.169.254:80", "0.0.0.0:443", "[::1]:443", "[fe80::1]:443", "[fd00::1]:443",
		"[::ffff:10.1.2.3]:443",
	} {
		if publicOnly("tcp", address, nil) == nil {
			t.Errorf("%s is public", address)
		}
	}
	if err := publicOnly("tcp", "192.0.43.8:443", nil); err != nil {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, "-5": 0, "soon": 0, "99999999999": 0, "4294967295": 4294967295 * time.Second,
		now.Add(time.Hour).Format(http.TimeFormat):  time.Hour,
		now.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After: %s is %s, want %s", text, got, want)
		}
	}
}

// FuzzRetryAfter: a wait is never negative.
func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Fri, 31 Dec 1999 23:59:59 GMT")
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if wait := RetryAfter(http.Header{"Retry-After": {text}}, now); wait < 0 {
			t.Errorf("%q: %s", text, wait)
		}
	})
}

// A client for requests with a secret sends it to no other place, whatever the server says.
func TestDirectFollowsNoRedirect(t *testing.T) {
	asked := 0
	other := serve(t, func(http.ResponseWriter, *http.Request) { asked++ })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer key" || r.Header.Get("User-Agent") != "test" {
			t.Errorf("the request has %v", r.Header)
		}
		w.Header().Set("X-Ratelimit-Remaining", "7")
		http.Redirect(w, r, other, http.StatusFound)
	})
	_, err := NewDirect("test").Get(t.Context(), Request{
		Address: base, Limit: 1 << 10, Timeout: time.Minute, MostWait: time.Hour,
		Header: http.Header{"Authorization": {"Bearer key"}},
	})
	why, ok := errors.AsType[*Error](err)
	if !ok || why.Reason != metric.ReadRefused || why.Status != http.StatusFound || asked != 0 {
		t.Fatalf("%v; the other server was asked %d times", err, asked)
	}
	if why.Header.Get("X-RateLimit-Remaining") != "7" {
		t.Errorf("the error has the header %v", why.Header)
	}
}
