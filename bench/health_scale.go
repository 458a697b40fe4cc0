package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

var _ = register("health-scale", healthScale)

// The load: a check of each of so many tenants at each of so many targets, divided among so many exporters.
const (
	shardTenants  = 12_500
	shardTargets  = 4
	shardChecks   = shardTenants * shardTargets
	healthShards  = 4
	shardInterval = 2 * time.Minute
	shardMeasured = 3 * time.Minute
)

// healthScale measures four exporters that share 50,000 checks of one location by --health.shard. Whether a check is
// missed, and how late it is, is what its target sees.
func healthScale(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var registry strings.Builder
	registry.WriteString("tenants:\n")
	for i := range shardTenants {
		fmt.Fprintf(&registry, "  - {name: t%05d, tier: none}\n", i)
	}
	list := filepath.Join(dir, "tenants.yaml")
	if err := os.WriteFile(list, []byte(registry.String()), 0o600); err != nil {
		return err
	}
	var policy strings.Builder
	fmt.Fprintf(&policy, "services: [{name: web, owner: sre}]\ntenants: {registry: {file: %q}}\n"+
		"health:\n  checks:\n", list)
	seen := &probesSeen{last: make([]time.Time, shardChecks)}
	for n := range shardTargets { // several, for one has no more than 28,000 connections that have just ended
		target, stop, err := seen.serve(n)
		if err != nil {
			return err
		}
		defer stop()
		fmt.Fprintf(&policy, "    - {name: home-%d, app_service: web, target: %q, module: http_2xx, per_tenant: "+
			"{interval: %s, max_per_second: 500}}\n", n, target+"{tenant}", shardInterval)
	}
	var all []*program
	for n := range healthShards {
		p, err := exporter(ctx, filepath.Join(dir, strconv.Itoa(n)), policy.String(),
			fmt.Sprintf("--health.shard=%d/%d", n, healthShards))
		if err != nil {
			return err
		}
		defer p.stop()
		all = append(all, p)
	}
	r.say("%d checks over %d exporters, each every %s", shardChecks, healthShards, shardInterval)
	if err := pause(ctx, shardInterval+10*time.Second); err != nil { // each has begun
		return err
	}
	seen.begin()
	used, err := cpuOf(func() error { return pause(ctx, shardMeasured) }, all...)
	if err != nil {
		return err
	}
	probes, delays, missed := seen.end()
	minutes := shardMeasured.Minutes()
	r.add(figure{name: "probes that the targets saw", value: float64(probes) / shardMeasured.Seconds(), unit: "1/s"})
	r.add(figure{
		name: "rounds missed: no probe of a check in one and a half intervals", value: float64(missed), unit: "rounds",
		target: "0", met: missed == 0,
	})
	r.add(figure{name: "delay of a round, p50", value: delays[len(delays)/2].Seconds(), unit: "s"})
	r.add(figure{name: "delay of a round, p99", value: delays[len(delays)*99/100].Seconds(), unit: "s"})
	r.add(figure{name: "delay of a round, most", value: delays[len(delays)-1].Seconds(), unit: "s"})
	for n, p := range all {
		if err := healthShard(ctx, r, fmt.Sprintf("shard %d/%d", n, healthShards), p, used[n].Seconds()/minutes); err != nil {
			return err
		}
	}
	return nil
}

// healthShard reports what one shard has and uses.
func healthShard(ctx context.Context, r *report, name string, p *program, perMinute float64) error {
	page, err := fetch(ctx, p.url+"/metrics")
	if err != nil {
		return err
	}
	rss, err := p.rss()
	if err != nil {
		return err
	}
	peak, err := p.peakRSS()
	if err != nil {
		return err
	}
	const rounds = 5
	scrape, err := cpuOf(func() error {
		for range rounds {
			if _, err := length(ctx, p.url+"/metrics", acceptProto, "gzip"); err != nil {
				return err
			}
		}
		return nil
	}, p)
	if err != nil {
		return err
	}
	proto, err := length(ctx, p.url+"/metrics", acceptProto, "identity")
	if err != nil {
		return err
	}
	zipped, err := length(ctx, p.url+"/metrics", acceptProto, "gzip")
	if err != nil {
		return err
	}
	for _, f := range []figure{
		{name: "checks", value: total(page, metric.HealthCheckInfo.Name), unit: "checks"},
		{name: "processor", value: perMinute, unit: "CPU-s/min"},
		{name: "resident memory", value: rss / (1 << 20), unit: "MiB"},
		{name: "resident memory, most", value: peak / (1 << 20), unit: "MiB"},
		{name: "probes delayed", value: total(page, metric.HealthProbesDelayed.Name), unit: "probes"},
		{name: "scrape, text", value: float64(len(page)) / 1e6, unit: "MB"},
		{name: "scrape, protobuf", value: proto / 1e6, unit: "MB"},
		{name: "scrape, protobuf with gzip", value: zipped / 1e6, unit: "MB"},
		{name: "scrape, protobuf with gzip, processor", value: scrape[0].Seconds() / rounds, unit: "CPU-s"},
	} {
		f.name = name + ": " + f.name
		r.add(f)
	}
	return nil
}

// probesSeen is what targets see of checks.
type probesSeen struct {
	mu     sync.Mutex
	last   []time.Time // by check
	begun  time.Time   // of the measurement, zero without one
	probes int
	delays []time.Duration
}

// serve is one target: a small page for each tenant.
func (s *probesSeen) serve(number int) (target string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tenant, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/t"))
			if err != nil || tenant < 0 || tenant >= shardTenants {
				http.NotFound(w, r)
				return
			}
			s.note(number*shardTenants + tenant)
			_, _ = io.WriteString(w, "ok\n")
		}),
	}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String() + "/", func() { _ = server.Close() }, nil
}

func (s *probesSeen) note(check int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.last[check]; !s.begun.IsZero() {
		s.probes++
		if !before.IsZero() {
			s.delays = append(s.delays, max(0, now.Sub(before)-shardInterval))
		}
	}
	s.last[check] = now
}

// begin begins the measurement.
func (s *probesSeen) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = time.Now()
}

// end ends it, and returns how many probes there were, how much later than an interval after the one before each of
// them came, and how many rounds were missed: no probe for one and a half intervals.
func (s *probesSeen) end() (probes int, delays []time.Duration, missed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.last {
		if time.Since(at) > shardInterval*3/2 {
			missed++
		}
	}
	for _, d := range s.delays {
		if d > shardInterval/2 {
			missed++
		}
	}
	slices.SortFunc(s.delays, cmp.Compare[time.Duration])
	if s.delays == nil {
		s.delays = []time.Duration{0}
	}
	return s.probes, s.delays, missed
}
