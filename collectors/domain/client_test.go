package domain

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const answer = `{"objectClassName": "domain", "ldhName": "example.com", "status": ["client hold"],
	"events": [{"eventAction": "expiration", "eventDate": "2027-03-01T00:00:00Z"}]}`

// serve starts an RDAP server and returns its base URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/rdap/"
}

func testClient() *client { return &client{newClient(), "thorbis_exporter/test"} }

func TestLookup(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/rdap/domain/example.com" || !strings.Contains(r.Header.Get("Accept"), "application/rdap+json") ||
			r.Header.Get("User-Agent") != "thorbis_exporter/test" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		_, _ = w.Write([]byte(answer))
	})
	got, err := testClient().lookup(t.Context(), base, "example.com")
	if err != nil || !got.expires.Equal(day(2027, 3, 1)) || len(got.statuses) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Every failure has its reason, and the registry's wish to be left alone.
func TestLookupFailures(t *testing.T) {
	status := func(code int, retryAfter string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte(answer)) // which does not count
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		reason  string
		wait    time.Duration
	}{
		"not found":            {status(404, ""), metric.DomainNotFound, 0},
		"too many":             {status(429, "120"), metric.DomainRateLimited, 2 * time.Minute},
		"too many for a year":  {status(429, "31536000"), metric.DomainRateLimited, maxRetryAfter},
		"too many, unreadable": {status(429, "later"), metric.DomainRateLimited, 0},
		"unavailable":          {status(503, "60"), metric.DomainServerError, time.Minute},
		"refused":              {status(403, ""), metric.DomainRefused, 0},
		"no content":           {status(204, ""), metric.DomainRefused, 0},
		"not RDAP": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, metric.DomainMalformed, 0,
		},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", maxAnswer) + answer))
		}, metric.DomainMalformed, 0},
		"too large headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 2*maxHeaders))
			_, _ = w.Write([]byte(answer))
		}, metric.DomainNetwork, 0},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(answer))
		}, metric.DomainNetwork, 0},
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, metric.DomainRefused, 0},
	} {
		_, err := testClient().lookup(t.Context(), serve(t, c.handler), "example.com")
		var why *lookupError
		if !errors.As(err, &why) || why.reason != c.reason || why.wait != c.wait {
			t.Errorf("%s: %+v, want %s and a pause of %s", name, err, c.reason, c.wait)
		}
	}
}

func TestLookupUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err := testClient().lookup(t.Context(), gone.URL+"/", "example.com")
	if why, ok := errors.AsType[*lookupError](err); !ok || why.reason != metric.DomainNetwork {
		t.Errorf("unreachable: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err = testClient().lookup(ctx, base, "example.com")
	if why, ok := errors.AsType[*lookupError](err); !ok || why.reason != metric.DomainTimeout {
		t.Errorf("hung: %v", err)
	}
}

// A registry that refuses the request for one domain answers; those for its other domains go on.
func TestRefusalOfOneDomain(t *testing.T) {
	for code, next := range map[int]string{400: "b.com", 422: "b.com", 404: "b.com", 403: "", 500: ""} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		c := start(t, nil, `{names: [{name: a.com}, {name: b.com}], servers: {com: "`+base+`"}, spacing: 1s}`)
		now := time.Now()
		lookupNext(t, c, now)
		if got, _ := c.next(now.Add(5 * time.Second)); got.domain != next {
			t.Errorf("after %d %q is asked, want %q", code, got.domain, next)
		}
	}
}

// Three redirects are followed, as registries move; never from https to http.
func TestRedirects(t *testing.T) {
	hops := 0
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if hops++; hops <= maxRedirects {
			http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
			return
		}
		_, _ = w.Write([]byte(answer))
	})
	if _, err := testClient().lookup(t.Context(), base, "example.com"); err != nil {
		t.Error(err)
	}
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
	safe := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain+"domain/example.com", http.StatusFound)
	}))
	defer safe.Close()
	c := testClient()
	c.http.Transport = safe.Client().Transport
	_, err := c.lookup(t.Context(), safe.URL+"/", "example.com")
	if why, ok := errors.AsType[*lookupError](err); !ok || why.reason != metric.DomainRefused {
		t.Errorf("from https to http: %v", err)
	}
}

// A redirect to another host is followed by https only, and to no local address, whatever name that has.
func TestRedirectsToAnotherHost(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
	safe := httptest.NewTLSServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
	defer safe.Close()
	named := strings.Replace(safe.URL, "127.0.0.1", "localhost", 1)
	for _, to := range []string{plain, safe.URL, named} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		_, err := testClient().lookup(t.Context(), base, "example.com")
		if why, ok := errors.AsType[*lookupError](err); !ok || why.reason != metric.DomainRefused {
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
	now := day(2026, 11, 1)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, "-5": 0, "soon": 0, "99999999999": 0, "4294967295": maxRetryAfter,
		now.Add(time.Hour).Format(http.TimeFormat):  time.Hour,
		now.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After: %s is %s, want %s", text, got, want)
		}
	}
}
