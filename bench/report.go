package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/tenant/history"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/tenants"
)

var _ = register("report", reportSLA)

// The history that reports are made of: a year of 20,000 tenants, of whom a third have requests of a second service.
const (
	reportTenants = 20_000
	reportFirst   = history.Date("2025-11-01")
	reportDays    = 365
)

const reportPolicy = `version: 1
channels: {deadman: none}
objectives: {latency: [{threshold: 300ms, ratio: 95%}, {threshold: 1s, ratio: 99%}]}
services: [{name: web, owner: sre}, {name: api, owner: sre}]
tenants: {registry: {file: tenants.yaml}}
health:
  checks:
    - {name: home, app_service: web, target: "https://www.example.com/"}
    - {name: each, app_service: web, target: "https://{tenant}.example.com/", per_tenant: {}}
sla:
  availability: 99.9%
  credits: [{below: 99.9%, credit: 10%}, {below: 99%, credit: 25%}]
  minimum_outage: 1m
  maintenance_notice: 2d
maintenance: [{name: weekly, start: "02:00", duration: 30m, weekdays: [sunday], announced: 2025-01-01T00:00:00Z}]
`

// reportSLA writes contracts from the state directory of an exporter with a year of 20,000 tenants: of one tenant, and
// of all.
func reportSLA(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "thorbis.yaml"), []byte(reportPolicy), 0o600); err != nil {
		return err
	}
	r.say("writing a year of %d tenants", reportTenants)
	data := filepath.Join(dir, "data")
	if err := reportHistory(ctx, data); err != nil {
		return err
	}
	for _, one := range []struct {
		name   string
		target time.Duration
		memory float64 // in MiB, 0 for no target
		args   []string
	}{
		{
			"one tenant, one month, page", 2 * time.Second, 0,
			[]string{"--tenant=tenant-12345", "--month=2026-10", "--out=one.html"},
		},
		{
			"one tenant, 12 months, a page of each", 2 * time.Second, 0,
			[]string{"--tenant=tenant-12345", "--month=2025-11..2026-10", "--format=html", "--out=months"},
		},
		{
			"all tenants, one month, a page of each", time.Minute, 300,
			[]string{"--all-tenants", "--month=2026-10", "--format=html", "--out=all"},
		},
		{
			"all tenants, 12 months, a line of each in CSV", time.Minute, 300,
			[]string{"--overview", "--month=2025-11..2026-10", "--format=csv", "--out=year"},
		},
	} {
		if err := r.report(ctx, dir, one.name, one.target, one.memory, one.args); err != nil {
			return err
		}
	}
	return nil
}

// report runs the command once and measures it.
func (r *report) report(ctx context.Context, dir, name string, target time.Duration, memory float64, args []string,
) error {
	start := time.Now()
	p, err := launch(dir, bin("thorbis_exporter"), append([]string{
		"--config.file=" + filepath.Join(dir, "thorbis.yaml"), "report", "sla", "--state=" + filepath.Join(dir, "data"),
	}, args...)...)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	peak := 0.0
	for running := true; running; {
		select {
		case err = <-ended:
			running = false
		case <-time.After(20 * time.Millisecond):
			if now, err := p.peakRSS(); err == nil {
				peak = max(peak, now)
			}
		case <-ctx.Done():
			_ = p.cmd.Process.Kill()
			return errors.Join(ctx.Err(), <-ended)
		}
	}
	took := time.Since(start)
	if code := p.cmd.ProcessState.ExitCode(); err != nil && code != 3 {
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s: %w\n%s", name, err, text)
	}
	r.add(figure{
		name: name, value: took.Seconds(), unit: "s", target: "at most " + target.String(), met: took <= target,
	})
	used := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	r.add(figure{name: name + ", processor", value: used.Seconds(), unit: "s"})
	f := figure{name: name + ", memory", value: peak / (1 << 20), unit: "MiB"}
	if memory > 0 {
		f.target, f.met = fmt.Sprintf("at most %.0f MiB", memory), f.value <= memory
	}
	r.add(f)
	return nil
}

// reportHistory writes what an exporter would have kept.
func reportHistory(ctx context.Context, data string) error {
	d, err := state.Open(data)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	names := make([]string, reportTenants)
	members := make([]tenants.Membership, reportTenants)
	for i := range names {
		names[i] = fmt.Sprintf("tenant-%05d", i)
		members[i] = tenants.Membership{Tenant: names[i], Tier: "standard"}
	}
	list, err := json.Marshal(members)
	if err == nil {
		err = d.Save("tenant-memberships", 1, list)
	}
	if err != nil {
		return err
	}
	days := history.Open(filepath.Join(data, "tenant-history"))
	day := &history.Day{Part: "bench.1", Zone: "UTC", Thresholds: []uint64{3e8, 1e9}}
	for n := range reportDays {
		if err := ctx.Err(); err != nil {
			return err
		}
		day.Date, day.Entries = reportFirst.Add(n), day.Entries[:0]
		for i, name := range names {
			requests := uint64(500 + (i*7919+n*104729)%2000)
			counts := history.Counts{
				Requests: requests, Failed: requests / 900, Bytes: requests * 9000, Slow: []uint64{requests / 30, requests / 400},
			}
			day.Entries = append(day.Entries, history.Entry{Service: "web", Tenant: name, Counts: counts})
			if i%3 == 0 {
				day.Entries = append(day.Entries, history.Entry{Service: "api", Tenant: name, Counts: counts})
			}
		}
		if err := days.Write(day); err != nil {
			return err
		}
	}
	return reportChecks(d, names)
}
