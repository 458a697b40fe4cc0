package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// release builds the packages of this machine's platform into a new directory.
func release(t *testing.T, version string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("packages are made on Linux")
	}
	nfpm := testkit.Tool(t, "..", "nfpm")
	testkit.Tool(t, "..", "cyclonedx-gomod")
	out := filepath.Join(t.TempDir(), "dist")
	command := exec.Command("make", "release", "RELEASE="+out, "RELEASE_PLATFORMS=linux/"+runtime.GOARCH,
		"VERSION="+version, "TOOLS="+filepath.Dir(nfpm))
	command.Dir = ".."
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// TestRelease: what is released holds both programs, is the same when it is built again, and its packages can be
// installed, upgraded and removed with the user's changes kept.
func TestRelease(t *testing.T) {
	first, again := release(t, "v1.2.3"), release(t, "v1.2.3")
	sums, err := os.ReadFile(filepath.Join(first, "sha256sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	repeated, err := os.ReadFile(filepath.Join(again, "sha256sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sums, repeated) {
		t.Errorf("built twice, it differs:\n%s\n%s", sums, repeated)
	}
	arch := runtime.GOARCH
	for _, want := range []string{
		"thorbis_exporter-1.2.3.linux-" + arch + ".tar.gz", "thorbis-exporter_1.2.3_" + arch + ".deb", ".rpm",
		"thorbis_exporter-1.2.3.linux-" + arch + ".cdx.json", "thorbis_mixin-1.2.3.linux-" + arch + ".cdx.json",
	} {
		if !strings.Contains(string(sums), want+"\n") {
			t.Errorf("no %s is released:\n%s", want, sums)
		}
	}
	contents, err := os.ReadFile(filepath.Join(first, "thorbis_exporter-1.2.3.linux-"+arch+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(contents, []byte(`"pkg:golang/github.com/prometheus/client_golang@`)) {
		t.Error("the list of contents lacks the client library of Prometheus")
	}
	if bytes.Contains(contents, []byte("alertmanager")) {
		t.Error("the list of the exporter's contents has the Alertmanager, which only thorbis_mixin links")
	}
	name := "thorbis_exporter-1.2.3.linux-" + arch
	verifyArchive(t, filepath.Join(first, name+".tar.gz"), name)
	installedRPM(t, first)
	deb := filepath.Join(first, "thorbis-exporter_1.2.3_"+arch+".deb")
	installed(t, deb, newer(t, deb))
}

// newer returns a deb with the same content as another, of a newer version and with another README.
func newer(t *testing.T, deb string) string {
	t.Helper()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("without dpkg-deb, the deb was not installed")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if text, err := exec.Command("dpkg-deb", args...).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb %q: %v\n%s", args, err, text)
		}
	}
	tree := filepath.Join(dir, "tree")
	run("--raw-extract", deb, tree)
	for name, c := range map[string]struct{ old, text string }{
		"DEBIAN/control":                           {"Version: 1.2.3\n", "Version: 1.3.0\n"},
		"etc/thorbis/thorbis.yaml":                 {"version: 1\n", "version: 1\nenvironment: newer\n"},
		"usr/share/doc/thorbis-exporter/README.md": {"# thorbis_exporter\n", "# newer\n"},
	} {
		file := filepath.Join(tree, name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), c.old, c.text, 1)
		if changed == string(text) {
			t.Fatalf("%s lacks %q", name, c.old)
		}
		testkit.WriteFile(t, file, changed)
	}
	run("-Znone", "--build", tree, filepath.Join(dir, "newer.deb"))
	return filepath.Join(dir, "newer.deb")
}

// installed installs, upgrades, removes and purges a deb in a directory of its own.
func installed(t *testing.T, deb, newer string) {
	t.Helper()
	if _, err := exec.LookPath("dpkg"); err != nil || os.Geteuid() != 0 {
		t.Skip("without dpkg, or without being root, the deb was not installed")
	}
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n", "var/lib/dpkg/status": "",
		"var/lib/dpkg/available": "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, filepath.Join(root, name), text)
	}
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/thorbis_exporter-prober"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dpkg := func(args ...string) {
		t.Helper()
		args = append([]string{"--root=" + root, "--force-script-chrootless", "--force-confold"}, args...)
		if text, err := exec.Command("dpkg", args...).CombinedOutput(); err != nil {
			t.Fatalf("dpkg %q: %v\n%s", args, err, text)
		}
	}
	content := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	const policy, flags = "etc/thorbis/thorbis.yaml", "etc/default/thorbis_exporter-prober"

	dpkg("--install", deb)
	if !strings.Contains(content("etc/passwd"), "\nthorbis_exporter:") {
		t.Error("the user of the units is missing")
	}
	version, err := exec.Command(filepath.Join(root, "usr/bin/thorbis_exporter"), "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(version), "v1.2.3") {
		t.Errorf("%v: version %s", err, version)
	}
	for _, name := range []string{policy, "usr/share/doc/thorbis-exporter/examples/policy/thorbis.yaml"} {
		if out, err := exec.Command(filepath.Join(root, "usr/bin/thorbis_exporter"), "check-config",
			"--config.file="+filepath.Join(root, name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	verifyUnits(t, root)
	verifyShell(t, root)

	for _, name := range []string{policy, flags} {
		testkit.WriteFile(t, filepath.Join(root, name), content(name)+"# mine\n")
	}
	dpkg("--install", newer)
	if !strings.HasPrefix(content("usr/share/doc/thorbis-exporter/README.md"), "# newer\n") {
		t.Error("the upgrade has not replaced what is no configuration")
	}
	for _, name := range []string{policy, flags} {
		if !strings.HasSuffix(content(name), "# mine\n") {
			t.Errorf("the upgrade has overwritten %s", name)
		}
	}

	dpkg("--remove", "thorbis-exporter")
	if exists("usr/bin/thorbis_exporter") || exists("usr/lib/systemd/system/thorbis_exporter@.service") {
		t.Error("the program or its unit is left after removal")
	}
	if !exists(policy) || !exists("var/lib/thorbis_exporter-prober") {
		t.Error("the policy or the counters are lost by removal")
	}
	dpkg("--purge", "thorbis-exporter")
	if exists(policy) || exists("var/lib/thorbis_exporter-prober") {
		t.Error("the policy or the counters are left after purge")
	}
}

// verifyShell completes a command by the installed file of bash, and reads the installed man pages.
func verifyShell(t *testing.T, root string) {
	t.Helper()
	for program, command := range map[string]string{"thorbis_exporter": "check-config", "thorbis_mixin": "test-routes"} {
		bash := exec.Command("bash", "-c", `. "$1"; COMP_WORDS=("$2" ""); COMP_CWORD=1; "_$2_bash_autocomplete"; `+
			`printf '%s\n' "${COMPREPLY[@]}"`, "bash",
			filepath.Join(root, "usr/share/bash-completion/completions", program), program)
		bash.Env = append(os.Environ(), "PATH="+filepath.Join(root, "usr/bin")+":"+os.Getenv("PATH"))
		if out, err := bash.CombinedOutput(); err != nil || !strings.Contains(string(out), command+"\n") {
			t.Errorf("bash completes %s by %q: %v", program, out, err)
		}
		zsh, err := os.ReadFile(filepath.Join(root, "usr/share/zsh/vendor-completions/_"+program))
		if err != nil || !strings.HasPrefix(string(zsh), "#compdef "+program+"\n") {
			t.Errorf("%.40q: %v", zsh, err)
		}
		f, err := os.Open(filepath.Join(root, "usr/share/man/man1", program+".1.gz"))
		if err != nil {
			t.Error(err)
			continue
		}
		page := inflated(t, f)
		for _, want := range []string{".TH " + program + " 1 v1.2.3 ", ".SH \"NAME\"", `\fB` + command} {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("the man page of %s lacks %q:\n%.400s", program, want, page)
			}
		}
	}
}

// inflated reads a file that gzip compressed and closes it.
func inflated(t *testing.T, f *os.File) []byte {
	t.Helper()
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// verifyArchive looks for the programs and what they write of themselves in an archive.
func verifyArchive(t *testing.T, file, name string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{"LICENSE": true, "README.md": true, "CHANGELOG.md": true, "deploy/prometheus.yml": true}
	for _, program := range []string{"thorbis_exporter", "thorbis_mixin"} {
		for _, path := range []string{
			program, "man/" + program + ".1", "completions/" + program + ".bash", "completions/_" + program,
		} {
			missing[path] = true
		}
	}
	archive := tar.NewReader(bytes.NewReader(inflated(t, f)))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		delete(missing, strings.TrimPrefix(header.Name, name+"/"))
	}
	if len(missing) > 0 {
		t.Errorf("%s lacks %v", name, slices.Sorted(maps.Keys(missing)))
	}
}

// verifyUnits has systemd read the installed units, of which each instance has its own name.
func verifyUnits(t *testing.T, root string) {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("without systemd-analyze, the units were not verified")
		return
	}
	units, err := filepath.Glob(filepath.Join(root, "usr/lib/systemd/system/*"))
	if err != nil || len(units) < 3 {
		t.Fatal(units, err)
	}
	dir := t.TempDir()
	var names []string
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Replace(filepath.Base(unit), "@.", "@prober.", 1)
		// The programs are looked for where they are installed.
		text = bytes.ReplaceAll(text, []byte("=/usr/bin/"), []byte("="+root+"/usr/bin/"))
		testkit.WriteFile(t, filepath.Join(dir, name), text)
		names = append(names, filepath.Join(dir, name))
	}
	out, err := exec.Command(program, append([]string{"verify", "--man=no", "--recursive-errors=no"}, names...)...).
		CombinedOutput()
	if err != nil || strings.Contains(string(out), "nknown") {
		t.Errorf("%v\n%s", err, out)
	}
}
