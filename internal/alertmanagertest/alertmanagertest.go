// Package alertmanagertest runs real Alertmanagers for tests.
package alertmanagertest

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// The releases that are tested, by the names of their programs.
const (
	Oldest = "alertmanager"
	Newest = "alertmanager-newest"
)

// Start runs an Alertmanager until the test ends and returns its address, host and port. The directory has its
// configuration, alertmanager.yaml, and keeps its data.
func Start(t testing.TB, release, dir string) string {
	t.Helper()
	program := filepath.Join(root(t), "bin", "tools", release)
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%s is not built; run make tools", release)
	}
	address, log := testkit.FreeAddress(t), &testkit.Buffer{}
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "alertmanager.yaml"), "--storage.path="+dir,
		"--web.listen-address="+address, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	testkit.Eventually(t, func() bool {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, "Alertmanager")
	return address
}

// root returns the directory of the module, which the directory of every test is below.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
