// Package supabase asks Supabase's Management API, no more than the exporter needs of it: what disk a
// project has, how it fares, and which backups of it exist. The client is bounded in size, time and rate,
// and its token never appears in an error.
package supabase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// DefaultBaseURL is where the API is.
const DefaultBaseURL = "https://api.supabase.com"

// Bounds of one request. The API permits 120 requests a minute for each user, project and endpoint; one a
// second over all of them leaves room for other users of the same token.
const (
	maxBody        = 4 << 20
	defaultTimeout = 15 * time.Second
	perSecond      = 1
	burst          = 10
	// maxPause bounds what the API may ask us to wait, in case it means something else by it.
	maxPause = 10 * time.Minute
	// pauseWithoutWord is how long to wait when it refuses without saying for how long: its whole window.
	pauseWithoutWord = time.Minute
)

// Options are the address of the API and the source of its token.
type Options struct {
	// BaseURL overrides DefaultBaseURL, for tests.
	BaseURL string
	// TokenFile or TokenEnv names where the access token is; it is read for each request, so that a renewed
	// one is used without a restart.
	TokenFile string
	TokenEnv  string
	// Timeout of one request, 15 s if it is 0.
	Timeout time.Duration
	// UserAgent of the requests.
	UserAgent string
	// Transport overrides the default one.
	Transport http.RoundTripper
}

// Client asks the Management API. It may be used from several goroutines.
type Client struct {
	options Options
	base    *url.URL
	http    *http.Client
	limiter *rate.Limiter
	now     func() time.Time

	mu     sync.Mutex
	paused map[string]time.Time // by project and endpoint: until when the API wants no requests
}

// New returns a client. It sends nothing yet.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("invalid address of the API %q: write it like %s", o.BaseURL, DefaultBaseURL)
	}
	if (o.TokenFile == "") == (o.TokenEnv == "") {
		return nil, errors.New("name either a file or an environment variable that holds the access token")
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return &Client{
		options: o, base: base, limiter: rate.NewLimiter(perSecond, burst), now: time.Now, paused: map[string]time.Time{},
		http: &http.Client{
			Transport: o.Transport,
			Timeout:   o.Timeout,
			// The API redirects nowhere, and the token must not follow to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// projectRE is what a project reference looks like. What looks otherwise never becomes part of an address.
var projectRE = regexp.MustCompile(`^[a-z]{20}$`)

// ValidProject reports whether the text can be a project reference: twenty lower-case letters.
func ValidProject(ref string) bool { return projectRE.MatchString(ref) }

// get asks for one path of a project and decodes the answer.
func (c *Client) get(ctx context.Context, project, path string, query url.Values, into any) error {
	if !ValidProject(project) {
		return &Error{Kind: KindRequest, Path: path, Err: fmt.Errorf(
			"%q is no project reference; it has twenty lower-case letters", project)}
	}
	key := project + " " + path
	if until := c.pause(key); c.now().Before(until) {
		return &Error{
			Kind: KindRateLimited, Path: path, RetryAt: until,
			Err: fmt.Errorf("the API wants no requests until %s", until.UTC().Format(time.TimeOnly)),
		}
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return &Error{Kind: KindNetwork, Path: path, Err: err}
	}
	token, err := c.token(ctx)
	if err != nil {
		return &Error{Kind: KindToken, Path: path, Err: err}
	}
	u := c.base.JoinPath("v1", "projects", project, path)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return &Error{Kind: KindRequest, Path: path, Err: err}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if c.options.UserAgent != "" {
		request.Header.Set("User-Agent", c.options.UserAgent)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return &Error{Kind: KindNetwork, Path: path, Err: secret.Error(err)}
	}
	defer response.Body.Close()
	c.obey(key, response)
	return c.read(response, key, path, into)
}

// read judges the status and decodes the body. The body of a refusal is not repeated: it may hold anything.
func (c *Client) read(response *http.Response, key, path string, into any) error {
	if response.StatusCode != http.StatusOK {
		e := &Error{
			Kind: kindOf(response.StatusCode), Path: path, Status: response.StatusCode,
			Err: errors.New(response.Status),
		}
		if e.Kind == KindRateLimited {
			e.RetryAt = c.pause(key)
		}
		return e
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return &Error{Kind: KindNetwork, Path: path, Status: response.StatusCode, Err: err}
	case len(body) > maxBody:
		return &Error{
			Kind: KindAnswer, Path: path, Status: response.StatusCode,
			Err: fmt.Errorf("the answer is larger than %d bytes", maxBody),
		}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{
			Kind: KindAnswer, Path: path, Status: response.StatusCode,
			Err: fmt.Errorf("the answer cannot be read: %w", err),
		}
	}
	return nil
}

// obey remembers when the API wants no more requests for an endpoint.
func (c *Client) obey(key string, response *http.Response) {
	wait := time.Duration(0)
	switch {
	case response.StatusCode == http.StatusTooManyRequests:
		wait = pauseWithoutWord
		if s, ok := secondsOf(response.Header, "X-RateLimit-Reset", "Retry-After"); ok {
			wait = s
		}
	case response.Header.Get("X-RateLimit-Remaining") == "0":
		wait, _ = secondsOf(response.Header, "X-RateLimit-Reset")
	}
	if wait <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused[key] = c.now().Add(min(wait, maxPause))
}

// secondsOf reads the first of the headers that is a number of seconds.
func secondsOf(h http.Header, names ...string) (time.Duration, bool) {
	for _, name := range names {
		if n, err := strconv.ParseUint(h.Get(name), 10, 31); err == nil {
			return time.Duration(n) * time.Second, true
		}
	}
	return 0, false
}

func (c *Client) pause(key string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused[key]
}

func (c *Client) token(ctx context.Context) (string, error) {
	ref := secret.Ref{File: c.options.TokenFile, Env: c.options.TokenEnv}
	token, err := ref.Line(ctx)
	if err == nil && strings.ContainsAny(token, " \t") {
		err = fmt.Errorf("%s must hold one word, the access token", ref)
	}
	return token, err
}
