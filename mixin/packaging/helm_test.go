package packaging_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/mixin"
)

// rendered renders a chart with files of values and returns the manifest, and its objects by kind and name.
func rendered(t *testing.T, chart string, values ...string) (manifest string, found map[string]map[string]any) {
	t.Helper()
	args := append([]string{"template", "--name=one", "--namespace=monitoring", chart}, values...)
	text, err := manifests(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	manifest = filepath.Join(t.TempDir(), "manifest.yaml")
	testkit.WriteFile(t, manifest, text)
	found = map[string]map[string]any{}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if len(object) > 0 {
			found[object["kind"].(string)+" "+at[string](t, object, "metadata", "name")] = object
		}
	}
	return manifest, found
}

// at returns a value below keys and indexes.
func at[T any](t *testing.T, from any, keys ...any) T {
	t.Helper()
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			mapping, ok := from.(map[string]any)
			if !ok {
				t.Fatalf("%v: %s is not below a mapping", keys, key)
			}
			from = mapping[key]
		case int:
			list, ok := from.([]any)
			if !ok || len(list) <= key {
				t.Fatalf("%v: no item %d", keys, key)
			}
			from = list[key]
		}
	}
	value, ok := from.(T)
	if !ok {
		t.Fatalf("%v is %v", keys, from)
	}
	return value
}

// TestChart: helm lint --strict is content, the schemas take what each example of values renders, and the objects are
// those that the values ask for.
func TestChart(t *testing.T) {
	rules, boards := count(t)
	_, dir := packed(t, "helm")
	chart := filepath.Join(dir, "thorbis")
	always := map[string]int{
		"Service": 1, "StatefulSet": 1, "ServiceAccount": 1, "ConfigMap": 1, "Pod": 1, "PodDisruptionBudget": 1,
	}
	for name, want := range map[string]map[string]int{
		"default": always,
		"everything": {
			"Service": 2, "StatefulSet": 1, "Deployment": 1, "ServiceAccount": 1, "ConfigMap": 1 + boards, "Pod": 2,
			"PodDisruptionBudget": 2, "NetworkPolicy": 2, "ServiceMonitor": 2, "PrometheusRule": rules,
		},
		"own-policy":      {"Service": 1, "StatefulSet": 1, "ConfigMap": 1, "Pod": 1},
		"existing-policy": {"Service": 1, "StatefulSet": 1, "ServiceAccount": 1, "Pod": 1, "PodDisruptionBudget": 1},
	} {
		t.Run(name, func(t *testing.T) {
			values := filepath.Join(chart, "ci", name+"-values.yaml")
			if text, err := manifests(t, "lint", chart, values); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
			manifest, _ := rendered(t, chart, values)
			expectKinds(t, validated(t, manifest), want)
		})
	}
	if examples := all(t, chart, "ci/*-values.yaml"); len(examples) != 4 {
		t.Errorf("%d examples of values, of which 4 are tested", len(examples))
	}
}

// TestChartHoldsTheBundle: rules, dashboards and policy of the chart are those of the bundle, and exporters read that
// policy.
func TestChartHoldsTheBundle(t *testing.T) {
	p, err := config.Load(shippedPolicy)
	if err != nil {
		t.Fatal(err)
	}
	files, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	_, dir := packed(t, "helm")
	chart := filepath.Join(dir, "thorbis")
	_, found := rendered(t, chart, filepath.Join(chart, "ci", "everything-values.yaml"))
	for name, text := range files {
		base := filepath.Base(name)
		switch filepath.Dir(name) {
		case "rules":
			var want map[string]any
			if err := yaml.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			got := found["PrometheusRule one-thorbis-"+strings.TrimSuffix(base, ".rules.yaml")]
			if !reflect.DeepEqual(got["spec"], any(want)) {
				t.Errorf("%s is rendered as something else", name)
			}
		case "dashboards":
			o := found["ConfigMap one-"+strings.TrimSuffix(base, ".json")]
			var got, want any
			if err := json.Unmarshal([]byte(at[string](t, o, "data", base)), &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s is rendered as something else", name)
			}
		}
	}
	policy := filepath.Join(t.TempDir(), "thorbis.yaml")
	testkit.WriteFile(t, policy, at[string](t, found["ConfigMap one-thorbis-policy"], "data", "thorbis.yaml"))
	again, err := config.Load(policy)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != p.Hash() {
		t.Error("exporters of the chart have another policy than its rules")
	}
	pod := at[map[string]any](t, found["StatefulSet one-thorbis-receiver"], "spec", "template", "spec")
	args := at[[]any](t, pod, "containers", 0, "args")
	if args[0] != "--config.file=/etc/thorbis/policy" || args[2] != "--receive.listen-address=:10089" {
		t.Errorf("a receiver is started with %v", args)
	}
	for key, want := range map[string]any{"runAsNonRoot": true, "runAsUser": 65532} {
		if got := at[any](t, pod, "securityContext", key); got != want {
			t.Errorf("%s is %v", key, got)
		}
	}
	for key, want := range map[string]any{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true} {
		if got := at[any](t, pod, "containers", 0, "securityContext", key); got != want {
			t.Errorf("%s is %v", key, got)
		}
	}
}

// TestChartRollsOnAChangedPolicy: pods have the hash of the policy.
func TestChartRollsOnAChangedPolicy(t *testing.T) {
	_, dir := packed(t, "helm")
	chart := filepath.Join(dir, "thorbis")
	checksum := func() string {
		_, found := rendered(t, chart)
		return at[string](t, found["StatefulSet one-thorbis-exporter"], "spec", "template", "metadata", "annotations",
			"checksum/config")
	}
	before := checksum()
	file := filepath.Join(chart, "files", "policy", "thorbis.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, file, append(text, "# changed\n"...))
	if after := checksum(); after == before || len(before) != 64 {
		t.Errorf("checksums %s and %s", before, after)
	}
}

// TestChartFitsIntoARelease: Helm keeps the chart and its manifest, compressed and in base64, in one Secret.
func TestChartFitsIntoARelease(t *testing.T) {
	files, dir := packed(t, "helm")
	chart := filepath.Join(dir, "thorbis")
	manifest, _ := rendered(t, chart, filepath.Join(chart, "ci", "everything-values.yaml"))
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	release := map[string]any{"manifest": string(text), "files": files} // of files, Helm writes the content in base64
	encoded, err := json.Marshal(release)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write(encoded); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	size := base64.StdEncoding.EncodedLen(out.Len())
	t.Logf("a release has %d KiB", size>>10)
	if size > 1<<20 {
		t.Errorf("a release has %d bytes; a Secret holds 1 MiB", size)
	}
}

// TestChartRefusesValues: the schema names what is wrong.
func TestChartRefusesValues(t *testing.T) {
	_, dir := packed(t, "helm")
	for text, want := range map[string]string{
		"replicas: 3\n":                                              "replicas",
		"roles: {exporter: {kind: DaemonSet}}\n":                     "kind",
		"roles: {exporter: {args: [--storage.path=/tmp]}}\n":         "args",
		"roles: {exporter: {storage: {size: 1 GB}}}\n":               "size",
		"roles: {Exporter: {enabled: false}}\n":                      "Exporter",
		"roles: {more: {enabled: true, kind: Deployment}}\n":         "replicas",
		"serviceMonitor: {interval: soon}\n":                         "interval",
		"image: {digest: latest}\n":                                  "digest",
		"policy: {files: {thorbis.yaml: {version: 1}}}\n":            "thorbis.yaml",
		"roles: {exporter: {receive: {enabled: true, port: 443}}}\n": "port",
	} {
		values := filepath.Join(t.TempDir(), "values.yaml")
		testkit.WriteFile(t, values, text)
		out, err := manifests(t, "template", filepath.Join(dir, "thorbis"), values)
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v, want %q\n%s", text, err, want, out)
		}
	}
}

// TestChartNeedsAPolicy: the embedded default is not deployed, nor a policy whose files would be one.
func TestChartNeedsAPolicy(t *testing.T) {
	d := policytest.Default(t)
	for _, name := range []string{"helm", "kustomize"} {
		if _, err := (mixin.Options{Only: []string{name}}).Render(d); err == nil ||
			!strings.Contains(err.Error(), name+": the embedded default") {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "modules"), 0o700); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "modules", "thorbis.yaml"), "modules: {plain: {prober: tcp}}\n")
	policy := filepath.Join(dir, "thorbis.yaml")
	testkit.WriteFile(t, policy, "version: 1\nchannels: {deadman: none}\nhealth: {modules_file: modules/thorbis.yaml}\n")
	p, err := config.Load(policy)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (mixin.Options{Only: []string{"helm"}}).Render(p); err == nil ||
		!strings.Contains(err.Error(), "two files of the policy are called thorbis.yaml") {
		t.Errorf("two files of one name: %v", err)
	}
}
