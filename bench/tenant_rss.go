package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

var _ = register("tenant-rss", tenantRSS)

// tenantRSS measures the memory of the program itself with 100,000 tenants, while it counts and is scraped.
func tenantRSS(ctx context.Context, r *report) error {
	const tenants, lines = 100_000, 1_000_000
	dir, err := os.MkdirTemp("", "bench-tenant-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r.say("writing %d lines of %d tenants", lines, tenants)
	f, err := os.Create(filepath.Join(dir, "access.json"))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range lines {
		fmt.Fprintf(w, `{"host":"tenant-%d.thorbis.app","status":200,"request_time":%.3f,"bytes_sent":%d}`+"\n", i%tenants, float64(i%977)/1000, i%4096)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := benchPolicy(dir, "{file: access.json, format: nginx-json, app_service: web}"); err != nil {
		return err
	}
	const address = "127.0.0.1:28917"
	p, err := launch(dir, bin("thorbis_exporter"), "--config.file=thorbis.yaml", "--storage.path=data", "--web.listen-address="+address)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.ready(ctx, "http://"+address+"/-/ready"); err != nil {
		return err
	}
	peak, scrapes := 0.0, 0
	for read := 0.0; read < lines || scrapes < 5; {
		page, err := fetch(ctx, "http://"+address+"/metrics")
		if err != nil {
			return err
		}
		read = total(page, "thorbis_tenant_source_lines_total")
		if read == lines {
			scrapes++
		}
		if _, err := fetch(ctx, "http://"+address+"/metrics/tenants"); err != nil {
			return err
		}
		now, err := p.rss()
		if err != nil {
			return err
		}
		peak = max(peak, now)
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	r.add(figure{name: "peak of the resident memory with 100,000 tenants", value: peak / (1 << 20), unit: "MiB", target: "<= 256 MiB", met: peak <= 256<<20})
	return nil
}
