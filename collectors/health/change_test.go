package health

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	closedPort = "    - {name: home, app_service: web, target: \"127.0.0.1:1\", module: tcp_connect}\n"
	otherCheck = "    - {name: other, app_service: web, target: \"127.0.0.1:1\", module: tcp_connect}\n"
)

// A check that is taken away and comes back, as in a reload that is refused half-way, goes on with its
// counters and with the same outage.
func TestRemovedCheckComesBackWithItsCounters(t *testing.T) {
	with, without := policy(t, quick+closedPort+otherCheck, ""), policy(t, quick+otherCheck, "")
	c, _ := start(t, with, nil)
	before := await(t, c, "down", func(s CheckStatus) bool { return s.Check == "home" && s.State == metric.StateDown })
	apply := func(n int) {
		t.Helper()
		p := with
		if n == 1 {
			p = without
		}
		if err := collectors.Apply(c, p); err != nil {
			t.Fatal(err)
		}
		if got := len(c.Status()); got != n {
			t.Fatalf("%d targets, want %d", got, n)
		}
	}
	apply(1)
	apply(2)
	await(t, c, "down again", func(s CheckStatus) bool { return s.Check == "home" && s.State == metric.StateDown })
	if after := c.Status()[0]; !after.OutageSince.Equal(before.OutageSince) {
		t.Errorf("the outage began at %v, after it came back at %v", before.OutageSince, after.OutageSince)
	}
	eventually(t, "one outage", func() bool {
		outages, shown := find(t, c, metric.HealthCheckOutages, "check=home")
		return shown && outages == 1
	})
}

// What was kept of an earlier run serves once: a check that is removed after its outage has ended comes back
// without it.
func TestKeptCountersAreUsedOnce(t *testing.T) {
	path := t.TempDir()
	open := func() *state.Dir {
		dir, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = dir.Close() })
		return dir
	}
	var broken atomic.Bool
	broken.Store(true)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	p := policy(t, quick+"    - {name: home, app_service: web, target: "+srv.URL+"}\n", "")
	dir := open()
	c, stop := start(t, p, dir)
	await(t, c, "down", is(metric.StateDown))
	stop()
	_ = dir.Close()

	c, _ = start(t, p, open())
	broken.Store(false)
	await(t, c, "up", is(metric.StateUp))
	eventually(t, "the end of the outage is saved", func() bool {
		start, shown := find(t, c, metric.HealthCheckOutageStart)
		return shown && start == 0
	})
	down := value(t, c, metric.HealthCheckDownSeconds)
	if err := collectors.Apply(c, policy(t, quick+otherCheck, "")); err != nil {
		t.Fatal(err)
	}
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	if s := c.Status()[0]; !s.OutageSince.IsZero() {
		t.Errorf("an outage that had ended is open again since %v", s.OutageSince)
	}
	var got float64
	eventually(t, "shown again", func() (shown bool) {
		got, shown = find(t, c, metric.HealthCheckDownSeconds, "check=home")
		return shown
	})
	if got != down {
		t.Errorf("down went from %v to %v", down, got)
	}
}

// A registry that is being written drops no tenant.
func TestEmptyRegistryKeepsTheTenants(t *testing.T) {
	registry := filepath.Join(t.TempDir(), "tenants.yaml")
	write := func(text string) {
		if err := os.WriteFile(registry, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tenants: [{name: acme}, {name: globex}, {name: initech}, {name: zoo}]")
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	p := policy(
		t,
		quick+"    - {name: tenant, app_service: web, target: \"http://127.0.0.1:1/{tenant}\", per_tenant: {interval: 1s}}\n",
		"tenants: {registry: {file: "+registry+", refresh: 1m}}\n")
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	write("")
	if err := c.RefreshTenants(t.Context()); err == nil || len(c.targets) != 4 {
		t.Errorf("an empty file: %v, %d targets", err, len(c.targets))
	}
	write("tenants: [{name: acme}]")
	if err := c.RefreshTenants(t.Context()); err != nil || len(c.targets) != 4 {
		t.Errorf("a file that has just lost most: %v, %d targets", err, len(c.targets))
	}
	if err := collectors.Apply(c, p); err != nil || len(c.targets) != 4 {
		t.Errorf("a reload then: %v, %d targets", err, len(c.targets))
	}
	c.tenants.Reader().Patience = 0
	if err := c.RefreshTenants(t.Context()); err != nil || len(c.targets) != 1 {
		t.Errorf("a file that has stayed so: %v, %d targets", err, len(c.targets))
	}
}

// However probes were moved by confirmations, recoveries and starts, the regular ones are spread evenly.
func TestRegularProbesStaySpread(t *testing.T) {
	const interval = 30 * time.Second
	now := time.Now()
	var buckets [6]int
	for i := range 600 {
		k := key{check: "c", tenant: string(rune('a'+i%26)) + string(rune('a'+i/26))}
		due := slot(k, interval, now)
		wait := due.Sub(now)
		if wait <= 0 || wait > interval {
			t.Fatalf("due after %v", wait)
		}
		if next := slot(k, interval, due); next.Sub(due) != interval {
			t.Fatalf("the slot after a slot comes after %v", next.Sub(due))
		}
		buckets[int((wait-1)/(interval/6))]++
	}
	for i, n := range buckets {
		if n < 60 || n > 140 {
			t.Errorf("%d of 600 targets are due in part %d of 6", n, i)
		}
	}
}

// A run that follows one which ended in a panic probes the targets whose probes were under way.
func TestNextRunTakesUpWhatWasRunning(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	if err := collectors.Apply(c, policy(t, quick+"    - {name: home, app_service: web, target: "+srv.URL+"}\n",
		"")); err != nil {
		t.Fatal(err)
	}
	c.targets[key{check: "home"}].running = true
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
		close(done)
	}()
	await(t, c, "up", is(metric.StateUp))
	cancel()
	<-done
}

// A certificate of the old target says nothing of the new one.
func TestExpiryGoesWithItsTarget(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	apply := func(target string) *target {
		t.Helper()
		if err := collectors.Apply(c, policy(t, quick+"    - {name: home, app_service: web, target: \""+target+"\"}\n",
			"")); err != nil {
			t.Fatal(err)
		}
		return c.targets[key{check: "home"}]
	}
	apply("https://a.example").certificate.expiry = time.Now()
	if apply("https://a.example").certificate.expiry.IsZero() {
		t.Error("the expiry was forgotten")
	}
	if !apply("http://b.example").certificate.expiry.IsZero() {
		t.Error("the expiry outlives its target")
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	testkit.Eventually(t, condition, "%s", what)
}

// A policy that another collector refuses is aborted, and one that an operator reverts is taken back: nothing has
// happened to the checks then.
func TestPolicyTakenBackChangesNothing(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	home := quick + "    - {name: home, app_service: web, target: " + srv.URL + "}\n"
	inForce := policy(t, home, "")
	for name, refused := range map[string]*config.Policy{
		"removed": policy(t, quick+"    - {name: other, app_service: web, target: "+srv.URL+"}\n", ""),
		"moved":   policy(t, home, "location: elsewhere\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, inForce, nil)
			before := await(t, c, "up", is(metric.StateUp))
			eventually(t, "shown", func() bool { _, ok := find(t, c, metric.HealthCheckObservedSeconds); return ok })
			probes, observed := value(t, c, metric.HealthCheckProbes), value(t, c, metric.HealthCheckObservedSeconds)
			change, err := c.Prepare(refused)
			if err != nil {
				t.Fatal(err)
			}
			change.Abort()
			if status := c.Status(); len(status) != 1 || status[0].Check != "home" || !status[0].Since.Equal(before.Since) {
				t.Errorf("before %+v, after an abort %+v", before, status)
			}
			if err := errors.Join(collectors.Apply(c, refused), collectors.Apply(c, inForce)); err != nil {
				t.Fatal(err)
			}
			after := c.Status()
			if len(after) != 1 || after[0].State != metric.StateUp || !after[0].Since.Equal(before.Since) {
				t.Errorf("before %+v, after %+v", before, after)
			}
			if got := value(t, c, metric.HealthCheckProbes); got < probes {
				t.Errorf("probes went back from %v to %v", probes, got)
			}
			if got := value(t, c, metric.HealthCheckObservedSeconds); got < observed {
				t.Errorf("observed went back from %v to %v", observed, got)
			}
			eventually(t, "probed on", func() bool { return value(t, c, metric.HealthCheckProbes) > probes })
		})
	}
}

// A tenant that was removed for longer than its counters in memory are kept comes back with probes counted from 0,
// since then.
func TestProbesCountedAnewBeganAnew(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err := collectors.Apply(c, policy(t, quick+closedPort, "")); err != nil {
		t.Fatal(err)
	}
	created := func() (times []time.Time) {
		for _, f := range c.Families() {
			if f.Metric != metric.HealthCheckProbes {
				continue
			}
			for s := range f.Samples {
				times = append(times, s.Created)
			}
		}
		return times
	}
	if len(created()) == 0 {
		t.Fatal("no probes are shown")
	}
	k := key{check: "home"}
	back := time.Now().Add(2 * goneFor)
	c.mu.Lock()
	before := c.targets[k]
	before.results[0] = 5
	c.remove(before, time.Now().Add(-2*goneFor))
	c.targets[k] = c.add(k, before.settings, nil, back)
	c.sort()
	c.mu.Unlock()
	for _, at := range created() {
		if !at.Equal(back) {
			t.Errorf("the count of probes began at %v, want %v", at, back)
		}
	}
}
