package packaging_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	amconfig "github.com/prometheus/alertmanager/config"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin"
	"github.com/thorbis/thorbis_exporter/mixin/packaging"
)

type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name, Namespace string
		Labels          map[string]string
	}
	Spec       map[string]any
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
}

func objects(t *testing.T, text []byte) []object {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var all []object
	for {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
}

// TestKubernetes: the objects hold exactly what the files do, under names and labels that the operator selects.
func TestKubernetes(t *testing.T) {
	p, err := config.Load("../../alertmanager/testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := mixin.Options{
		Also:      []string{"kubernetes"},
		Packaging: packaging.Options{Namespace: "on", Labels: map[string]string{"release": "1"}},
	}.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Validate(); err != nil {
		t.Error(err)
	}
	rules := map[string]map[string]any{}
	for _, o := range objects(t, files["kubernetes/prometheus-rules.yaml"]) {
		if o.APIVersion != "monitoring.coreos.com/v1" || o.Kind != "PrometheusRule" || o.Metadata.Namespace != "on" ||
			o.Metadata.Labels["release"] != "1" {
			t.Errorf("%s %s in %q, labels %v", o.APIVersion, o.Kind, o.Metadata.Namespace, o.Metadata.Labels)
		}
		rules[o.Metadata.Name] = o.Spec
	}
	boards := map[string]string{}
	for _, o := range objects(t, files["kubernetes/grafana-dashboards.yaml"]) {
		if o.Kind != "ConfigMap" || o.Metadata.Labels["grafana_dashboard"] != "1" || len(o.Data) != 1 {
			t.Errorf("%s %s, labels %v", o.Kind, o.Metadata.Name, o.Metadata.Labels)
		}
		maps.Copy(boards, o.Data)
	}
	found := 0
	for name, text := range files {
		switch path.Dir(name) {
		case "rules":
			found++
			var want map[string]any
			if err := yaml.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if got := rules["thorbis-"+strings.TrimSuffix(path.Base(name), ".rules.yaml")]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s is packed as something else", name)
			}
		case "dashboards":
			found++
			if strings.TrimSpace(boards[path.Base(name)]) != strings.TrimSpace(string(text)) {
				t.Errorf("%s is packed as something else", name)
			}
		}
	}
	if found == 0 || found != len(rules)+len(boards) {
		t.Errorf("%d files, %d rules and %d dashboards packed", found, len(rules), len(boards))
	}

	secrets := objects(t, files["kubernetes/alertmanager-secret.yaml"])
	if len(secrets) != 1 || secrets[0].Kind != "Secret" {
		t.Fatalf("%v", secrets)
	}
	c, err := amconfig.Load(secrets[0].StringData["alertmanager.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Templates) != 1 || c.Templates[0] != "/etc/alertmanager/config/*.tmpl" {
		t.Errorf("templates %v, which the operator does not mount", c.Templates)
	}
	if got := secrets[0].StringData["thorbis.tmpl"]; got != string(files["alertmanager/templates/thorbis.tmpl"]) {
		t.Error("the templates are packed as something else")
	}
}

// TestKubernetesOnly: the objects can be had without the files, and without a namespace.
func TestKubernetesOnly(t *testing.T) {
	p, err := config.Load("../../alertmanager/testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := mixin.Options{Only: []string{"kubernetes"}}.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("%d files, want 3", len(files))
	}
	for name, text := range files {
		if path.Dir(name) != "kubernetes" || strings.Contains(string(text), "\n  namespace:") {
			t.Errorf("%s was not asked for, or is in a namespace", name)
		}
	}
}
