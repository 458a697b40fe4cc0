package mixin

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// TestDrift: files that differ, lack or are left over are listed in the order of their names.
func TestDrift(t *testing.T) {
	files, dir := rendered(t, policies(t)["default"]), t.TempDir()
	if err := files.Write(dir); err != nil {
		t.Fatal(err)
	}
	expect := func(want ...string) {
		t.Helper()
		found, err := files.Drift(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range found {
			got = append(got, d.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("drift %q, want %q", got, want)
		}
	}
	expect()

	change := func(name string, text []byte) {
		t.Helper()
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	alerts := append([]byte("first\nsecond\n"), files["docs/alerts.md"]...)
	change("docs/alerts.md", alerts)
	change("rules/old.rules.yaml", nil)
	if err := os.Remove(filepath.Join(dir, "docs", "metrics.md")); err != nil {
		t.Fatal(err)
	}
	expect("docs/alerts.md differs from line 1 on", "docs/metrics.md is missing",
		"rules/old.rules.yaml is not generated any more; remove it")
}
