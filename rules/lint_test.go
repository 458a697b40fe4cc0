package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/rule"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.rules.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	return files
}

func TestPromtoolChecksRules(t *testing.T) {
	ruletest.RunTool(t, "promtool", append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, goldenFiles(t)...)...)
}

// crossing are the tests of promtool that cross subjects. The others are run by their subject.
var crossing = []string{"environment.yaml", "objective.yaml", "removed.yaml", "values.yaml", "vendor_named.yaml"}

// TestPromtoolTestsRules runs the tests of promtool that cross subjects.
func TestPromtoolTestsRules(t *testing.T) { ruletest.Promtool(t, crossing...) }

// tableLine matches a line of the table of subjects.
var tableLine = regexp.MustCompile(`(?m)^\t(\w+)\.(\w+),$`)

// TestEverySubjectIsChecked checks that each line of the table of subjects has a test beside it, and that each test of
// promtool is run exactly once.
func TestEverySubjectIsChecked(t *testing.T) {
	table, err := os.ReadFile("bundle.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	lines := tableLine.FindAllStringSubmatch(string(table), -1)
	for _, line := range lines {
		file := filepath.Join(line[1], "subject_test.go")
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), line[1]+"."+line[2]) {
			t.Errorf("%s does not check %s.%s: %v", file, line[1], line[2], err)
		}
		texts[file] = string(text)
	}
	if len(lines) != len(rules.Subjects)-1 { // the constants of the policy have no alerts
		t.Errorf("%d lines of the table are checked, %d subjects are in it", len(lines), len(rules.Subjects))
	}
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no rule tests", err)
	}
	for _, file := range files {
		runs := 0
		for _, text := range texts {
			runs += strings.Count(text, strconv.Quote(filepath.Base(file)))
		}
		if slices.Contains(crossing, filepath.Base(file)) {
			runs++
		}
		if runs != 1 {
			t.Errorf("%s is run %d times; name it in the subject_test.go of its subject", file, runs)
		}
	}
}

// TestRanksAreLoaded checks that a test of promtool whose rules read the ranks of pages loads the constants of the
// policy, or has ranks among its series: without them two pages are equally urgent, and which one a test finds is
// random.
func TestRanksAreLoaded(t *testing.T) {
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no rule tests", err)
	}
	const constants = "policy.rules.yaml"
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var test struct {
			RuleFiles []string `yaml:"rule_files"`
		}
		if err := yaml.Unmarshal(text, &test); err != nil {
			t.Fatal(file, err)
		}
		loaded := strings.Contains(string(text), metric.PageRank.Name) ||
			slices.ContainsFunc(test.RuleFiles, func(f string) bool { return filepath.Base(f) == constants })
		for _, f := range test.RuleFiles {
			rules, err := os.ReadFile(filepath.Join("tests", f))
			if err != nil {
				t.Fatal(file, err)
			}
			if !loaded && strings.Contains(string(rules), metric.PageRank.Name) {
				t.Errorf("%s loads %s, which reads ranks of pages; load %s first", file, f, constants)
			}
		}
	}
}

// TestPint checks that pint reports nothing on the committed rules and on those of the test policy, which uses every
// feature.
func TestPint(t *testing.T) {
	committed, err := filepath.Glob("*.rules.yaml")
	if err != nil || len(committed) == 0 {
		t.Fatal("no committed rules", err)
	}
	args := []string{"--no-color", "--offline", "--config", "pint.hcl", "lint", "--min-severity=info", "--fail-on=info"}
	for name, files := range map[string][]string{"test policy": {"testdata"}, "committed": committed} {
		t.Run(name, func(t *testing.T) { ruletest.RunTool(t, "pint", append(args, files...)...) })
	}
}

// TestMixtool checks what mixtool requires of rules, because mixtool itself cannot be built here.
func TestMixtool(t *testing.T) {
	const limit = 40
	camelCase := regexp.MustCompile(`^([A-Z]+[a-z0-9]+)+$`)
	severities := []string{"critical", "warning", "info"}

	b, err := rules.Build(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]bool{}
	for _, g := range b.Groups() {
		if len(g.Name) > limit || len(g.Rules) > rule.GroupLimit || groups[g.Name] {
			t.Errorf("group %s: %d letters, %d rules, or named twice", g.Name, len(g.Name), len(g.Rules))
		}
		groups[g.Name] = true
		for _, r := range g.Rules {
			if r.Alert == nil {
				continue
			}
			if n := r.Alert.Name; !camelCase.MatchString(n) || len(n) > limit || !strings.HasPrefix(n, "Thorbis") {
				t.Errorf("%s: not a name that mixtool takes", n)
			}
			if !slices.Contains(severities, r.Labels[metric.LabelSeverity]) {
				t.Errorf("%s: severity %q", r.Alert.Name, r.Labels[metric.LabelSeverity])
			}
			if !strings.Contains(r.Annotations["description"], "{{") {
				t.Errorf("%s: the description is not templated", r.Alert.Name)
			}
			s := r.Annotations["summary"]
			if s == "" || strings.Contains(s, "{{") || !unicode.IsUpper(rune(s[0])) || !strings.HasSuffix(s, ".") {
				t.Errorf("%s: summary %q", r.Alert.Name, s)
			}
		}
	}
}

// TestDeclarations checks that every declared alert and record is generated, with the declared priorities. No two
// rules of one alert may fire for the same thing at the same priority.
func TestDeclarations(t *testing.T) {
	b, err := rules.Build(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	priorities := map[string][]string{}
	recorded := map[string]bool{}
	labels := map[string]bool{}
	for _, g := range b.Groups() {
		for _, r := range g.Rules {
			if r.Record != nil {
				recorded[r.Record.Name] = true
				continue
			}
			if !slices.Contains(priorities[r.Alert.Name], r.Priority) && r.Priority != "" {
				priorities[r.Alert.Name] = append(priorities[r.Alert.Name], r.Priority)
			}
			key := r.Alert.Name + r.Priority + r.Labels[metric.LabelBurnTier]
			if labels[key] {
				t.Errorf("%s has two rules of the same labels", r.Alert.Name)
			}
			labels[key] = true
			for _, name := range []string{metric.LabelBundle, metric.LabelSeverity} {
				if r.Labels[name] == "" {
					t.Errorf("%s lacks label %s", r.Alert.Name, name)
				}
			}
			for _, name := range []string{"summary", "description", "runbook_url", "dashboard_url"} {
				if r.Annotations[name] == "" {
					t.Errorf("%s lacks annotation %s", r.Alert.Name, name)
				}
			}
		}
	}
	for _, a := range metric.Alerts() {
		got := slices.Clone(priorities[a.Name])
		slices.SortFunc(got, func(x, y string) int { return config.PriorityRank(x) - config.PriorityRank(y) })
		if !slices.Equal(got, a.Priorities) {
			t.Errorf("%s has rules for %v, declared %v", a.Name, got, a.Priorities)
		}
		if _, ok := priorities[a.Name]; !ok && len(a.Priorities) > 0 {
			t.Errorf("%s is declared and not generated", a.Name)
		}
	}
	for _, r := range metric.Records() {
		if !recorded[r.Name] {
			t.Errorf("%s is declared and not generated", r.Name)
		}
	}
}

// TestRunbooks checks that every alert has a runbook and every runbook an alert.
func TestRunbooks(t *testing.T) {
	const dir = "../docs/runbooks"
	known := map[string]bool{}
	for _, a := range metric.Alerts() {
		known[a.Name+".md"] = true
		text, err := os.ReadFile(filepath.Join(dir, a.Name+".md"))
		if err != nil {
			t.Errorf("no runbook: %v", err)
			continue
		}
		for _, heading := range []string{
			"# " + a.Name, "## Meaning", "## Impact", "## First look", "## Mitigate", "## False positives", "## Who",
		} {
			if !strings.Contains(string(text), heading+"\n") {
				t.Errorf("%s.md lacks %q", a.Name, heading)
			}
		}
	}
	pages, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !known[page.Name()] && page.Name() != "README.md" {
			t.Errorf("%s is no alert's runbook", page.Name())
		}
	}
}
