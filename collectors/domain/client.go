package domain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// lookupTimeout bounds one look-up, redirects included.
	lookupTimeout = 20 * time.Second
	// maxAnswer bounds an answer; common ones have 3 to 30 kB.
	maxAnswer    = 1 << 20
	maxHeaders   = 64 << 10
	maxRedirects = 3
	// maxRetryAfter bounds for how long a registry can keep us away.
	maxRetryAfter = 24 * time.Hour
)

// lookupError is why a look-up failed.
type lookupError struct {
	reason string // of metric.DomainReasons
	// wait is for how long the registry asked to be left alone; 0 if it did not.
	wait time.Duration
	// answered says that the registry answered, and that the failure is one of this domain only.
	answered bool
	err      error
}

func (e *lookupError) Error() string { return e.err.Error() }
func (e *lookupError) Unwrap() error { return e.err }

func failed(reason, format string, args ...any) *lookupError {
	answered := reason == metric.DomainNotFound || reason == metric.DomainMalformed
	return &lookupError{reason: reason, answered: answered, err: fmt.Errorf(format, args...)}
}

// errRedirect is why a redirect is not followed.
var errRedirect = errors.New("a redirect that is not followed")

// redirected is the key of the host that a request was redirected to, a *atomic.Value of its name, in a context.
type redirected struct{}

// dial connects to a public address only where a server has redirected the request to another host: what the policy
// names, a proxy too, may be local.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	if to, ok := ctx.Value(redirected{}).(*atomic.Value); ok {
		if host, _, err := net.SplitHostPort(address); err == nil && to.Load() == host {
			d.Control = publicOnly
		}
	}
	return d.DialContext(ctx, network, address)
}

func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errRedirect, err)
	}
	if ip := at.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return fmt.Errorf("%w: to the local address %s", errRedirect, ip)
	}
	return nil
}

// newClient returns a client that follows few redirects, none from https to http, and to another host by https only.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dial,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeaders,
			// The next look-up of a registry comes seconds later, most often tomorrow.
			DisableKeepAlives: true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errRedirect
			}
			to, ok := req.Context().Value(redirected{}).(*atomic.Value)
			if !ok || req.URL.Host == via[0].URL.Host {
				return nil
			}
			if req.URL.Scheme != "https" {
				return errRedirect
			}
			to.Store(req.URL.Hostname())
			return nil
		},
	}
}

// client looks registrations up.
type client struct {
	http      *http.Client
	userAgent string
}

// lookup asks an RDAP server for a domain (RFC 9082, section 3.1.3).
func (c *client) lookup(ctx context.Context, base, domain string) (report, error) {
	text, err := c.get(ctx, base+"domain/"+url.PathEscape(domain), "application/rdap+json, application/json", maxAnswer)
	if err != nil {
		return report{}, err
	}
	r, err := parse(text, domain)
	if err != nil {
		return report{}, failed(metric.DomainMalformed, "%w", err)
	}
	return r, nil
}

// get returns a whole answer of status 200. The error is a *lookupError.
func (c *client) get(ctx context.Context, address, accept string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	ctx = context.WithValue(ctx, redirected{}, &atomic.Value{})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, failed(metric.DomainRefused, "%w", err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, transportError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, transportError(err)
	}
	if int64(len(text)) > limit {
		return nil, failed(metric.DomainMalformed, "the answer is larger than %d bytes", limit)
	}
	return text, nil
}

func transportError(err error) *lookupError {
	var netErr net.Error
	switch {
	case errors.Is(err, errRedirect):
		return failed(metric.DomainRefused, "%w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return failed(metric.DomainTimeout, "%w", err)
	}
	return failed(metric.DomainNetwork, "%w", err)
}

func statusError(resp *http.Response) *lookupError {
	e := failed(metric.DomainRefused, "%s answered %s", resp.Request.URL.Host, resp.Status)
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound:
		e.reason, e.answered = metric.DomainNotFound, true
	case code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		e.answered = true
	case code == http.StatusTooManyRequests:
		e.reason, e.wait = metric.DomainRateLimited, retryAfter(resp.Header, time.Now())
	case code >= http.StatusInternalServerError:
		e.reason, e.wait = metric.DomainServerError, retryAfter(resp.Header, time.Now())
	}
	return e
}

// retryAfter returns for how long a server asks to be left alone: seconds or a date (RFC 9110, section 10.2.3),
// within bounds.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
