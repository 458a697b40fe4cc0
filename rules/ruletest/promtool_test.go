package ruletest

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// TestParts checks that the parts of each file of tests have all its tests, and each the rules that it depends on and
// no others.
func TestParts(t *testing.T) {
	files, err := filepath.Glob(pathOf(t, "tests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	all, kept := 0, 0 // rules that are evaluated for each test
	for _, file := range files {
		var whole promtoolFile
		decodeFile(t, file, &whole)
		have := map[string]bool{}
		for _, name := range whole.RuleFiles {
			var f ruleFile
			decodeFile(t, filepath.Join(filepath.Dir(file), name), &f)
			for _, g := range f.Groups {
				for _, r := range g.Rules {
					have[r.Record+r.Alert] = true
				}
			}
		}
		tests := 0
		for _, path := range parts(t, file) {
			var part promtoolFile
			decodeFile(t, path, &part)
			tests += len(part.Tests)
			if !maps.EqualFunc(part.Rest, whole.Rest, func(a, b any) bool { return slices.Equal(textsOf(a), textsOf(b)) }) {
				t.Errorf("%s: %v, want %v", file, part.Rest, whole.Rest)
			}
			var rules []*ruleFile
			for _, name := range part.RuleFiles {
				var f ruleFile
				decodeFile(t, filepath.Join(filepath.Dir(path), name), &f)
				rules = append(rules, &f)
			}
			d := dependenciesOf(t, rules)
			all, kept = all+len(part.Tests)*len(have), kept+len(part.Tests)*len(d)
			for name, reads := range d {
				for _, r := range reads {
					for other := range have {
						if _, ok := d[other]; !ok && r(other) {
							t.Errorf("%s: %s reads %s, which is left out", file, name, other)
						}
					}
				}
			}
			for _, test := range part.Tests {
				if need := d.closure(t, lookedAt(test)); len(need) != len(d) {
					t.Errorf("%s: %s has %d rules and needs %d", file, test["name"], len(d), len(need))
				}
			}
		}
		if tests != len(whole.Tests) {
			t.Errorf("%s: %d tests in the parts, %d in the whole", file, tests, len(whole.Tests))
		}
	}
	t.Logf("%d of %d rules are evaluated for the tests", kept, all)
}

func textsOf(v any) (all []string) {
	if list, ok := v.([]any); ok {
		for _, x := range list {
			all = append(all, textsOf(x)...)
		}
		return all
	}
	if s, ok := v.(string); ok {
		return []string{s}
	}
	return nil
}

// TestClosure checks what an alert depends on: what its expression and the queries of its annotations read, by name, by
// pattern, and as alerts.
func TestClosure(t *testing.T) {
	f := &ruleFile{Groups: []*ruleGroup{{Rules: []ruleText{
		{Record: "a:b:one", Expr: "up"},
		{Record: "a:b:two", Expr: "a:b:one offset 1m"},
		{Record: "a:b:three", Expr: `{__name__=~"a:b:(two|four)"}`},
		{Record: "a:b:five", Expr: "up"},
		{Record: "a:b:six", Expr: "up"},
		{
			Alert: "A", Expr: `a:b:three > 0 unless ALERTS{alertname="B"}`,
			Annotations: map[string]string{"description": `{{ query "a:b:six" }}`},
		},
		{Alert: "B", Expr: "up == 0"},
		{Alert: "C", Expr: "up == 0"},
	}}}}
	d := dependenciesOf(t, []*ruleFile{f})
	test := map[string]any{"alert_rule_test": []any{map[string]any{"alertname": "A"}}}
	got := slices.Sorted(maps.Keys(d.closure(t, lookedAt(test))))
	if want := []string{"A", "B", "a:b:one", "a:b:six", "a:b:three", "a:b:two"}; !slices.Equal(got, want) {
		t.Errorf("needs %v, want %v", got, want)
	}
	test = map[string]any{"promql_expr_test": []any{map[string]any{"expr": "count(ALERTS)"}}}
	if got := d.closure(t, lookedAt(test)); len(got) != 7 || got["a:b:five"] {
		t.Errorf("all alerts need %v", got)
	}
}
