package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"golang.org/x/tools/txtar"

	"github.com/thorbis/thorbis_exporter/config"
)

const repository = "../.."

// example is a policy, or a part of one, that stands somewhere in the repository.
type example struct {
	kind, at, text string
}

// examples returns every policy of the repository: YAML files, scripts of commands, texts of tests and blocks of
// documentation.
func examples(t *testing.T) (all []example) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(repository, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || name == "bin" || name == "data"):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml":
			text, kind := read(t, path), "file"
			if strings.HasPrefix(text, "# The policy") && strings.Contains(text, "{{-") {
				kind, text = "template", filled(t, text)
			}
			all = append(all, example{kind, name, text})
		case ".txtar":
			for _, f := range txtar.Parse([]byte(read(t, path))).Files {
				all = append(all, example{"script", name + "/" + f.Name, string(f.Data)})
			}
		case ".md":
			for i, block := range yamlBlockRE.FindAllStringSubmatch(read(t, path), -1) {
				all = append(all, example{"documentation", name + "#" + strconv.Itoa(i+1), block[1]})
			}
		case ".go":
			if strings.HasSuffix(path, "_test.go") {
				all = append(all, literals(t, path)...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var yamlBlockRE = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// literals returns the policies in the texts of a test: whole ones, and those of the table of sections' examples.
func literals(t *testing.T, path string) (found []example) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr, section bool) {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && (section || strings.HasPrefix(text, "version: 1\n")) {
			found = append(found, example{"test", files.Position(literal.Pos()).String(), text})
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "valid" {
				add(n.Value, true)
			}
		case *ast.BasicLit:
			add(n, false)
		}
		return true
	})
	return found
}

var valueRE = regexp.MustCompile(`\.([A-Z][A-Za-z]*)`)

// filled returns a template with all of its parts and a value for each action.
func filled(t *testing.T, text string) string {
	t.Helper()
	values := map[string]any{}
	for _, m := range valueRE.FindAllStringSubmatch(text, -1) {
		if values[m[1]] = "1s"; m[1] == "IOPS" {
			values[m[1]] = "1"
		}
		if strings.Contains(text, "range ."+m[1]) {
			values[m[1]] = []string{"1s"}
		}
	}
	parsed, err := template.New("").Funcs(template.FuncMap{"base": filepath.Base}).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := parsed.Execute(&b, values); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// whole returns the text with what every policy must have, and that to which examples refer.
func whole(text string) string {
	for _, one := range []struct{ key, text string }{
		{"version", "version: 1"},
		{"channels", "channels: {deadman: none}"},
		{"services", "services: [{name: web, owner: sre}]"},
	} {
		if !regexp.MustCompile(`(?m)^` + one.key + `:`).MatchString(text) {
			text = one.text + "\n" + text
		}
	}
	return text
}

// load reads a policy from a text.
func load(t *testing.T, text string) error {
	t.Helper()
	_, err := config.LoadOnce(t.Context(), "-", strings.NewReader(text))
	return err
}
