package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// TestCompat: each old name has the value and the labels that readers of it expect.
func TestCompat(t *testing.T) {
	_, dir := packed(t, "compat")
	cases, err := os.ReadFile("testdata/compat.yaml")
	if err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "cases.yaml"), cases)
	promtool := testkit.Tool(t, "../..", "promtool")
	for _, args := range [][]string{
		{"check", "rules", "--lint=all", "--lint-fatal", "compat.rules.yaml"}, {"test", "rules", "cases.yaml"},
	} {
		command := exec.Command(promtool, args...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
