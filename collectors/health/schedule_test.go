package health

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// However many targets hang, no more probes run at once than the policy says, and half of them at most to watch what is
// down: a target that works is judged all the same.
func TestConcurrencyIsBoundedAndHangingTargetsHoldUpNoOther(t *testing.T) {
	const limit = 4
	var mu sync.Mutex
	open, most := 0, 0
	hang := rawServer(t, func(c net.Conn) {
		mu.Lock()
		open++
		most = max(most, open)
		mu.Unlock()
		_, _ = c.Read(make([]byte, 1)) // the request
		buffer := make([]byte, 512)
		for {
			if _, err := c.Read(buffer); err != nil { // until the prober gives up
				break
			}
		}
		mu.Lock()
		open--
		mu.Unlock()
		c.Close()
	})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	var checks strings.Builder
	fmt.Fprintf(&checks, "  concurrency: %d\n%s", limit, quick)
	for i := range 12 {
		fmt.Fprintf(&checks, "    - {name: hangs-%02d, app_service: web, target: \"http://%s\"}\n", i, hang)
	}
	fmt.Fprintf(&checks, "    - {name: works, app_service: web, target: %s}\n", srv.URL)
	c, _ := start(t, policy(t, checks.String(), ""), nil)
	eventually(t, "all down but the one that works, which is probed on", func() bool {
		down, up := 0, 0
		for _, s := range c.Status() {
			switch {
			case s.State == metric.StateDown:
				down++
			case s.State == metric.StateUp && s.Check == "works":
				up++
			}
		}
		return down == 12 && up == 1
	})
	before := value(t, c, metric.HealthCheckProbes, "check=works", "result=success")
	eventually(t, "probed on", func() bool {
		return value(t, c, metric.HealthCheckProbes, "check=works", "result=success") >= before+2
	})
	mu.Lock()
	defer mu.Unlock()
	// The target notices a moment later that a prober has given up.
	if most > 2*limit {
		t.Errorf("%d connections at once, of probes that may be %d", most, limit)
	}
	if value(t, c, metric.HealthProbesDelayed) == 0 {
		t.Error("nothing was delayed, so nothing was bounded")
	}
	if got := value(t, c, metric.HealthProbesInFlight); got > limit {
		t.Errorf("%v probes in flight", got)
	}
}

// Probes of tenants begin no faster than max_per_second, of all tenants and checks together.
func TestTenantsKeepTheRate(t *testing.T) {
	const rate = 20
	var mu sync.Mutex
	var began []time.Time
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		began = append(began, time.Now())
	}))
	defer srv.Close()
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("{name: t%02d}", i))
	}
	registry := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(registry, []byte("tenants: ["+strings.Join(names, ", ")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	perTenant := fmt.Sprintf("per_tenant: {interval: 1s, max_per_second: %d}", rate)
	p := policy(t, quick+"    - {name: one, app_service: web, target: \""+srv.URL+"/{tenant}\", "+perTenant+"}\n"+
		"    - {name: two, app_service: web, target: \""+srv.URL+"/2/{tenant}\", "+perTenant+"}\n",
		"tenants: {registry: {file: "+registry+"}}\n")
	if w, slow := p.PaceWarning(60); !slow || !strings.Contains(w.Msg,
		"60 tenants ask for 120 probes a second, and max_per_second permits 20") {
		t.Errorf("%v", w)
	}
	_, stop := start(t, p, nil)
	eventually(t, "probed", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(began) > 2*rate
	})
	stop()
	mu.Lock()
	defer mu.Unlock()
	// Over all of it: one more than the rate, because the first needs no wait. A slow machine is only slower.
	if took := began[len(began)-1].Sub(began[0]); float64(len(began)-1) > rate*took.Seconds()+2 {
		t.Errorf("%d probes began in %v, at %d a second", len(began), took, rate)
	}
}

// By default the end of an outage is known within five seconds of it: the next probe comes two seconds after the last,
// and the one that confirms it another after.
func TestEndOfAnOutageIsKnownSoonByDefault(t *testing.T) {
	c := New(Options{Logger: slog.New(slog.DiscardHandler)})
	if err := collectors.Apply(c, policy(t, "  checks:\n    - {name: home, app_service: web, target: \"http://x\"}\n",
		"")); err != nil {
		t.Fatal(err)
	}
	const took = 300 * time.Millisecond // by a slow platform
	target := c.targets[key{check: "home"}]
	now := time.Now()
	probe := func(result string) {
		t.Helper()
		o := outcome{result: result, start: now, end: now.Add(took)}
		if result == bad {
			o.reason = reasonTimeout
		}
		c.evaluate(target, &measured{outcome: o})
		now = maxTime(target.due, o.end)
	}
	probe(ok)
	for range 30 {
		probe(bad)
	}
	if target.machine.state != metric.StateDown {
		t.Fatalf("%s after many failures", target.machine.state)
	}
	// a moment after the last probe that failed began
	mended := now.Add(-target.due.Sub(target.last.start)).Add(time.Millisecond)
	for target.machine.state != metric.StateUp {
		if now.Sub(mended) > time.Minute {
			t.Fatal("never up again")
		}
		probe(ok)
	}
	if known := target.last.end.Sub(mended); known > 5*time.Second {
		t.Errorf("the end of the outage is known after %v", known)
	}
	if down := target.machine.OutageStart; !down.IsZero() {
		t.Errorf("the outage is still open, since %v", down)
	}
}
