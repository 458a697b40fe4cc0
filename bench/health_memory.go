package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

var _ = register("health-memory", healthMemory)

// The load: so many checks, each every five seconds, and a scrape of all of them as often.
const (
	memoryChecks   = 5000
	memoryScrapes  = 12
	memoryPerCheck = 30 << 10
)

// healthMemory measures the most memory that the program ever holds for a check: with checks that are up, and with
// checks of which the targets accept and never answer. What it holds without checks does not count.
func healthMemory(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	up, stop, err := serveTarget()
	if err != nil {
		return err
	}
	defer stop()
	hanging, stopHanging, err := serveNothing()
	if err != nil {
		return err
	}
	defer stopHanging()
	empty, err := healthPeak(ctx, filepath.Join(dir, "empty"), "")
	if err != nil {
		return err
	}
	r.add(figure{name: "most resident memory without checks", value: empty / (1 << 20), unit: "MiB"})
	for _, load := range []struct{ name, target string }{{"up", up}, {"hanging", hanging}} {
		r.say("scraping beside %d checks, %s", memoryChecks, load.name)
		peak, err := healthPeak(ctx, filepath.Join(dir, load.name), checks(memoryChecks, load.target, probeInterval))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("most resident memory with %d checks, %s", memoryChecks, load.name)
		r.add(figure{name: name, value: peak / (1 << 20), unit: "MiB"})
		each := (peak - empty) / memoryChecks
		r.add(figure{
			name: "most memory of a check, " + load.name, value: each / 1024, unit: "KiB",
			target: "below 30 KiB", met: each < memoryPerCheck,
		})
	}
	return nil
}

// healthPeak starts the program on a policy, scrapes it for a minute as Prometheus does, without and with native
// histograms, and returns the most memory that it held.
func healthPeak(ctx context.Context, dir, policy string) (float64, error) {
	p, err := exporter(ctx, dir, policy)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	for i := range memoryScrapes {
		if err := pause(ctx, probeInterval); err != nil {
			return 0, err
		}
		if err := drain(ctx, p.url+"/metrics", []string{acceptOpenMetrics, acceptProto}[i%2], "gzip"); err != nil {
			return 0, err
		}
	}
	page, err := fetch(ctx, p.url+"/metrics")
	if err != nil {
		return 0, err
	}
	if probes := total(page, metric.HealthCheckProbes.Name); policy != "" && probes == 0 {
		return 0, fmt.Errorf("no check of %s was probed", dir)
	}
	return p.peakRSS()
}

// acceptOpenMetrics is what Prometheus 3 asks for.
const acceptOpenMetrics = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1"

// serveNothing is a target that accepts connections and never answers.
func serveNothing() (target string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	forever, stopped := context.WithCancel(context.Background())
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done(): // the prober gave up
		case <-forever.Done():
		}
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(hang)}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String() + "/", func() {
		stopped()
		_ = server.Close()
	}, nil
}
