package rules_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// provenScenarios lists the problems that the rules report correctly, each with a story that a test runs.
var provenScenarios = []struct{ scenario, story string }{
	{"full outage", "full outage of ten minutes"},
	{"brown-out at 20 %", "brown-out at 20 % until the end"},
	{"slow leak of budget", "slow leak at twice the pace"},
	{"one lost probe", "one lost probe"},
	{"a blip of 8 s", "a blip of 8 s"},
	{"a blip of 60 s", "a blip of 60 s"},
	{"no traffic", "no traffic"},
	{"exporter gone while the target is down", "exporter dies in the outage and stays away for hours"},
	{"two exporters gone while the target is down", "both exporters die in the outage"},
	{"maintenance", "maintenance from before the outage"},
	{"maintenance that begins in an outage", "maintenance begins in the outage"},
	{"maintenance of a service by a silence", "silence"},
	{"a tenant with three requests an hour", "a tenant with three requests an hour"},
	{"late logs", "late logs"},
	{"a mass outage of 10,000 tenants", "ten thousand tenants"},
	{"one bad client of one tenant in a pool of 500", "one bad client of one tenant in a pool of 500"},
	{"a brown-out right after an outage", "brown-out after an outage"},
	{"traffic that stops", "traffic that stops after an outage"},
	{"a tenant on which two exporters disagree", "a tenant on whose tier two exporters disagree"},
	{"the expectation is missing for two minutes", "the expectation is missing for two minutes"},
	{"rolling restart in an outage", "rolling restart with changed instances"},
	{"two of three locations down", "two of three locations down"},
	{"one of two locations down", "one of two locations down"},
}

// TestScenarios checks that each scenario has a story in the tables that tests run.
func TestScenarios(t *testing.T) {
	proofs := readProofs(t)
	for _, p := range provenScenarios {
		if !proofs.stories[p.story] {
			t.Errorf("%s: no table that runs has the story %q", p.scenario, p.story)
		}
	}
}

// TestProofs checks that only the rows of tables that a test uses count as stories, and only functions as tests.
func TestProofs(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "proof_test.go", `package p

// func TestRemoved(t *testing.T) { run("comment") }
func TestTables(t *testing.T) {
	run([]story{{"row", nil}, {Name: "named"}, /* {"disabled"}, */ {name: "lower case"}})
	run(used(), table, "an argument")
}

func used() []story { return []story{{"in a function", nil, "second"}} }

var table = []story{{"in a variable", nil}}

func unused() []story { return []story{{"unused", nil}} }
`, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	p := proofs{tests: map[string]bool{}, stories: map[string]bool{}}
	p.add([]*ast.File{file})
	got := slices.Sorted(maps.Keys(p.stories))
	if want := []string{"in a function", "in a variable", "lower case", "named", "row"}; !slices.Equal(got, want) {
		t.Errorf("stories %q, want %q", got, want)
	}
	if got := slices.Sorted(maps.Keys(p.tests)); !slices.Equal(got, []string{"TestTables"}) {
		t.Errorf("tests %q, want TestTables", got)
	}
}

// proofs holds the names of tests and of the stories in the tables that they run.
type proofs struct {
	tests, stories map[string]bool
}

// readProofs reads the tests below rules/, without the lists of what they prove.
func readProofs(t *testing.T) proofs {
	t.Helper()
	p := proofs{tests: map[string]bool{}, stories: map[string]bool{}}
	for _, pattern := range []string{"*_test.go", "*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		byPackage := map[string][]*ast.File{}
		for _, file := range files {
			if file == "scenario_test.go" || file == "findings_test.go" {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			byPackage[filepath.Dir(file)] = append(byPackage[filepath.Dir(file)], parsed)
		}
		for _, parsed := range byPackage {
			p.add(parsed)
		}
	}
	return p
}

// add adds the tests of one package and the stories in every declaration that a test uses, directly or through others.
func (p proofs) add(files []*ast.File) {
	declarations := map[string][]ast.Node{}
	var open []string
	for _, file := range files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				declarations[d.Name.Name] = append(declarations[d.Name.Name], d)
				if d.Recv == nil && strings.HasPrefix(d.Name.Name, "Test") {
					p.tests[d.Name.Name] = true
					open = append(open, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, name := range v.Names {
							declarations[name.Name] = append(declarations[name.Name], v)
						}
					}
				}
			}
		}
	}
	for len(open) > 0 {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		nodes := declarations[name]
		delete(declarations, name)
		for _, node := range nodes {
			ast.Inspect(node, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					open = append(open, n.Name)
				case *ast.CompositeLit:
					p.addStory(n)
				}
				return true
			})
		}
	}
}

// addStory adds the name of a row of a table: its field Name or name, or its first value.
func (p proofs) addStory(row *ast.CompositeLit) {
	for i, element := range row.Elts {
		value := element
		if field, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := field.Key.(*ast.Ident); !ok || !strings.EqualFold(key.Name, "name") {
				continue
			}
			value = field.Value
		} else if i > 0 {
			return
		}
		if text, ok := value.(*ast.BasicLit); ok && text.Kind == token.STRING {
			if name, err := strconv.Unquote(text.Value); err == nil {
				p.stories[name] = true
			}
		}
	}
}
