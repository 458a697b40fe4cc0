package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/loopback"
	"github.com/thorbis/thorbis_exporter/metric"
)

// scalePatience is how long a program may take to start, and to read.
const scalePatience = 5 * time.Minute

// scaleTenantsPolicy is added to the policy of the rules' benchmark, for a registry and a log.
const scaleTenantsPolicy = `tenants:
  registry: {file: tenants.yaml}
  host: "{tenant}.thorbis.app"
  limit: %d
  sources: [{file: access.json, format: nginx-json, app_service: web}]
`

// scaleOf measures one size.
func scaleOf(ctx context.Context, r *report, tenants int) (*scaleCosts, error) {
	dir, err := os.MkdirTemp("", "bench-scale-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r.say("scale: %d tenants: writing a registry and %d lines", tenants, scaleLines)
	if err := writeScale(dir, tenants); err != nil {
		return nil, err
	}
	c := &scaleCosts{tenants: float64(tenants)}
	p, err := startScale(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { p.stop() }()
	first, err := p.cpu()
	if err != nil {
		return nil, err
	}
	c.first = first.Seconds()
	r.say("scale: %d tenants: reading", tenants)
	log := filepath.Join(dir, "access.json")
	read := func(lines float64, begin func() error) (float64, error) {
		used, err := cpuOf(func() error {
			if err := begin(); err != nil {
				return err
			}
			return p.reaches(ctx, "/metrics", metric.TenantSourceLines.Name, lines)
		}, p)
		if err != nil {
			return 0, err
		}
		return used[0].Seconds(), nil
	}
	if c.reading, err = read(scaleLines, func() error {
		return os.Rename(filepath.Join(dir, "access.part"), log)
	}); err != nil {
		return nil, err
	}
	r.say("scale: %d tenants: reading as many lines again", tenants)
	if c.again, err = read(2*scaleLines, func() error { return appendItself(log) }); err != nil {
		return nil, err
	}
	// Within this time tenants in trouble are given series, and the listed ones are chosen.
	if err := pause(ctx, 15*time.Second); err != nil {
		return nil, err
	}
	if err := c.scrapes(ctx, p); err != nil {
		return nil, err
	}
	page, err := fetch(ctx, p.url+"/metrics")
	if err != nil {
		return nil, err
	}
	c.withSeries = total(page, metric.TenantSeries.Name)
	r.say("scale: %d tenants: scraping with Prometheus", tenants)
	if err := c.store(ctx, r, dir, p, tenants); err != nil {
		return nil, err
	}
	if c.rss, err = p.rss(); err != nil {
		return nil, err
	}
	if c.peak, err = p.peakRSS(); err != nil {
		return nil, err
	}
	if c.state, err = sizeOf(filepath.Join(dir, "data")); err != nil {
		return nil, err
	}
	r.say("scale: %d tenants: starting after kill -9", tenants)
	if p, err = c.restart(ctx, dir, p); err != nil {
		return nil, err
	}
	p.stop()
	r.say("scale: rules over %.0f tenants with series", c.withSeries)
	files, err := bundleRules()
	if err != nil {
		return nil, err
	}
	w, err := newRuleWorld(int(c.withSeries))
	if err != nil {
		return nil, err
	}
	defer w.close()
	cost, err := w.measure(r, files)
	c.rules = cost.perMinute()
	return c, err
}

// scaleLine is a request of a tenant, of which one in so many is in trouble.
func scaleLine(w *bufio.Writer, random *rand.Rand, tenant int) {
	status := 200
	if tenant%troubledOf == 0 && random.IntN(4) == 0 {
		status = 500
	}
	fmt.Fprintf(w, `{"host":"t%07d.thorbis.app","status":%d,"request_time":%.3f,"bytes_sent":%d}`+"\n", tenant, status,
		random.ExpFloat64()/12, random.IntN(40_000))
}

// writeScale writes the policy, the registry and the log, the latter under another name than the policy's.
func writeScale(dir string, tenants int) error {
	policy := rulesPolicy + fmt.Sprintf(scaleTenantsPolicy, scaleLimit)
	if err := os.WriteFile(filepath.Join(dir, "thorbis.yaml"), []byte(policy), 0o600); err != nil {
		return err
	}
	write := func(name string, fill func(w *bufio.Writer)) error {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		fill(w)
		return errors.Join(w.Flush(), f.Close())
	}
	return errors.Join(write("tenants.yaml", func(w *bufio.Writer) {
		fmt.Fprintln(w, "tenants:")
		for i := range tenants {
			fmt.Fprintf(w, "  - {name: t%07d, tier: %s}\n", i, []string{"standard", "enterprise"}[i%10/9])
		}
	}), write("access.part", func(w *bufio.Writer) {
		random := rand.New(rand.NewPCG(1, 2)) // the same each time
		const prime = 7919                    // so that neighbours in the log are not neighbours in memory
		for i := range scaleLines {
			tenant := random.IntN(tenants)
			if i%2 == 0 {
				tenant = i / 2 * prime % tenants
			}
			scaleLine(w, random, tenant)
		}
	}))
}

// appendItself writes the lines of a log once more.
func appendItself(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// startScale starts the exporter and waits until it is ready.
func startScale(ctx context.Context, dir string) (*program, error) {
	address, err := loopback.FreeAddress()
	if err != nil {
		return nil, err
	}
	p, err := launch(dir, bin("thorbis_exporter"), "--config.file=thorbis.yaml", "--storage.path=data",
		"--web.listen-address="+address, "--log.level=error")
	if err != nil {
		return nil, err
	}
	p.url = "http://" + address
	if err := p.reaches(ctx, "/-/ready", "", 0); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// reaches waits until a page answers and the sum of a metric on it, if one is named, is as large.
func (p *program) reaches(ctx context.Context, page, name string, least float64) error {
	have := -1.0
	for deadline := time.Now().Add(scalePatience); time.Now().Before(deadline); {
		if text, err := fetch(ctx, p.url+page); err == nil {
			if have = total(text, name); have >= least {
				return nil
			}
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %s is %g, want %g; it said:\n%s", page, name, have, least, text)
}

// scrapes measures scrapes, in medians of five.
func (c *scaleCosts) scrapes(ctx context.Context, p *program) error {
	for _, s := range []struct {
		cost             *pageCost
		accept, encoding string
	}{
		{&c.text, acceptText, "identity"},
		{&c.textGzip, acceptText, "gzip"},
		{&c.proto, acceptProto, "identity"},
		{&c.protoGzip, acceptProto, "gzip"},
	} {
		const rounds = 5
		var took []float64
		used, err := cpuOf(func() error {
			for range rounds {
				start := time.Now()
				n, err := length(ctx, p.url+"/metrics/tenants", s.accept, s.encoding)
				if err != nil {
					return err
				}
				took = append(took, time.Since(start).Seconds())
				s.cost.bytes = n
			}
			return nil
		}, p)
		if err != nil {
			return err
		}
		slices.Sort(took)
		s.cost.took, s.cost.cpu = took[rounds/2], used[0].Seconds()/rounds
	}
	return nil
}

// length reads a page to its end and returns how many bytes were sent.
func length(ctx context.Context, url, accept, encoding string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var n countingWriter
	if _, err := bufio.NewReaderSize(resp.Body, 1<<18).WriteTo(&n); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return float64(n), nil
}

// countingWriter counts what is written to it.
type countingWriter int64

func (n *countingWriter) Write(b []byte) (int, error) {
	*n += countingWriter(len(b))
	return len(b), nil
}

// restart kills the exporter and measures how long the next one takes until it is ready and shows every request.
func (c *scaleCosts) restart(ctx context.Context, dir string, p *program) (*program, error) {
	page, err := fetch(ctx, p.url+"/metrics/tenants")
	if err != nil {
		return p, err
	}
	counted := total(page, metric.ServiceRequests.Name)
	if err := p.cmd.Process.Kill(); err != nil {
		return p, err
	}
	_ = p.cmd.Wait()
	start := time.Now()
	next, err := startScale(ctx, dir)
	if err != nil {
		return p, err
	}
	if err := next.reaches(ctx, "/metrics/tenants", metric.ServiceRequests.Name, counted); err != nil {
		return next, err
	}
	c.start.took = time.Since(start).Seconds()
	used, err := next.cpu()
	c.start.cpu = used.Seconds()
	return next, err
}

// sizeOf is how many bytes the files of a directory have.
func sizeOf(dir string) (n float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += float64(info.Size())
		}
		return err
	})
	return n, err
}
