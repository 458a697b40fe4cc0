package rules_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/thorbis/thorbis_exporter/rules"
	"github.com/thorbis/thorbis_exporter/rules/ruletest"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden checks that the rules of the test policy equal the committed ones, byte for byte.
func TestGolden(t *testing.T) {
	b, err := rules.Build(ruletest.Policy(t))
	if err != nil {
		t.Fatal(err)
	}
	files := b.Files()
	for name, text := range files {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(golden) != string(text) {
			t.Errorf("%s differs from what the policy generates; "+
				"run go test ./rules -run TestGolden -update and read the difference", path)
		}
	}
	if *update {
		rehash(t, ruletest.Policy(t).Hash())
	}
	committed, err := filepath.Glob("testdata/*.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range committed {
		if _, ok := files[filepath.Base(path)]; !ok {
			t.Errorf("%s is no longer generated", path)
		}
	}
}

// rehash writes the hash of the test policy into the tests of the alert that compares hashes.
func rehash(t *testing.T, hash string) {
	t.Helper()
	const path = "tests/exporter.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`sha256="[0-9a-f]{64}"`).ReplaceAll(text, []byte(`sha256="`+hash+`"`))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
