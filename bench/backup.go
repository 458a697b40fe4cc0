package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/s3test"
	"github.com/thorbis/thorbis_exporter/metric"
)

var _ = register("backup-listing", backupListing)

// backupListing has the exporter list a bucket of 100,000 objects and scrapes it all the while: the memory that
// the listing needs, and how long it holds a scrape.
func backupListing(ctx context.Context, r *report) error {
	const objects, listings = 100_000, 3
	server := s3test.NewFunc("backups", "AKIABENCH", objects, func(i int) s3test.Object {
		return s3test.Object{
			Key:      fmt.Sprintf("db/tenant-%05d/%02d/backup.tar.zst", i/20, i%20),
			Modified: time.Now().Add(-time.Duration(i%20) * 24 * time.Hour), Size: 1 << 20,
		}
	})
	defer server.Close()
	dir, err := os.MkdirTemp("", "thorbis-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("AKIABENCH"), 0o600); err != nil {
		return err
	}
	p, err := exporter(ctx, dir, fmt.Sprintf(`backups:
  - name: all
    interval: 1d
    refresh: 10s
    source:
      {program: s3, repository: backups, path: db/, pattern: "*/*/backup.tar.zst", endpoint: %q,
       secrets: {access_key: {file: %q}, secret_key: {file: %q}}}
`, server.URL, secret, secret), "--collector.backup", "--no-collector.health")
	if err != nil {
		return err
	}
	defer p.stop()
	before, err := p.rss()
	if err != nil {
		return err
	}
	r.say("listing %d objects %d times beside scrapes", objects, listings)
	var peak float64
	var took []time.Duration
	for deadline := time.Now().Add(5 * time.Minute); ; {
		start := time.Now()
		page, err := fetch(ctx, p.url+"/metrics")
		if err != nil {
			return err
		}
		took = append(took, time.Since(start))
		rss, err := p.rss()
		if err != nil {
			return err
		}
		peak = max(peak, rss)
		if total(page, metric.BackupListings.Name) >= listings {
			if n := total(page, metric.BackupRetained.Name); n != objects {
				return fmt.Errorf("%g objects were listed", n)
			}
			break
		}
		if time.Now().After(deadline) {
			return errors.New("the listings do not end")
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	const limit = 200
	r.add(figure{name: "resident memory before", value: before / (1 << 20), unit: "MiB"})
	r.add(figure{
		name: "resident memory at most, 100,000 objects", value: peak / (1 << 20), unit: "MiB",
		target: fmt.Sprintf("below %d MiB", limit), met: peak < limit<<20,
	})
	r.add(figure{
		name: "scrape p99 while listing", value: p99.Seconds() * 1000, unit: "ms",
		target: "below 50 ms", met: p99 < 50*time.Millisecond,
	})
	return nil
}
