package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/collectors/backup/verify"
	"github.com/thorbis/thorbis_exporter/internal/policytest"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
)

// callBuilt runs the program in a process of its own, with nothing on its input.
func callBuilt(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), asProgram+"=1")
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// dumps is a policy with one directory of backups, and its directory of results.
func dumps(t *testing.T, restore string) (policy, dir, results string) {
	t.Helper()
	dir, results = t.TempDir(), t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "db.txt"), "rows")
	return policytest.File(t, t.TempDir(), fmt.Sprintf(`version: 1
channels: {deadman: none}
backups:
  - name: main
    interval: 1d
    results: %s
    source: {program: directory, path: %s, pattern: "*.txt"}
    verify: {interval: 1w}
    restore_test: {interval: 1w, scratch: %s, command: [/bin/sh, -c, %q]}
  - name: unproven
    interval: 1d
    results: %s
    source: {program: directory, path: %s, pattern: "*.txt"}
`, results, dir, t.TempDir(), restore, results, dir)), dir, results
}

func TestBackupList(t *testing.T) {
	policy, dir, _ := dumps(t, "true")
	if code, out, errs := call(t, "--config.file="+policy, "backup", "list", "main"); code != 0 ||
		!strings.Contains(out, "db.txt") {
		t.Errorf("%d %s\n%s", code, errs, out)
	}
	if code, _, errs := call(t, "--config.file="+policy, "backup", "list", "nothing"); code != 1 ||
		!strings.Contains(errs, `unknown backup "nothing": write one of main, unproven`) {
		t.Errorf("an unknown backup: %d %s", code, errs)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call(t, "--config.file="+policy, "backup", "list"); code != 1 ||
		!strings.Contains(errs, "backup main") || !strings.Contains(errs, "backup unproven") {
		t.Errorf("a missing directory: %d %s", code, errs)
	}
}

// Without a name only what the policy wants verified is; the exit code and the result file say the same.
func TestBackupVerify(t *testing.T) {
	policy, dir, results := dumps(t, "true")
	verified := func() *result.Result {
		r, err := result.Read(t.Context(), result.File(results, "main", "verify"), "main", "verify")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	code, out, errs := callBuilt(t, "--config.file="+policy, "backup", "verify")
	if r := verified(); code != 0 || r == nil || !r.Success || !strings.Contains(out, "main:\n") ||
		!strings.Contains(out, "db.txt: ok") || strings.Contains(out, "unproven") {
		t.Errorf("%d %s\n%s\n%+v", code, errs, out, r)
	}
	testkit.WriteFile(t, filepath.Join(dir, "db.txt.sha256"), strings.Repeat("0", 64)+"\n")
	code, out, errs = callBuilt(t, "--config.file="+policy, "backup", "verify")
	if r := verified(); code != 1 || r.Success || !strings.Contains(errs, "main.verify.json") ||
		!strings.Contains(out, "has checksum") {
		t.Errorf("%d %s\n%s\n%+v", code, errs, out, r)
	}
}

func TestBackupRestoreTest(t *testing.T) {
	for restore, want := range map[string]int{`echo rows > "$THORBIS_RESTORE_DIR/db.txt"`: 0, "exit 3": 1} {
		policy, _, results := dumps(t, restore)
		code, _, errs := callBuilt(t, "--config.file="+policy, "backup", "restore-test", "main")
		r, err := result.Read(t.Context(), result.File(results, "main", "restore"), "main", "restore")
		if err != nil || r == nil || code != want || r.Success != (want == 0) {
			t.Errorf("%s: %d %s %+v %v", restore, code, errs, r, err)
		}
	}
}

func TestBackupGuardDeletesScratchDirectoriesOnly(t *testing.T) {
	victim := t.TempDir()
	if code, _, errs := call(t, "backup", "guard", victim); code != 1 ||
		!strings.Contains(errs, "invalid scratch directory") {
		t.Errorf("%d %s", code, errs)
	}
	if _, err := os.Stat(victim); err != nil {
		t.Error(err)
	}
	scratch := filepath.Join(victim, "thorbis-restore-main-1")
	if err := os.MkdirAll(filepath.Join(scratch, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	// Its input is at its end: whoever started it is gone.
	if code, _, errs := callBuilt(t, "backup", "guard", scratch); code != 0 {
		t.Errorf("%d %s", code, errs)
	}
	if _, err := os.Stat(scratch); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// One test runs at a time: another waits, behind everything else on the machine, and can be stopped while it does.
func TestBackupOneAtATime(t *testing.T) {
	policy, _, results := dumps(t, "true")
	unlock, err := verify.OneAtATime(t.Context(), results)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "--config.file="+policy, "backup", "verify", "main")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "main:" {
		t.Fatalf("it says %q", lines.Text())
	}
	for _, file := range threads(t, cmd.Process.Pid) {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // it has ended since
		}
		_, after, ok := strings.Cut(string(text), ") ")
		if fields := strings.Fields(after); !ok || len(fields) < 17 || fields[16] != "15" {
			t.Errorf("%s: a thread does not go last: %s", file, text)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Errorf("it goes on: %s", lines.Text())
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it was broken off and says success")
	}
	file := result.File(results, "main", "verify")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a verdict was left: %v", err)
	}
	unlock()
	if got, _, errs := callBuilt(t, "--config.file="+policy, "backup", "verify", "main"); got != 0 {
		t.Errorf("after the other: %d %s", got, errs)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func threads(t *testing.T, pid int) []string {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return all
}
