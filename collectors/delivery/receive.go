package delivery

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/keyring"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Bounds of posts. An event of GitHub has less than 100 kB; it waits ten seconds for an answer.
const (
	maxBody     = 2 << 20
	maxPosts    = 8
	postTimeout = 8 * time.Second
)

// receivePath is where posts are received, followed by the kind of source.
const receivePath = "/api/v1/receive/delivery/"

// refusal is why a post was not taken.
type refusal struct {
	result string // of metric.DeliveryEventResults
	status int
	text   string
}

var (
	errUnauthorized = &refusal{
		metric.DeliveryUnauthorized, http.StatusUnauthorized, "the signature or key is missing or wrong",
	}
	errTooLarge = &refusal{
		metric.DeliveryTooLarge, http.StatusRequestEntityTooLarge, "the body is larger than 2 MiB",
	}
	errUnread      = &refusal{metric.DeliveryInvalid, http.StatusBadRequest, "the body cannot be read"}
	errUnavailable = &refusal{
		metric.DeliveryUnavailable, http.StatusServiceUnavailable, "it cannot be taken now; send it again",
	}
	errID = errors.New("invalid id: use letters, digits, dot, dash, colon and underscore, at most 64")
)

func (r *refusal) Error() string { return r.text }

func invalid(err error) *refusal {
	return &refusal{metric.DeliveryInvalid, http.StatusBadRequest, secret.Mask(err.Error())}
}

// received is what a post says, before it is known what of it is new.
type received struct {
	id      string // of the delivery, empty without one
	changes []change
	runs    *runReport // nil without one
}

// reader reads a post of one kind of source. An error is a *refusal.
type reader func(c *Collector, req *http.Request, body []byte) (received, *refusal)

// readers by kind of source.
var readers = map[string]reader{
	"github": (*Collector).readGitHub, "vercel": (*Collector).readVercel, "events": (*Collector).readOwn,
}

// Deliveries returns the handler of the posts that report deployments. A post is answered when it is saved.
func (c *Collector) Deliveries() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		kind := strings.TrimPrefix(req.URL.Path, receivePath)
		read := readers[kind]
		switch {
		case read == nil || !c.receives():
			http.NotFound(w, req)
			return
		case req.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "send POST", http.StatusMethodNotAllowed)
			return
		}
		ctx, cancel := context.WithTimeout(req.Context(), postTimeout)
		defer cancel()
		result, why := c.take(ctx, w, req, read)
		if why == nil {
			c.events.add(kind, result)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		c.events.add(kind, why.result)
		if why.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
		http.Error(w, why.text, why.status)
	})
}

// receives reports whether the policy names deployments at all.
func (c *Collector) receives() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.section != nil
}

// take reads one post and returns what became of it once it is saved.
func (c *Collector) take(ctx context.Context, w http.ResponseWriter, req *http.Request, read reader) (
	string, *refusal,
) {
	if !c.secrets.known() {
		return "", errUnavailable
	}
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	default:
		return "", errUnavailable
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = http.NewResponseController(w).SetReadDeadline(deadline)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", errTooLarge
	case err != nil:
		return "", errUnread
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the connection waits for its next request
	got, why := read(c, req, body)
	switch {
	case why != nil:
		return "", why
	case len(got.changes) == 0:
		return metric.DeliveryIgnored, nil
	}
	again, err := c.submit(ctx, got)
	switch {
	case err != nil:
		return "", errUnavailable
	case again:
		return metric.DeliveryDuplicate, nil
	}
	return metric.DeliveryAccepted, nil
}

// from returns a change as that of a source, cleaned; none if it has no valid id.
func from(o watchedSource, c change, now time.Time) []change {
	c.service, c.source = o.service, o.name
	c, ok := c.clean(now)
	if !ok {
		return nil
	}
	return []change{c}
}

func (c *Collector) readGitHub(req *http.Request, body []byte) (received, *refusal) {
	sig, ok := gitHubSignature(req.Header.Get("X-Hub-Signature-256"))
	if !ok {
		return received{}, errUnauthorized
	}
	signers := c.secrets.signers(sig, body, func(o watchedSource) bool { return o.GitHub != nil })
	if len(signers) == 0 {
		return received{}, errUnauthorized
	}
	e, err := parseGitHub(req.Header.Get("X-GitHub-Event"), body)
	if err != nil {
		return received{}, invalid(err)
	}
	got := received{id: deliveryID(req.Header.Get("X-GitHub-Delivery"))}
	for _, o := range signers {
		if !strings.EqualFold(o.GitHub.Repo, e.repo) || o.GitHub.CommitsOnly || !e.deployment.in(o.GitHub.Environment) {
			continue
		}
		got.changes = append(got.changes, from(o, e.deployment.change(e.status), time.Now())...)
	}
	return got, nil
}

func (c *Collector) readVercel(req *http.Request, body []byte) (received, *refusal) {
	sig, ok := vercelSignature(req.Header.Get("X-Vercel-Signature"))
	if !ok {
		return received{}, errUnauthorized
	}
	signers := c.secrets.signers(sig, body, func(o watchedSource) bool { return o.Vercel != nil })
	if len(signers) == 0 {
		return received{}, errUnauthorized
	}
	e, err := parseVercel(body)
	if err != nil {
		return received{}, invalid(err)
	}
	got := received{id: deliveryID(e.id)}
	for _, o := range signers {
		if o.Vercel.Project != e.project || e.change.from == "" && o.Vercel.Target != e.target {
			continue
		}
		got.changes = append(got.changes, from(o, e.change, time.Now())...)
	}
	return got, nil
}

func (c *Collector) readOwn(req *http.Request, body []byte) (received, *refusal) {
	owner := c.secrets.keys.Owner(keyring.Bearer(req))
	o, ok := c.source(owner)
	if !ok {
		return received{}, errUnauthorized
	}
	e, err := parseOwn(body)
	if err != nil {
		return received{}, invalid(err)
	}
	now := time.Now()
	if e.AppService != "" && e.AppService != o.service {
		return received{}, invalid(errors.New("the key is that of another app_service"))
	}
	if environment := c.environment(); e.Environment != "" && !strings.EqualFold(e.Environment, environment) {
		return received{}, nil
	}
	var got received
	for _, one := range e.changes(now) {
		clean := from(o, one, now)
		if clean == nil {
			return received{}, invalid(errID)
		}
		got.changes = append(got.changes, clean...)
	}
	return got, nil
}

// deliveryID returns the id of a delivery if it can be one.
func deliveryID(text string) string {
	if !idRE.MatchString(text) {
		return ""
	}
	return text
}
