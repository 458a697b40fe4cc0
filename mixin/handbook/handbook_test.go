package handbook

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/dashboards"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules"
)

// asked is how many items the handbook has under each letter; they are numbered from 1.
var asked = map[string]int{
	"P": 4, "M": 4, "H": 20, "B": 10, "T": 5, "O": 3, "S": 4, "C": 10, "L": 5, "A": 4, "D": 4, "W": 5, "K": 4, "N": 4,
	"E": 2, "G": 2,
}

var (
	docs    = filepath.Join("..", "..", "docs")
	example = filepath.Join("..", "..", "deploy", "policy", "thorbis.yaml")
)

func items() (all []item) {
	for _, c := range chapters {
		all = append(all, c.items...)
	}
	return all
}

func loaded(t *testing.T) *config.Policy {
	t.Helper()
	p, err := config.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryItemIsAnswered: each item of the handbook is there once, in its place, and something serves it or a reason
// says why nothing does.
func TestEveryItemIsAnswered(t *testing.T) {
	next := map[string]int{}
	for _, i := range items() {
		letter := i.id[:1]
		next[letter]++
		if want := fmt.Sprint(letter, next[letter]); i.id != want {
			t.Errorf("%s stands where %s belongs", i.id, want)
		}
		if i.text == "" || !i.served() && i.reason == "" {
			t.Errorf("%s: nothing serves %q, and no reason says why", i.id, i.text)
		}
		if i.reason != "" && !strings.HasSuffix(i.reason, ".") {
			t.Errorf("%s: the reason is not a sentence: %s", i.id, i.reason)
		}
		if strings.Contains(i.text+i.reason, "|") {
			t.Errorf("%s: a bar ends the cell of a table", i.id)
		}
	}
	if !maps.Equal(next, asked) {
		t.Errorf("%v items, the handbook has %v", next, asked)
	}
}

// TestKeysAreInTheExample: the policy that people begin with, which the grammar accepts, sets every key that serves an
// item, and every procedure that it expects serves one.
func TestKeysAreInTheExample(t *testing.T) {
	p := loaded(t)
	var root any
	if err := yaml.Unmarshal([]byte(read(t, example)), &root); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, i := range items() {
		for _, key := range i.policy {
			named[key] = true
			if !has(root, key) {
				t.Errorf("%s: %s does not set %s", i.id, example, key)
			}
		}
	}
	for _, o := range p.Procedures().Expected {
		if key := "procedures.expected[" + o.Name + "]"; !named[key] {
			t.Errorf("no item names %s", key)
		}
	}
}

var keyRE = regexp.MustCompile(`^([^.[]+)(?:\[([^]]+)])?(?:\.(.+))?$`)

// has reports whether a document has a key, where [name] picks the element of a list by its name.
func has(node any, key string) bool {
	for key != "" {
		part := keyRE.FindStringSubmatch(key)
		object, ok := node.(map[string]any)
		if part == nil || !ok {
			return false
		}
		if node, ok = object[part[1]]; !ok {
			return false
		}
		if part[2] != "" {
			list, _ := node.([]any)
			i := slices.IndexFunc(list, func(element any) bool {
				fields, _ := element.(map[string]any)
				return fields["name"] == part[2]
			})
			if i < 0 {
				return false
			}
			node = list[i]
		}
		key = part[3]
	}
	return true
}

func TestHas(t *testing.T) {
	var root any
	if err := yaml.Unmarshal([]byte("a: {b: [{name: c, d: 1}]}"), &root); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{
		"a": true, "a.b": true, "a.b[c]": true, "a.b[c].d": true,
		"b": false, "a.c": false, "a.b[d]": false, "a.b[c].e": false, "a.b.c": false, "a[b]": false, "a..b": false,
	} {
		if has(root, key) != want {
			t.Errorf("%s: want %v", key, want)
		}
	}
}

// TestRulesAreInTheBundle: the example generates every record and every alert that serves an item; each alert has its
// runbook.
func TestRulesAreInTheBundle(t *testing.T) {
	bundle, err := rules.Build(loaded(t))
	if err != nil {
		t.Fatal(err)
	}
	records, alerts := map[string]bool{}, map[string]bool{}
	for _, g := range bundle.Groups() {
		for _, r := range g.Rules {
			if r.Record != nil {
				records[r.Record.Name] = true
			} else {
				alerts[r.Alert.Name] = true
			}
		}
	}
	for _, i := range items() {
		for _, s := range i.series {
			if r, ok := s.(*metric.Record); ok && !records[r.Name] {
				t.Errorf("%s: no rule records %s", i.id, r.Name)
			}
		}
		for _, a := range i.alerts {
			if !alerts[a.Name] {
				t.Errorf("%s: no rule fires %s", i.id, a.Name)
			}
			if _, err := os.Stat(filepath.Join(docs, "runbooks", a.Name+".md")); err != nil {
				t.Errorf("%s: %v", i.id, err)
			}
		}
	}
}

// TestPagesExist: the pages are there, with the headings that links lead to.
func TestPagesExist(t *testing.T) {
	for _, i := range items() {
		for _, link := range i.pages {
			page, section, deep := strings.Cut(link, "#")
			text, err := os.ReadFile(filepath.Join(docs, page))
			if err != nil {
				t.Errorf("%s: %v", i.id, err)
				continue
			}
			if deep && !slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
				heading := strings.TrimLeft(line, "#")
				return heading != line && anchor(strings.TrimSpace(heading)) == section
			}) {
				t.Errorf("%s: docs/%s has no heading %s", i.id, page, section)
			}
		}
	}
}

// TestPageIsGenerated: docs/handbook.md is what Docs writes for any policy.
func TestPageIsGenerated(t *testing.T) {
	standard := policytest.Default(t)
	want := read(t, filepath.Join(docs, "handbook.md"))
	for _, p := range []*config.Policy{standard, loaded(t)} {
		boards, err := dashboards.Build(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Docs(boards)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/handbook.md is not what is generated for %s: run make generate", p.Platform)
		}
	}
}

// TestUnknownPanels: the page cannot be written while an item names what no dashboard has.
func TestUnknownPanels(t *testing.T) {
	boards := map[string]board{"thorbis-a": {UID: "thorbis-a", Title: "Thorbis / A and b", Panels: []panel{{"One"}}}}
	for want, p := range map[string]panels{
		`unknown dashboard "thorbis-b"`:            on("thorbis-b", "One"),
		`dashboard thorbis-a has no panel "Other"`: on("thorbis-a", "One", "Other"),
	} {
		if _, err := (item{panels: []panels{p}}).servedBy(boards); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	got, err := on("thorbis-a", "One").link(boards)
	if want := "[A and b](panels.md#a-and-b): One"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if _, err := Docs(nil); err == nil || !strings.HasPrefix(err.Error(), "P1: unknown dashboard") {
		t.Errorf("got %v", err)
	}
}

// TestTasksHaveTheirRows: what a task of the example says to look at is there.
func TestTasksHaveTheirRows(t *testing.T) {
	p := loaded(t)
	files, err := dashboards.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, o := range p.Procedures().Expected {
		if o.Task == nil || o.Task.Row == "" {
			continue
		}
		checked++
		text := files[o.Task.Dashboard+".json"]
		if row := `"title": "` + o.Task.Row + `"`; !strings.Contains(string(text), row) {
			t.Errorf("%s: %s has no row %q", o.Name, o.Task.Dashboard, o.Task.Row)
		}
	}
	if checked == 0 {
		t.Error("no task has a row")
	}
}
