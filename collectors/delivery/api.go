package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of one request.
const (
	requestTimeout = 20 * time.Second
	maxAnswer      = 16 << 20
	// maxWait bounds for how long a server can keep us away, leastWait is how long it does without saying so.
	maxWait   = time.Hour
	leastWait = time.Minute
)

// answer is what a server said.
type answer struct {
	fetch.Answer
	more bool          // there is a next page
	rest time.Duration // for how long to ask nothing, because few requests are left
}

// unchanged reports whether it is the answer that was known.
func (a answer) unchanged() bool { return a.Body == nil }

// get asks for one address, conditionally if its answer is to be remembered.
func (r *round) get(ctx context.Context, address string, remember bool) (answer, *fetch.Error) {
	var known fetch.Validators
	if remember {
		r.state.mu.Lock()
		known = r.state.known[address]
		r.state.mu.Unlock()
	}
	got, err := r.client.Get(ctx, fetch.Request{
		Address: address, Header: r.header, Known: known, Limit: maxAnswer, Timeout: r.timeout, MostWait: maxWait,
	})
	if err != nil {
		return answer{}, refused(err)
	}
	return answer{
		got, strings.Contains(got.Header.Get("Link"), `rel="next"`), restOf(got.Header, time.Now()),
	}, nil
}

// refused returns why an answer has no document, where the limit of requests or the token is the reason. GitHub answers
// 403 too where its limit is reached.
func refused(err error) *fetch.Error {
	why, ok := errors.AsType[*fetch.Error](err)
	if !ok {
		return fetch.Failed(metric.ReadMalformed, "%w", err)
	}
	limited := remaining(why.Header) == 0 || why.Header.Get("Retry-After") != ""
	now := time.Now()
	switch {
	case why.Status == http.StatusTooManyRequests, why.Status == http.StatusForbidden && limited:
		why.Reason = metric.ReadRateLimited
		why.Wait = min(max(fetch.RetryAfter(why.Header, now), reset(why.Header, now), leastWait), maxWait)
	case why.Status == http.StatusUnauthorized, why.Status == http.StatusForbidden:
		why.Reason = metric.DeliveryUnauthorizedAnswer
	}
	return why
}

// decode reads an answer into a value.
func decode(body []byte, into any) *fetch.Error {
	if err := json.Unmarshal(body, into); err != nil {
		return fetch.Failed(metric.ReadMalformed, "invalid JSON: %w", err)
	}
	return nil
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
