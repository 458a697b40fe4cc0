package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/internal/gzipped"
)

// metricsPage serves /metrics as promhttp.HandlerFor does, but holds a piece of a family rather than all of them.
type metricsPage struct {
	*exporter
	slots  chan struct{}
	failed *prometheus.CounterVec
}

func (e *exporter) metricsHandler() http.Handler {
	p := metricsPage{
		exporter: e, slots: make(chan struct{}, maxScrapes),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "promhttp_metric_handler_errors_total",
			Help: "Total number of internal errors encountered by the promhttp metric handler.",
		}, []string{"cause"}),
	}
	p.failed.WithLabelValues("gathering")
	p.failed.WithLabelValues("encoding")
	e.gatherer.MustRegister(p.failed)
	return promhttp.InstrumentMetricHandler(e.gatherer, p)
}

// ServeHTTP implements http.Handler.
func (p metricsPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Process-Start-Time-Unix", strconv.FormatInt(p.started.Unix(), 10))
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	default:
		message := fmt.Sprintf("Limit of concurrent requests reached (%d), try again later.", maxScrapes)
		http.Error(w, message, http.StatusServiceUnavailable)
		return
	}
	families, err := p.gatherer.families()
	if err != nil {
		// One broken collector must not blind the others.
		p.logError("gathering", err)
		if len(families) == 0 {
			http.Error(w, "An error has occurred while serving metrics:\n\n"+err.Error(), http.StatusInternalServerError)
			return
		}
	}
	if names := r.URL.Query()["name[]"]; len(names) > 0 {
		families = slices.DeleteFunc(families, func(f family) bool { return !slices.Contains(names, f.name) })
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	w.Header().Set("Content-Type", string(format))
	out := gzipped.NewWriter(w, r)
	defer out.Release()
	if err := p.write(out, format, families); err == nil {
		_ = out.Close() // the other side has gone
	}
}

// write writes families. Its error is the writer's: the other side has gone.
func (p metricsPage) write(out io.Writer, format expfmt.Format, families []family) error {
	var text bytes.Buffer
	// With created samples a counter's first increase after a start counts; protobuf carries them anyway.
	encoder := expfmt.NewEncoder(&text, format, expfmt.WithCreatedLines())
	for _, f := range families {
		begun := false
		for piece := range f.pieces {
			text.Reset()
			if err := encoder.Encode(piece); err != nil {
				p.logError("encoding", err)
				continue
			}
			written := text.Bytes()
			if begun && format.FormatType() != expfmt.TypeProtoDelim {
				written = withoutHeader(written)
			}
			begun = true
			if _, err := out.Write(written); err != nil {
				return err
			}
		}
	}
	text.Reset()
	if closer, ok := encoder.(expfmt.Closer); ok { // of OpenMetrics, which ends with a line
		if err := closer.Close(); err != nil {
			p.logError("encoding", err)
		}
	}
	_, err := out.Write(text.Bytes())
	return err
}

// withoutHeader cuts the lines of help, type and unit off a family's text: they stand before its first piece.
// In protobuf every piece is a message of its own.
func withoutHeader(text []byte) []byte {
	for len(text) > 0 && text[0] == '#' {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}

// logError counts and logs an error of a scrape as one line.
func (p metricsPage) logError(cause string, err error) {
	p.failed.WithLabelValues(cause).Inc()
	message := err.Error()
	if many := prometheus.MultiError(nil); errors.As(err, &many) {
		texts := make([]string, 0, len(many))
		for _, err := range many {
			texts = append(texts, err.Error())
		}
		message = strings.Join(texts, "; ")
	}
	p.Logger.Error("Serving metrics failed", "cause", cause, "err", message)
}
