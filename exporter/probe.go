package exporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/thorbis/thorbis_exporter/collectors/health"
)

// Bounds of a probe asked for over HTTP; the defaults are the blackbox_exporter's.
const (
	defaultProbeModule = "http_2xx"
	maxProbeTimeout    = 2 * time.Minute
	scrapeTimeoutSlack = 500 * time.Millisecond // left for the answer to travel
	maxProbes          = 50
)

type prober interface {
	Probe(ctx context.Context, p health.ProbeRequest) (health.ProbeResult, error)
}

// newProbeHandler answers as the blackbox_exporter's /probe does, so that its scrape configurations work
// unchanged. Anyone who reaches the port could otherwise look around our network with it, so targets
// outside the policy are refused unless a flag allows them.
func newProbeHandler(c checks, anyTarget bool) http.Handler {
	places := make(chan struct{}, maxProbes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		target, module := query.Get("target"), query.Get("module")
		if module == "" {
			module = defaultProbeModule
		}
		timeout, err := probeTimeout(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"))
		switch {
		case c == nil:
			http.Error(w, "The health collector is switched off.", http.StatusNotFound)
			return
		case len(query["target"]) != 1 || target == "":
			http.Error(w, "Give the parameter target once.", http.StatusBadRequest)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		case !anyTarget && !c.Configured(target, module):
			http.Error(w, fmt.Sprintf("The policy has no check of target %q with module %q; "+
				"--web.probe-any-target allows others.", target, module), http.StatusForbidden)
			return
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			http.Error(w, fmt.Sprintf("%d probes are running already.", maxProbes), http.StatusServiceUnavailable)
			return
		}
		result, err := c.Probe(r.Context(), health.ProbeRequest{
			Target: target, Module: module, Hostname: query.Get("hostname"), AnyTarget: anyTarget, Timeout: timeout,
		})
		if err != nil {
			code := http.StatusBadRequest
			if errors.Is(err, health.ErrHostname) {
				code = http.StatusForbidden
			}
			http.Error(w, err.Error(), code)
			return
		}
		if query.Get("debug") == "true" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = fmt.Fprintln(w, result.Debug)
			return
		}
		promhttp.HandlerFor(probeMetrics(result), promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	})
}

// probeMetrics adds to the prober's own metrics the two that every probe has. Their names are the
// blackbox_exporter's contract, not ours, and so are not in the catalogue.
func probeMetrics(result health.ProbeResult) prometheus.Gatherer {
	own := prometheus.NewRegistry()
	success := prometheus.NewGauge(
		prometheus.GaugeOpts{Name: "probe_success", Help: "Displays whether or not the probe was a success"})
	duration := prometheus.NewGauge(
		prometheus.GaugeOpts{Name: "probe_duration_seconds", Help: "Returns how long the probe took to complete in seconds"})
	own.MustRegister(success, duration)
	if result.Success {
		success.Set(1)
	}
	duration.Set(result.Duration.Seconds())
	if result.Metrics == nil {
		return own
	}
	return prometheus.Gatherers{own, result.Metrics}
}

// probeTimeout is what Prometheus is willing to wait, less the slack; 0 leaves it to the module.
func probeTimeout(header string) (time.Duration, error) {
	if header == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil || !(seconds > 0) { // so that NaN is refused too
		return 0, fmt.Errorf("invalid X-Prometheus-Scrape-Timeout-Seconds %q: must be a positive number", header)
	}
	timeout := time.Duration(min(seconds, maxProbeTimeout.Seconds()) * float64(time.Second))
	if timeout > 2*scrapeTimeoutSlack {
		return timeout - scrapeTimeoutSlack, nil
	}
	return timeout / 2, nil
}
