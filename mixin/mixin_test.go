package mixin

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
)

func policies(t *testing.T) map[string]*config.Policy {
	t.Helper()
	d := policytest.Default(t)
	all, err := config.Load(filepath.Join("..", "alertmanager", "testdata", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*config.Policy{"default": d, "everything": all}
}

func rendered(t *testing.T, p *config.Policy) Files {
	t.Helper()
	files, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRender(t *testing.T) {
	for name, p := range policies(t) {
		t.Run(name, func(t *testing.T) {
			files := rendered(t, p)
			if err := files.Validate(); err != nil {
				t.Error(err)
			}
			for _, want := range []string{
				"rules/health.rules.yaml", "alertmanager/alertmanager.yaml", "alertmanager/templates/thorbis.tmpl",
				"dashboards/thorbis-health.json", "docs/metrics.md", "docs/alerts.md", "docs/handbook.md",
				"mixin/mixin.libsonnet",
			} {
				if len(files[want]) == 0 {
					t.Errorf("%s is missing", want)
				}
			}
			for range 5 {
				for name, text := range rendered(t, p) {
					if string(text) != string(files[name]) {
						t.Errorf("%s came out otherwise", name)
					}
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, text := range map[string]string{
		"rules/bad.rules.yaml":           "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]",
		"rules/key.rules.yaml":           "groups: [{name: a, rulez: []}]",
		"alertmanager/alertmanager.yaml": "route: {receiver: missing}",
		"alertmanager/templates/x.tmpl":  "{{ define }}",
		"dashboards/bad.json":            "{",
	} {
		if err := (Files{name: []byte(text)}).Validate(); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s is accepted: %v", name, err)
		}
	}
}

// TestDocs checks that the pages document everything that is declared.
func TestDocs(t *testing.T) {
	files := rendered(t, policies(t)["default"])
	metrics, alerts := string(files["docs/metrics.md"]), string(files["docs/alerts.md"])
	for _, m := range metric.All() {
		if !strings.Contains(metrics, "| `"+m.Name+"` |") {
			t.Errorf("docs/metrics.md lacks %s", m.Name)
		}
	}
	for _, r := range metric.Records() {
		if !strings.Contains(metrics, "| `"+r.Name+"` |") {
			t.Errorf("docs/metrics.md lacks %s", r.Name)
		}
	}
	for _, a := range metric.Alerts() {
		if !strings.Contains(alerts, "(runbooks/"+a.Name+".md)") {
			t.Errorf("docs/alerts.md lacks %s", a.Name)
		}
	}
	for name, page := range map[string]string{
		"metrics.md": metrics, "alerts.md": alerts, "handbook.md": string(files["docs/handbook.md"]),
	} {
		columns := 0
		for line := range strings.SplitSeq(page, "\n") {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if columns != 0 && n != columns {
				t.Errorf("%s: a row has %d bars, its table %d: %s", name, n, columns, line)
			}
			columns = n
		}
	}
}
