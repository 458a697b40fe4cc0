package domain

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// of returns the answer of a registry on the domain of a request.
func of(r *http.Request, expires string) []byte {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	return fmt.Appendf(nil, `{"objectClassName": "domain", "ldhName": %q, "status": ["active"], "events": `+
		`[{"eventAction": "expiration", "eventDate": %q}]}`, name, expires)
}

func start(t *testing.T, dir *state.Dir, section string) *Collector {
	t.Helper()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: dir, UserAgent: "test"})
	if err := collectors.Apply(c, policy(t, "domains: "+section)); err != nil {
		t.Fatal(err)
	}
	return c
}

// has reports whether a series is exposed with a value.
func has(t *testing.T, c *Collector, series string) bool {
	t.Helper()
	name, _, _ := strings.Cut(strings.ReplaceAll(series, "{", " "), " ")
	text, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains("\n"+string(text), "\n"+series+"\n")
}

func hasMetric(t *testing.T, c *Collector, m *metric.Metric, domain string) bool {
	t.Helper()
	text, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, m.Name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), `domain="`+domain+`"`)
}

// lookupNext looks up what is due now.
func lookupNext(t *testing.T, c *Collector, now time.Time) string {
	t.Helper()
	next, _ := c.next(now)
	if next.domain == "" {
		return ""
	}
	if err := c.lookup(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	return next.domain
}

func TestExposed(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
	c := start(t, nil, `{names: [{name: example.com, app_service: web}], servers: {com: "`+base+`"}}`)
	for _, series := range []string{
		`thorbis_domain_info{app_service="web",domain="example.com",owner="sre",page="P1",tenant=""} 1`,
		`thorbis_domain_expected_warning_seconds{domain="example.com"} 2.592e+06`,
		`thorbis_domain_expected_urgent_seconds{domain="example.com"} 604800`,
		`thorbis_domain_expected_lookup_interval_seconds{domain="example.com"} 86400`,
		`thorbis_domain_lookups_total{result="success"} 0`,
		`thorbis_domain_lookups_total{result="failure"} 0`,
		`thorbis_domain_lookup_failures_total{reason="rate_limited"} 0`,
		`thorbis_domains_omitted 0`,
	} {
		if !has(t, c, series) {
			t.Errorf("before the first look-up: no %s", series)
		}
	}
	for _, m := range []*metric.Metric{metric.DomainExpiry, metric.DomainStatus, metric.DomainLastSuccess} {
		if hasMetric(t, c, m, "example.com") {
			t.Errorf("before the first look-up there is %s", m.Name)
		}
	}
	lookupNext(t, c, time.Now())
	for _, series := range []string{
		fmt.Sprintf(`thorbis_domain_expiry_timestamp_seconds{domain="example.com"} %g`, float64(day(2027, 3, 1).Unix())),
		`thorbis_domain_status{domain="example.com",status="clientHold"} 1`,
		`thorbis_domain_status{domain="example.com",status="redemptionPeriod"} 0`,
		`thorbis_domain_lookups_total{result="success"} 1`,
	} {
		if !has(t, c, series) {
			t.Errorf("after the look-up: no %s", series)
		}
	}
	if !hasMetric(t, c, metric.DomainLastSuccess, "example.com") {
		t.Error("the time of the look-up is missing")
	}
	if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	if err := collectors.Apply(c, policy(t, "")); err != nil || testutil.CollectAndCount(c) != 0 {
		t.Errorf("without the section there are %d series, %v", testutil.CollectAndCount(c), err)
	}
}

// A registry is asked once in the spacing, whatever the other registries do. What was looked up comes again after the
// interval.
func TestSpacing(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(of(r, "2027-03-01T00:00:00Z")) }
	com, org := serve(t, handler), serve(t, handler)
	c := start(t, nil, `{names: [{name: a.com}, {name: b.com}, {name: c.org}, {name: d.none}], servers: {com: "`+com+
		`", org: "`+org+`"}, spacing: 1m}`)
	now := time.Now()
	var asked []string
	for range 3 {
		asked = append(asked, lookupNext(t, c, now))
	}
	if got := strings.Join(asked, " "); got != "a.com c.org " {
		t.Errorf("asked at once: %q", got)
	}
	if _, wait := c.next(now); wait < 59*time.Second || wait > 61*time.Second {
		t.Errorf("the next look-up is in %s", wait)
	}
	if got := lookupNext(t, c, now.Add(61*time.Second)); got != "b.com" {
		t.Errorf("after the spacing %q is asked", got)
	}
	if next, _ := c.next(now.Add(20 * time.Hour)); next.domain != "" {
		t.Errorf("after 20 h %q is asked again", next.domain)
	}
	if next, _ := c.next(now.Add(27 * time.Hour)); next.domain == "" {
		t.Error("after 27 h nothing is asked again")
	}
	if hasMetric(t, c, metric.DomainExpectedInterval, "d.none") || !hasMetric(t, c, metric.DomainInfo, "d.none") {
		t.Error("of a domain without an RDAP server a look-up is expected, or the domain is missing")
	}
}

// What the registry does not report is absent, never 0. A date of the policy stands in for it, and gives way to the
// registry's.
func TestUnknown(t *testing.T) {
	var text atomic.Value
	text.Store("")
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch said := text.Load().(string); said {
		case "":
			http.NotFound(w, r)
		case "no date":
			_, _ = w.Write([]byte(`{"objectClassName": "domain"}`))
		default:
			_, _ = w.Write(of(r, said))
		}
	})
	c := start(t, nil,
		`{names: [{name: a.com}, {name: b.com, expires: 2027-01-02}], servers: {com: "`+base+`"}, spacing: 1s}`)
	byHand := fmt.Sprintf(`thorbis_domain_expiry_timestamp_seconds{domain="b.com"} %g`, float64(day(2027, 1, 2).Unix()))
	now := time.Now()
	look := func() {
		t.Helper()
		for _, r := range c.records {
			r.Next = time.Time{}
		}
		for range c.records {
			now = now.Add(2 * time.Second)
			if lookupNext(t, c, now) == "" {
				t.Fatal("nothing is due")
			}
		}
	}
	look()
	if hasMetric(t, c, metric.DomainExpiry, "a.com") || hasMetric(t, c, metric.DomainLastSuccess, "a.com") ||
		hasMetric(t, c, metric.DomainStatus, "a.com") {
		t.Error("a domain that the registry does not know has an expiry, a status or a success")
	}
	if !has(t, c, byHand) || !has(t, c, `thorbis_domain_lookup_failures_total{reason="not_found"} 2`) ||
		!has(t, c, `thorbis_domain_lookups_total{result="failure"} 2`) {
		t.Error("the policy's date or the failures are missing")
	}
	text.Store("no date")
	look()
	if hasMetric(t, c, metric.DomainExpiry, "a.com") || !hasMetric(t, c, metric.DomainLastSuccess, "a.com") ||
		!has(t, c, byHand) {
		t.Error("a report without a date is one with a date")
	}
	text.Store("2028-05-06T00:00:00Z")
	look()
	if !has(
		t, c, fmt.Sprintf(`thorbis_domain_expiry_timestamp_seconds{domain="b.com"} %g`, float64(day(2028, 5, 6).Unix())),
	) {
		t.Error("the policy's date outranks the registry's")
	}
	text.Store("")
	look()
	if !hasMetric(t, c, metric.DomainExpiry, "a.com") {
		t.Error("what was known is lost with a failure")
	}
}

// A registry that asks to be left alone is, with all its domains; the others are asked on.
func TestRetryAfterIsHonoured(t *testing.T) {
	var asked atomic.Int32
	com := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	org := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(of(r, "2027-03-01")) })
	c := start(t, nil, `{names: [{name: a.com}, {name: b.com}, {name: c.org}], servers: {com: "`+com+`", org: "`+org+`"}}`)
	now := time.Now()
	for _, want := range []string{"a.com", "c.org", ""} {
		if got := lookupNext(t, c, now); got != want {
			t.Errorf("%q is asked, want %q", got, want)
		}
	}
	if got := lookupNext(t, c, now.Add(119*time.Minute)); got != "" {
		t.Errorf("%q is asked before the registry permits it", got)
	}
	if got := lookupNext(t, c, now.Add(121*time.Minute)); got != "b.com" || asked.Load() != 2 {
		t.Errorf("%q is asked after it, the registry %d times", got, asked.Load())
	}
}

// A panic costs one look-up. The domain is not asked again at once, and the others are.
func TestPanic(t *testing.T) {
	c := start(t, nil, `{names: [{name: a.com}, {name: b.com}], servers: {com: "https://rdap.example/"}}`)
	c.client.HTTP.Transport = roundTripper(func(*http.Request) (*http.Response, error) { panic("odd answer") })
	next, _ := c.next(time.Now())
	if err := c.lookup(t.Context(), next); collectors.ReasonOf(err) != collectors.ReasonPanic {
		t.Errorf("the panic is %v", err)
	}
	if next, _ := c.next(time.Now().Add(10 * time.Second)); next.domain != "b.com" {
		t.Errorf("after it %q is asked", next.domain)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The collector at work: it reads the list of servers at its address, the tenants' domains, and looks them up; a
// change of the policy is followed.
func TestRun(t *testing.T) {
	var base string
	base = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "dns.json") {
			var services []string
			for i := range 200 {
				services = append(services, fmt.Sprintf(`[["x%d"], ["https://x.example/"]]`, i))
			}
			_, _ = fmt.Fprintf(w, `{"publication": "2026-11-01T00:00:00Z", "services": [%s, [["com", "uk"], [%q]]]}`,
				strings.Join(services, ", "), base)
			return
		}
		_, _ = w.Write(of(r, "2027-03-01T00:00:00Z"))
	})
	registry := filepath.Join(t.TempDir(), "tenants.yaml")
	testkit.WriteFile(t, registry, "tenants: [{name: acme, hosts: [shop.acme.co.uk]}]")
	c := New(Options{Logger: slog.New(slog.DiscardHandler), State: open(t, t.TempDir()), UserAgent: "test"})
	apply := func(name string) {
		t.Helper()
		if err := collectors.Apply(c, policy(t, `
tenants: {registry: {file: "`+registry+`", refresh: 1s}}
domains: {names: [{name: `+name+`}], bootstrap: {url: "`+base+`dns.json"}, spacing: 1s}`)); err != nil {
			t.Fatal(err)
		}
	}
	// The list that the exporter brings along would have it ask the real registries.
	c.client.HTTP.Transport = localOnly{base, c.client.HTTP.Transport}
	apply("one.com")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}) }()
	testkit.Eventually(t, func() bool { return hasMetric(t, c, metric.DomainExpiry, "one.com") }, "the policy's domain")
	testkit.Eventually(t, func() bool { return hasMetric(t, c, metric.DomainExpiry, "acme.co.uk") }, "the tenant's domain")
	testkit.Eventually(t, func() bool {
		return has(t, c, fmt.Sprintf(`thorbis_domain_bootstrap_timestamp_seconds %g`, float64(day(2026, 11, 1).Unix())))
	}, "the list of servers is that of its address")
	apply("two.com")
	testkit.Eventually(t, func() bool { return hasMetric(t, c, metric.DomainExpiry, "two.com") },
		"the new policy's domain")
	if hasMetric(t, c, metric.DomainInfo, "one.com") {
		t.Error("the domain of the old policy is still watched")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	next := New(Options{Logger: slog.New(slog.DiscardHandler), State: c.dir, UserAgent: "test"})
	if r := next.load().Domains["two.com"]; r == nil || r.LastSuccess.IsZero() {
		t.Error("what was looked up is not saved at the end")
	}
	if kept := c.kept(); kept.servers["x1"] == "" {
		t.Error("the list of servers is not kept for the next start")
	}
}

// A tenant registry that a machine does not have refuses no policy: the rest is watched, and the collector reports it.
func TestRegistryUnreadable(t *testing.T) {
	list, err := filepath.Abs("dns.json") // nothing is asked
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{Logger: slog.New(slog.DiscardHandler), UserAgent: "test"})
	err = collectors.Apply(c, policy(t, `
tenants: {registry: {file: /nonexistent/tenants.yaml}}
domains: {names: [{name: a.none}], bootstrap: {file: `+list+`}}`))
	if err != nil || !hasMetric(t, c, metric.DomainInfo, "a.none") {
		t.Fatalf("the policy is refused: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var failed atomic.Value
	done := make(chan error)
	go func() {
		done <- collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(err error, _ time.Duration) {
			if err != nil {
				failed.Store(err)
			}
		})
	}()
	testkit.Eventually(t, func() bool { return failed.Load() != nil }, "the collector's error")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err, _ := failed.Load().(error); collectors.ReasonOf(err) != collectors.ReasonConfig {
		t.Errorf("it reports %v", err)
	}
}

// localOnly sends every request to a local server, wherever it was meant to go.
type localOnly struct {
	base string
	next http.RoundTripper
}

func (l localOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	u, err := url.Parse(l.base)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
	return l.next.RoundTrip(r)
}
