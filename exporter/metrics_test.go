package exporter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// manyChecks is an exporter with more series of a family than a piece has.
func manyChecks(t *testing.T) *exporter {
	t.Helper()
	var b strings.Builder
	b.WriteString(
		"version: 1\nenvironment: test\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\nhealth:\n  checks:\n")
	for i := range 80 {
		fmt.Fprintf(&b, "    - {name: check-%d, app_service: web, target: \"http://127.0.0.1:1\"}\n", i)
	}
	file := filepath.Join(t.TempDir(), "thorbis.yaml")
	testkit.WriteFile(t, file, b.String())
	load := func(context.Context) (*config.Policy, error) { return config.Load(file) }
	e := newExporter(Options{Logger: quiet(), Load: load, Collectors: map[string]bool{health.Definition.Name: true}}, nil)
	if err := e.policy.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// A page that is written in pieces is what the client library writes as a whole, in each format.
func TestPageIsWhatTheClientLibraryWrites(t *testing.T) {
	e := manyChecks(t)
	g := newGathererOf(e.collectors[0].Collector, "test")
	e.gatherer = g
	ours := e.metricsHandler()
	whole := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return gathered(g) })
	theirs := promhttp.HandlerFor(whole,
		promhttp.HandlerOpts{EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true})
	page := func(h http.Handler, accept, query string) (string, io.Reader) {
		r := httptest.NewRequest(http.MethodGet, "/metrics"+query, http.NoBody)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", accept, w.Code, w.Body)
		}
		return w.Header().Get("Content-Type"), w.Body
	}
	series := func(format string, body io.Reader) []string {
		var all []string
		if !strings.HasPrefix(format, "application/vnd.google.protobuf") {
			for lines := bufio.NewScanner(body); lines.Scan(); {
				all = append(all, lines.Text())
			}
			if strings.HasPrefix(format, "application/openmetrics") && all[len(all)-1] != "# EOF" {
				t.Errorf("%s ends with %q", format, all[len(all)-1])
			}
		} else {
			decoder := expfmt.NewDecoder(body, expfmt.Format(format))
			for {
				var f dto.MetricFamily
				if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				for _, m := range f.GetMetric() {
					all = append(all, fmt.Sprint(f.GetName(), f.GetHelp(), f.GetType(), m))
				}
			}
		}
		slices.Sort(all)
		// The scrape counts itself.
		return slices.DeleteFunc(all, func(s string) bool { return strings.Contains(s, "promhttp_metric_handler_requests") })
	}
	for _, accept := range []string{
		"", "text/plain;version=0.0.4", "text/plain;version=1.0.0;escaping=allow-utf-8",
		"application/openmetrics-text;version=1.0.0", "application/openmetrics-text;version=0.0.1",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	} {
		for _, query := range []string{"", "?name[]=thorbis_health_check_probe_failures_total&name[]=thorbis_state_unsaved"} {
			ourFormat, ourPage := page(ours, accept, query)
			theirFormat, theirPage := page(theirs, accept, query)
			if ourFormat != theirFormat {
				t.Errorf("%q: %s, want %s", accept, ourFormat, theirFormat)
			}
			got, want := series(ourFormat, ourPage), series(theirFormat, theirPage)
			if !slices.Equal(got, want) || len(want) < 1000 {
				t.Errorf("%q%s: %d lines, want %d, first of them:\n%v\n%v", accept, query, len(got), len(want), got[:20], want[:20])
			}
		}
	}
}

// newGathererOf serves one collector.
func newGathererOf(c prometheus.Collector, environment string) *gatherer {
	g := &gatherer{Registry: prometheus.NewRegistry()}
	g.add(c)
	g.setEnvironment(environment)
	return g
}

type brokenCollector struct{}

func (brokenCollector) Describe(chan<- *prometheus.Desc) {}

func (brokenCollector) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "A broken series.", nil, nil),
		errors.New("out of order"))
}

// A collector that fails is counted and does not blind the others; without a policy there is no page.
func TestPageBesideABrokenCollector(t *testing.T) {
	e := manyChecks(t)
	g := newGathererOf(e.collectors[0].Collector, "test")
	g.MustRegister(brokenCollector{})
	e.gatherer = g
	h := e.metricsHandler()
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
		return w
	}
	get()
	if w := get(); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `thorbis_health_check_info{`) ||
		!strings.Contains(w.Body.String(), `promhttp_metric_handler_errors_total{cause="gathering",environment="test"} 1`) {
		t.Errorf("%d %.2000s", w.Code, w.Body)
	}
	g.environment.Store(nil)
	if w := get(); w.Code != http.StatusInternalServerError {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
}
