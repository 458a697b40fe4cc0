package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long a Prometheus scrapes before it is measured, and while it is.
const (
	storingSettles  = 35 * time.Second
	storingMeasured = 2 * time.Minute
	// scalePace is how many lines a second are written meanwhile.
	scalePace = 1000
)

// scaleScrapes are the two jobs of deploy/prometheus.yml, without rules.
const scaleScrapes = `global: {scrape_interval: 15s}
scrape_configs:
  - job_name: thorbis
    honor_labels: true
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs: [{targets: [%[1]s]}]
  - job_name: thorbis-tenants
    honor_labels: true
    metrics_path: /metrics/tenants
    scrape_interval: 30s
    scrape_native_histograms: true
    sample_limit: 500000
    static_configs: [{targets: [%[1]s]}]
`

// store measures what a real Prometheus uses to scrape and to store the exporter while requests go on, and what the
// exporter uses.
func (c *scaleCosts) store(ctx context.Context, r *report, dir string, p *program, tenants int) error {
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(scaleScrapes, strings.TrimPrefix(p.url, "http://"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	writing, stop := context.WithCancel(ctx)
	written := make(chan error, 1)
	go func() { written <- writeAtPace(writing, filepath.Join(dir, "access.json"), tenants) }()
	defer stop()
	prometheus, err := serve(ctx, dir, bin("tools/prometheus"), "/-/ready", "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
	if err != nil {
		return err
	}
	defer prometheus.stop()
	if err := pause(ctx, storingSettles); err != nil {
		return err
	}
	used, err := cpuOf(func() error { return pause(ctx, storingMeasured) }, prometheus, p)
	if err != nil {
		return err
	}
	c.storing, c.working = used[0].Seconds()/storingMeasured.Minutes(), used[1].Seconds()/storingMeasured.Minutes()
	if c.storingRSS, err = prometheus.rss(); err != nil {
		return err
	}
	page, err := fetch(ctx, prometheus.url+"/metrics")
	if err != nil {
		return err
	}
	r.say("scale: %d tenants: Prometheus has %.0f series", tenants, total(page, "prometheus_tsdb_head_series"))
	if n := total(page, "prometheus_target_scrapes_exceeded_sample_limit_total"); n > 0 {
		return fmt.Errorf("%g scrapes exceed the limit of samples", n)
	}
	stop()
	return <-written
}

// writeAtPace appends lines to a log until the context ends, in parts of a tenth of a second.
func writeAtPace(ctx context.Context, path string, tenants int) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	w, random := bufio.NewWriterSize(f, 1<<20), rand.New(rand.NewPCG(3, 4))
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
		for range scalePace / 10 {
			scaleLine(w, random, random.IntN(tenants))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}
