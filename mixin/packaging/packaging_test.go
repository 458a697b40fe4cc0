package packaging_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/mixin"
	"github.com/thorbis/thorbis_exporter/mixin/packaging"
)

const shippedPolicy = "../../deploy/policy/thorbis.yaml"

// shipped renders every packaging of the shipped policy but the AlertmanagerConfig, which cannot say its time zone.
var shipped = sync.OnceValues(func() (mixin.Files, error) {
	p, err := config.Load(shippedPolicy)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range packaging.Packagings {
		if one.Name != "alertmanagerconfig" {
			names = append(names, one.Name)
		}
	}
	files, err := mixin.Options{Only: append(names, "rules", "dashboards")}.Render(p)
	if err != nil {
		return nil, err
	}
	return files, files.Validate()
})

// packed returns the files of one packaging of the shipped policy, and the folder into which it wrote them.
func packed(t *testing.T, name string) (mixin.Files, string) {
	t.Helper()
	whole, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	files := mixin.Files{}
	for file, text := range whole {
		if strings.HasPrefix(file, name+"/") {
			files[file] = text
		}
	}
	return files, written(t, files, name)
}

// written writes files into a new directory and returns the folder of one packaging in it.
func written(t *testing.T, files mixin.Files, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := files.Write(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// manifests runs the program that checks manifests and returns what it prints.
func manifests(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("reads the schemas of Kubernetes each time")
	}
	var out, stderr bytes.Buffer
	command := exec.Command(testkit.Tool(t, "../..", "manifests"), args...)
	command.Stdout, command.Stderr = &out, &stderr
	err := command.Run()
	if err != nil {
		return stderr.Bytes(), err
	}
	return out.Bytes(), nil
}

// validated checks files against the schemas of Kubernetes and of the Prometheus Operator, and returns how many objects
// of each kind there are.
func validated(t *testing.T, files ...string) map[string]int {
	t.Helper()
	crds := filepath.Join(filepath.Dir(testkit.Tool(t, "../..", "manifests")), "crds")
	text, err := manifests(t, append([]string{"validate", "--crds=" + crds}, files...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	kinds := map[string]int{}
	if err := json.Unmarshal(text, &kinds); err != nil {
		t.Fatal(err)
	}
	return kinds
}

// expectKinds compares the kinds of objects with those that are wanted.
func expectKinds(t *testing.T, got, want map[string]int) {
	t.Helper()
	for kind := range got {
		if got[kind] != want[kind] {
			t.Errorf("%d objects of kind %s, want %d", got[kind], kind, want[kind])
		}
	}
	for kind := range want {
		if got[kind] == 0 {
			t.Errorf("no %s", kind)
		}
	}
}

// all returns the files of a directory that match a pattern.
func all(t *testing.T, pattern ...string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v, %v", pattern, files, err)
	}
	return files
}

// count returns the number of rule files and of dashboards of the bundle.
func count(t *testing.T) (rules, boards int) {
	t.Helper()
	return len(all(t, "../../rules/*.rules.yaml")), len(all(t, "../../dashboards/*.json"))
}

// TestPackagingsAreNamed: a packaging is made only when it is named, and each says what it is.
func TestPackagingsAreNamed(t *testing.T) {
	p, err := config.Load(shippedPolicy)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := mixin.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/packaging.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range packaging.Packagings {
		if !strings.Contains(string(page), "\n| `"+one.Name+"` |") {
			t.Errorf("docs/packaging.md lacks %s", one.Name)
		}
		if one.Help == "" {
			t.Errorf("%s has no help", one.Name)
		}
		for name := range whole {
			if strings.HasPrefix(name, one.Name+"/") {
				t.Errorf("%s was not asked for", name)
			}
		}
	}
}

// TestBadObjectsAreRefused: the schemas find what a cluster would refuse or drop.
func TestBadObjectsAreRefused(t *testing.T) {
	crds := filepath.Join(filepath.Dir(testkit.Tool(t, "../..", "manifests")), "crds")
	for name, c := range map[string]struct{ text, want string }{
		"missing expr": {
			"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a}\n" +
				"spec: {groups: [{name: a, rules: [{record: a}]}]}\n", "expr",
		},
		"unknown field": {
			"apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\n" +
				"spec: {selector: {}, endpoints: [{port: a, intervall: 15s}]}\n", "intervall",
		},
		"child route": {
			"apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {name: a}\n" +
				"spec: {route: {receiver: a, routes: [{receiver: a, groupWaits: 1s}]}, receivers: [{name: a}]}\n", "groupWaits",
		},
		"unknown key of Kubernetes": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatas: {}\n", "datas",
		},
		"name": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}\n", "metadata.name"},
		"too large": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: " + strings.Repeat("x", 1<<20) + "}\n",
			"a cluster takes",
		},
	} {
		file := filepath.Join(t.TempDir(), "object.yaml")
		testkit.WriteFile(t, file, c.text)
		text, err := manifests(t, "validate", "--crds="+crds, file)
		if err == nil || !strings.Contains(string(text), c.want) {
			t.Errorf("%s: %v, want %q\n%.300s", name, err, c.want, text)
		}
	}
}

// TestExporterObjects: the objects of the Kustomize base are those that deploy/kubernetes shows.
func TestExporterObjects(t *testing.T) {
	shown, err := os.ReadFile("../../deploy/kubernetes/exporter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := packed(t, "kustomize")
	if !bytes.Equal(files["kustomize/exporter.yaml"], shown) {
		t.Error("copy deploy/kubernetes/exporter.yaml to mixin/packaging/exporter.yaml: they differ")
	}
}
