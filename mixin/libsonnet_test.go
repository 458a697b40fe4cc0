package mixin

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-jsonnet"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/metric"
)

// renderedMixin is what the jsonnet mixin renders: groups by name, and dashboards by file.
type renderedMixin struct {
	Alerts, Rules struct {
		Groups []map[string]any
	}
	Dashboards map[string]map[string]any
}

// groups returns all groups by name.
func (m renderedMixin) groups() map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, g := range append(m.Alerts.Groups, m.Rules.Groups...) {
		all[g["name"].(string)] = g
	}
	return all
}

// vendored writes the folder mixin alone into a directory, as jsonnet-bundler does.
func vendored(t *testing.T, files Files) string {
	t.Helper()
	alone := Files{}
	for name, text := range files {
		if inside, ok := strings.CutPrefix(name, "mixin/"); ok {
			alone["vendor/thorbis-mixin/"+inside] = text
		}
	}
	dir := t.TempDir()
	if err := alone.Write(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "vendor")
}

// evaluate renders the vendored mixin with keys of _config, added to another mixin.
func evaluate(t *testing.T, dir, config string) (renderedMixin, error) {
	t.Helper()
	vm := jsonnet.MakeVM()
	vm.Importer(&jsonnet.FileImporter{JPaths: []string{dir}})
	text, err := vm.EvaluateAnonymousSnippet("test.jsonnet", `
		local all = { prometheusAlerts+:: { groups+: [{name: 'other', rules: []}] } }
			+ (import 'thorbis-mixin/mixin.libsonnet') + { _config+:: {`+config+`} };
		{ Alerts: all.prometheusAlerts, Rules: all.prometheusRules, Dashboards: all.grafanaDashboards }`)
	if err != nil {
		return renderedMixin{}, err
	}
	var m renderedMixin
	return m, json.Unmarshal([]byte(text), &m)
}

func mustEvaluate(t *testing.T, dir, config string) renderedMixin {
	t.Helper()
	m, err := evaluate(t, dir, config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// committed returns the groups and the dashboards of the bundle, as JSON has them.
func committed(t *testing.T, files Files) (groups, boards map[string]map[string]any) {
	t.Helper()
	groups, boards = map[string]map[string]any{"other": {"name": "other", "rules": []any{}}}, map[string]map[string]any{}
	for name, text := range files {
		switch filepath.Dir(name) {
		case "rules":
			var file, normal struct{ Groups []map[string]any }
			if err := yaml.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			encoded, err := json.Marshal(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(encoded, &normal); err != nil {
				t.Fatal(err)
			}
			for _, g := range normal.Groups {
				groups[g["name"].(string)] = g
			}
		case "dashboards":
			var board map[string]any
			if err := json.Unmarshal(text, &board); err != nil {
				t.Fatal(err)
			}
			boards[filepath.Base(name)] = board
		}
	}
	return groups, boards
}

// TestMixinRendersTheBundle: without keys of its own the vendored mixin renders the rules and dashboards of the bundle,
// groups with an alert apart from those without.
func TestMixinRendersTheBundle(t *testing.T) {
	for name, p := range policies(t) {
		t.Run(name, func(t *testing.T) {
			files := rendered(t, p)
			got := mustEvaluate(t, vendored(t, files), "")
			groups, boards := committed(t, files)
			if found := got.groups(); len(found) != len(groups) {
				t.Errorf("%d groups, want %d", len(found), len(groups))
			} else {
				for name := range groups {
					if !reflect.DeepEqual(found[name], groups[name]) {
						t.Errorf("group %s is rendered as something else", name)
					}
				}
			}
			for name := range boards {
				if !reflect.DeepEqual(got.Dashboards[name], boards[name]) {
					t.Errorf("%s is rendered as something else", name)
				}
			}
			if len(got.Dashboards) != len(boards) {
				t.Errorf("%d dashboards, want %d", len(got.Dashboards), len(boards))
			}
			alerts := map[string]bool{}
			for _, g := range got.Alerts.Groups {
				for _, r := range g["rules"].([]any) {
					if name, ok := r.(map[string]any)["alert"].(string); ok {
						alerts[name] = true
					}
				}
			}
			for _, g := range got.Rules.Groups {
				for _, r := range g["rules"].([]any) {
					if name := r.(map[string]any)["alert"]; name != nil {
						t.Errorf("%v is under prometheusRules", name)
					}
				}
			}
			for _, a := range metric.Alerts() {
				if name == "everything" && !alerts[a.Name] {
					t.Errorf("%s is missing", a.Name)
				}
			}
		})
	}
}

// leaves calls f with the path and the value of each scalar.
func leaves(path string, value any, f func(path, value string)) {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			leaves(path+"."+key, v, f)
		}
	case []any:
		for i, v := range value {
			leaves(fmt.Sprintf("%s.%d", path, i), v, f)
		}
	default:
		f(path, fmt.Sprint(value))
	}
}

// scalars returns all that was rendered, by path.
func scalars(m renderedMixin) map[string]string {
	all := map[string]string{}
	add := func(path, value string) { all[path] = value }
	for name, g := range m.groups() {
		leaves("groups."+name, g, add)
	}
	for name, board := range m.Dashboards {
		leaves("dashboards."+name, board, add)
	}
	return all
}

// TestMixinConfig: every key of _config changes what it says, everywhere, and nothing else.
func TestMixinConfig(t *testing.T) {
	if testing.Short() {
		t.Skip("renders the bundle once for each key")
	}
	p := policies(t)["everything"]
	files := rendered(t, p)
	dir := vendored(t, files)
	const fixed = "showMultiCluster: false, "
	all, one := scalars(mustEvaluate(t, dir, "")), scalars(mustEvaluate(t, dir, fixed))
	seen := map[string]bool{"clusterLabel": true, "objectives": true} // beside cluster, and in TestMixinRefuses
	for _, c := range []struct {
		key, config string
		// changes reports whether a scalar may change, and what must be in it then.
		changes func(path, before, after string) bool
	}{
		{"selector", `selector: 'job="thorbis"'`, func(path, before, after string) bool {
			return (isExpr(path) || isQuery(path)) && strings.Contains(after, `job="thorbis"`) &&
				unmatched(t, after, `job="thorbis"`, "") == before
		}},
		{"environment", "environment: 'staging'", func(path, before, after string) bool {
			return isExpr(path) && strings.ReplaceAll(after, `"staging"`, `"`+p.Environment+`"`) == before
		}},
		{"cluster", fixed + "clusterLabel: 'k8s', cluster: 'eu'", func(path, before, after string) bool {
			return strings.HasSuffix(path, ".labels.k8s") && after == "eu" ||
				(isExpr(path) || isQuery(path)) && unmatched(t, after, `k8s="eu"`, `k8s="eu"`) == before
		}},
		{"owners", "owners: {sre: 'platform-team'}", func(path, before, after string) bool {
			return strings.HasSuffix(path, ".labels.owner") && before == "sre" && after == "platform-team"
		}},
		{"severities", "severities: {critical: 'page'}", func(path, before, after string) bool {
			return strings.HasSuffix(path, ".labels.severity") && before == "critical" && after == "page"
		}},
		{"runbookURLPattern", "runbookURLPattern: 'https://r/%s'", func(path, before, after string) bool {
			name := strings.TrimPrefix(after, "https://r/")
			return strings.HasSuffix(path, ".annotations.runbook_url") && strings.HasSuffix(before, "/"+name+".md")
		}},
		{"dashboardURLPrefix", "dashboardURLPrefix: 'https://g'", func(path, before, after string) bool {
			return strings.HasSuffix(path, ".annotations.dashboard_url") && strings.HasPrefix(after, "https://g/d/") &&
				strings.HasSuffix(before, strings.TrimPrefix(after, "https://g"))
		}},
		{"dashboardNamePrefix", "dashboardNamePrefix: 'Ours: '", func(path, before, after string) bool {
			return isTop(path, "title") && after == "Ours: "+strings.TrimPrefix(before, "Thorbis / ")
		}},
		{"dashboardTags", "dashboardTags: ['a']", func(path, before, after string) bool {
			return strings.HasSuffix(path, ".tags.0") && before == "thorbis" && after == "a"
		}},
		{"dashboardRefresh", "dashboardRefresh: '7m'", func(path, _, after string) bool {
			return isTop(path, "refresh") && after == "7m"
		}},
		{"dashboardTimezone", "dashboardTimezone: 'utc'", func(path, before, after string) bool {
			return isTop(path, "timezone") && before == "browser" && after == "utc"
		}},
		{"dashboardLinks", "dashboardLinks: [{title: 'Wiki', type: 'link', url: 'https://w'}]", func(path, before,
			_ string,
		) bool {
			return strings.Contains(path, ".json.links.") && before == ""
		}},
		{"datasource", "datasource: 'mimir'", func(path, _, after string) bool {
			return strings.Contains(path, ".templating.list.0.current.") && after == "mimir"
		}},
		{"datasourceRegex", "datasourceRegex: '/mimir/'", func(path, _, after string) bool {
			return strings.HasSuffix(path, ".templating.list.0.regex") && after == "/mimir/"
		}},
		{"showMultiCluster", fixed, func(path, _, after string) bool {
			return strings.Contains(path, ".templating.list.1.") && (strings.HasSuffix(path, ".hide") && after == "2" ||
				strings.Contains(path, ".current.") && after == p.Environment)
		}},
	} {
		t.Run(c.key, func(t *testing.T) {
			changed, plain := 0, all
			if strings.HasPrefix(c.config, fixed) && c.key != "showMultiCluster" {
				plain = one
			}
			got := scalars(mustEvaluate(t, dir, c.config))
			for path, after := range got {
				if before := plain[path]; before != after {
					changed++
					if !c.changes(path, before, after) {
						t.Errorf("%s: %q\nwas %q", path, after, before)
					}
				}
			}
			for path := range plain {
				if _, ok := got[path]; !ok {
					t.Errorf("%s is gone", path)
				}
			}
			if changed == 0 {
				t.Error("nothing has changed")
			}
		})
		seen[c.key] = true
	}
	for _, key := range configKeys(t, dir) {
		if !seen[key] {
			t.Errorf("the key %s has no test", key)
		}
	}
}

// configKeys returns the keys of _config that users may write.
func configKeys(t *testing.T, dir string) []string {
	t.Helper()
	vm := jsonnet.MakeVM()
	vm.Importer(&jsonnet.FileImporter{JPaths: []string{dir}})
	text, err := vm.EvaluateAnonymousSnippet("keys.jsonnet",
		"std.objectFields((import 'thorbis-mixin/mixin.libsonnet')._config)")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		t.Fatal(err)
	}
	return keys
}

func isExpr(path string) bool {
	return strings.HasPrefix(path, "groups.") && strings.HasSuffix(path, ".expr")
}

// isQuery reports whether a scalar is an expression of a dashboard or the query of a variable.
func isQuery(path string) bool {
	return strings.HasPrefix(path, "dashboards.") &&
		(strings.HasSuffix(path, ".expr") || strings.Contains(path, ".templating.") && strings.HasSuffix(path, ".query"))
}

func isTop(path, key string) bool {
	return strings.HasPrefix(path, "dashboards.") && strings.HasSuffix(path, ".json."+key)
}

// unmatched returns an expression without a matcher, which each series of exporters must have as the first, and
// each record and alert the other one; series of other programs have none.
func unmatched(t *testing.T, expr, series, record string) string {
	t.Helper()
	_, selector, _ := selectorOf(expr)
	if selector == "" {
		return expr
	}
	root, err := grammar.ParseExpr(withoutVariables(selector))
	if err != nil {
		t.Fatalf("%v: %s", err, expr)
	}
	parser.Inspect(root, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		want := ""
		switch bare, _ := marksOf(s); bare {
		case markSeriesBare:
			want = series
		case markRecordBare:
			want = record
		}
		if has := strings.Contains(s.String(), series); has != (want != "") {
			t.Errorf("%s has the matcher %t, want %q", s, has, want)
		}
		return nil
	})
	return strings.ReplaceAll(strings.ReplaceAll(expr, "{"+series+"}", ""), "{"+series+",", "{")
}

// TestMixinStandsAlone: the mixin imports nothing from outside of its folder, and what jsonnet-bundler reads is JSON.
func TestMixinStandsAlone(t *testing.T) {
	p := policies(t)["default"]
	files, err := Options{Only: []string{"mixin"}}.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.HasSuffix(name, ".libsonnet") && strings.Contains(string(text), "'../") {
			t.Errorf("%s imports from outside", name)
		}
	}
	if got := mustEvaluate(t, vendored(t, files), ""); len(got.Dashboards) == 0 || len(got.Alerts.Groups) < 2 {
		t.Errorf("%d dashboards, %d groups", len(got.Dashboards), len(got.Alerts.Groups))
	}
	var manifest struct {
		Version      int
		Dependencies []any
	}
	if err := json.Unmarshal(files["mixin/jsonnetfile.json"], &manifest); err != nil || manifest.Version != 1 ||
		len(manifest.Dependencies) != 0 {
		t.Errorf("%v %+v", err, manifest)
	}
	shown, err := os.ReadFile("lib/render.libsonnet")
	if err != nil || string(shown) != string(files["mixin/lib/render.libsonnet"]) {
		t.Errorf("lib/render.libsonnet is not what is written: %v", err)
	}
}
