package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// The test binary is also its own guard, as the exporter is, and the victim that is killed half-way.
func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv("THORBIS_TEST_GUARD"); ok && len(os.Args) == 2 && dir == "" {
		if err := Guard(context.Background(), os.Args[1], os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if file, ok := os.LookupEnv("THORBIS_TEST_RESTORE"); ok {
		os.Exit(restoreAsVictim(file))
	}
	os.Exit(m.Run())
}

func restoreAsVictim(file string) int {
	p, err := config.Load(file)
	if err == nil {
		os.Setenv("THORBIS_TEST_GUARD", "")
		_, err = Restore(context.Background(), p.Backups[0], RestoreOptions{
			Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }, Guard: []string{os.Args[0]},
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func commandTest(t *testing.T, script string) *config.Backup {
	t.Helper()
	b := backuptest.Policy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: "*"})
	b.RestoreTest = config.BackupRestore{
		Timeout: config.Duration(time.Minute), Scratch: t.TempDir(), Command: []string{"/bin/sh", "-c", script},
		Environment: map[string]string{"HELLO": "world"},
	}
	return b
}

func restoreNow(t *testing.T, b *config.Backup) (*result.Result, error) {
	t.Helper()
	r, err := Restore(t.Context(), b, RestoreOptions{Say: t.Logf})
	if left, _ := os.ReadDir(b.RestoreTest.Scratch); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return r, err
}

func TestRestoreByCommand(t *testing.T) {
	r, err := restoreNow(t, commandTest(t, `test "$HELLO" = world && head -c 1000 /dev/zero > "$THORBIS_RESTORE_DIR/x"`))
	if err != nil || !r.Success || *r.ReadBytes != 1000 || r.RestoreSeconds <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	b := commandTest(t, "echo 'no key' >&2; exit 3")
	if r, err = restoreNow(t, b); err != nil || r.Success || !strings.Contains(r.Checks[0].Detail, "no key") {
		t.Errorf("%+v, %v", r, err)
	}
	if onDisk, err := result.Read(t.Context(), result.File(b.Results, "main", metric.TestRestore), "main",
		metric.TestRestore); err != nil || onDisk.Success {
		t.Errorf("%+v, %v", onDisk, err)
	}
	b = commandTest(t, "sleep 600")
	b.RestoreTest.Timeout = config.Duration(200 * time.Millisecond)
	if r, err = restoreNow(t, b); err != nil || r.Success {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRestoreBrokenOffLeavesNothing(t *testing.T) {
	b := commandTest(t, `touch "$THORBIS_RESTORE_DIR/x"; sleep 600`)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if r, err := Restore(ctx, b, RestoreOptions{Say: t.Logf}); err == nil {
		t.Errorf("%+v", r)
	}
	if left, _ := os.ReadDir(b.RestoreTest.Scratch); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if r, _ := result.Read(t.Context(), result.File(b.Results, "main", metric.TestRestore), "main",
		metric.TestRestore); r != nil {
		t.Errorf("a test that was broken off has a result: %+v", r)
	}
}

// What a test left that died with its guard is deleted by the next one, but not what one holds that is at work.
func TestSweep(t *testing.T) {
	parent := t.TempDir()
	working, err := newScratch(parent, "main", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer working.remove()
	dead := filepath.Join(parent, "thorbis-restore-main-dead")
	if err := os.MkdirAll(filepath.Join(dead, "data"), 0o500); err != nil {
		t.Fatal(err)
	}
	second, err := newScratch(parent, "main", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Error("the dead one's directory is still there")
	}
	if _, err := os.Stat(working.path); err != nil {
		t.Error("the directory of one at work is gone")
	}
	if err := second.remove(); err != nil {
		t.Error(err)
	}
}

func TestGuardDeletesNothingElse(t *testing.T) {
	for _, path := range []string{"/", "/tmp", t.TempDir(), "thorbis-restore-a-b"} {
		if err := Guard(t.Context(), path, bytes.NewReader(nil)); err == nil {
			t.Errorf("%s may be deleted", path)
		}
	}
}

// restoring is a restore test of a cluster's backup that runs as the user of PostgreSQL, as it does from a timer.
type restoring struct {
	*cluster
	scratch, results, policy, self string
}

func newRestoring(t *testing.T, c *cluster) *restoring {
	t.Helper()
	r := &restoring{
		cluster: c, scratch: filepath.Join(c.dir, "scratch"), results: filepath.Join(c.dir, "results"),
		policy: filepath.Join(c.dir, "thorbis.yaml"), self: filepath.Join(c.dir, "self"),
	}
	for _, dir := range []string{r.scratch, r.results} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		give(t, dir)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.self, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// expect writes the policy: at least so many orders, the newest of which is 1000.
func (r *restoring) expect(source string, orders int) {
	r.t.Helper()
	text := fmt.Sprintf(`
version: 1
channels: {deadman: none}
backups:
  - name: main
    interval: 1d
    source: %s
    results: %s
    restore_test:
      scratch: %s
      timeout: 2m
      postgresql:
        binaries: %s
        checks:
          - {name: orders, query: select count(*) from orders, min: %d, rows: true}
          - {name: newest, query: select max(i) from orders, min: 1000, max: 1000}
`, source, r.results, r.scratch, r.bin, orders)
	if err := os.WriteFile(r.policy, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *restoring) test() *exec.Cmd {
	cmd := r.command(r.self)
	cmd.Env = append(cmd.Env, "THORBIS_TEST_RESTORE="+r.policy)
	return cmd
}

// result makes the test and holds that it leaves nothing behind.
func (r *restoring) result() *result.Result {
	r.t.Helper()
	out, err := r.test().CombinedOutput()
	if err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
	r.t.Logf("%s", out)
	result, err := result.Read(r.t.Context(), result.File(r.results, "main", metric.TestRestore), "main",
		metric.TestRestore)
	if err != nil || result == nil {
		r.t.Fatal(result, err)
	}
	if left, _ := os.ReadDir(r.scratch); len(left) > 0 {
		r.t.Errorf("left behind: %v", left)
	}
	return result
}

// killed ends the test without a chance to clean up, once a file of what is restored is there, and holds that nothing
// is left of it in the end.
func (r *restoring) killed(once string) {
	r.t.Helper()
	cmd := r.test()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	const byALowPriority = 10 * time.Minute // the restore yields to every other test
	testkit.Within(r.t, byALowPriority, func() bool {
		found, _ := filepath.Glob(filepath.Join(r.scratch, "*/data", once))
		return len(found) > 0
	}, "%s is restored", once)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	_ = cmd.Wait()
	var left []os.DirEntry
	var processes []byte
	testkit.Eventually(r.t, func() bool {
		left, _ = os.ReadDir(r.scratch)
		processes, _ = exec.Command("pgrep", "-f", r.scratch).Output()
		return len(left) == 0 && len(bytes.TrimSpace(processes)) == 0
	}, "nothing is left behind: %v, processes %s",
		testkit.Last(func() any { return left }), testkit.Last(func() any { return processes }))
}

// A real restore of a real server: green, red when a check cannot hold or the archive has a gap, and killed
// half-way without a trace.
func TestRestoreForReal(t *testing.T) {
	c := newPgBackRest(t)
	c.sql("create table orders as select generate_series(1,1000) i")
	// What ALTER SYSTEM set comes with the backup, and would stop a server here, or let it reach out.
	for setting, value := range map[string]string{
		"shared_preload_libraries": "not_here", "session_preload_libraries": "not_here", "shared_buffers": "4000GB",
		"listen_addresses": "192.0.2.1", "primary_conninfo": "host=192.0.2.1", "unix_socket_group": "nobody_at_all",
		"huge_pages": "on",
	} {
		c.sql("alter system set " + setting + " = '" + value + "'")
	}
	c.pgbackrest("backup", "--type=full")
	c.sql("insert into orders select generate_series(1,234) i") // only in the archive of logs
	c.archived()

	r := newRestoring(t, c.cluster)
	source := fmt.Sprintf("{program: pgbackrest, scope: main, command: [pgbackrest, --config=%s/pgbackrest.conf]}", c.dir)
	r.expect(source, 1234)
	if got := r.result(); !got.Success || *got.Rows != 1234 || got.RestoreSeconds <= 0 || *got.ReadBytes < 10<<20 {
		t.Fatalf("a good backup: %+v", got)
	}
	r.expect(source, 1235)
	if got := r.result(); got.Success || got.Failed() != 1 {
		t.Errorf("a check that cannot hold passes: %+v", got)
	}
	r.killed("PG_VERSION")
	r.killed("postmaster.pid") // while the server runs

	// A lost segment: the server recovers up to the gap, and what came after is not there.
	r.expect(source, 1234)
	segments, err := filepath.Glob(filepath.Join(c.dir, "repo/archive/main/*/0000000100000000/*-*.gz"))
	if err != nil || len(segments) < 2 {
		t.Fatal(segments, err)
	}
	for _, s := range segments[len(segments)-2:] {
		if err := os.Remove(s); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.result(); got.Success {
		t.Errorf("a backup without its newest logs passes: %+v", got)
	}
}
