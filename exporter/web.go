package exporter

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// Bounds of the web server. The write timeout leaves room for the longest probe; it is also a scrape's, which
// reads memory and wants no other: the client library's would make a new copy of the page each time.
const (
	maxScrapes        = 40
	readHeaderTimeout = 10 * time.Second
	writeTimeout      = maxProbeTimeout + 30*time.Second
	idleTimeout       = 2 * time.Minute
	// maxHeaderBytes leaves room for the cookies of a proxy's sign-in. The standard library's limit is sixteen times that,
	// for each connection.
	maxHeaderBytes = 64 << 10
)

func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readHeaderTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

func (e *exporter) handler() (http.Handler, error) {
	at, err := newPrefixes(e.ExternalURL, e.RoutePrefix)
	if err != nil {
		return nil, err
	}
	links := []web.LandingLinks{
		{Address: "metrics", Text: "Metrics"},
		{Address: "metrics/tenants", Text: "Tenants", Description: "the series of tenants; ?tenant[]=NAME shows one"},
		{Address: "status", Text: "Status", Description: "what is not well, and what to do"},
		{Address: "tasks", Text: "Tasks", Description: "what people have to do, who did it, and a button for whoever does"},
		{Address: "-/healthy", Text: "Healthy"},
		{Address: "-/ready", Text: "Ready"},
	}
	landing, err := web.NewLandingPage(web.LandingConfig{
		Name:        "thorbis_exporter",
		Description: "Measures the service level indicators of a multi-tenant platform",
		Version:     version.Info(),
		Profiling:   "false",
		Links:       links,
		RoutePrefix: at.links,
		Form: web.LandingForm{Action: "probe", Inputs: []web.LandingFormInput{
			{Label: "Target", Type: "text", Name: "target", Placeholder: "https://example.com/healthz"},
			{Label: "Module", Type: "text", Name: "module", Placeholder: "http_2xx", Value: "http_2xx"},
			{Label: "Debug", Type: "text", Name: "debug", Placeholder: "true", Value: "true"},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("landing page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", at.landing(landing))
	mux.Handle("GET /metrics", inPieces(e.metricsHandler()))
	if e.tenants != nil {
		mux.Handle("GET /metrics/tenants", e.tenants.Tenants())
	}
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "thorbis_exporter is healthy.")
	})
	mux.HandleFunc("GET /-/ready", e.serveReady)
	mux.HandleFunc("POST /-/reload", e.serveReload)
	mux.HandleFunc("PUT /-/reload", e.serveReload)
	mux.HandleFunc("GET /-/reload", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "Reload by POST or PUT, such as curl -X POST.", http.StatusMethodNotAllowed)
	})
	mux.HandleFunc("GET /status", e.serveStatus)
	if e.tasks != nil {
		mux.HandleFunc("GET /tasks", e.serveTasks)
		mux.HandleFunc("POST /tasks/{name}", e.serveSign)
	}
	e.api(mux)
	mux.Handle("GET /probe", newProbeHandler(e.checks, e.ProbeAnyTarget))
	return at.serve(e.masked(mux)), nil
}

// unmasked are the pages without a word from outside: each label of a series is a configured or registered name. They
// are also the largest ones.
var unmasked = []string{"/metrics", "/metrics/tenants"}

// masked hides every known secret in what is served, whoever put it there.
func (*exporter) masked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(unmasked, r.URL.Path) {
			h.ServeHTTP(w, r)
			return
		}
		// Whole and not compressed, so that a secret is found wherever it stands.
		r = r.Clone(r.Context())
		r.Header.Del("Accept-Encoding")
		page := &wholePage{header: http.Header{}, body: new(bytes.Buffer), code: http.StatusOK}
		h.ServeHTTP(page, r)
		for name, values := range page.header {
			for _, value := range values {
				w.Header().Add(name, secret.Mask(value))
			}
		}
		text := secret.MaskBytes(page.body.Bytes())
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(page.code)
		_, _ = w.Write(text)
	})
}

// pages are buffers for pages, kept for the next scrape.
var pages = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// pieceBytes is how much of a page is written at once. A page of thousands of checks has tens of megabytes and is
// never held as a whole.
const pieceBytes = 1 << 20

// inPieces has a page written in large pieces, a small one at once. The client library writes it in pieces of four
// kilobytes. On a connection that is kept the kernel lets ten of them fly and then waits for an acknowledgement, which
// the other side may put off for 40 ms.
func inPieces(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buffer := pages.Get().(*bytes.Buffer)
		defer func() {
			buffer.Reset()
			pages.Put(buffer)
		}()
		page := &piecesWriter{w: w, buffer: buffer, code: http.StatusOK}
		h.ServeHTTP(page, r)
		if !page.begun {
			w.Header().Set("Content-Length", strconv.Itoa(buffer.Len()))
		}
		_ = page.flush() // the other side has gone
	})
}

// piecesWriter is a response that is sent in pieces of pieceBytes.
type piecesWriter struct {
	w      http.ResponseWriter
	buffer *bytes.Buffer
	code   int
	begun  bool
}

// Header implements http.ResponseWriter.
func (p *piecesWriter) Header() http.Header { return p.w.Header() }

// Write implements http.ResponseWriter. An error of the connection ends the page with its next piece.
func (p *piecesWriter) Write(b []byte) (int, error) {
	n, _ := p.buffer.Write(b)
	if p.buffer.Len() >= pieceBytes {
		return n, p.flush()
	}
	return n, nil
}

// WriteHeader implements http.ResponseWriter.
func (p *piecesWriter) WriteHeader(code int) { p.code = code }

func (p *piecesWriter) flush() error {
	if !p.begun {
		p.begun = true
		p.w.WriteHeader(p.code)
	}
	_, err := p.w.Write(p.buffer.Bytes())
	p.buffer.Reset()
	return err
}

// wholePage is a response that is not sent yet.
type wholePage struct {
	header http.Header
	body   *bytes.Buffer
	code   int
}

// Header implements http.ResponseWriter.
func (p *wholePage) Header() http.Header { return p.header }

// Write implements http.ResponseWriter.
func (p *wholePage) Write(b []byte) (int, error) { return p.body.Write(b) }

// WriteHeader implements http.ResponseWriter.
func (p *wholePage) WriteHeader(code int) { p.code = code }

// serveReady depends on no source: an exporter that cannot reach what it watches still has to be scraped,
// for that is the news.
func (e *exporter) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !e.ready.Load() {
		http.Error(w, "thorbis_exporter is starting or stopping.", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "thorbis_exporter is ready.")
}

func (e *exporter) serveReload(w http.ResponseWriter, r *http.Request) {
	if !e.EnableLifecycle {
		http.Error(w, "Reloading over HTTP is not enabled; start with --web.enable-lifecycle or send SIGHUP.",
			http.StatusForbidden)
		return
	}
	if err := e.policy.reload(context.WithoutCancel(r.Context())); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintln(w, "The policy is reloaded.")
}
