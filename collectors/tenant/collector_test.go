package tenant

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// filePolicy is a policy with one log, in a directory of the test's.
func filePolicy(t *testing.T, dir, more string) *config.Policy {
	t.Helper()
	text := `version: 1
environment: test
channels: {deadman: none}
objectives: {latency: [{threshold: 300ms, ratio: 95%}]}
services: [{name: web, owner: sre, page: P2, peak_capacity: 100}]
tenants:
  registry: {file: tenants.yaml, refresh: 1s}
  host: "{tenant}.example.com"
  hosts: {läden.example: acme}
` + more + `
  sources: [{name: log, file: access.json, format: nginx-json, app_service: web}]
`
	return policytest.Load(t, dir, text)
}

// putAt writes a file with a time of the past, because a file system may count time in steps.
func putAt(t *testing.T, name, text string, ago time.Duration) {
	t.Helper()
	testkit.WriteFile(t, name, text)
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(-ago)); err != nil {
		t.Fatal(err)
	}
}

func TestReloadsAndRegistryGoOnWithTheCounters(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"),
		"tenants: [{name: acme, tier: gold, hosts: [bücher.example]}]")
	line := `{"host":"%s.example.com","status":200,"request_time":0.5}` + "\n"
	testkit.WriteFile(t,
		filepath.Join(dir, "access.json"), strings.Repeat(fmt.Sprintf(line, "acme"), 5)+"broken\n"+fmt.Sprintf(line, "beta")+
			`{"host":"xn--bcher-kva.example","status":200,"request_time":0.5}`+"\n"+
			`{"host":"XN--lden-loa.example:443","status":200,"request_time":0.5}`+"\n")
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Immediate: true})
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	text := func() string {
		var b bytes.Buffer
		if err := c.Write(&b); err != nil {
			return "" // a scrape that meets a reload of the thresholds fails; the next one does not
		}
		return b.String()
	}
	shows := func(want ...string) {
		t.Helper()
		testkit.Eventually(t, func() bool {
			now := text()
			for _, w := range want {
				if !strings.Contains(now, w+"\n") {
					return false
				}
			}
			return true
		}, "%s", strings.Join(want, ", "))
	}
	shows(`tenant="acme",code_class="2xx"} 7`, `tenant="_unknown",code_class="2xx"} 1`, `tenant="acme",threshold="0.3"} 7`,
		`thorbis_tenant_info{environment="test",tenant="acme",tier="gold"} 1`)

	// Another policy: another threshold, and everything else goes on.
	p := filePolicy(t, dir, "  late_after: 1h")
	p.Objectives.Latency[0].Threshold = config.Duration(400 * time.Millisecond)
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	shows(`tenant="acme",code_class="2xx"} 7`, `tenant="acme",threshold="0.4"} 0`)

	// The registry learns of a tenant whose log line comes a moment later.
	putAt(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme, tier: gold}, {name: beta, tier: silver}]",
		2*time.Minute)
	shows(`tenant="beta",code_class="2xx"} 0`)
	f, err := os.OpenFile(filepath.Join(dir, "access.json"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f, line+line, "beta", "acme")
	f.Close()
	shows(`tenant="beta",code_class="2xx"} 1`, `tenant="acme",code_class="2xx"} 8`, `tenant="acme",threshold="0.4"} 1`)

	// A list that was read for the setup before a reload is not missed by the one after.
	putAt(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{name: acme, tier: gold}, {name: beta, tier: bronze}]",
		time.Minute)
	if _, err := c.registry().Refresh(t.Context()); err != nil { // no change if the collector has just read it itself
		t.Error(err)
	}
	shows(`thorbis_tenant_info{environment="test",tenant="beta",tier="bronze"} 1`)

	// One that has lost most of its tenants is doubted, by a reload too.
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: []")
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err != nil {
		t.Error(err)
	}
	shows(`thorbis_tenant_info{environment="test",tenant="beta",tier="bronze"} 1`, `tenant="acme",code_class="2xx"} 8`)

	// A registry that cannot be read keeps the last good one, and counts.
	testkit.WriteFile(t, filepath.Join(dir, "tenants.yaml"), "tenants: [{nome: x}]")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	value := func(name string) float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() == name {
				m := family.GetMetric()[0]
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		return -1
	}
	testkit.Eventually(t, func() bool { return value("thorbis_tenant_registry_errors_total") > 0 },
		"an error of the registry")
	for name, want := range map[string]float64{
		"thorbis_tenant_registry_tenants": 2, "thorbis_tenant_source_lines_total": 11, "thorbis_tenant_tracked": 2,
		"thorbis_tenant_limit": 20_000, "thorbis_service_expected_peak_requests_per_second": 100,
		"thorbis_tenant_source_up": 1,
	} {
		if got := value(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if err := collectors.Apply(c, filePolicy(t, dir, "")); err == nil {
		t.Error("a policy whose registry cannot be read was accepted")
	}
}

// A source that is configured for other locations is neither read nor exported.
func TestSourcesOfOtherLocations(t *testing.T) {
	dir := t.TempDir()
	p := policytest.Load(t, dir, `version: 1
environment: test
location: fra
channels: {deadman: none}
services: [{name: web, owner: sre, page: P2}]
tenants:
  host: "{tenant}.example.com"
  sources:
    - {name: everywhere, file: all.json, format: nginx-json, app_service: web}
    - {name: here, file: here.json, format: nginx-json, app_service: web, locations: [nyc, fra]}
    - {name: there, file: there.json, format: nginx-json, app_service: web, locations: [nyc]}
`)
	for _, name := range []string{"all.json", "here.json", "there.json"} {
		testkit.WriteFile(t, filepath.Join(dir, name), `{"host":"acme.example.com","status":200}`+"\n")
	}
	c := New(Options{Logger: slog.New(slog.DiscardHandler), Immediate: true})
	if err := collectors.Apply(c, p); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = collectors.Run(t.Context(), c, slog.New(slog.DiscardHandler), func(error, time.Duration) {})
	}()
	testkit.Eventually(t, func() bool { n, _, _ := c.Store().Totals(); return n == 2 }, "both lines")
	testkit.Eventually(t, func() bool { return testutil.CollectAndCount(c, "thorbis_tenant_source_up") == 2 },
		"two sources are exported")
	if len(p.Tenants.Sources) != 3 {
		t.Error("the policy itself was changed")
	}
}
