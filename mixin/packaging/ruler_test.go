package packaging_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/mixin"
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
	if got.Namespace != "thorbis" || !reflect.DeepEqual(paces(got.Groups), paces(every)) {
		t.Error("the rules of the namespace, in their order and at their intervals, are not those of the bundle")
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

// paces returns the rules of groups in their order, each with the options of its group.
func paces(groups []map[string]any) []map[string]any {
	var all []map[string]any
	for _, g := range groups {
		for _, r := range g["rules"].([]any) {
			one := maps.Clone(g)
			delete(one, "name")
			one["rules"] = r
			all = append(all, one)
		}
	}
	return all
}

// TestMimirsLimits: by Mimir's default limits the rules of the shipped and of the default policy can be loaded, and
// changed afterwards, for which one more group must be permitted. A policy that needs more groups says so in the file.
func TestMimirsLimits(t *testing.T) {
	const rulesPerGroup, groupsPerTenant = 20, 70
	standard := policytest.Default(t)
	shipped, err := config.Load(shippedPolicy)
	if err != nil {
		t.Fatal(err)
	}
	var slos strings.Builder
	for i := range 200 {
		fmt.Fprintf(&slos, "  - {name: slo-%d, app_service: web, objective: 99%%, bad: 'sum(rate(bad_total[$window]))', "+
			"total: 'sum(rate(all_total[$window]))'}\n", i)
	}
	large := policytest.Load(t, t.TempDir(),
		"version: 1\nchannels: {deadman: none}\nservices: [{name: web, owner: sre}]\nslos:\n"+slos.String())
	for name, p := range map[string]*config.Policy{"default": standard, "shipped": shipped, "large": large} {
		files, err := mixin.Options{Only: []string{"mimir"}}.Render(p)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct{ Rules []any }
		}
		text := files["mimir/thorbis.yaml"]
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		most := 0
		for _, g := range file.Groups {
			most = max(most, len(g.Rules))
		}
		t.Logf("%s: %d groups, at most %d rules", name, len(file.Groups), most)
		if most > rulesPerGroup {
			t.Errorf("%s: a group has %d rules", name, most)
		}
		said := bytes.Contains(text,
			fmt.Appendf(nil, "# %d groups: raise ruler_max_rule_groups_per_tenant", len(file.Groups)))
		if exceeds := len(file.Groups)+1 > groupsPerTenant; said != exceeds || exceeds != (name == "large") {
			t.Errorf("%s: %d groups, and that is said: %t", name, len(file.Groups), said)
		}
	}
}

// TestThanosReadsTheRules: the ruler's own check takes each file.
func TestThanosReadsTheRules(t *testing.T) {
	program := testkit.Tool(t, "../..", "thanos")
	files, dir := packed(t, "thanos")
	out, err := exec.Command(program, "tools", "rules-check", "--rules="+dir+"/*.yaml").CombinedOutput()
	if err != nil || strings.Count(string(out), "SUCCESS") != len(files) {
		t.Errorf("%v, %d files\n%s", err, len(files), out)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	testkit.WriteFile(t, bad, "groups: [{name: a, partial_response_strategy: maybe, rules: [{record: b, expr: up}]}]\n")
	if out, err := exec.Command(program, "tools", "rules-check", "--rules="+bad).CombinedOutput(); err == nil {
		t.Errorf("a strategy that is none is accepted:\n%s", out)
	}
}

// TestThanosExample: the objects of deploy/thanos are valid, and the program has each flag of its containers.
func TestThanosExample(t *testing.T) {
	program := testkit.Tool(t, "../..", "thanos")
	expectKinds(t, validated(t, all(t, "../../deploy/thanos/*.yaml")...),
		map[string]int{"ConfigMap": 1, "Service": 1, "StatefulSet": 1})
	text, err := os.ReadFile("../../deploy/thanos/ruler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	components := 0
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var object struct {
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Args []string } }
				}
			}
		}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, c := range object.Spec.Template.Spec.Containers {
			components++
			help, err := exec.Command(program, c.Args[0], "--help").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, help)
			}
			for _, arg := range c.Args[1:] {
				if flag, _, _ := strings.Cut(arg, "="); !bytes.Contains(help, []byte(flag+"=")) {
					t.Errorf("thanos %s has no flag %s", c.Args[0], flag)
				}
			}
		}
	}
	if components != 2 {
		t.Errorf("%d containers, want the ruler and its Querier", components)
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
