package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

var (
	_ = register("health-probe", healthProbe)
	_ = register("health-hanging", healthHanging)
)

// The load: 2,000 checks, each every five seconds, long enough to measure CPU time well.
const (
	probeChecks   = 2000
	probeInterval = 5 * time.Second
	probeWarmUp   = 10 * time.Second
	probeMeasured = 20 * time.Second
)

// healthProbe measures the CPU time of one HTTP probe in the exporter, which schedules it itself, beside the
// blackbox_exporter's, which answers the requests of a client that stands for Prometheus: the same module,
// the same target, the same pace, at the same time. The time for the scrapes of each is part of it.
func healthProbe(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	target, stop, err := serveTarget()
	if err != nil {
		return err
	}
	defer stop()

	r.say("building the blackbox_exporter of go.mod")
	theirsPath := filepath.Join(dir, "blackbox_exporter")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", theirsPath,
		"github.com/prometheus/blackbox_exporter").CombinedOutput(); err != nil {
		return fmt.Errorf("blackbox_exporter: %w\n%s", err, out)
	}
	modules := "modules:\n  http_2xx: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4}}\n"
	modulesFile := filepath.Join(dir, "blackbox.yml")
	if err := os.WriteFile(modulesFile, []byte(modules), 0o600); err != nil {
		return err
	}
	theirs, err := serve(ctx, dir, theirsPath, "/-/healthy", "--config.file="+modulesFile)
	if err != nil {
		return err
	}
	defer theirs.stop()

	small, err := exporter(ctx, filepath.Join(dir, "small"),
		checks(1, target, probeInterval)+"  modules_file: "+modulesFile+"\n")
	if err != nil {
		return err
	}
	defer small.stop()
	ours, err := exporter(ctx, filepath.Join(dir, "ours"),
		checks(probeChecks, target, probeInterval)+"  modules_file: "+modulesFile+"\n")
	if err != nil {
		return err
	}
	defer ours.stop()

	r.say("%d checks every %s on both sides", probeChecks, probeInterval)
	loadCtx, stopLoad := context.WithCancel(ctx)
	defer stopLoad()
	load := probeLoad(loadCtx, theirs.url, target)
	count := func(sign float64, ourCount, theirCount *float64) error {
		*theirCount += sign * float64(load.done())
		page, err := fetch(ctx, ours.url+"/metrics")
		*ourCount += sign * total(page, metric.HealthCheckProbes.Name)
		return err
	}
	if err := pause(ctx, probeWarmUp); err != nil {
		return err
	}
	var ourProbes, theirProbes float64
	if err := count(-1, &ourProbes, &theirProbes); err != nil {
		return err
	}
	used, err := cpuOf(func() error {
		if err := pause(ctx, probeMeasured); err != nil {
			return err
		}
		return count(1, &ourProbes, &theirProbes)
	}, ours, theirs)
	if err != nil {
		return err
	}
	stopLoad()
	if err := load.wait(); err != nil {
		return err
	}

	ourProbe := used[0].Seconds() / ourProbes * 1000
	theirProbe := used[1].Seconds() / theirProbes * 1000
	r.add(figure{name: "probes a second, ours", value: ourProbes / probeMeasured.Seconds(), unit: "1/s"})
	r.add(figure{name: "probes a second, blackbox_exporter", value: theirProbes / probeMeasured.Seconds(), unit: "1/s"})
	r.add(figure{
		name: "CPU per HTTP probe", value: ourProbe, unit: "ms",
		against: fmt.Sprintf("blackbox_exporter v0.28.0, %.3g ms", theirProbe), ratio: ourProbe / theirProbe,
		target: "below 1 time the blackbox_exporter's", met: ourProbe < theirProbe,
	})
	ourRSS, err := ours.rss()
	if err != nil {
		return err
	}
	smallRSS, err := small.rss()
	if err != nil {
		return err
	}
	r.add(figure{
		name: "memory per check", value: (ourRSS - smallRSS) / (probeChecks - 1) / 1024, unit: "KiB",
		target: "stated", met: true,
	})
	return nil
}

// healthHanging scrapes an exporter of which 200 targets accept and never answer.
func healthHanging(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c) // until the prober gives up
			}()
		}
	}()
	p, err := exporter(ctx, dir, checks(200, "http://"+l.Addr().String()+"/", probeInterval))
	if err != nil {
		return err
	}
	defer p.stop()
	r.say("scraping beside 200 hanging targets")
	for down, deadline := 0.0, time.Now().Add(2*time.Minute); down != 200; {
		if time.Now().After(deadline) {
			return fmt.Errorf("only %g of 200 targets are down", down)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		page, err := fetch(ctx, p.url+"/metrics")
		if err != nil {
			return err
		}
		down = total(page, metric.HealthCheckOutages.Name)
	}
	var took []time.Duration
	var buffer bytes.Buffer // kept, as Prometheus does
	for range 500 {
		buffer.Reset()
		start := time.Now()
		if err := fetchInto(ctx, p.url+"/metrics", &buffer); err != nil {
			return err
		}
		took = append(took, time.Since(start))
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	slices.Sort(took)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	r.add(figure{name: "scrape p50, 200 hanging targets", value: p50.Seconds() * 1000, unit: "ms"})
	r.add(figure{
		name: "scrape p99, 200 hanging targets", value: p99.Seconds() * 1000, unit: "ms",
		target: "below 50 ms", met: p99 < 50*time.Millisecond,
	})
	return nil
}

// checks is a policy with n checks of one target.
func checks(n int, target string, interval time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "services: [{name: web, owner: sre}]\nhealth:\n  interval: %s\n  timeout: 3s\n  checks:\n", interval)
	for i := range n {
		fmt.Fprintf(&b, "    - {name: check-%04d, app_service: web, target: %q, module: http_2xx}\n", i, target)
	}
	return b.String()
}

// serveTarget is a small page for both sides to probe.
func serveTarget() (target string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok\n")
		}),
	}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String() + "/healthz", func() { _ = server.Close() }, nil
}

// load asks a blackbox_exporter for probes as Prometheus would: each target at its interval, spread evenly.
type load struct {
	mu   sync.Mutex
	n    int
	err  error
	over chan struct{}
}

func probeLoad(ctx context.Context, blackbox, target string) *load {
	l := &load{over: make(chan struct{})}
	query := url.Values{"target": {target}, "module": {"http_2xx"}}.Encode()
	page := blackbox + "/probe?" + query
	var wg sync.WaitGroup
	jobs := make(chan struct{}, probeChecks)
	for range 16 {
		wg.Go(func() {
			for range jobs {
				text, err := fetch(ctx, page)
				if ctx.Err() != nil {
					return
				}
				l.mu.Lock()
				if err == nil && total(text, "probe_success") != 1 {
					err = fmt.Errorf("the probe failed:\n%s", text)
				}
				if err != nil && l.err == nil {
					l.err = err
				}
				l.n++
				l.mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		defer close(jobs)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		start, sent := time.Now(), 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				due := int(time.Since(start).Seconds() * probeChecks / probeInterval.Seconds())
				for ; sent < due; sent++ {
					select {
					case jobs <- struct{}{}:
					case <-ctx.Done():
						return
					}
				}
			}
		}
	})
	go func() {
		wg.Wait()
		close(l.over)
	}()
	return l
}

func (l *load) done() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *load) wait() error {
	<-l.over
	return l.err
}
