package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
)

var _ = register("tenant-lines", tenantLines)

// tenantLines measures the way from a file to saved counters, with everything on that the exporter does:
// full JSON, tenants, histograms, the log on the disk.
func tenantLines(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "bench-tenant-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, c := range []struct {
		format string
		target float64
	}{{"nginx-json", 2e6}, {"combined", 2.5e6}} {
		r.say("writing %d lines of %s", benchLines, c.format)
		path, size, err := logFile(dir, c.format+".log", c.format, benchLines, benchTenants, 1)
		if err != nil {
			return err
		}
		best := 0.0
		for range 3 {
			rate, err := readLog(ctx, dir, c.format, path, benchLines)
			if err != nil {
				return err
			}
			best = max(best, rate.perCPU)
		}
		r.add(figure{
			name: c.format + ", file to saved counters", value: best, unit: "lines/CPU-s",
			target: target(">= %.1f million", c.target/1e6), met: best >= c.target,
		})
		r.add(figure{name: c.format + ", bytes of a line", value: float64(size) / benchLines, unit: "bytes"})
		if _, _, err := logFile(dir, "second-"+c.format+".log", c.format, benchLines, benchTenants, 2); err != nil {
			return err
		}
		one, both := 0.0, 0.0
		for range 3 {
			rate, err := readLog(ctx, dir, c.format, path, benchLines)
			if err != nil {
				return err
			}
			one = max(one, rate.perSecond)
			if rate, err = readLog(ctx, dir, c.format, filepath.Join(dir, "*"+c.format+".log"), 2*benchLines); err != nil {
				return err
			}
			both = max(both, rate.perSecond)
		}
		r.add(figure{name: c.format + ", two files at once", value: both, unit: "lines/s", against: "one file", ratio: both / one})
	}
	return nil
}

type readRate struct{ perCPU, perSecond float64 }

// benchPolicy is a policy with one source.
func benchPolicy(dir, source string) (*config.Policy, error) {
	name := filepath.Join(dir, "thorbis.yaml")
	text := `version: 1
channels: {deadman: none}
objectives: {latency: [{threshold: 300ms, ratio: 95%}, {threshold: 1s, ratio: 99%}]}
services: [{name: web, owner: sre}]
tenants:
  host: "{tenant}.thorbis.app"
  limit: 1000000
  histogram: both
  sources: [` + source + `]
`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return config.Load(name)
}

// readLog lets the server's own collector read the files of a glob from their beginnings, with its state on the disk.
func readLog(ctx context.Context, dir, format, pattern string, lines uint64) (readRate, error) {
	storage, err := os.MkdirTemp(dir, "data-")
	if err != nil {
		return readRate{}, err
	}
	defer func() { _ = os.RemoveAll(storage) }()
	sd, err := state.Open(storage)
	if err != nil {
		return readRate{}, err
	}
	defer sd.Close() //nolint:errcheck // nothing of it is kept
	p, err := benchPolicy(dir, "{file: \""+pattern+"\", format: "+format+", app_service: web}")
	if err != nil {
		return readRate{}, err
	}
	c := tenant.New(tenant.Options{Logger: slog.New(slog.DiscardHandler), State: sd})
	if err := collectors.Apply(c, p); err != nil {
		return readRate{}, err
	}
	runtime.GC()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	cpu, start := cpuTime(), time.Now()
	go func() { done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	for c.Lines() < lines && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	used, took := cpuTime()-cpu, time.Since(start)
	cancel()
	err = <-done
	_ = c.Close()
	return readRate{float64(lines) / used.Seconds(), float64(lines) / took.Seconds()}, err
}
