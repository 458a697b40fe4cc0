package domain

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
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

func testClient() client { return client{fetch.NewClient("thorbis_exporter/test")} }

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
		"not found":            {status(404, ""), metric.ReadNotFound, 0},
		"too many":             {status(429, "120"), metric.ReadRateLimited, 2 * time.Minute},
		"too many for a year":  {status(429, "31536000"), metric.ReadRateLimited, maxRetryAfter},
		"too many, unreadable": {status(429, "later"), metric.ReadRateLimited, 0},
		"unavailable":          {status(503, "60"), metric.ReadServerError, time.Minute},
		"refused":              {status(403, ""), metric.ReadRefused, 0},
		"no content":           {status(204, ""), metric.ReadRefused, 0},
		"not RDAP": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, metric.ReadMalformed, 0,
		},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", maxAnswer) + answer))
		}, metric.ReadMalformed, 0},
		"too large headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 128<<10))
			_, _ = w.Write([]byte(answer))
		}, metric.ReadNetwork, 0},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(answer))
		}, metric.ReadNetwork, 0},
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, metric.ReadRefused, 0},
	} {
		_, err := testClient().lookup(t.Context(), serve(t, c.handler), "example.com")
		if why, ok := errors.AsType[*fetch.Error](err); !ok || why.Reason != c.reason || why.Wait != c.wait {
			t.Errorf("%s: %+v, want %s and a pause of %s", name, err, c.reason, c.wait)
		}
	}
}

func TestLookupUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err := testClient().lookup(t.Context(), gone.URL+"/", "example.com")
	if why, ok := errors.AsType[*fetch.Error](err); !ok || why.Reason != metric.ReadNetwork {
		t.Errorf("unreachable: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err = testClient().lookup(ctx, base, "example.com")
	if why, ok := errors.AsType[*fetch.Error](err); !ok || why.Reason != metric.ReadTimeout {
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
