package main

import (
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

	"github.com/thorbis/thorbis_exporter/demo/stack"
	"github.com/thorbis/thorbis_exporter/metric"
)

var (
	_ = register("health-probe", healthProbe)
	_ = register("health-hanging", healthHanging)
)

// The load: 2,000 checks, each every five seconds, for as long as CPU time can be told well.
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
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", theirsPath, "github.com/prometheus/blackbox_exporter").CombinedOutput(); err != nil {
		return fmt.Errorf("blackbox_exporter: %w\n%s", err, out)
	}
	modules := "modules:\n  http_2xx: {prober: http, timeout: 3s, http: {preferred_ip_protocol: ip4}}\n"
	modulesFile := filepath.Join(dir, "blackbox.yml")
	if err := os.WriteFile(modulesFile, []byte(modules), 0o600); err != nil {
		return err
	}
	theirAddress, err := stack.FreeAddress()
	if err != nil {
		return err
	}
	theirs, err := launch(dir, theirsPath, "--config.file="+modulesFile, "--web.listen-address="+theirAddress, "--log.level=error")
	if err != nil {
		return err
	}
	defer theirs.stop()
	if err := theirs.ready(ctx, "http://"+theirAddress+"/-/healthy"); err != nil {
		return err
	}

	small, _, err := exporterWith(ctx, dir, "small", checks(1, target, probeInterval)+"  modules_file: "+modulesFile+"\n")
	if err != nil {
		return err
	}
	defer small.stop()
	ours, oursURL, err := exporterWith(ctx, dir, "ours", checks(probeChecks, target, probeInterval)+"  modules_file: "+modulesFile+"\n")
	if err != nil {
		return err
	}
	defer ours.stop()

	r.say("%d checks every %s on both sides", probeChecks, probeInterval)
	loadCtx, stopLoad := context.WithCancel(ctx)
	defer stopLoad()
	load := probeLoad(loadCtx, theirAddress, target)
	scrape := func() (float64, error) {
		page, err := fetch(ctx, oursURL+"/metrics")
		return total(page, metric.HealthCheckProbes.Name), err
	}
	if err := pause(ctx, probeWarmUp); err != nil {
		return err
	}
	before, err := scrape()
	if err != nil {
		return err
	}
	ourCPU, err := ours.cpu()
	if err != nil {
		return err
	}
	theirCPU, err := theirs.cpu()
	if err != nil {
		return err
	}
	theirBefore := load.done()
	if err := pause(ctx, probeMeasured); err != nil {
		return err
	}
	after, err := scrape()
	if err != nil {
		return err
	}
	ourEnd, err := ours.cpu()
	if err != nil {
		return err
	}
	theirEnd, err := theirs.cpu()
	if err != nil {
		return err
	}
	theirAfter := load.done()
	stopLoad()
	if err := load.wait(); err != nil {
		return err
	}

	ourProbe := (ourEnd - ourCPU).Seconds() / (after - before) * 1000
	theirProbe := (theirEnd - theirCPU).Seconds() / float64(theirAfter-theirBefore) * 1000
	r.add(figure{name: "probes a second, ours", value: (after - before) / probeMeasured.Seconds(), unit: "1/s"})
	r.add(figure{name: "probes a second, blackbox_exporter", value: float64(theirAfter-theirBefore) / probeMeasured.Seconds(), unit: "1/s"})
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
	p, base, err := exporterWith(ctx, dir, "hanging", checks(200, "http://"+l.Addr().String()+"/", probeInterval))
	if err != nil {
		return err
	}
	defer p.stop()
	r.say("scraping beside 200 hanging targets")
	if err := pause(ctx, 10*time.Second); err != nil {
		return err
	}
	var took []time.Duration
	for range 500 {
		start := time.Now()
		page, err := fetch(ctx, base+"/metrics")
		if err != nil {
			return err
		}
		took = append(took, time.Since(start))
		if total(page, metric.HealthProbesInFlight.Name) == 0 && len(took) == 1 {
			r.say("no probe in flight at the first scrape")
		}
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

// checks is the health section of a policy with n checks of one target.
func checks(n int, target string, interval time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "health:\n  interval: %s\n  timeout: 3s\n  checks:\n", interval)
	for i := range n {
		fmt.Fprintf(&b, "    - {name: check-%04d, app_service: web, target: %q, module: http_2xx}\n", i, target)
	}
	return b.String()
}

// exporterWith starts an exporter on a policy with the given health section and waits until it is ready.
func exporterWith(ctx context.Context, dir, name, health string) (*program, string, error) {
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	policy := filepath.Join(dir, "thorbis.yaml")
	text := "version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\n" + health
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	address, err := stack.FreeAddress()
	if err != nil {
		return nil, "", err
	}
	p, err := launch(dir, bin("thorbis_exporter"), "--config.file="+policy, "--web.listen-address="+address,
		"--storage.path="+filepath.Join(dir, "data"), "--log.level=error")
	if err != nil {
		return nil, "", err
	}
	base := "http://" + address
	if err := p.ready(ctx, base+"/-/ready"); err != nil {
		p.stop()
		return nil, "", err
	}
	return p, base, nil
}

// serveTarget is a small page for both sides to probe.
func serveTarget() (target string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})}
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

func probeLoad(ctx context.Context, address, target string) *load {
	l := &load{over: make(chan struct{})}
	query := url.Values{"target": {target}, "module": {"http_2xx"}}.Encode()
	page := "http://" + address + "/probe?" + query
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
