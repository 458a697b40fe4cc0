package health

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// policy writes and loads a policy with the given health section (YAML, indented by two) and extras.
func policy(t *testing.T, health, extra string) *config.Policy {
	t.Helper()
	name := filepath.Join(t.TempDir(), "thorbis.yaml")
	text := "version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre, page: P1}]\n" + extra +
		"health:\n" + health
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := config.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start runs a collector with a policy until stop is called or the test ends.
func start(t *testing.T, p *config.Policy, dir *state.Dir) (c *Collector, stop func()) {
	t.Helper()
	c = New(Options{Logger: slog.New(slog.DiscardHandler), State: dir, Version: "test"})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {}); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return c, stop
}

// await waits for a condition of the only target's status.
func await(t *testing.T, c *Collector, what string, condition func(CheckStatus) bool) CheckStatus {
	t.Helper()
	var s CheckStatus
	testkit.Eventually(t, func() bool {
		s = c.Status()[0]
		return condition(s)
	}, "%s: %+v", what, testkit.Last(func() any { return s }))
	return s
}

func is(state string) func(CheckStatus) bool {
	return func(s CheckStatus) bool { return s.State == state }
}

// value returns the sum of a series over its label sets that contain all the given label=value pairs.
func value(t *testing.T, c prometheus.Collector, m *metric.Metric, labels ...string) float64 {
	t.Helper()
	sum, found := find(t, c, m, labels...)
	if !found {
		t.Fatalf("no series %s %v", m.Name, labels)
	}
	return sum
}

// find returns the same, and whether there is any.
func find(t *testing.T, c prometheus.Collector, m *metric.Metric, labels ...string) (sum float64, found bool) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != m.Name {
			continue
		}
		for _, s := range f.GetMetric() {
			matched := 0
			for _, l := range s.GetLabel() {
				for _, want := range labels {
					if l.GetName()+"="+l.GetValue() == want {
						matched++
					}
				}
			}
			if matched == len(labels) {
				found = true
				sum += s.GetCounter().GetValue() + s.GetGauge().GetValue()
			}
		}
	}
	return sum, found
}

const quick = "  interval: 1s\n  timeout: 900ms\n  confirm: {probes: 2, interval: 100ms}\n  recheck_interval: 100ms\n" +
	"  checks:\n"

func TestOutageIsConfirmedCountedAndEnded(t *testing.T) {
	var broken atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(HeaderProbe) != "home" || !strings.HasPrefix(r.UserAgent(), "thorbis_exporter/") {
			t.Errorf("the probe cannot be counted apart: %v", r.Header)
		}
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	c, _ := start(t, policy(t, quick+"    - {name: home, app_service: web, target: "+srv.URL+"}\n", ""), nil)
	await(t, c, "up", is(metric.StateUp))
	broken.Store(true)
	s := await(t, c, "down", is(metric.StateDown))
	if s.Reason != reasonStatus || s.OutageSince.IsZero() || s.Owner != "sre" || s.Page != "P1" {
		t.Errorf("%+v", s)
	}
	broken.Store(false)
	await(t, c, "up again", is(metric.StateUp))
	for deadline := time.Now().Add(20 * time.Second); value(t, c,
		metric.HealthCheckOutages) != 1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the outage was not counted")
		}
	}
	down, observed := value(t, c, metric.HealthCheckDownSeconds), value(t, c, metric.HealthCheckObservedSeconds)
	if down <= 0 || down > observed {
		t.Errorf("down %v of %v observed", down, observed)
	}
	if value(t, c, metric.HealthCheckProbeFailures, "reason=status") < 3 {
		t.Error("the failures were not counted by reason")
	}
	if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// A stopped and restarted exporter opens no new outage, forgets none, and never steps a counter back.
func TestRestartKeepsCountersAndOutage(t *testing.T) {
	path := t.TempDir()
	p := policy(t, quick+"    - {name: home, app_service: web, target: \"127.0.0.1:1\", module: tcp_connect}\n", "")
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, stop := start(t, p, dir)
	before := await(t, c, "down", is(metric.StateDown))
	stop()
	down, outages := value(t, c, metric.HealthCheckDownSeconds), value(t, c, metric.HealthCheckOutages)
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = state.Open(path); err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c, stop = start(t, p, dir)
	after := await(t, c, "down", is(metric.StateDown))
	stop()
	if !after.OutageSince.Equal(before.OutageSince) {
		t.Errorf("the outage began at %v, after the restart at %v", before.OutageSince, after.OutageSince)
	}
	if got := value(t, c, metric.HealthCheckOutages); got != outages || outages != 1 {
		t.Errorf("outages %v, after the restart %v", outages, got)
	}
	if got := value(t, c, metric.HealthCheckDownSeconds); got < down {
		t.Errorf("down stepped back from %v to %v", down, got)
	}
}

func TestReloadKeepsWhatDidNotChange(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	home := "    - {name: home, app_service: web, target: " + srv.URL + "}\n"
	c, stop := start(t, policy(t, quick+home, ""), nil)
	await(t, c, "up", is(metric.StateUp))
	probes := value(t, c, metric.HealthCheckProbes, "result=success")
	if err := collectors.Apply(c, policy(t, quick+home+"    - {name: other, app_service: web, target: "+srv.URL+"}\n",
		"")); err != nil {
		t.Fatal(err)
	}
	if s := c.Status(); len(s) != 2 || s[0].State != metric.StateUp || s[1].State == metric.StateDown {
		t.Errorf("%+v", s)
	}
	if got := value(t, c, metric.HealthCheckProbes, "result=success", "check=home"); got < probes {
		t.Errorf("probes stepped back from %v to %v", probes, got)
	}
	stop()
}

func TestPerTenantTargets(t *testing.T) {
	registry := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(registry, []byte("tenants: [{name: acme, tier: gold}, {name: zoo, tier: lead}]"),
		0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/zoo" {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer srv.Close()
	p := policy(
		t, quick+"    - {name: tenant, app_service: web, target: \""+srv.URL+
			"/{tenant}\", per_tenant: {interval: 1s, max_per_second: 100}}\n",
		"tiers: {gold: {page: P1, tenant_page: P2}}\ntenants: {registry: {file: "+registry+"}}\n")
	c, _ := start(t, p, nil)
	await(t, c, "settled", func(CheckStatus) bool {
		s := c.Status()
		return s[0].State == metric.StateUp && s[1].State == metric.StateDown
	})
	if s := c.Status(); s[0].Page != "P2" || s[1].Page != "P1" {
		t.Errorf("pages %s and %s: the tier's, and the most urgent where the tier is not known", s[0].Page, s[1].Page)
	}
}

// Quiet time is saved now and then; an outage at once, for a page waits for it.
func TestOutagesAreSavedAtOnceAndQuietTimeNowAndThen(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	if err := collectors.Apply(c, policy(t, "  checks:\n    - {name: home, app_service: web, target: \"http://x\"}\n",
		"")); err != nil {
		t.Fatal(err)
	}
	target := c.targets[key{check: "home"}]
	start := time.Now()
	saves := func(second int) uint64 {
		t.Helper()
		now := start.Add(time.Duration(second) * time.Second)
		result := ok
		if second >= 20 {
			result = bad
		}
		target.machine.evaluate(outcome{result: result, reason: reasonTimeout, start: now, end: now}, time.Minute, 2)
		if due, _ := c.advance(now); due {
			if err := c.saveNow(now, false); err != nil {
				t.Fatal(err)
			}
		}
		return c.saves[0]
	}
	for second := range 20 {
		saves(second)
	}
	if c.saves[0] < 4 || c.saves[0] > 5 {
		t.Errorf("%d saves in 20 quiet seconds, want one every five", c.saves[0])
	}
	saves(20)
	saves(21)
	before := c.saves[0]
	for second := 22; second < 27; second++ {
		if n := saves(second); n != before+uint64(second-21) {
			t.Fatalf("%d saves at second %d of an outage, want one a second", n-before, second-21)
		}
	}
}
