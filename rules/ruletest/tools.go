package ruletest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
)

// Policy is a policy with one of everything that the rules look at.
func Policy(t testing.TB) *config.Policy {
	t.Helper()
	p, err := config.Load(pathOf(t, "testdata", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tool returns the path of a program that make tools builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("THORBIS_TOOLS")
	if dir == "" {
		dir = pathOf(t, "..", "bin", "tools")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is missing; run make tools", path)
	}
	return path
}

// RunTool runs a program that make tools builds. What it prints is the error.
func RunTool(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// pathOf returns the path of a file in rules/, from the directory of any test below it.
func pathOf(t testing.TB, elements ...string) string {
	t.Helper()
	for _, up := range []string{".", ".."} {
		if _, err := os.Stat(filepath.Join(up, "testdata", "policy.yaml")); err == nil {
			return filepath.Join(append([]string{up}, elements...)...)
		}
	}
	t.Fatal("no rules/testdata/policy.yaml here or above")
	return ""
}
