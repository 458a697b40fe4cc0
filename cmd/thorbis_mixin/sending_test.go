package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/prometheus/config"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// openMetricsCheck is an instance of the OpenMetrics check of DataDog's agent, with the keys that ours uses, from
// integrations-core, datadog_checks_dev/.../templates/configuration/instances/openmetrics.yaml and default.yaml.
type openMetricsCheck struct {
	Endpoint     string            `yaml:"openmetrics_endpoint"`
	Namespace    string            `yaml:"namespace"`
	Prefix       string            `yaml:"raw_metric_prefix"`
	Metrics      []string          `yaml:"metrics"`
	RenameLabels map[string]string `yaml:"rename_labels"`
	Interval     int               `yaml:"min_collection_interval"`
	Most         int               `yaml:"max_returned_metrics"`
	Buckets      bool              `yaml:"collect_histogram_buckets"`
	Distribution bool              `yaml:"histogram_buckets_as_distributions"`
}

// TestDataDog: every name that the agent is to send is one of ours on that page, and so is every label that it renames.
func TestDataDog(t *testing.T) {
	var file struct {
		Init      map[string]any     `yaml:"init_config"`
		Instances []openMetricsCheck `yaml:"instances"`
	}
	strictly(t, "../../deploy/datadog/conf.yaml", &file)
	if len(file.Instances) != 2 {
		t.Fatalf("%d instances", len(file.Instances))
	}
	labels := map[string]bool{metric.LabelEnvironment: true}
	for _, m := range metric.All() {
		for _, l := range m.Labels {
			labels[l] = true
		}
	}
	for _, i := range file.Instances {
		for _, pattern := range i.Metrics {
			re, err := regexp.Compile(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(metric.All(), func(m *metric.Metric) bool {
				name, ours := strings.CutPrefix(m.Name, i.Prefix)
				if m.Type == metric.Counter {
					name = strings.TrimSuffix(name, "_total")
				}
				return ours && re.MatchString(name)
			}) {
				t.Errorf("%s: no metric is called %s", i.Endpoint, pattern)
			}
		}
		for from, to := range i.RenameLabels {
			if !labels[from] || labels[to] {
				t.Errorf("%s: renames %s to %s", i.Endpoint, from, to)
			}
		}
	}
}

// TestOpenTelemetry: the pipelines have what is declared and no more, and Prometheus reads the scrape configurations.
func TestOpenTelemetry(t *testing.T) {
	var file struct {
		Receivers  map[string]map[string]any `yaml:"receivers"`
		Processors map[string]map[string]any `yaml:"processors"`
		Exporters  map[string]map[string]any `yaml:"exporters"`
		Service    struct {
			Pipelines map[string]struct{ Receivers, Processors, Exporters []string } `yaml:"pipelines"`
		} `yaml:"service"`
	}
	strictly(t, "../../deploy/opentelemetry/collector.yaml", &file)
	used := map[string]bool{}
	for name, p := range file.Service.Pipelines {
		for kind, list := range map[string]struct {
			used     []string
			declared map[string]map[string]any
		}{
			"receivers": {p.Receivers, file.Receivers}, "processors": {p.Processors, file.Processors},
			"exporters": {p.Exporters, file.Exporters},
		} {
			for _, one := range list.used {
				if _, ok := list.declared[one]; !ok {
					t.Errorf("%s has %s of %s, which is not declared", name, one, kind)
				}
				used[one] = true
			}
		}
	}
	for _, declared := range []map[string]map[string]any{file.Receivers, file.Processors, file.Exporters} {
		for name := range declared {
			if !used[name] {
				t.Errorf("%s is in no pipeline", name)
			}
		}
	}
	text, err := yaml.Marshal(file.Receivers["prometheus"]["config"])
	if err != nil {
		t.Fatal(err)
	}
	c, err := promconfig.Load(string(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := c.GetScrapeConfigs()
	if err != nil || len(jobs) != 2 {
		t.Errorf("%d jobs: %v", len(jobs), err)
	}
}

// TestSentry: the drop-in is for units that are shipped and have instances, and keeps none of them from running.
func TestSentry(t *testing.T) {
	text, err := os.ReadFile("../../deploy/sentry/crons.conf")
	if err != nil {
		t.Fatal(err)
	}
	unit := regexp.MustCompile(`thorbis-[a-z-]+@\.service`).FindString(string(text))
	if _, err := os.Stat("../../deploy/systemd/" + unit); err != nil {
		t.Error(err)
	}
	commands := 0
	for line := range strings.Lines(string(text)) {
		name, command, ok := strings.Cut(line, "=")
		if ok && strings.HasPrefix(name, "Exec") {
			commands++
			if !strings.HasPrefix(command, "-") || !strings.Contains(command, "-m 10") {
				t.Errorf("%s can fail or hold up the unit", name)
			}
		}
	}
	if commands != 2 {
		t.Errorf("%d commands", commands)
	}
	var workflow struct {
		Name        string
		On          string
		Permissions map[string]string
		Jobs        map[string]struct {
			If     string
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses string
				With map[string]any
				Env  map[string]string
			}
		}
	}
	strictly(t, "../../deploy/sentry/release.yml", &workflow)
	if workflow.On != "deployment_status" || len(workflow.Jobs["release"].Steps) != 2 {
		t.Errorf("the workflow is %+v", workflow)
	}
}

// TestNotion: the script sends Markdown as Notion documents it, fails with what the server answers, and gives the token
// to no argument of a program.
func TestNotion(t *testing.T) {
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	var got struct {
		Parent struct {
			PageID string `json:"page_id"`
		} `json:"parent"`
		Markdown string `json:"markdown"`
	}
	var header http.Header
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		header = r.Header
		if err := json.Unmarshal(body, &got); err != nil || r.URL.Path != "/v1/pages" {
			t.Errorf("%s %s: %v", r.URL.Path, body, err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"message": "an answer"}`)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	testkit.WriteFile(t, token, "ntn_secret\n")
	page := func() (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "../../deploy/notion/page")
		cmd.Env = append(os.Environ(), "NOTION_PARENT=p1", "NOTION_TOKEN_FILE="+token, "NOTION_URL="+server.URL)
		cmd.Stdin = strings.NewReader("# A report\n\n| a \"b\" | c |\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := page(); err != nil {
		t.Fatal(err, out)
	}
	if got.Parent.PageID != "p1" || got.Markdown != "# A report\n\n| a \"b\" | c |\n" ||
		header.Get("Authorization") != "Bearer ntn_secret" || header.Get("Notion-Version") == "" {
		t.Errorf("%+v, %v", got, header)
	}
	status = http.StatusForbidden
	if out, err := page(); err == nil || !strings.Contains(out, "an answer") || strings.Contains(out, "ntn_secret") {
		t.Errorf("refused, it ends with %v: %s", err, out)
	}
}
