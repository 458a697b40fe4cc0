package packaging_test

import (
	"bytes"
	"path"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestGrafana: the provider has the keys that Grafana reads, and the dashboards are those of the bundle.
func TestGrafana(t *testing.T) {
	files, _ := packed(t, "grafana")
	var c struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name                  string `yaml:"name"`
			OrgID                 int    `yaml:"orgId"`
			Folder                string `yaml:"folder"`
			Type                  string `yaml:"type"`
			DisableDeletion       bool   `yaml:"disableDeletion"`
			AllowUIUpdates        bool   `yaml:"allowUiUpdates"`
			UpdateIntervalSeconds int    `yaml:"updateIntervalSeconds"`
			Options               struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(files["grafana/provisioning/dashboards/thorbis.yaml"]))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if c.APIVersion != 1 || len(c.Providers) != 1 || c.Providers[0].Type != "file" || c.Providers[0].Options.Path == "" {
		t.Errorf("%+v", c)
	}
	_, want := count(t)
	boards := 0
	for name, text := range files {
		if path.Dir(name) == "grafana/dashboards" {
			boards++
			if !bytes.Contains(text, []byte(`"uid": "`+path.Base(name[:len(name)-len(".json")])+`"`)) {
				t.Errorf("%s has another uid than its name", name)
			}
		}
	}
	if boards != want {
		t.Errorf("%d dashboards, want %d", boards, want)
	}
}
