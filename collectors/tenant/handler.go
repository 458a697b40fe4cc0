package tenant

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/expose"
	"github.com/thorbis/thorbis_exporter/internal/gzipped"
)

// maxScrapes bounds the scrapes that are served at once.
const maxScrapes = 20

// Tenants serves the series of tenants: those named by tenant[], or all.
func (c *Collector) Tenants() http.Handler {
	slots := make(chan struct{}, maxScrapes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			http.Error(w, "too many scrapes at once", http.StatusServiceUnavailable)
			return
		}
		c.serve(w, r)
	})
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	start, s, st := time.Now(), c.current.Load(), c.store.Load()
	if s == nil || st == nil {
		http.Error(w, "no policy is in force yet", http.StatusServiceUnavailable)
		return
	}
	format, kind := negotiate(r.Header)
	o := s.exposition()
	if only, ok := r.URL.Query()["tenant[]"]; ok {
		o.Only = map[string]bool{}
		for _, tenant := range only {
			o.Only[tenant] = true
		}
	}
	w.Header().Set("Content-Type", string(format))
	out := gzipped.NewWriter(w, r)
	defer out.Release()
	view := st.View()
	err := expose.Write(out, view, kind, o)
	if err == nil {
		err = out.Close()
	}
	if err == nil {
		// Data that is still in a local buffer has not been delivered.
		if err = http.NewResponseController(w).Flush(); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	if err != nil {
		c.logger.Debug("A scrape of tenants was cut off", "err", err)
		panic(http.ErrAbortHandler) // so that half an answer does not look like a whole one
	}
	if o.Only == nil && r.Context().Err() == nil && !late(r, time.Since(start)) {
		st.Scraped(scraperOf(r), view.Version)
	}
}

// late reports whether a scrape took longer than its Prometheus waits: that has thrown away what it got.
func late(r *http.Request, took time.Duration) bool {
	limit, err := strconv.ParseFloat(r.Header.Get(scrapeTimeout), 64)
	return err == nil && took.Seconds() >= limit
}

// scrapeTimeout is the header in which a Prometheus says how many seconds it waits.
const scrapeTimeout = "X-Prometheus-Scrape-Timeout-Seconds"

// scraperOf names a Prometheus; what does not behave like one has no name.
func scraperOf(r *http.Request) string {
	if r.Header.Get(scrapeTimeout) == "" {
		return ""
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	agent := r.UserAgent()
	return host + " " + agent[:min(len(agent), 100)]
}

func (s *setup) exposition() expose.Options {
	h := s.policy.Tenants.Histogram
	return expose.Options{
		Environment: s.policy.Environment, Native: h != "classic", Classic: h != "native", Tier: s.tier,
	}
}

// accepted are the formats that expose writes.
var accepted = func() []expfmt.Format {
	all := []expfmt.Format{expfmt.NewFormat(expfmt.TypeProtoDelim)}
	for _, version := range []string{expfmt.OpenMetricsVersion_1_0_0, expfmt.OpenMetricsVersion_0_0_1} {
		format, err := expfmt.NewOpenMetricsFormat(version)
		if err != nil {
			panic(err) // the versions are constants
		}
		all = append(all, format)
	}
	return append(all, expfmt.NewFormat(expfmt.TypeTextPlain))
}()

func negotiate(h http.Header) (expfmt.Format, expose.Format) {
	format := expfmt.NegotiateAccept(h, accepted...)
	switch format.FormatType() {
	case expfmt.TypeProtoDelim:
		return format, expose.Protobuf
	case expfmt.TypeOpenMetrics:
		return format, expose.OpenMetrics
	}
	return expfmt.NewFormat(expfmt.TypeTextPlain), expose.Text
}

// Write writes the series of tenants as text, once.
func (c *Collector) Write(w io.Writer) error {
	return expose.Write(w, c.store.Load().View(), expose.Text, c.current.Load().exposition())
}
