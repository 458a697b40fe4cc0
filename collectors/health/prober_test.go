package health

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// pingable skips a test, with the reason, where the machine lets this process ping by neither way that the prober
// knows: an unprivileged datagram socket, or a raw one.
func pingable(t *testing.T) {
	t.Helper()
	for _, kind := range []int{syscall.SOCK_DGRAM, syscall.SOCK_RAW} {
		if fd, err := syscall.Socket(syscall.AF_INET, kind, syscall.IPPROTO_ICMP); err == nil {
			_ = syscall.Close(fd)
			return
		}
	}
	allowed, _ := os.ReadFile("/proc/sys/net/ipv4/ping_group_range")
	t.Skipf("this process may not ping: it is not root, and net.ipv4.ping_group_range is %s", allowed)
}

// The kernel answers on the loopback.
func TestPing(t *testing.T) {
	pingable(t)
	p := policy(t, quick+"    - {name: here, app_service: web, target: 127.0.0.1, module: icmp}\n", "")
	c, _ := start(t, p, nil)
	await(t, c, "up", is(metric.StateUp))
	eventually(t, "a round trip", func() bool {
		rtt, ok := find(t, c, metric.HealthCheckPhaseSeconds, "phase=rtt")
		return ok && rtt > 0
	})

	check := *p.Health.Checks[0]
	for name, tc := range map[string]struct {
		target  string
		timeout time.Duration
		reason  string
	}{
		"no such name": {"no-such-name.invalid", time.Minute, reasonDNSNotFound},
		"no answer":    {"127.0.0.1", time.Nanosecond, reasonTimeout}, // too soon for any answer
	} {
		req, err := newRequest(p, &check, tc.target, "test")
		if err != nil {
			t.Fatal(err)
		}
		req.timeout = tc.timeout
		if m := req.examine(t.Context(), false, &reference{}); m.result != bad || m.reason != tc.reason {
			t.Errorf("%s: %s %s, want a failure by %s\n%s", name, m.result, m.reason, tc.reason, m.log.text())
		}
	}
}

// A target that changes every second, through the whole collector: while failures are not confirmed it is up, and once
// they are it is one outage with its reason, for as long as no two successes follow each other.
func TestTargetThatFlapsEverySecond(t *testing.T) {
	began := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(began)/time.Second%2 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	// Confirmed within the bad second, and asked again after the same time as it flaps: so probes alternate.
	c, _ := start(t, policy(
		t, "  interval: 1s\n  timeout: 900ms\n  confirm: {probes: 2, interval: 100ms}\n  recheck_interval: 1s\n  checks:\n"+
			"    - {name: home, app_service: web, target: "+srv.URL+"}\n", ""), nil)
	s := await(t, c, "down", is(metric.StateDown))
	if s.Reason != reasonStatus {
		t.Errorf("reason %s", s.Reason)
	}
	since := s.OutageSince
	eventually(t, "both results seen while down", func() bool {
		return value(t, c, metric.HealthCheckProbes, "result=success") >= 3 &&
			value(t, c, metric.HealthCheckProbeFailures, "reason=status") >= 5 &&
			value(t, c, metric.HealthCheckDownSeconds) > 0
	})
	down, observed := value(t, c, metric.HealthCheckDownSeconds), value(t, c, metric.HealthCheckObservedSeconds)
	if down > observed || down == 0 {
		t.Errorf("down %v of %v", down, observed)
	}
	for _, reason := range failureReasons {
		if n := value(t, c, metric.HealthCheckProbeFailures, "reason="+reason); n > 0 && reason != reasonStatus {
			t.Errorf("%v failures by %s", n, reason)
		}
	}
	if s := c.Status()[0]; s.State == metric.StateDown && !s.OutageSince.Equal(since) {
		t.Errorf("another outage began at %v, after the one of %v", s.OutageSince, since)
	}
}

// Two checks may ask one target, for two services say: each has its own state and series.
func TestTwoChecksOfOneTarget(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(HeaderProbe) == "second" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	c, _ := start(t, policy(
		t, quick+"    - {name: first, app_service: web, target: "+srv.URL+
			"}\n    - {name: second, app_service: web, target: "+srv.URL+"}\n", ""), nil)
	await(t, c, "judged", func(CheckStatus) bool {
		s := c.Status()
		return s[0].State == metric.StateUp && s[1].State == metric.StateDown
	})
	if value(t, c, metric.HealthCheckState, "check=first", "state=up") != 1 ||
		value(t, c, metric.HealthCheckState, "check=second", "state=down") != 1 {
		t.Error("the states are mixed up")
	}
}

// The default module asks past caches, keeps what the target's query says, unless it is switched off.
func TestProbesAskPastCaches(t *testing.T) {
	queries := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { queries <- r.URL.RawQuery }))
	defer srv.Close()
	for name, tc := range map[string]struct{ settings, want string }{
		"past the cache": {"", "^a=1&thorbis_probe=[0-9a-z]+$"},
		"as it is":       {", bypass_cache: false", "^a=1$"},
	} {
		t.Run(name, func(t *testing.T) {
			p := policy(t, quick+"    - {name: home, app_service: web, target: \""+srv.URL+"/?a=1\""+tc.settings+"}\n", "")
			req, err := newRequest(p, p.Health.Checks[0], p.Health.Checks[0].Target, "test")
			if err != nil {
				t.Fatal(err)
			}
			var asked []string
			for range 2 {
				if m := req.examine(t.Context(), false, &reference{}); m.result != ok {
					t.Fatalf("%s %s", m.result, m.reason)
				}
				asked = append(asked, <-queries)
			}
			if !regexp.MustCompile(tc.want).MatchString(asked[0]) || (asked[0] == asked[1]) != (tc.settings != "") {
				t.Errorf("asked for %q, want %s, and another each time if past the cache", asked, tc.want)
			}
		})
	}
}
