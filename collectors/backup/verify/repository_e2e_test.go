package verify

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/testkit"
	"github.com/thorbis/thorbis_exporter/metric"
)

// restoreReal restores by a command of the policy, whose secrets are those of the source.
func restoreReal(t *testing.T, b *config.Backup, command ...string) *result.Result {
	t.Helper()
	b.RestoreTest = config.BackupRestore{
		Timeout: config.Duration(time.Minute), Scratch: t.TempDir(), Command: command,
		Environment: b.Source.Environment, Secrets: b.Source.Secrets,
	}
	r, err := restoreNow(t, b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func runReal(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// damage flips bytes in the middle of a file.
func damage(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		text[len(text)/2+i] ^= 0xff
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, file, text)
}

// data makes a directory with something to back up.
func data(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		testkit.WriteFile(t, filepath.Join(dir, name), strings.Repeat(name+time.Now().String(), 10_000))
	}
	return dir
}

// lockedByAnother starts a backup that waits for what it is fed, and holds that a verification waits for it, gives up
// without a verdict, and passes when it is over.
func lockedByAnother(t *testing.T, b *config.Backup, env []string, isLocked func() bool, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	feed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, isLocked, "the repository is locked")
	// How long the program takes to find the lock depends on the machine: whoever is broken off before gets more time.
	for patience := 3 * time.Second; ; patience *= 2 {
		impatient := *b
		impatient.Verify.Timeout, impatient.Results = config.Duration(patience), t.TempDir()
		r, err := Backup(t.Context(), &impatient, t.Logf)
		if errors.Is(err, program.ErrLocked) {
			if left, _ := os.ReadDir(impatient.Results); len(left) > 0 {
				t.Errorf("a verdict without a look: %v", left)
			}
			break
		}
		if patience > time.Minute {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	waits, passed := make(chan struct{}), make(chan bool)
	go func() {
		r, err := Backup(t.Context(), b, func(format string, _ ...any) {
			if strings.Contains(format, "locked") {
				close(waits)
			}
		})
		passed <- err == nil && r.Success
	}()
	<-waits
	if _, err := feed.Write([]byte("data")); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !<-passed {
		t.Error("it does not pass after the other run")
	}
}

func TestResticForReal(t *testing.T) {
	needs(t, "restic")
	repository, password := filepath.Join(t.TempDir(), "repo"), filepath.Join(t.TempDir(), "password")
	testkit.WriteFile(t, password, "correct horse\n")
	env := []string{"RESTIC_PASSWORD=correct horse", "RESTIC_CACHE_DIR=" + t.TempDir()}
	runReal(t, env, "restic", "-r", repository, "init")
	b := backuptest.Policy(t, config.BackupSource{
		Program: "restic", Repository: repository, Pattern: "tenant={tenant}",
		Secrets:     map[string]*config.SecretRef{"RESTIC_PASSWORD": {File: password}},
		Environment: map[string]string{"RESTIC_CACHE_DIR": t.TempDir()},
	})
	if g := only(t, listReal(t, b), metric.KindSnapshot); g.Retained != 0 {
		t.Errorf("an empty repository: %+v", g)
	}
	before := time.Now().Add(-time.Second)
	runReal(t, env, "restic", "-r", repository, "backup", "--tag", "tenant=acme", data(t))
	b.PerTenant = &config.BackupPerTenant{}
	s := listReal(t, b)
	if g := only(t, s, metric.KindSnapshot); g.Retained != 1 || g.Newest.Stop.Before(before) {
		t.Errorf("%+v", g)
	}
	if s.Tenants["acme"].Stop.IsZero() {
		t.Errorf("tenants %v", s.Tenants)
	}
	if r := verifyReal(t, b); !r.Success {
		t.Errorf("a good repository fails: %+v", r)
	}
	lockedByAnother(t, b, env, func() bool {
		locks, _ := os.ReadDir(filepath.Join(repository, "locks"))
		return len(locks) > 0
	}, "restic", "-r", repository, "backup", "--tag", "other", "--stdin")
	restore := []string{
		"/bin/sh", "-c", `restic --no-cache -r "$0" restore latest --tag tenant=acme --target "$THORBIS_RESTORE_DIR"`,
		repository,
	}
	if r := restoreReal(t, b, restore...); !r.Success || *r.ReadBytes < 100_000 {
		t.Errorf("a good repository is not restored: %+v", r)
	}
	damage(t, largest(t, filepath.Join(repository, "data"), ""))
	if r := verifyReal(t, b); r.Success {
		t.Error("a damaged repository passes")
	}
	if r := restoreReal(t, b, restore...); r.Success {
		t.Error("a damaged repository is restored")
	}
	// The wrong password is an error, not an empty list.
	testkit.WriteFile(t, password, "wrong")
	q, err := program.NewQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.List(t.Context(), nil); program.Reason(err) != metric.ListingExit ||
		strings.Contains(err.Error(), "correct horse") {
		t.Errorf("err = %v", err)
	}
}

func TestBorgForReal(t *testing.T) {
	needs(t, "borg")
	repository := filepath.Join(t.TempDir(), "repo")
	env := []string{"BORG_PASSPHRASE=correct horse", "BORG_BASE_DIR=" + t.TempDir(), "BORG_REPO=" + repository, "TZ=UTC"}
	t.Setenv("BORG_TEST_PASSPHRASE", "correct horse")
	runReal(t, env, "borg", "init", "--encryption=repokey")
	b := backuptest.Policy(t, config.BackupSource{
		Program: "borg", Repository: repository, Scope: "db-",
		Secrets:     map[string]*config.SecretRef{"BORG_PASSPHRASE": {Env: "BORG_TEST_PASSPHRASE"}},
		Environment: map[string]string{"BORG_BASE_DIR": t.TempDir(), "BORG_KEYS_DIR": filepath.Join(t.TempDir(), "keys")},
	})
	if g := only(t, listReal(t, b), metric.KindSnapshot); g.Retained != 0 {
		t.Errorf("an empty repository: %+v", g)
	}
	lockedByAnother(t, b, env, func() bool {
		locks, _ := filepath.Glob(filepath.Join(repository, "lock.exclusive"))
		return len(locks) > 0
	}, "borg", "create", "::www-0", "-")
	before := time.Now().Add(-time.Second)
	runReal(t, env, "borg", "create", "::db-1", data(t))
	runReal(t, env, "borg", "create", "::www-1", data(t))
	g := only(t, listReal(t, b), metric.KindSnapshot)
	if g.Retained != 1 || g.Newest.Stop.Before(before) || g.Newest.Stop.After(time.Now().Add(time.Minute)) ||
		g.Newest.Size <= 0 {
		t.Errorf("%+v", g)
	}
	if r := verifyReal(t, b); !r.Success {
		t.Errorf("a good repository fails: %+v", r)
	}
	restore := []string{
		"/bin/sh", "-c", `cd "$THORBIS_RESTORE_DIR" && borg extract "$0::db-1" && borg extract "$0::www-1"`, repository,
	}
	if r := restoreReal(t, b, restore...); !r.Success || *r.ReadBytes < 100_000 {
		t.Errorf("a good repository is not restored: %+v", r)
	}
	damage(t, largest(t, filepath.Join(repository, "data"), ""))
	if r := verifyReal(t, b); r.Success {
		t.Error("a damaged repository passes")
	}
	if r := restoreReal(t, b, restore...); r.Success {
		t.Error("a damaged repository is restored")
	}
}
