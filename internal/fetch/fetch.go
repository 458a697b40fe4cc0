// Package fetch reads documents of public servers over HTTP: bounded in size and time, with a reason for each failure,
// for as long as a server asks to be left alone, and without following a redirect to a local address.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	maxHeaders   = 64 << 10
	maxRedirects = 3
)

// Error is why a document could not be read.
type Error struct {
	Reason string // of metric.ReadReasons
	// Status is that of the answer, 0 without one.
	Status int
	// Wait is for how long the server asked to be left alone; 0 if it did not.
	Wait time.Duration
	// Header is that of the answer, nil without one.
	Header http.Header
	err    error
}

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *Error) Unwrap() error { return e.err }

// Failed returns an error with a reason.
func Failed(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, err: fmt.Errorf(format, args...)}
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

// Client reads documents.
type Client struct {
	HTTP      *http.Client
	UserAgent string
}

// NewClient returns a client that follows few redirects, none from https to http, and to another host by https only.
func NewClient(userAgent string) *Client {
	return &Client{UserAgent: userAgent, HTTP: &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dial,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeaders,
			// The next request to the same server comes in seconds to days.
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
	}}
}

// NewDirect returns a client that follows no redirect, for requests with a secret: it goes nowhere but where the policy
// sends it.
func NewDirect(userAgent string) *Client {
	return &Client{UserAgent: userAgent, HTTP: &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dial,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeaders,
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        2 * time.Minute,
			MaxIdleConns:           32,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Validators are those of an answer, by which the next request asks whether it has changed (RFC 9110, section 13). The
// zero value asks for the whole.
type Validators struct{ ETag, Modified string }

// Request is what is read.
type Request struct {
	Address, Accept string
	// Header is added to those that the client sends itself.
	Header http.Header
	Known  Validators
	// Limit bounds the document in bytes, Timeout the request, redirects included, and MostWait for how long the server
	// can keep us away.
	Limit    int64
	Timeout  time.Duration
	MostWait time.Duration
}

// Answer is a document.
type Answer struct {
	Body []byte // nil if it has not changed
	Validators
	Header http.Header
}

// Get returns a whole answer of status 200, or that it has not changed. The error is an *Error.
func (c *Client) Get(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := c.request(ctx, r)
	if err != nil {
		return Answer{}, Failed(metric.ReadRefused, "%w", err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return Answer{}, transportError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotModified && r.Known != (Validators{}) {
		return Answer{Validators: r.Known, Header: resp.Header}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return Answer{}, statusError(resp, r.MostWait)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.Limit+1))
	if err != nil {
		return Answer{}, transportError(err)
	}
	if int64(len(body)) > r.Limit {
		return Answer{}, Failed(metric.ReadMalformed, "the answer is larger than %d bytes", r.Limit)
	}
	return Answer{body, Validators{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}, resp.Header}, nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	ctx = context.WithValue(ctx, redirected{}, &atomic.Value{})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Address, nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller gives it a reason.
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	req.Header.Set("User-Agent", c.UserAgent)
	if r.Known.ETag != "" {
		req.Header.Set("If-None-Match", r.Known.ETag)
	}
	if r.Known.Modified != "" {
		req.Header.Set("If-Modified-Since", r.Known.Modified)
	}
	return req, nil
}

func transportError(err error) *Error {
	var netErr net.Error
	switch {
	case errors.Is(err, errRedirect):
		return Failed(metric.ReadRefused, "%w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Failed(metric.ReadTimeout, "%w", err)
	}
	return Failed(metric.ReadNetwork, "%w", err)
}

func statusError(resp *http.Response, most time.Duration) *Error {
	e := Failed(metric.ReadRefused, "%s answered %s", resp.Request.URL.Host, resp.Status)
	e.Status, e.Header = resp.StatusCode, resp.Header
	switch {
	case e.Status == http.StatusNotFound:
		e.Reason = metric.ReadNotFound
	case e.Status == http.StatusTooManyRequests:
		e.Reason, e.Wait = metric.ReadRateLimited, min(RetryAfter(resp.Header, time.Now()), most)
	case e.Status >= http.StatusInternalServerError:
		e.Reason, e.Wait = metric.ReadServerError, min(RetryAfter(resp.Header, time.Now()), most)
	}
	return e
}

// RetryAfter returns for how long a server asks to be left alone: seconds or a date (RFC 9110, section 10.2.3), never
// less than 0.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return max(wait, 0)
}
