package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// installedRPM has rpm check the digests of a package, install it in a directory of its own and erase it. What users
// change is configuration that an upgrade keeps. The scriptlets are read and not run, because they need a root with a
// shell.
func installedRPM(t *testing.T, dir string) {
	t.Helper()
	packages, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%v, want one rpm (%v)", packages, err)
	}
	if _, err := exec.LookPath("rpm"); err != nil || os.Geteuid() != 0 {
		t.Log("without rpm, or without being root, the rpm was not installed")
		return
	}
	root := t.TempDir()
	rpm := func(args ...string) string {
		t.Helper()
		args = append([]string{"--root=" + root, "--define=_dbpath /var/lib/rpm"}, args...)
		out, err := exec.Command("rpm", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("rpm %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	exists := func(file string) bool {
		_, err := os.Stat(file)
		return err == nil
	}
	file := packages[0]
	if out := rpm("--checksig", file); !strings.Contains(out, "digests OK") {
		t.Errorf("checksig: %s", out)
	}
	info := rpm("--query", "--info", "--package", file)
	for _, want := range []string{
		"Name        : thorbis-exporter\n", "Version     : 1.2.3\n", "License     : Apache-2.0\n",
	} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in\n%s", want, info)
		}
	}
	scripts := rpm("--query", "--scripts", "--package", file)
	for _, want := range []string{
		"postinstall scriptlet", "preuninstall scriptlet", "postuninstall scriptlet", "systemd-sysusers",
	} {
		if !strings.Contains(scripts, want) {
			t.Errorf("no %s in\n%s", want, scripts)
		}
	}
	rpm("--initdb")
	rpm("--install", "--nodeps", "--noscripts", file)
	const policy, flags = "/etc/thorbis/thorbis.yaml", "/etc/default/thorbis_exporter-prober"
	kept := strings.Fields(rpm("--query", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", "thorbis-exporter"))
	for _, name := range []string{policy, flags} {
		if i := slices.Index(kept, name); i < 0 || kept[i+1] != "cn" { // configuration, not replaced
			t.Errorf("%s is not kept by an upgrade: %q", name, kept)
		}
	}
	for _, name := range []string{
		"/usr/bin/thorbis_mixin", "/usr/lib/systemd/system/thorbis_exporter@.service",
		"/usr/share/man/man1/thorbis_exporter.1.gz", "/usr/share/bash-completion/completions/thorbis_exporter",
		"/usr/share/zsh/site-functions/_thorbis_mixin",
	} {
		if !exists(root + name) {
			t.Errorf("%s is not installed", name)
		}
	}
	version, err := exec.Command(root+"/usr/bin/thorbis_exporter", "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(version), "v1.2.3") {
		t.Errorf("%v: version %s", err, version)
	}
	if out := rpm("--verify", "--nodeps", "thorbis-exporter"); strings.TrimSpace(out) != "" {
		// The user of the units, whom the scriptlet makes, is not in this root.
		t.Errorf("verify: %s", out)
	}
	testkit.WriteFile(t, root+policy, "version: 1\n# mine\n")
	rpm("--erase", "--noscripts", "thorbis-exporter")
	if exists(root+"/usr/bin/thorbis_exporter") || !exists(root+policy+".rpmsave") {
		t.Error("the program is left after removal, or the changed policy is lost")
	}
}
