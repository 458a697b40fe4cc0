package slo_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/storage"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/tenant"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

const millionPolicy = `version: 1
environment: production
channels: {deadman: none}
services: [{name: web, owner: sre, page: P1}]
tenants:
  limit: 5000
  host: "{tenant}.example.com"
  registry: {file: tenants.yaml, refresh: 1h}
  sources: [{receive: json, app_service: web, secret_file: secret, fields: {host: h, status: s}}]
`

// The bad tenant is not among the busiest: it has no series before its trouble where there are more than the limit.
const (
	badTenant  = 777
	badFrom    = 8 * minute
	badUntil   = 14 * minute
	scrapeStep = 15
)

// platform is a shard of a platform with so many tenants, of which some have requests here.
type platform struct{ tenants, here int }

// scrapedPage is what Prometheus keeps of a scrape: the series of services, and those of the tenants whose windows are
// exported or who are bad.
type scrapedPage struct {
	at    int
	lines []byte
}

// observe runs the real collector in simulated time, and returns what each scrape found and the largest page.
func (p platform) observe(t *testing.T, policy *config.Policy) (all []scrapedPage, largest int) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(ruletest.Epoch))
		c := tenant.New(tenant.Options{Logger: slog.New(slog.DiscardHandler)})
		if err := collectors.Apply(c, policy); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
		pages, receivers := c.Tenants(), c.Receivers()
		for at := scrapeStep; at <= badUntil; at += scrapeStep {
			time.Sleep(time.Until(ruletest.At(at)))
			p.post(t, receivers, at)
			synctest.Wait()
			if at < badFrom-2*minute && at%minute != 0 {
				continue
			}
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics/tenants", nil))
			if w.Code != http.StatusOK {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			largest = max(largest, w.Body.Len())
			all = append(all, scrapedPage{at, kept(w.Body.Bytes())})
		}
		cancel()
		synctest.Wait()
	})
	return all, largest
}

// post sends what came since the last post: in the beginning a request of every tenant that is here, then some of a
// few.
func (p platform) post(t *testing.T, to http.Handler, at int) {
	t.Helper()
	var body bytes.Buffer
	request := func(tenant, status int) {
		_, _ = fmt.Fprintf(&body, `{"h":"t%07d.example.com","s":%d}`+"\n", tenant, status)
	}
	if n, parts := at/scrapeStep-1, 8; n < parts {
		for i := p.here * n / parts; i < p.here*(n+1)/parts; i++ {
			request(i, 200)
		}
	}
	for i := range 2000 {
		request((at*2000+i*7919)%p.here, 200)
	}
	for i := range 20 {
		status := 200
		if at > badFrom && i < 8 {
			status = 500
		}
		request(badTenant, status)
	}
	req := httptest.NewRequest(http.MethodPost, "/api/v1/receive/json", &body)
	req.Header.Set("Authorization", "secret")
	w := httptest.NewRecorder()
	to.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("a post at %d s: %d %s", at, w.Code, w.Body)
	}
}

// kept leaves out the series of tenants that no rule of this test reads.
func kept(page []byte) []byte {
	var out bytes.Buffer
	bad := fmt.Appendf(nil, `tenant="t%07d"`, badTenant)
	for line := range bytes.Lines(page) {
		if line[0] == '#' {
			continue
		}
		if bytes.Contains(line, []byte(`tenant="t`)) && !bytes.Contains(line, bad) &&
			!bytes.HasPrefix(line, []byte("thorbis_tenant_window_")) {
			continue
		}
		out.Write(line)
	}
	return out.Bytes()
}

// pages returns the second at which the bad tenant pages, and the alert.
func (p platform) pages(t *testing.T) ruletest.Firing {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "secret"), "secret\n")
	var registry strings.Builder
	w := bufio.NewWriter(&registry)
	_, _ = w.WriteString("tenants:\n")
	for i := range p.tenants {
		_, _ = fmt.Fprintf(w, "- {name: t%07d}\n", i)
	}
	_ = w.Flush()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), registry.String())
	policy := policytest.Load(t, dir, millionPolicy)
	scrapes, largest := p.observe(t, policy)
	t.Logf("%d tenants, %d of them here: a page of %.1f MB", p.tenants, p.here, float64(largest)/1e6)
	const limit = 25e6
	if float64(largest) > limit {
		t.Errorf("a page has %d bytes, more than 25 MB", largest)
	}
	b, err := rules.Build(policy)
	if err != nil {
		t.Fatal(err)
	}
	world := ruletest.EmptyWorld(t, scenario{Name: "production"})
	world.Load(map[string][]byte{
		"slo.rules.yaml": b.Files()["slo.rules.yaml"], "policy.rules.yaml": b.Files()["policy.rules.yaml"],
	})
	world.OnlyRequests()
	for _, s := range scrapes {
		app := world.Store.AppenderV2(context.Background())
		parser, err := textparse.New(s.lines, "text/plain; version=0.0.4", labels.NewSymbolTable(), textparse.ParserOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			entry, err := parser.Next()
			if err != nil {
				break
			}
			if entry != textparse.EntrySeries {
				continue
			}
			_, _, v := parser.Series()
			var ls labels.Labels
			parser.Labels(&ls)
			ls = labels.NewBuilder(ls).Set("job", "thorbis").Set("instance", "a").Labels()
			if _, err := app.Append(0, ls, 0, ruletest.At(s.at).UnixMilli(), v, nil, nil, storage.AOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		world.Evaluate(s.at)
	}
	fired := world.Fired("production")
	if len(fired) != 1 || fired[0].Alert != metric.TenantBurnAlert.Name ||
		fired[0].Labels.Get(metric.LabelTenant) != fmt.Sprintf("t%07d", badTenant) {
		t.Fatalf("%d tenants: fired %v, want the burn of one tenant", p.tenants, fired)
	}
	return fired[0]
}

// TestOneBadTenantOfAMillion checks that a bad tenant pages as soon among 1,000,000 as among 1,000: on a shard of eight
// that counts 125,000 of them. What a scrape costs is bounded by the limit of tenants with series.
func TestOneBadTenantOfAMillion(t *testing.T) {
	ruletest.Simulates(t)
	few := platform{1000, 1000}.pages(t)
	many := platform{1_000_000, 125_000}.pages(t)
	if many.From > few.From || many.Priority != few.Priority || many.Tier != few.Tier {
		t.Errorf("among 1,000,000: %v, among 1,000: %v", many, few)
	}
	t.Logf("the failures begin at %d s; %v and %v", badFrom, few, many)
}
