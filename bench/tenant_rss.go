package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
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
		fmt.Fprintf(w, `{"host":"tenant-%d.thorbis.app","status":200,"request_time":%.3f,"bytes_sent":%d}`+"\n", i%tenants,
			float64(i%977)/1000, i%4096)
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
	for _, scraped := range []struct{ name, accept string }{{"text", acceptText}, {"protobuf", acceptProto}} {
		r.say("counting them while %s is scraped", scraped.name)
		peak, err := peakOf(ctx, dir, scraped.accept, lines)
		if err != nil {
			return err
		}
		r.add(figure{
			name:  "peak of the resident memory with 100,000 tenants, scraped as " + scraped.name,
			value: peak / (1 << 20), unit: "MiB",
			target: "<= 300 MiB", met: peak <= 300<<20,
		})
	}
	return nil
}

// peakOf lets the program read a log of so many lines while it is scraped, with gzip as Prometheus asks for it and
// without in turn, and a few times more afterwards.
func peakOf(ctx context.Context, dir, accept string, lines float64) (float64, error) {
	address, err := loopback.FreeAddress()
	if err != nil {
		return 0, err
	}
	storage, err := os.MkdirTemp(dir, "data-")
	if err != nil {
		return 0, err
	}
	p, err := launch(dir, bin("thorbis_exporter"), "--config.file=thorbis.yaml", "--storage.path="+storage,
		"--web.listen-address="+address)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	if err := p.ready(ctx, "http://"+address+"/-/ready"); err != nil {
		return 0, err
	}
	scrapes := 0
	for read := 0.0; read < lines || scrapes < 6; {
		page, err := fetch(ctx, "http://"+address+"/metrics")
		if err != nil {
			return 0, err
		}
		if read = total(page, "thorbis_tenant_source_lines_total"); read == lines {
			scrapes++
		}
		if err := drain(
			ctx, "http://"+address+"/metrics/tenants", accept, []string{"gzip", "identity"}[scrapes%2],
		); err != nil {
			return 0, err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return p.peakRSS()
}

// drain reads a page to its end and keeps nothing of it.
func drain(ctx context.Context, url, accept, encoding string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}
