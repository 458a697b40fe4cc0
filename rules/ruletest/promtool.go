package ruletest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Promtool runs tests of promtool: files in rules/tests. promtool evaluates every rule of the files at every step of
// every test. Here each test has only the rules that what it looks at depends on, which gives the same in a fifth of
// the time; `promtool test rules rules/tests/NAME` runs a file with all of them.
func Promtool(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			if testing.Short() {
				t.Skip("seconds to minutes of one core")
			}
			t.Parallel()
			args := append([]string{"test", "rules"}, parts(t, pathOf(t, "tests", file))...)
			RunTool(t, "promtool", args...)
		})
	}
}

// promtoolFile is a file of tests; Rest has what is not named here.
type promtoolFile struct {
	RuleFiles []string         `yaml:"rule_files"`
	Rest      map[string]any   `yaml:",inline"`
	Tests     []map[string]any `yaml:"tests"`
}

// ruleFile is a file of rules.
type ruleFile struct {
	Groups []*ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string         `yaml:"name"`
	Rest  map[string]any `yaml:",inline"`
	Rules []ruleText     `yaml:"rules"`
}

type ruleText struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
	Rest        map[string]any    `yaml:",inline"`
}

// parts writes a file of tests as several, one for the tests that need the same rules, and returns their paths.
func parts(t *testing.T, path string) []string {
	t.Helper()
	var whole promtoolFile
	decodeFile(t, path, &whole)
	var ruleFiles []*ruleFile
	for _, name := range whole.RuleFiles {
		var f ruleFile
		decodeFile(t, filepath.Join(filepath.Dir(path), name), &f)
		ruleFiles = append(ruleFiles, &f)
	}
	d := dependenciesOf(t, ruleFiles)
	byNeed := map[string]*promtoolFile{}
	needs := map[string]map[string]bool{}
	for i, test := range whole.Tests {
		if test == nil {
			t.Fatalf("%s: test %d is empty", path, i)
		}
		need := d.closure(t, lookedAt(test))
		key := strings.Join(slices.Sorted(maps.Keys(need)), " ")
		if byNeed[key] == nil {
			byNeed[key], needs[key] = &promtoolFile{Rest: whole.Rest}, need
		}
		byNeed[key].Tests = append(byNeed[key].Tests, test)
	}
	dir := t.TempDir()
	var paths []string
	for i, key := range slices.Sorted(maps.Keys(byNeed)) {
		part := byNeed[key]
		for k, f := range ruleFiles {
			name := fmt.Sprintf("%d-%s", i, filepath.Base(whole.RuleFiles[k]))
			encodeFile(t, filepath.Join(dir, name), f.only(needs[key]))
			part.RuleFiles = append(part.RuleFiles, name)
		}
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(path))))
		encodeFile(t, paths[i], part)
	}
	return paths
}

func decodeFile(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func encodeFile(t *testing.T, path string, content any) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// only returns the rules of the given names. Groups remain, for tests name them in their order.
func (f *ruleFile) only(names map[string]bool) *ruleFile {
	out := &ruleFile{}
	for _, g := range f.Groups {
		kept := *g
		kept.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r ruleText) bool { return !names[r.Record+r.Alert] })
		out.Groups = append(out.Groups, &kept)
	}
	return out
}

// dependencies are what rules read, by the name of the record or alert.
type dependencies map[string][]read

// read reports whether a record, whose name has colons, or an alert is read.
type read func(name string) bool

func dependenciesOf(t *testing.T, files []*ruleFile) dependencies {
	d := dependencies{}
	for _, f := range files {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				name := r.Record + r.Alert
				d[name] = append(d[name], readsOf(t, r.Expr)...)
				for _, text := range r.Annotations {
					d[name] = append(d[name], namedIn(text))
				}
			}
		}
	}
	return d
}

// lookedAt are the expressions of a test and, as such, its alerts.
func lookedAt(test map[string]any) (expressions []string) {
	each := func(list, field, format string) {
		all, _ := test[list].([]any)
		for _, entry := range all {
			expressions = append(expressions, fmt.Sprintf(format, entry.(map[string]any)[field]))
		}
	}
	each("alert_rule_test", "alertname", "ALERTS{alertname=%q}")
	each("promql_expr_test", "expr", "%s")
	return expressions
}

// closure returns the names of all rules that some expressions depend on.
func (d dependencies) closure(t *testing.T, expressions []string) map[string]bool {
	var open []read
	for _, e := range expressions {
		open = append(open, readsOf(t, e)...)
	}
	need := map[string]bool{}
	for len(open) > 0 {
		r := open[0]
		open = open[1:]
		for name, reads := range d {
			if !need[name] && r(name) {
				need[name] = true
				open = append(open, reads...)
			}
		}
	}
	return need
}

func readsOf(t *testing.T, expr string) (reads []read) {
	t.Helper()
	root, err := rule.Grammar.ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			of := func(label, name string) bool {
				return !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
					return m.Name == label && !m.Matches(name)
				})
			}
			ofAlerts := of(model.MetricNameLabel, "ALERTS") || of(model.MetricNameLabel, "ALERTS_FOR_STATE")
			reads = append(reads, func(name string) bool {
				if strings.Contains(name, ":") {
					return of(model.MetricNameLabel, name)
				}
				return ofAlerts && of(labels.AlertName, name)
			})
		}
		return nil
	})
	return reads
}

var recordInText = regexp.MustCompile(`[a-z_]+:[a-z0-9_:]+`)

// namedIn returns what the queries of an annotation read.
func namedIn(text string) read {
	names := recordInText.FindAllString(text, -1)
	return func(name string) bool { return slices.Contains(names, name) }
}
