package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/aggregate"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/decode"
	"github.com/thorbis/thorbis_exporter/collectors/tenant/store"
	"github.com/thorbis/thorbis_exporter/metric"
)

var (
	_ = register("tenant-scrape", tenantScrape)
	_ = register("tenant-memory", tenantMemory)
)

// Vectors of the client library with the same series: the usual way.
type vectors struct {
	registry                       *prometheus.Registry
	requests, late, slow, answered *prometheus.CounterVec
	durations                      *prometheus.HistogramVec
}

func newVectors() *vectors {
	labels := []string{metric.LabelAppService, metric.LabelTenant}
	with := func(more string) []string { return append(labels[:2:2], more) }
	v := &vectors{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: metric.TenantRequests.Name, Help: "x"},
			with(metric.LabelCodeClass)),
		late: prometheus.NewCounterVec(prometheus.CounterOpts{Name: metric.TenantLateRequests.Name, Help: "x"},
			with(metric.LabelCodeClass)),
		slow: prometheus.NewCounterVec(prometheus.CounterOpts{Name: metric.TenantSlowRequests.Name, Help: "x"},
			with(metric.LabelThreshold)),
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{Name: metric.TenantResponseBytes.Name, Help: "x"}, labels),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: metric.TenantRequestDuration.Name, Help: "x", NativeHistogramBucketFactor: 1.1,
			Buckets: classicBounds(),
		}, labels),
	}
	v.registry.MustRegister(v.requests, v.late, v.slow, v.answered, v.durations)
	return v
}

func classicBounds() []float64 {
	var bounds []float64
	for _, b := range store.ClassicBounds {
		bounds = append(bounds, float64(b)/1e9)
	}
	return bounds
}

func (v *vectors) tenant(name string) {
	for _, class := range metric.CodeClasses {
		v.requests.WithLabelValues("web", name, class)
		v.late.WithLabelValues("web", name, class)
	}
	v.slow.WithLabelValues("web", name, "0.3")
	v.slow.WithLabelValues("web", name, "1")
	v.answered.WithLabelValues("web", name)
	v.durations.WithLabelValues("web", name)
}

const observations = 200 // of each tenant

// fillVectors makes the requests of n tenants in vectors.
func fillVectors(v *vectors, n int) {
	r := rand.New(rand.NewSource(1)) // it must be the same each time
	for i := range n {
		name := "tenant-" + strconv.Itoa(i)
		v.tenant(name)
		requests, bytes, durations := v.requests.WithLabelValues("web", name, "2xx"), v.answered.WithLabelValues("web", name),
			v.durations.WithLabelValues("web", name)
		for range observations {
			requests.Inc()
			bytes.Add(512)
			durations.Observe(math.Exp(r.NormFloat64()) * 0.06)
		}
	}
}

// fillTenants makes the same requests in a collector that has no sources.
func fillTenants(ctx context.Context, c *tenant.Collector, n int) error {
	r := rand.New(rand.NewSource(1)) // as above
	st := c.Store()
	numbers := st.Configure(store.Config{
		Limit: n, Thresholds: []uint64{3e8, 1e9}, Sources: []store.SourceConfig{{Name: "bench", Service: "web"}},
	})["bench"]
	agg := aggregate.NewAggregator(st)
	source := &aggregate.CountSource{
		Number: numbers.Source,
		Late:   time.Hour, Weight: aggregate.Whole, Thresholds: []uint64{3e8, 1e9}, Rule: &aggregate.Rule{
			Service: numbers.Service, Names: aggregate.NewNames("{tenant}.thorbis.app", "", nil, nil),
		},
	}
	agg.Begin(source)
	for i := range n {
		host := []byte("tenant-" + strconv.Itoa(i) + ".thorbis.app")
		for range observations {
			agg.Add(&decode.Event{Host: host, Status: 200, Bytes: 512, Duration: int64(math.Exp(r.NormFloat64()) * 6e7)})
		}
		if agg.Full() || i == n-1 {
			agg.Read(uint64(observations), 0)
			if err := st.Commit(ctx, agg.Flush(nil, nil)); err != nil {
				return err
			}
			agg.Begin(source)
		}
	}
	return nil
}

// benchCollector is a collector at work with n tenants.
func benchCollector(ctx context.Context, n int) (*tenant.Collector, func(), error) {
	dir, err := os.MkdirTemp("", "bench-tenant-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p, err := benchPolicy(dir, "{stdin: true, format: nginx-json, app_service: web}")
	if err != nil {
		return nil, nil, err
	}
	c := tenant.New(tenant.Options{Logger: slog.New(slog.DiscardHandler), Stdin: bytes.NewReader(nil), Immediate: true})
	if err := collectors.Apply(c, p); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
		close(done)
	}()
	stop := func() { cancel(); <-done }
	if err := fillTenants(ctx, c, n); err != nil {
		stop()
		return nil, nil, err
	}
	return c, stop, nil
}

// discard is a client that reads everything at once.
type discard struct {
	header http.Header
	n      int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { d.n += len(b); return len(b), nil }

type scraped struct {
	seconds float64 // of CPU
	allocs  uint64
	bytes   int
}

// scrape measures a scrape: the best of several, the first of which only warms up.
func scrape(h http.Handler, accept, encoding string) scraped {
	var best scraped
	for i := range 6 {
		r := httptest.NewRequest(http.MethodGet, "/metrics/tenants", nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", encoding)
		w := &discard{header: http.Header{}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpu := cpuTime()
		h.ServeHTTP(w, r)
		s := scraped{seconds: (cpuTime() - cpu).Seconds(), bytes: w.n}
		runtime.ReadMemStats(&after)
		s.allocs = after.Mallocs - before.Mallocs
		if i == 1 || i > 1 && s.seconds < best.seconds {
			best = s
		}
	}
	return best
}

const (
	acceptText  = "text/plain;version=0.0.4"
	acceptProto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

func tenantScrape(ctx context.Context, r *report) error {
	const n = 10_000
	r.say("%d tenants in vectors of the client library", n)
	v := newVectors()
	fillVectors(v, n)
	theirs := promhttp.HandlerFor(v.registry, promhttp.HandlerOpts{})
	r.say("%d tenants in the collector", n)
	c, stop, err := benchCollector(ctx, n)
	if err != nil {
		return err
	}
	defer stop()
	for _, f := range []struct{ name, accept, encoding string }{
		{"text", acceptText, "identity"}, {
			"protobuf", acceptProto, "identity",
		}, {"text, gzip", acceptText, "gzip"}, {"protobuf, gzip", acceptProto, "gzip"},
	} {
		r.say("scraping %s", f.name)
		them, us := scrape(theirs, f.accept, f.encoding), scrape(c.Tenants(), f.accept, f.encoding)
		figureOf := figure{
			name: f.name + ", CPU of a scrape", value: us.seconds * 1000, unit: "ms",
			against: fmt.Sprintf("promhttp %.0f ms", them.seconds*1000), ratio: us.seconds / them.seconds,
		}
		allocs := figure{
			name: f.name + ", allocations of a scrape", value: float64(us.allocs), unit: "",
			against: fmt.Sprintf("promhttp %d", them.allocs), ratio: float64(us.allocs) / float64(them.allocs),
		}
		if f.encoding == "identity" {
			figureOf.target, figureOf.met = "<= a tenth", us.seconds <= them.seconds/10
			allocs.target, allocs.met = "<= 1000", us.allocs <= 1000
		}
		r.add(figureOf)
		r.add(allocs)
		r.add(figure{name: f.name + ", size of a scrape", value: float64(us.bytes) / 1e6, unit: "MB", against: fmt.Sprintf(
			"promhttp %.1f MB", float64(them.bytes)/1e6), ratio: float64(us.bytes) / float64(them.bytes)})
	}
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func tenantMemory(ctx context.Context, r *report) error {
	const n = 10_000
	r.say("%d tenants in vectors of the client library", n)
	before := heap()
	v := newVectors()
	fillVectors(v, n)
	theirs := float64(heap()-before) / n
	runtime.KeepAlive(v) // and then let it go
	for _, tenants := range []int{n, 100_000} {
		r.say("%d tenants in the collector", tenants)
		before = heap()
		c, stop, err := benchCollector(ctx, tenants)
		if err != nil {
			return err
		}
		ours := float64(heap()-before) / float64(tenants)
		r.add(figure{
			name: fmt.Sprintf("heap of one of %d tenants", tenants), value: ours, unit: "bytes",
			against: fmt.Sprintf("vectors %.0f bytes", theirs), ratio: ours / theirs, target: "<= 2048", met: ours <= 2048,
		})
		for range 3 {
			_ = scrape(c.Tenants(), acceptText, "identity")
			_ = scrape(c.Tenants(), acceptProto, "identity")
		}
		stop()
	}
	return nil
}
