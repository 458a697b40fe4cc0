package exporter

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// counters returns every counter, and the count and the sum of every histogram, of the pages of an exporter.
func counters(t *testing.T, base string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, page := range []string{"/metrics", "/metrics/tenants"} {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(get(t, base+page).body))
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range families {
			for _, m := range f.GetMetric() {
				series := name + "{" + labelValues(m) + "}"
				switch f.GetType() {
				case dto.MetricType_COUNTER:
					all[series] = m.GetCounter().GetValue()
				case dto.MetricType_HISTOGRAM:
					all[series+" count"] = float64(m.GetHistogram().GetSampleCount())
					all[series+" sum"] = m.GetHistogram().GetSampleSum()
				}
			}
		}
	}
	return all
}

// A reload of the same policy, and one that adds an item to each list, takes back no counter of what stays.
func TestReloadTakesNoCounterBack(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("[]"))
	}))
	t.Cleanup(site.Close)
	dir := t.TempDir()
	log := filepath.Join(dir, "access.json")
	backups := filepath.Join(dir, "backups")
	if err := os.Mkdir(backups, 0o700); err != nil {
		t.Fatal(err)
	}
	lines := strings.Repeat(`{"host":"acme.example.com","status":200,"request_time":0.01,"bytes_sent":1}`+"\n", 10)
	testkit.WriteFile(t, log, lines)
	file := policyFile(filepath.Join(dir, "thorbis.yaml"))
	write := func(names ...string) {
		list := func(format string) string {
			var items []string
			for _, name := range names {
				items = append(items, strings.ReplaceAll(format, "NAME", name))
			}
			return "[" + strings.Join(items, ", ") + "]"
		}
		text := fmt.Sprintf(`version: 1
channels: {deadman: none}
services: [{name: web, owner: sre}]
alertmanagers: %s
health: {interval: 1s, timeout: 500ms, reference_targets: [{target: %q, module: http_2xx}], checks: %s}
tenants: {host: "{tenant}.example.com", sources: [{file: %q, format: nginx-json, app_service: web}]}
storage: {canaries: %s}
backups: %s
databases: %s
`,
			list(fmt.Sprintf(`{name: NAME, url: %q}`, site.URL)), site.URL,
			list(fmt.Sprintf(`{name: NAME, app_service: web, target: %q}, `, site.URL)+
				`{name: NAME-down, app_service: web, target: "http://127.0.0.1:1"}`),
			log, list(fmt.Sprintf(`{name: NAME, path: %q}`, dir)),
			list(fmt.Sprintf(`{name: NAME, interval: 1d, source: {program: directory, path: %q, pattern: "*"}}`, backups)),
			list(`{name: NAME, dsn_env: NO_SUCH_DSN, interval: 5s}`))
		testkit.WriteFile(t, string(file), text)
	}
	write("first")
	saved, err := state.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	every := map[string]bool{}
	for _, d := range Definitions {
		every[d.Name] = true
	}
	load := func(context.Context) (*config.Policy, error) { return config.Load(string(file)) }
	e := newExporter(Options{Logger: quiet(), Load: load, Collectors: every, Host: "db1"}, saved)
	if err := e.policy.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, err := e.handler()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { e.supervisor.Run(ctx); close(done) }()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		cancel()
		<-done
		_ = e.close(saved)
	})
	counted := func(name string, labels ...string) bool {
		for series, v := range counters(t, server.URL) {
			fits := strings.HasPrefix(series, name+"{") && v > 0
			for _, l := range labels {
				fits = fits && strings.Contains(series, l)
			}
			if fits {
				return true
			}
		}
		return false
	}
	for name, label := range map[string]string{
		metric.HealthCheckProbes.Name: "result=success", metric.HealthCheckProbeFailures.Name: "check=first-down",
		metric.HealthCheckDownSeconds.Name: "check=first-down", metric.HealthCheckDuration.Name: "check=first",
		metric.CanaryRuns.Name: "canary=first", metric.BackupListings.Name: "backup=first",
		metric.TenantSourceLines.Name: "", metric.TenantRequests.Name: "tenant=acme",
		metric.CollectorErrors.Name: "collector=database", metric.StateSaves.Name: "collector=health",
	} {
		testkit.Eventually(t, func() bool { return counted(name, label) }, "%s counts", name)
	}
	for _, names := range [][]string{{"first"}, {"first", "second"}, {"second", "first"}} {
		before := counters(t, server.URL)
		write(names...)
		if err := e.policy.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		compare := func(after map[string]float64) {
			for series, v := range before {
				if now, ok := after[series]; !ok || now < v {
					t.Errorf("reload with %v: %s was %v, is %v (present: %t)", names, series, v, now, ok)
				}
			}
		}
		compare(counters(t, server.URL))
		probes := probed(before)
		var after map[string]float64
		testkit.Eventually(t, func() bool {
			after = counters(t, server.URL)
			return probed(after) > probes
		}, "the collectors go on")
		compare(after)
	}
}

// probed is how many probes of the first check succeeded.
func probed(all map[string]float64) (n float64) {
	for series, v := range all {
		if strings.HasPrefix(series, metric.HealthCheckProbes.Name+"{") && strings.Contains(series, "check=first,") &&
			strings.Contains(series, "result=success") {
			n += v
		}
	}
	return n
}
