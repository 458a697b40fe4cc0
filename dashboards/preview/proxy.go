package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Bounds of one request to Prometheus, and of all.
const (
	maxQuery    = 64 << 10 // bytes of a URL's query or a form
	maxAnswer   = 64 << 20 // bytes of an answer as it comes, which may be compressed
	maxRequests = 32       // at a time; more wait
	timeout     = time.Minute
)

// readable are the endpoints of Prometheus' API that read samples, labels and rules, with their methods. A name of a
// label is put in place of the star.
var readable = map[string][]string{
	"query":            {http.MethodGet, http.MethodPost},
	"query_range":      {http.MethodGet, http.MethodPost},
	"series":           {http.MethodGet, http.MethodPost},
	"labels":           {http.MethodGet, http.MethodPost},
	"label/*/values":   {http.MethodGet},
	"rules":            {http.MethodGet},
	"alerts":           {http.MethodGet},
	"metadata":         {http.MethodGet},
	"status/buildinfo": {http.MethodGet},
}

// labelRE matches the names of labels in a path, those that are escaped with U__ too.
var labelRE = regexp.MustCompile(`^label/[a-zA-Z_][a-zA-Z0-9_]{0,255}/values$`)

// proxy forwards what reads to one Prometheus, and refuses everything else.
type proxy struct {
	base   *url.URL
	client *http.Client
	places chan struct{}
}

func newProxy(base *url.URL, transport http.RoundTripper) *proxy {
	return &proxy{
		base: base,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // it leads elsewhere
		}},
		places: make(chan struct{}, maxRequests),
	}
}

// endpoint returns the part of the path after api/v1/ and the methods that may be used on it, none for what is refused.
func endpoint(path string) (string, []string) {
	name, ok := strings.CutPrefix(path, "/prometheus/api/v1/")
	if !ok {
		return "", nil
	}
	if labelRE.MatchString(name) {
		return name, readable["label/*/values"]
	}
	if strings.Contains(name, "*") {
		return "", nil
	}
	return name, readable[name]
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, methods := endpoint(r.URL.Path)
	switch {
	case methods == nil:
		refuse(w, http.StatusForbidden, "this page reads queries, labels, rules and alerts only")
		return
	case !slices.Contains(methods, r.Method):
		w.Header().Set("Allow", strings.Join(methods, ", "))
		refuse(w, http.StatusMethodNotAllowed, "method "+r.Method+" is refused")
		return
	case len(r.URL.RawQuery) > maxQuery:
		refuse(w, http.StatusRequestURITooLong, fmt.Sprintf("the query must have at most %d KiB", maxQuery>>10))
		return
	}
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-ctx.Done():
		refuse(w, http.StatusServiceUnavailable, "too many requests at a time")
		return
	}
	p.forward(ctx, w, r, name, form)
}

// readForm reads the body of a POST.
func readForm(w http.ResponseWriter, r *http.Request) (string, bool) {
	if r.Method != http.MethodPost {
		return "", true
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		refuse(w, http.StatusUnsupportedMediaType, "the body must be application/x-www-form-urlencoded")
		return "", false
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must have at most %d KiB", maxQuery>>10))
		return "", false
	}
	return string(text), true
}

func (p *proxy) forward(ctx context.Context, w http.ResponseWriter, r *http.Request, name, form string) {
	to := p.base.JoinPath("api/v1", name)
	to.RawQuery = r.URL.RawQuery
	out, err := http.NewRequestWithContext(ctx, r.Method, to.String(), strings.NewReader(form))
	if err != nil {
		refuse(w, http.StatusBadGateway, "invalid request")
		return
	}
	if r.Method == http.MethodPost {
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	out.Header.Set("User-Agent", "thorbis_mixin preview")
	if encoding := r.Header.Get("Accept-Encoding"); encoding != "" {
		out.Header.Set("Accept-Encoding", encoding) // what Prometheus compresses stays so until the browser
	}
	resp, err := p.client.Do(out)
	if err != nil {
		refuse(w, http.StatusBadGateway, "Prometheus does not answer: "+cause(err))
		return
	}
	defer resp.Body.Close()
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		refuse(w, http.StatusBadGateway, "Prometheus redirects; is --prometheus the URL that it is reached by?")
		return
	case kind != "application/json":
		refuse(w, http.StatusBadGateway, fmt.Sprintf("Prometheus answers %s, and not in JSON", resp.Status))
		return
	case resp.ContentLength > maxAnswer:
		refuse(w, http.StatusBadGateway, fmt.Sprintf("the answer has more than %d MiB", maxAnswer>>20))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	w.WriteHeader(resp.StatusCode)
	if n, err := io.Copy(w, io.LimitReader(resp.Body, maxAnswer+1)); err != nil || n > maxAnswer {
		panic(http.ErrAbortHandler) // so that the browser does not take a part for the whole
	}
}

// cause is the innermost error, without the URL and what it may show.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", timeout)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return err.Error()
}

// refuse answers as Prometheus does, so that the page shows it like an error of a query.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	answer(w, map[string]string{"status": "error", "errorType": "preview", "error": text})
}
