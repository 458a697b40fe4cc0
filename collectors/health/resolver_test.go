package health

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// startWith runs a collector that looks names up by a resolver of its own.
func startWith(t *testing.T, p *config.Policy, resolver *net.Resolver) *Collector {
	t.Helper()
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Version: "test", Resolver: resolver})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = collectors.Run(ctx, c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

// states returns the state of every target, by check, with its reason.
func states(c *Collector) string {
	var list []string
	for _, s := range c.Status() {
		list = append(list, strings.TrimSpace(s.Check+" "+s.State+" "+s.Reason))
	}
	return strings.Join(list, ", ")
}

// named returns checks of names in two zones that lead to a server which answers, and a reference target that has an
// address.
func named(t *testing.T, names *nameServer, settings string) *config.Policy {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, name := range []string{"shop.example.com", "api.example.net"} {
		names.set(name, "127.0.0.1")
	}
	return policy(t, "  reference_targets: [{target: \""+srv.URL+"\", module: http_2xx}]\n"+settings+quick+
		fmt.Sprintf("    - {name: api, app_service: web, target: \"api.example.net:%s\", module: tcp_connect}\n", port)+
		fmt.Sprintf("    - {name: shop, app_service: web, target: \"http://shop.example.com:%s\"}\n", port), "")
}

// A resolver that fails for every name, though the network is there, makes no outage of anything: only a name outside
// the checks' zones distinguishes that from a failure of their own.
func TestFailingResolverIsNoOutage(t *testing.T) {
	for name, settings := range map[string]string{
		"own name": "  reference_names: [www.example.org]\n",
		"default":  "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := newNameServer(t)
			p := named(t, names, settings)
			list, _ := p.ReferenceNames()
			names.set(list[0], "192.0.2.1")
			c := startWith(t, p, names.resolver())
			eventually(t, "up", func() bool { return states(c) == "api up, shop up" })
			eventually(t, "known", func() bool { return c.References()[1].State == "answers" })
			if value(t, c, metric.HealthResolverUp) != 1 {
				t.Error("a resolver that works is down")
			}

			names.fail("", dnsmessage.RCodeServerFailure)
			eventually(t, "unknown", func() bool {
				return states(c) == "api unknown resolver_failed, shop unknown resolver_failed"
			})
			if value(t, c, metric.HealthResolverUp) != 0 || value(t, c, metric.HealthReferenceUp) != 1 {
				t.Error("the resolver is up, or the network is gone")
			}
			if n := value(t, c, metric.HealthCheckOutages); n != 0 {
				t.Errorf("%v outages", n)
			}
			names.fail("", dnsmessage.RCodeSuccess)
			eventually(t, "up again", func() bool {
				return states(c) == "api up, shop up" &&
					value(t, c, metric.HealthResolverUp) == 1
			})
			if n := value(t, c, metric.HealthCheckOutages); n != 0 {
				t.Errorf("%v outages", n)
			}
		})
	}
}

// While a name elsewhere resolves, names that fail are an outage, even all of them; and so is one alone.
func TestNamesThatFailAreAnOutage(t *testing.T) {
	for name, tc := range map[string]struct {
		code   dnsmessage.RCode
		reason string
	}{
		"servers of the zone are gone": {dnsmessage.RCodeServerFailure, reasonDNSError},
		"names were deleted":           {dnsmessage.RCodeNameError, reasonDNSNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := newNameServer(t)
			names.set("www.example.org", "192.0.2.1")
			c := startWith(t, named(t, names, "  reference_names: [www.example.org]\n"), names.resolver())
			eventually(t, "up", func() bool { return states(c) == "api up, shop up" && c.References()[1].State == "answers" })
			names.fail("shop.example.com", tc.code)
			eventually(t, "one down", func() bool { return states(c) == "api up, shop down "+tc.reason })
			names.fail("api.example.net", tc.code)
			eventually(t, "all down", func() bool { return states(c) == "api down "+tc.reason+", shop down "+tc.reason })
		})
	}
}

// A reference name that has never resolved, as in a network without the internet, hides no outage; one that was chosen
// counts as dead, a default one is not.
func TestNameThatNeverResolvedHidesNoOutage(t *testing.T) {
	for settings, dead := range map[string]float64{"": 0, "  reference_names: [www.example.org]\n": 1} {
		names := newNameServer(t)
		c := startWith(t, named(t, names, settings), names.resolver())
		eventually(t, "up, and the names asked for", func() bool {
			return states(c) == "api up, shop up" && c.References()[1].State == "dead"
		})
		if got := value(t, c, metric.HealthReferencesDead); got != dead {
			t.Errorf("%q: %v are dead, want %v", settings, got, dead)
		}
		names.fail("", dnsmessage.RCodeServerFailure)
		eventually(t, "down", func() bool { return states(c) == "api down dns_error, shop down dns_error" })
	}
}
