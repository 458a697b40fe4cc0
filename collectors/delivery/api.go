package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of one request.
const (
	requestTimeout = 20 * time.Second
	maxAnswer      = 16 << 20
	maxHeaders     = 64 << 10
	// maxWait bounds for how long a server can keep us away, leastWait is how long it does without saying so.
	maxWait   = time.Hour
	leastWait = time.Minute
)

// api asks the servers of sources.
type api struct {
	http      *http.Client
	userAgent string
	timeout   time.Duration // of one request
}

// newAPI returns a client that follows no redirect: a token goes nowhere but where the policy sends it.
func newAPI(userAgent string) *api {
	return &api{userAgent: userAgent, timeout: requestTimeout, http: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeaders,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 2 * time.Minute, MaxIdleConns: 32,
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// apiError is why a request failed.
type apiError struct {
	reason string // of metric.DeliveryReasons
	wait   time.Duration
	err    error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func failed(reason, format string, args ...any) *apiError {
	return &apiError{reason: reason, err: fmt.Errorf(format, args...)}
}

// question is one request.
type question struct {
	url    string
	header http.Header
	etag   string // of the answer that is known, empty for none
}

// answer is what a server said.
type answer struct {
	body      []byte
	unchanged bool // since the answer that was known
	etag      string
	more      bool          // there is a next page
	rest      time.Duration // for how long to ask nothing, because few requests are left
}

// ask asks once.
func (a *api) ask(ctx context.Context, q question) (answer, *apiError) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
	if err != nil {
		return answer{}, failed(metric.DeliveryRefused, "%w", err)
	}
	req.Header = q.header.Clone()
	req.Header.Set("User-Agent", a.userAgent)
	if q.etag != "" {
		req.Header.Set("If-None-Match", q.etag)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return answer{}, transportError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got := answer{
		etag: resp.Header.Get("ETag"), more: strings.Contains(resp.Header.Get("Link"), `rel="next"`),
		rest: restOf(resp.Header, time.Now()),
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && q.etag != "":
		got.unchanged, got.etag = true, q.etag
		return got, nil
	case resp.StatusCode != http.StatusOK:
		return answer{}, statusError(resp)
	}
	if got.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return answer{}, transportError(err)
	}
	if len(got.body) > maxAnswer {
		return answer{}, failed(metric.DeliveryMalformed, "the answer is larger than %d bytes", maxAnswer)
	}
	return got, nil
}

// decode reads an answer into a value.
func decode(body []byte, into any) *apiError {
	if err := json.Unmarshal(body, into); err != nil {
		return failed(metric.DeliveryMalformed, "invalid JSON: %w", err)
	}
	return nil
}

func transportError(err error) *apiError {
	var netErr net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return failed(metric.DeliveryTimeout, "%w", err)
	}
	return failed(metric.DeliveryNetwork, "%w", err)
}

// statusError returns why an answer has no document. GitHub answers 403 too where its limit is reached.
func statusError(resp *http.Response) *apiError {
	e := failed(metric.DeliveryRefused, "%s answered %s", resp.Request.URL.Host, resp.Status)
	h := resp.Header
	limited := remaining(h) == 0 || h.Get("Retry-After") != ""
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusForbidden && limited:
		e.reason = metric.DeliveryRateLimited
		e.wait = min(max(retryAfter(h, time.Now()), reset(h, time.Now()), leastWait), maxWait)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		e.reason = metric.DeliveryUnauthorizedAnswer
	case code == http.StatusNotFound:
		e.reason = metric.DeliveryNotFound
	case code >= http.StatusInternalServerError:
		e.reason, e.wait = metric.DeliveryServerError, min(retryAfter(h, time.Now()), maxWait)
	}
	return e
}

// limitHeader returns a header on the limit of requests, as GitHub and Vercel name it, or as GitLab does.
func limitHeader(h http.Header, name string) (int64, bool) {
	for _, prefix := range []string{"X-RateLimit-", "RateLimit-"} {
		if n, err := strconv.ParseInt(h.Get(prefix+name), 10, 64); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

// remaining returns how many requests are left, -1 if that is not said.
func remaining(h http.Header) int64 {
	if n, ok := limitHeader(h, "Remaining"); ok {
		return n
	}
	return -1
}

// reset returns how long it takes until requests are permitted again, 0 if that is not said.
func reset(h http.Header, now time.Time) time.Duration {
	at, ok := limitHeader(h, "Reset")
	if !ok || at > now.Unix()+int64(7*24*time.Hour/time.Second) {
		return 0
	}
	return max(time.Unix(at, 0).Sub(now), 0)
}

// restOf returns for how long to ask nothing, because less than a twentieth of the permitted requests is left: others
// use the same token.
func restOf(h http.Header, now time.Time) time.Duration {
	limit, ok := limitHeader(h, "Limit")
	left := remaining(h)
	if !ok || left < 0 || left > limit/20 {
		return 0
	}
	return min(reset(h, now), maxWait)
}

// retryAfter returns for how long a server asks to be left alone: seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
