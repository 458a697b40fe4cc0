package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// metaphors are names that the project gave up for the field's own terms. None may be declared again.
var metaphors = regexp.MustCompile(
	`^(?i:ledger|book|heir|rivals|bury|thaw|adopt|verdict|sighting|unite|tell|told|judge|` +
		`recall|birds|keepHouse|goOn|because|storm|crowd|promise|desk|office|here)$`)

// unclear are words that a text never uses for what a program does; say report, notify, return, export or record.
var unclear = regexp.MustCompile(`\b([Tt]old|[Tt]ells?|[Nn]obody)\b`)

// TestNamesAreTerms holds the names of the project's functions and types, and the words of its texts, against the lists
// above.
func TestNamesAreTerms(t *testing.T) {
	list := exec.Command("git", "ls-files", "*.go", "docs/*.md", "README.md")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Skipf("not a checkout: %v", err)
	}
	declared := 0
	for name := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(name, "/names_test.go") {
			continue
		}
		path := filepath.Join("../..", name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if word := unclear.FindString(line); word != "" {
				t.Errorf("%s:%d: %q", name, i+1, word)
			}
		}
		if filepath.Ext(name) != ".go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range declarations(file) {
			declared++
			if metaphors.MatchString(id) {
				t.Errorf("%s declares %s", name, id)
			}
		}
	}
	if declared < 1000 {
		t.Errorf("only %d declarations were looked at", declared)
	}
}

// declarations returns the names of a file's functions, methods and types.
func declarations(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					names = append(names, s.Name.Name)
				}
			}
		}
	}
	return names
}

// maxTracked bounds a file in the repository: what is larger was built, and came in by mistake.
const maxTracked = 1 << 20

// TestNothingBuiltIsTracked looks for programs and other large files that were added with the rest.
func TestNothingBuiltIsTracked(t *testing.T) {
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Skipf("not a checkout: %v", err)
	}
	seen := 0
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join("../..", name))
		if err != nil {
			continue // removed, and not yet committed
		}
		if seen++; info.Size() > maxTracked {
			t.Errorf("%s has %d bytes: remove it with git rm --cached, and name it in .gitignore", name, info.Size())
		}
	}
	if seen < 1000 {
		t.Errorf("only %d files were looked at", seen)
	}
}
