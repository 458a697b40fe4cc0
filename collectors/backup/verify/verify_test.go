package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors/backup/backuptest"
	"github.com/thorbis/thorbis_exporter/collectors/backup/program"
	"github.com/thorbis/thorbis_exporter/collectors/backup/result"
	"github.com/thorbis/thorbis_exporter/config"
)

// only returns the only group of a kind.
func only(t *testing.T, s *program.Listing, kind string) *program.Group {
	t.Helper()
	g := s.Groups[program.GroupKey{Repository: program.DefaultRepository, Kind: kind}]
	if g == nil {
		t.Fatalf("no group of %s in %v", kind, s.Groups)
	}
	return g
}

func listReal(t *testing.T, b *config.Backup) *program.Listing {
	t.Helper()
	q, err := program.NewQuery(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := q.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifyReal(t *testing.T, b *config.Backup) *result.Result {
	t.Helper()
	r, err := Backup(t.Context(), b, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A long program is reported as still running at intervals; reports end once it is done.
func TestWorkingReportsThatItStillRuns(t *testing.T) {
	said := make(chan string, 1000)
	say, done := working(func(format string, args ...any) { said <- fmt.Sprintf(format, args...) }, time.Millisecond)
	for deadline := time.After(time.Minute); ; {
		select {
		case text := <-said:
			if strings.HasPrefix(text, "still running after ") {
				done()
				say("last")
				for text != "last" {
					text = <-said
				}
				select {
				case text := <-said:
					t.Errorf("it goes on: %s", text)
				default:
				}
				return
			}
		case <-deadline:
			t.Fatal("nothing is said")
		}
	}
}

// A verification that its own timeout cuts short has found nothing of the backup: it leaves no verdict. What it found
// before is one.
func TestVerificationCutShortLeavesNoVerdict(t *testing.T) {
	healthy := `[{"name":"main","status":{"code":0,"message":"ok"},"repo":[{"key":1,"status":{"code":0,"message":"ok"}}` +
		`],"archive":[],"backup":[%s]}]`
	damaged := fmt.Sprintf(
		healthy, `{"label":"20260920-020000F","type":"full","error":true,"database":{"id":1,"repo-key":1},`+
			`"timestamp":{"start":1789869600,"stop":1789869700}}`)
	directory := backuptest.Policy(t, config.BackupSource{Program: "directory", Path: t.TempDir(), Pattern: "*.dump"})
	backuptest.Write(t, filepath.Join(directory.Source.Path, "a.dump"), []byte("data"), time.Now())
	for name, b := range map[string]*config.Backup{
		"restic": backuptest.Scripted(t, config.BackupSource{Program: "restic", Repository: "/r"}, "sleep 600"),
		"borg":   backuptest.Scripted(t, config.BackupSource{Program: "borg", Repository: "/r"}, "sleep 600"),
		"kopia":  backuptest.Scripted(t, config.BackupSource{Program: "kopia"}, "sleep 600"),
		"wal-g":  backuptest.Scripted(t, config.BackupSource{Program: "wal-g"}, "sleep 600"),
		"barman": backuptest.Scripted(t, config.BackupSource{Program: "barman", Scope: "main"}, "sleep 600"),
		"pgbackrest": backuptest.Scripted(t, config.BackupSource{Program: "pgbackrest", Scope: "main"},
			`case "$*" in *verify*) sleep 600;; *) echo '`+fmt.Sprintf(healthy, "")+`';; esac`),
		"directory": directory,
	} {
		t.Run(name, func(t *testing.T) {
			b.Verify.Timeout = config.Duration(2 * time.Second)
			if name == "directory" {
				b.Verify.Timeout = 1
			}
			r, err := Backup(t.Context(), b, t.Logf)
			if err == nil || !strings.Contains(err.Error(), "raise verify.timeout") {
				t.Fatalf("%+v, %v", r, err)
			}
			if left, _ := os.ReadDir(b.Results); len(left) > 0 {
				t.Errorf("a verdict without a look: %v", left)
			}
		})
	}
	v := &verification{say: t.Logf}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	v.limit = ended
	v.Check("page checksums", errors.New("invalid pages"))
	v.Check("checksums", context.DeadlineExceeded)
	if v.Failed() != 1 || len(v.Checks) != 1 || v.broken == nil {
		t.Errorf("%+v, %v", v.Checks, v.broken)
	}

	// What was found before the time was up is a finding.
	b := backuptest.Scripted(t, config.BackupSource{Program: "pgbackrest", Scope: "main"},
		`case "$*" in *--repo=2*) sleep 600;; *verify*) echo 'ERROR: invalid checksum';; *) echo '`+
			strings.Replace(damaged, `"repo":[`, `"repo":[{"key":2,"status":{"code":0,"message":"ok"}},`, 1)+`';; esac`)
	b.Verify.Timeout = config.Duration(20 * time.Second)
	if testing.Short() {
		return
	}
	r, err := Backup(t.Context(), b, t.Logf)
	if err != nil || r.Success || r.Failed() == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, c := range r.Checks {
		if strings.Contains(c.Name, "repository 2") {
			t.Errorf("a verdict without a look: %+v", c)
		}
	}
}

// A backup of which only the listing is here, or whose program cannot verify, is not verified.
func TestNothingToVerifyWith(t *testing.T) {
	for text, s := range map[string]config.BackupSource{
		"verify it where its program runs": {Program: "restic", File: "/listing.json"},
		"has nothing to verify with":       {Program: "velero"},
	} {
		b := backuptest.Policy(t, s)
		if r, err := Backup(t.Context(), b, t.Logf); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v, %v, want %s", r, err, text)
		}
	}
}
