package alertmanager

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
)

// policies are those that the configuration is checked for: everything, the embedded default, and the one that ships.
func policies(t *testing.T) map[string]*config.Policy {
	t.Helper()
	d := policytest.Default(t)
	return map[string]*config.Policy{"everything": testPolicy(t), "default": d, "shipped": shipped(t)}
}

func TestLibraryReads(t *testing.T) {
	for name, p := range policies(t) {
		t.Run(name, func(t *testing.T) { build(t, p) })
	}
}

func TestSameBytes(t *testing.T) {
	p := testPolicy(t)
	first, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := Build(p)
		if err != nil {
			t.Fatal(err)
		}
		if string(first) != string(again) {
			t.Fatal("the same policy gave another configuration")
		}
	}
}

// TestAmtool asks the amtool of the oldest Alertmanager that is supported.
func TestAmtool(t *testing.T) {
	amtool, err := filepath.Abs(filepath.Join("..", "bin", "tools", "amtool"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(amtool); err != nil {
		t.Fatal("amtool is not built; run make tools")
	}
	for name, p := range policies(t) {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(amtool, "check-config", write(t, p)).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}
