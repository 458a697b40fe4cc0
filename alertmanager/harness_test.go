package alertmanager

import (
	"os"
	"path/filepath"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/common/model"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/rules"
)

func testPolicy(t testing.TB) *config.Policy {
	t.Helper()
	return load(t, filepath.Join("testdata", "policy.yaml"))
}

// shipped is the policy that people begin with.
func shipped(t testing.TB) *config.Policy {
	t.Helper()
	return load(t, filepath.Join("..", "deploy", "policy", "thorbis.yaml"))
}

func load(t testing.TB, file string) *config.Policy {
	t.Helper()
	p, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testAlerts(t testing.TB, p *config.Policy) []rules.Alert {
	t.Helper()
	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	return b.Alerts()
}

// build returns the generated configuration as Alertmanager's library reads it.
func build(t testing.TB, p *config.Policy) *amconfig.Config {
	t.Helper()
	text, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	c, err := amconfig.Load(string(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return c
}

// write lays the configuration out as it is shipped and returns its path.
func write(t testing.TB, p *config.Policy) string {
	t.Helper()
	dir := t.TempDir()
	text, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	files := Templates()
	files["alertmanager.yaml"] = text
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, path, text)
	}
	return filepath.Join(dir, "alertmanager.yaml")
}

func labelSet(labels map[string]string) model.LabelSet {
	set := model.LabelSet{}
	for k, v := range labels {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	return set
}

// alertLabels are the labels that an alert has at Alertmanager.
func alertLabels(a rules.Alert, more map[string]string) model.LabelSet {
	set := labelSet(a.Labels)
	set["alertname"] = model.LabelValue(a.Name)
	for k, v := range more {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	return set
}
