package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/thorbis/thorbis_exporter/"

// house says what each room may use: arrows point one way, and what measures never meets what judges. The
// first pattern that a package matches holds.
var house = []struct{ from, to string }{
	{`metric`, ``},
	{`config`, `metric|internal/(calendar|regularfile|secret)`},
	{`config/schema`, `metric|config`},
	{`internal/(calendar|loopback|browsertest)`, ``},
	{`internal/testkit`, `internal/loopback`},
	{`internal/.*`, `metric|config|internal/.*`},
	{`collectors/backup`, `metric|config|internal/.*|collectors|collectors/backup/(document|program|result)`},
	{`collectors`, `metric|config|internal/.*`},
	{`collectors/[^/]+(/.*)?`, `metric|config|internal/.*|collectors|SAME`},
	{`exporter`, `metric|config|internal/.*|collectors(/.*)?`},
	{`report`, `metric|config`},
	{`report/.*`, `metric|config|internal/.*|collectors(/.*)?|report(/.*)?`},
	{`dashboards/preview`, ``},
	{`dashboards/(schemav2|perses)`, `metric|dashboards`},
	{`dashboards|rules/rule`, `metric|config`},
	{`rules/ruletest`, `metric|config|rules(/rule)?`},
	{`rules/[^/]+`, `metric|config|rules/rule`},
	{`rules`, `metric|config|rules/[^/]+`},
	{`alertmanager/amconfig`, ``},
	{`alertmanager`, `metric|config|alertmanager/amconfig`},
	{
		`mixin(/.*)?`,
		`metric|config|internal/post|rules(/slo)?|alertmanager(/.*)?|dashboards(/(schemav2|perses))?|mixin(/.*)?`,
	},
	{`cmd/thorbis_exporter`, `metric|config(/schema)?|internal/.*|collectors(/.*)?|exporter|report(/.*)?`},
	{`cmd/thorbis_mixin`, `metric|config|rules|alertmanager|dashboards(/preview)?|mixin(/.*)?`},
	{`demo(/.*)?`, `metric|config|internal/(loopback|postgres/local)|demo/.*`},
	{`e2e|bench`, `.*`},
}

// forTests are the packages that only tests, and measurements, may import.
var forTests = regexp.MustCompile(`^(internal/(testkit|.*test)|collectors/backup/backuptest|rules/ruletest)$`)

// TestArrowsPointOneWay holds the structure of the project against its imports.
func TestArrowsPointOneWay(t *testing.T) {
	command := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	architecture, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		may := permitted(name)
		if may == nil {
			t.Errorf("%s has no place in the house; give it one in this test and in the design", name)
			continue
		}
		seen++
		if !described(string(architecture), name) {
			t.Errorf("the table of packages in docs/architecture.md lacks %s", name)
		}
		for _, i := range p.Imports {
			if used, ours := strings.CutPrefix(i, module); ours && !may.MatchString(used) {
				t.Errorf("%s imports %s, which points the wrong way", name, used)
			} else if ours && forTests.MatchString(used) && !forTests.MatchString(name) && name != "bench" {
				t.Errorf("%s imports %s, which is for tests alone", name, used)
			}
		}
	}
	if seen < len(house) {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// described reports whether a text has the name of a package, or that of all below its parent, as code.
func described(text, name string) bool {
	for _, code := range []string{name, path.Base(name), path.Dir(name) + "/*"} {
		if strings.Contains(text, "`"+code+"`") {
			return true
		}
	}
	return false
}

// permitted are the packages that a package may import, nil if it has no place.
func permitted(name string) *regexp.Regexp {
	for _, h := range house {
		if !regexp.MustCompile(`^(` + h.from + `)$`).MatchString(name) {
			continue
		}
		to := h.to
		if parts := strings.Split(name, "/"); len(parts) > 1 {
			to = strings.ReplaceAll(to, "SAME", regexp.QuoteMeta(parts[0]+"/"+parts[1])+"(/.*)?")
		}
		return regexp.MustCompile(`^(` + to + `)$`)
	}
	return nil
}
