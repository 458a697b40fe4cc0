package importer

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// blackboxExample has the shape of the example in the blackbox_exporter's README, with what people add to it.
const blackboxExample = `global:
  scrape_interval: 15s
scrape_configs:
  - job_name: node
    static_configs:
      - targets: [localhost:9100]
  - job_name: blackbox
    metrics_path: /probe
    params:
      module: [http_2xx]
    static_configs:
      - targets:
          - http://prometheus.io
          - https://prometheus.io
        labels: {service: site}
      - targets: [https://example.com:8080/a%20b]
        labels: {__param_module: http_post_2xx}
    file_sd_configs:
      - files: ["targets/*.json"]
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - source_labels: [__param_target]
        regex: .*dropped.*
        action: drop
      - target_label: __address__
        replacement: 127.0.0.1:9115
  - job_name: ping
    metrics_path: /blackbox/probe
    scrape_interval: 1m
    scrape_timeout: 4s
    params: {module: [icmp]}
    static_configs:
      - targets: [edge-1;192.0.2.1]
    relabel_configs:
      - {source_labels: [__address__], regex: "(.*);(.*)", target_label: instance, replacement: $1}
      - {source_labels: [__address__], regex: "(.*);(.*)", target_label: __param_target, replacement: $2}
`

const blackboxTargets = `[{"targets": ["https://dropped.example.com", "https://kept.example.com"], "labels": ` +
	`{"app_service": "shop"}}]`

func writeBlackbox(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "targets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"prometheus.yml": text, "targets/shop.json": blackboxTargets} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	return filepath.Join(dir, "prometheus.yml")
}

func TestImportBlackbox(t *testing.T) {
	out, err := convertBlackbox(writeBlackbox(t, blackboxExample))
	if err != nil {
		t.Fatal(err)
	}
	// What was imported is a part of a policy, as it is, beside the blackbox_exporter's own file.
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	text := "version: 1\nchannels: {deadman: none}\nservices: [{name: site, owner: web}, {name: blackbox, owner: web}, " +
		"{name: shop, owner: web}, {name: ping, owner: web}]\n" + string(out.Policy)
	for name, text := range map[string]string{
		file: text, filepath.Join(dir, "blackbox.yml"): "modules: {http_post_2xx: {prober: http, http: {method: POST}}}\n",
	} {
		testkit.WriteFile(t, name, text)
	}
	p, err := config.Load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	type check struct {
		name, service, target, module string
		interval, timeout             time.Duration
	}
	want := []check{
		{"prometheus.io", "site", "http://prometheus.io", "http_2xx", 15 * time.Second, 9500 * time.Millisecond},
		{"prometheus.io-2", "site", "https://prometheus.io", "http_2xx", 15 * time.Second, 9500 * time.Millisecond},
		{
			"example.com-8080-a-20b", "blackbox", "https://example.com:8080/a%20b", "http_post_2xx", 15 * time.Second,
			9500 * time.Millisecond,
		},
		{"kept.example.com", "shop", "https://kept.example.com", "http_2xx", 15 * time.Second, 9500 * time.Millisecond},
		{"edge-1", "ping", "192.0.2.1", "icmp", time.Minute, 3500 * time.Millisecond},
	}
	if len(p.Health.Checks) != len(want) {
		t.Fatalf("%d checks, want %d\n%s", len(p.Health.Checks), len(want), out.Policy)
	}
	for i, c := range p.Health.Checks {
		if got := (check{c.Name, c.AppService, c.Target, c.Module, c.Interval.Std(), c.Timeout.Std()}); got != want[i] {
			t.Errorf("%+v, want %+v", got, want[i])
		}
	}
}

func TestImportBlackboxRefused(t *testing.T) {
	for name, c := range map[string]struct {
		old, replacement, want string
		partly                 bool
	}{
		"no probes":    {"/probe", "/metrics", "nothing was imported", false},
		"no YAML":      {"global:", "\t:", "invalid configuration of Prometheus", false},
		"no such file": {"targets/*.json", "elsewhere/*.json", "no such file of targets", true},
		"other discovery": {
			"file_sd_configs:\n      - files: [\"targets/*.json\"]", "consul_sd_configs:\n      - server: x",
			"consul_sd_configs, which only Prometheus can ask", true,
		},
		"no target": {"target_label: __param_target\n", "target_label: __param_aim\n", "says its target", true},
		"by another name": {
			"module: [http_2xx]", "module: [http_2xx]\n      hostname: [example.com]", "write headers: {Host: ...}", true,
		},
		"unknown action": {"action: drop", "action: dropp", "unknown relabel action", false},
		"no target label": {
			"target_label: instance\n      - source_labels",
			"separator: x\n      - source_labels", "requires 'target_label'", true,
		},
		"an empty relabel":  {"relabel_configs:\n", "relabel_configs:\n      -\n", "relabel_configs[0] is empty", false},
		"not even a number": {"scrape_interval: 15s", "scrape_interval: soon", "invalid duration", false},
	} {
		text := strings.ReplaceAll(blackboxExample, c.old, c.replacement)
		if text == blackboxExample {
			t.Fatalf("%s: nothing changed", name)
		}
		out, err := convertBlackbox(writeBlackbox(t, text))
		if err == nil || !strings.Contains(err.Error(), c.want) || (len(out.Policy) > 0) != c.partly {
			t.Errorf("%s: %v, want %q and partly %t\n%s", name, err, c.want, c.partly, out.Policy)
		}
	}
}

// TestImportBlackboxElsewhere: jobs of scrape_config_files and targets that a server answers are imported too.
func TestImportBlackboxElsewhere(t *testing.T) {
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answer)
		_, _ = io.WriteString(w, blackboxTargets)
	}))
	defer server.Close()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "prometheus.yml"), "scrape_config_files: [more*.yml, none*.yml]\n")
	more := "scrape_configs:\n  - job_name: shop\n    metrics_path: /probe\n    relabel_configs:\n" +
		"      - {source_labels: [__address__], target_label: __param_target}\n    http_sd_configs:\n" +
		"      - url: " + server.URL + "\n"
	testkit.WriteFile(t, filepath.Join(dir, "more.yml"), more)
	part, err := convertBlackbox(filepath.Join(dir, "prometheus.yml"))
	if err == nil || !strings.Contains(err.Error(), "no such file of scrape configurations") {
		t.Errorf("a file that is missing: %v", err)
	}
	if got := strings.Count(string(part.Policy), "target: https://"); got != 2 {
		t.Errorf("%d targets, want 2\n%s", got, part.Policy)
	}
	answer = http.StatusNotFound
	if _, err := convertBlackbox(filepath.Join(dir, "prometheus.yml")); err == nil || !strings.Contains(err.Error(),
		"404") {
		t.Errorf("a server without targets: %v", err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "more.yml"), more+"        basic_auth: {username: x}\n")
	if _, err := convertBlackbox(filepath.Join(dir, "prometheus.yml")); err == nil ||
		!strings.Contains(err.Error(), "save what it answers") {
		t.Errorf("a server that wants a password: %v", err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "more.yml"), "scrape_configs: 1\n")
	if _, err := convertBlackbox(filepath.Join(dir, "prometheus.yml")); err == nil || !strings.Contains(err.Error(),
		"more.yml") {
		t.Errorf("a bad file: %v", err)
	}
}

func FuzzImportBlackbox(f *testing.F) {
	f.Add(blackboxExample)
	f.Add("scrape_configs: [{job_name: a, metrics_path: /probe, static_configs: [{targets: [b]}], relabel_configs: [{}, " +
		"null]}]")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "http_sd_configs") {
			return // no servers are asked here
		}
		file := filepath.Join(t.TempDir(), "prometheus.yml")
		testkit.WriteFile(t, file, text)
		_, _ = convertBlackbox(file)
	})
}
