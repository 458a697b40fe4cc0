package exporter

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/thorbis/thorbis_exporter/collectors/health"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/state"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// policyFile is a policy that a test rewrites.
type policyFile string

func newPolicyFile(t *testing.T, target string) policyFile {
	t.Helper()
	f := policyFile(filepath.Join(t.TempDir(), "thorbis.yaml"))
	f.write(t, "production", target)
	return f
}

func (f policyFile) write(t *testing.T, environment, target string) {
	t.Helper()
	text := `version: 1
environment: ` + environment + `
channels: {deadman: none}
services: [{name: web, owner: sre, page: P1}]
health:
  interval: 1s
  timeout: 900ms
  checks:
    - {name: home, app_service: web, target: "` + target + `"}
`
	testkit.WriteFile(t, string(f), text)
}

func (f policyFile) breakIt(t *testing.T) {
	t.Helper()
	testkit.WriteFile(t, string(f), "version: 1\nnonsense: true\n")
}

func (f policyFile) load(ctx context.Context) (*config.Policy, error) {
	return config.LoadContext(ctx, string(f))
}

// site answers every probe.
func site(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL
}

// start returns an exporter that runs its collectors and serves through httptest.
func start(t *testing.T, o Options) (*exporter, string) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet()
	}
	if o.Collectors == nil {
		o.Collectors = map[string]bool{health.Definition.Name: true}
	}
	e := newExporter(o, nil)
	return e, serve(t, e)
}

// serve runs an exporter's collectors and serves through httptest.
func serve(t *testing.T, e *exporter) (base string) {
	t.Helper()
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
	t.Cleanup(func() { cancel(); <-done })
	e.ready.Store(true)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

type answer struct {
	code   int
	header http.Header
	body   string
}

func ask(t *testing.T, method, address string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func get(t *testing.T, address string, headers ...string) answer {
	t.Helper()
	return ask(t, http.MethodGet, address, headers...)
}

// sample returns the value of the first series of a metric that has all the given label values.
func sample(t *testing.T, base, name string, labels ...string) float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(get(t, base+"/metrics").body))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && have[labels[i]] == labels[i+1]
		}
		if fits {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return -1
}

func TestRunServesReloadsOnHangupAndStops(t *testing.T) {
	file := newPolicyFile(t, site(t))
	address, none, no := testkit.FreeAddress(t), "", false
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	storage := t.TempDir()
	stopped := make(chan error, 1)
	hangup := make(chan os.Signal, 1)
	go func() {
		stopped <- Run(ctx, Options{
			Logger: quiet(), Load: file.load, Hangup: hangup, StoragePath: storage,
			Collectors: map[string]bool{health.Definition.Name: true},
			Web:        &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &no, WebConfigFile: &none},
		})
	}()
	base := "http://" + address
	testkit.Eventually(t, func() bool {
		resp, err := http.Get(base + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, "it is ready")
	if _, err := state.Open(storage); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("a second exporter on the same storage path: %v", err)
	}
	file.write(t, "staging", site(t))
	hangup <- syscall.SIGHUP
	testkit.Eventually(t, func() bool {
		return sample(t, base, metric.ConfigReloadSuccessful.Name, metric.LabelEnvironment, "staging") == 1
	}, "the new environment is exposed")
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	d, err := state.Open(storage)
	if err != nil {
		t.Fatalf("the lock outlived the exporter: %v", err)
	}
	_ = d.Close()
}

func TestRunFailsOnALockedDirectoryAndOnATakenPort(t *testing.T) {
	file := newPolicyFile(t, site(t))
	storage := t.TempDir()
	d, err := state.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	none, no := "", false
	o := Options{
		Logger: quiet(), Load: file.load, StoragePath: storage, Collectors: map[string]bool{health.Definition.Name: true},
		Web: &web.FlagConfig{WebListenAddresses: &[]string{l.Addr().String()}, WebSystemdSocket: &no, WebConfigFile: &none},
	}
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("locked: %v", err)
	}
	_ = d.Close()
	if err := Run(t.Context(), o); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("taken port: %v", err)
	}
}

func TestReloadKeepsCountersAndABadOneIsVisible(t *testing.T) {
	target := site(t)
	file := newPolicyFile(t, target)
	_, base := start(t, Options{Load: file.load, EnableLifecycle: true})
	probes := func(environment string) float64 {
		return sample(t, base, metric.HealthCheckProbes.Name, metric.LabelResult, "success", metric.LabelEnvironment,
			environment)
	}
	testkit.Eventually(t, func() bool { return probes("production") >= 2 }, "two probes")
	before := probes("production")

	file.write(t, "staging", target)
	if a := ask(t, http.MethodPut, base+"/-/reload"); a.code != http.StatusOK {
		t.Fatalf("reload: %+v", a)
	}
	if after := probes("staging"); after < before {
		t.Errorf("probes went from %v to %v across a reload", before, after)
	}
	if sample(t, base, "promhttp_metric_handler_requests_total", "code", "200") < 3 {
		t.Error("the handler's own counters were reset")
	}
	sum := sample(t, base, metric.PolicyInfo.Name)
	loaded := sample(t, base, metric.ConfigReloadTimestamp.Name)

	file.breakIt(t)
	a := ask(t, http.MethodPost, base+"/-/reload")
	if a.code != http.StatusInternalServerError || !strings.Contains(a.body, "thorbis.yaml:2") {
		t.Errorf("bad reload answers %d %q, want file and line", a.code, a.body)
	}
	if got := sample(t, base, metric.ConfigReloadSuccessful.Name); got != 0 {
		t.Errorf("last reload successful = %v", got)
	}
	if sample(t, base, metric.ConfigReloadTimestamp.Name) != loaded || sample(t, base, metric.PolicyInfo.Name) != sum {
		t.Error("the bad policy changed what is in force")
	}
	if page := get(t, base+"/status").body; !strings.Contains(page, "The last reload failed") {
		t.Error("the status page does not say that the reload failed")
	}
	last := probes("staging")
	testkit.Eventually(t, func() bool { return probes("staging") > last }, "the old policy goes on")

	file.write(t, "staging", target)
	if a := ask(t, http.MethodPost, base+"/-/reload"); a.code != http.StatusOK {
		t.Fatalf("mended reload: %+v", a)
	}
	if sample(t, base, metric.ConfigReloadSuccessful.Name) != 1 {
		t.Error("the mended policy does not show")
	}
}

func TestReloadOverHTTPNeedsTheFlag(t *testing.T) {
	_, base := start(t, Options{Load: newPolicyFile(t, site(t)).load})
	if a := ask(t, http.MethodPost, base+"/-/reload"); a.code != http.StatusForbidden {
		t.Errorf("POST: %+v", a)
	}
	if a := get(t, base+"/-/reload"); a.code == http.StatusOK {
		t.Errorf("GET: %+v", a)
	}
}

func TestMetricsInEveryFormat(t *testing.T) {
	_, base := start(t, Options{Load: newPolicyFile(t, site(t)).load})
	testkit.Eventually(t, func() bool {
		return sample(t, base, metric.HealthCheckProbes.Name, metric.LabelResult, "success") >= 1
	}, "a probe")

	open := get(t, base+"/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if !strings.HasSuffix(open.body, "# EOF\n") || !strings.Contains(open.body, "thorbis_collector_errors_created{") {
		t.Error("OpenMetrics lacks its end or the created timestamps")
	}
	proto := get(t, base+"/metrics", "Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	if media, _, _ := mime.ParseMediaType(proto.header.Get("Content-Type")); media != expfmt.ProtoType {
		t.Fatalf("protobuf is %s", media)
	}
	decoder := expfmt.NewDecoder(bufio.NewReader(strings.NewReader(proto.body)), expfmt.NewFormat(expfmt.TypeProtoDelim))
	families := map[string]*dto.MetricFamily{}
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		families[f.GetName()] = &f
	}
	if h := families[metric.HealthCheckDuration.Name].GetMetric()[0].GetHistogram(); h.Schema == nil {
		t.Error("no native histogram over protobuf")
	}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); !strings.Contains(labelNames(l), metric.LabelEnvironment) {
				t.Errorf("%s carries no environment", name)
			}
		}
	}
	zipped := get(t, base+"/metrics", "Accept-Encoding", "gzip")
	if zipped.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("encoding %q", zipped.header.Get("Content-Encoding"))
	}
}

func labelNames(labels []*dto.LabelPair) string {
	var names []string
	for _, l := range labels {
		names = append(names, l.GetName())
	}
	return strings.Join(names, ",")
}
