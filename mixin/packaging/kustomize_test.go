package packaging_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// TestKustomize: kustomize builds the base and an overlay of it, the schemas take what it makes, and the exporters
// mount the policy by the hash of its content.
func TestKustomize(t *testing.T) {
	rules, boards := count(t)
	_, base := packed(t, "kustomize")
	overlay := filepath.Join(filepath.Dir(base), "overlay")
	build := func(dir string) string {
		t.Helper()
		text, err := manifests(t, "kustomize", dir)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		file := filepath.Join(t.TempDir(), "objects.yaml")
		testkit.WriteFile(t, file, text)
		expectKinds(t, validated(t, file), map[string]int{
			"Service": 1, "StatefulSet": 1, "PodDisruptionBudget": 1, "ServiceMonitor": 2, "PrometheusRule": rules,
			"ConfigMap": boards + 1,
		})
		return string(text)
	}
	text := build(base)
	_, after, found := strings.Cut(text, "name: thorbis-policy-")
	hash, _, _ := strings.Cut(after, "\n")
	if !found || strings.Count(text, "thorbis-policy-"+hash) != 2 {
		t.Errorf("the policy's ConfigMap ends with %q, and is not mounted by that name", hash)
	}
	if err := os.Mkdir(overlay, 0o700); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(overlay, "kustomization.yaml"), `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: monitoring
resources: [../kustomize]
images: [{name: thorbis_exporter, newName: registry.example.com/thorbis_exporter, newTag: "1.0"}]
replicas: [{name: thorbis-exporter, count: 3}]
`)
	text = build(overlay)
	for _, want := range []string{
		"image: registry.example.com/thorbis_exporter:1.0", "replicas: 3", "namespace: monitoring",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the overlay lacks %s", want)
		}
	}
}
