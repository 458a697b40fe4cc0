package packaging_test

import (
	"bytes"
	"maps"
	"os/exec"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// TestRulers: each group of the bundle is packed for each ruler, with the options of that ruler and no other change.
func TestRulers(t *testing.T) {
	whole, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	files := maps.Clone(whole)
	type groups struct {
		Namespace string           `yaml:"namespace"`
		Groups    []map[string]any `yaml:"groups"`
	}
	read := func(name string) groups {
		var g groups
		decoder := yaml.NewDecoder(bytes.NewReader(files[name]))
		decoder.KnownFields(true)
		if err := decoder.Decode(&g); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return g
	}
	options := map[string]map[string]any{
		"thanos":  {"partial_response_strategy": "abort"},
		"vmalert": {"eval_delay": "0s", "concurrency": 1},
	}
	var every []map[string]any
	names := map[any]bool{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(file) != "rules" {
			continue
		}
		want := read(file)
		every = append(every, want.Groups...)
		for ruler, more := range options {
			got := read(ruler + "/" + path.Base(file))
			for _, g := range got.Groups {
				for key, value := range more {
					if g[key] != value {
						t.Errorf("%s, %v: %s is %v", ruler, g["name"], key, g[key])
					}
					delete(g, key)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s differs from the bundle", file, ruler)
			}
		}
	}
	got := read("mimir/thorbis.yaml")
	if got.Namespace != "thorbis" || !reflect.DeepEqual(got.Groups, every) {
		t.Error("the groups of the namespace are not those of the bundle")
	}
	for _, g := range got.Groups {
		if names[g["name"]] {
			t.Errorf("two groups of the namespace are called %v, of which a ruler keeps one", g["name"])
		}
		names[g["name"]] = true
	}
	if err := files.Validate(); err != nil {
		t.Error(err)
	}
	files["mimir/thorbis.yaml"] = append(files["mimir/thorbis.yaml"],
		"  - name: bad\n    rules: [{record: a, expr: 'sum('}]\n"...)
	if err := files.Validate(); err == nil || !strings.HasPrefix(err.Error(), "mimir/thorbis.yaml") {
		t.Errorf("a bad rule of a namespace: %v", err)
	}
}

// TestVmalertReadsTheRules: vmalert's own parser takes each expression as MetricsQL.
func TestVmalertReadsTheRules(t *testing.T) {
	program := testkit.Tool(t, "../..", "vmalert")
	_, dir := packed(t, "vmalert")
	out, err := exec.Command(program, "-dryRun", "-rule="+dir+"/*.yaml", "-rule.validateTemplates=true").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
